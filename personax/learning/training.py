"""The training loop: mini-batches, schedule, clipping, early stopping, checkpoints; resumes bit for bit.

`minimise` trains one model, or several side by side, on any weighted sum of named terms. So our model and the
methods that it is compared with (personax/baselines) are trained in the same way.
"""

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from personax.learning.optimisation import OptimisationConfig, warm_up_then_cosine
from personax.learning.saved_progress import check_progress
from personax.learning.tensor_files import save_tensors
from personax.runs.errors import InputError, TrainingDiverged
from personax.runs.progress import progress
from personax.runs.run_records import read_tensors

log = logging.getLogger(__name__)

ANOTHER_CHECKPOINT = "remove the file, or give another path"

History = list[dict[str, Any]]
"""One row per epoch (of identification: per generation)."""


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds the state of a training after each epoch.

    Attributes:
        path: the file.
        belongs_to: what identifies the training, such as "data" -> a checksum. A file with other values is
            refused.
    """

    path: Path
    belongs_to: Mapping[str, str] = field(default_factory=dict)

    def beside(self, training: str, start: str) -> "Checkpoint":
        """A file beside this one, for another training of the same model; `start` identifies its weights."""
        stem = f"{self.path.stem}-{training.replace(' ', '-')}"
        belongs_to = {**self.belongs_to, "training": training, "start": start}
        return Checkpoint(self.path.with_name(stem + self.path.suffix), belongs_to)

    def save(self, state: Mapping[str, Any]) -> None:
        """Write the state of the training."""
        save_tensors(self.path, {"belongs_to": dict(self.belongs_to), "state": dict(state)})

    def load(self, device: torch.device) -> Mapping[str, Any] | None:
        """The state of the training, or None if there is no file.

        Raises InputError for a file that cannot be read, or that belongs to another training.
        """
        if not self.path.exists():
            return None
        saved = read_tensors(self.path, device, ANOTHER_CHECKPOINT)
        belongs_to, state = saved.get("belongs_to"), saved.get("state")
        if not isinstance(belongs_to, Mapping) or not isinstance(state, Mapping):
            raise InputError(f"{self.path}: no checkpoint that this version can read; {ANOTHER_CHECKPOINT}")
        other = [name for name, value in self.belongs_to.items() if belongs_to.get(name) != value]
        if other:
            raise InputError(
                f"{self.path}: a checkpoint of other {' and other '.join(other)}; {ANOTHER_CHECKPOINT}"
            )
        found: Mapping[str, Any] = state
        return found


def remove_checkpoint(path: Path) -> None:
    """Remove the file of a checkpoint, if it exists, and those that `Checkpoint.beside` made."""
    for file in (path, *path.parent.glob(f"{path.stem}-*-training{path.suffix}")):
        file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Weights:
    """Weights of an objective's terms.

    Attributes:
        full: term -> its full weight, after the warm-up.
        warm_up: term -> share of the epochs over which its weight rises linearly from 0.
        epochs: number of epochs of the whole training.
    """

    full: Mapping[str, float]
    warm_up: Mapping[str, float]
    epochs: int

    def __post_init__(self) -> None:
        """Raise InputError for a share that is not in [0, 1]: the full weights would not be reached."""
        for name, share in self.warm_up.items():
            if not 0 <= share <= 1:
                raise InputError(f"warm-up of {name} {share}: a share of the epochs, between 0 and 1")

    def at(self, epoch: int) -> dict[str, float]:
        """The weights of an epoch, counted from 0."""
        current = dict(self.full)
        for name, share in self.warm_up.items():
            if share * self.epochs > 1:
                current[name] = self.full[name] * min(1.0, (epoch + 1) / (share * self.epochs))
        return current

    def are_full(self, epoch: int) -> bool:
        """True once all weights have reached their full values."""
        return self.at(epoch) == dict(self.full)


@dataclass(frozen=True)
class Plan:
    """What a training minimises, and its name; its `OptimisationConfig` holds the other options."""

    weights: Weights
    """Weights of the objective's terms."""
    phase: str = "training"
    """Name of this training in the history and beside the progress bar."""
    rate_option: str = "learning_rate"
    """What the user calls the learning rate, for the message when training diverges."""
    schedule: Callable[[int, int], float] = field(default=warm_up_then_cosine)
    """(step, number of steps) -> learning rate as a share of its peak."""
    matrices: Sequence[nn.Parameter] = ()
    """Those parameters of the trainee that are matrices between layers and are changed by Muon (Jordan et
    al. 2024), which makes steps of equal size in all directions; AdamW changes the others."""
    matrix_rate: float = 0.02
    """Learning rate of Muon, at the peak."""


@runtime_checkable
class People(Protocol):
    """Rows of people: of one data set, or of several data sets with equally many rows."""

    def __len__(self) -> int: ...


Rows = TypeVar("Rows", bound=People)
SCHEDULES = {"optimiser": "schedule", "matrix_optimiser": "matrix_schedule"}  # names in checkpoints


class Trainee(ABC, Generic[Rows]):
    """What `minimise` trains: S models side by side, each on its own data; S is 1 for a single model.

    Attributes:
        models: S.
        parameters: what the optimiser changes.
    """

    models: int
    parameters: Sequence[Float[Tensor, "..."]]

    @abstractmethod
    def terms(
        self, people: Rows, rows: Int[Tensor, "S k"], generators: Sequence[torch.Generator]
    ) -> dict[str, Float[Tensor, " S"]]:
        """Unweighted terms of the objective, (S,) each, on rows (S, k) of the people; always in one order."""

    @abstractmethod
    def clip(self, limit: float) -> Float[Tensor, " S"]:
        """Shorten each model's gradient to a norm of at most `limit`; return the norms before that, (S,)."""

    @abstractmethod
    def train(self, mode: bool) -> None:
        """Set the networks to training, or to evaluation."""

    @abstractmethod
    def keep(self, better: Sequence[bool]) -> None:
        """Remember the present state of those models that have become better."""

    @abstractmethod
    def recall(self) -> None:
        """Return every model to its remembered state."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Present and remembered state, tensors in plain containers, for a checkpoint."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""


@runtime_checkable
class Selectable(People, Protocol):
    """Rows of one data set that can be picked by number."""

    def rows(self, index: Int[Tensor, " rows"]) -> Self:
        """The given rows."""
        ...


Picked = TypeVar("Picked", bound=Selectable)
TermsOf = Callable[[Picked, torch.Generator], Mapping[str, Float[Tensor, ""]]]
"""Batch, generator -> the unweighted terms of an objective, scalars, always in the same order."""


class SingleModel(Trainee[Picked]):
    """One module and its objective."""

    def __init__(self, module: nn.Module, terms_of: TermsOf[Picked]) -> None:
        self.models = 1
        self.parameters = list(module.parameters())
        self._module, self._terms_of = module, terms_of
        self._best = deepcopy(module.state_dict())

    def terms(
        self, people: Picked, rows: Int[Tensor, "1 k"], generators: Sequence[torch.Generator]
    ) -> dict[str, Float[Tensor, " 1"]]:
        """The objective's terms on rows (1, k), (1,) each."""
        terms = self._terms_of(people.rows(rows[0]), generators[0])
        return {name: term.reshape(1) for name, term in terms.items()}

    def clip(self, limit: float) -> Float[Tensor, " 1"]:
        """Shorten the gradient; return its norm before that, (1,)."""
        return nn.utils.clip_grad_norm_(self.parameters, limit).reshape(1)

    def train(self, mode: bool) -> None:
        """Set the module to training, or to evaluation."""
        self._module.train(mode)

    def keep(self, better: Sequence[bool]) -> None:
        """Remember the module's state if it has become better."""
        if better[0]:
            self._best = deepcopy(self._module.state_dict())

    def recall(self) -> None:
        """Return to the remembered state."""
        self._module.load_state_dict(self._best)

    def state(self) -> dict[str, Any]:
        """The module's present and remembered state."""
        return {"now": self._module.state_dict(), "best": self._best}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        for part in ("best", "now"):  # both are checked
            self._module.load_state_dict(state[part])
        self._best = state["best"]


def minimise(
    trainee: Trainee[Rows],
    train: Rows,
    validation: Rows,
    config: OptimisationConfig,
    plan: Plan,
    *,
    seeds: Sequence[int],
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[int, History], None] | None = None,
) -> list[History]:
    """Minimise the weighted terms on `train`; leave every model at its epoch that is best on `validation`.

    Only epochs with full weights count, both for the best epoch and for patience. If there are several
    models, a model whose patience has run out stays in the batch, but its history and its best epoch do not
    change any more.

    Args:
        trainee: the model or models.
        train: rows to learn from.
        validation: rows that decide when to stop and which epoch is the best.
        config: epochs, batches, learning rate and so on.
        plan: the weights of the terms, and names.
        seeds: one for each model. The order of its batches and the random numbers of its terms depend on it.
        checkpoint: holds the state after each epoch. If its file exists, training goes on from there and
            ends with the same bits as without the interruption (same machine, same thread count).
        on_epoch: called with a model's number and its history after each of its epochs.

    Returns:
        One history per model. A row holds phase, epoch, learning rate, the weights that have a warm-up, and
        the objective and its terms on training and validation rows.

    Raises TrainingDiverged when a loss is not finite, InputError for a checkpoint of another training.
    """
    loop = _Loop(trainee, config, plan, len(train), seeds)
    if checkpoint is not None:
        _continue_from(checkpoint, loop)
    name = plan.phase if trainee.models == 1 else f"{plan.phase} x {trainee.models}"
    with progress(config.passes, name, "epoch", initial=min(loop.epoch, config.passes)) as bar:
        while loop.epoch < config.passes and (running := loop.running()):
            means = loop.train_epoch(train, running)
            held_out = validation_terms(trainee, validation, config.batch_size, seeds)
            loop.record(running, means, held_out)
            if checkpoint is not None:
                checkpoint.save(loop.state())
            if on_epoch is not None:
                for model in running:
                    on_epoch(model, loop.histories[model])
            bar.update()
            bar.set_postfix_str(", ".join(f"{loop.histories[k][-1]['validation']:.4g}" for k in running))
    loop.refuse_hopeless()
    trainee.recall()
    return loop.histories


def _continue_from(checkpoint: Checkpoint, loop: "_Loop[Any]") -> None:
    """Let the loop go on from the checkpoint, if there is one. Raises InputError if it does not fit."""
    state = checkpoint.load(loop.device)
    if state is None:
        return
    try:
        loop.restore(state)
    except (LookupError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{checkpoint.path}: a damaged checkpoint, or of other networks; {ANOTHER_CHECKPOINT}"
        ) from error
    log.info("continuing after epoch %d", loop.epoch)


def _optimisers_of(
    trainee: Trainee[Any], config: OptimisationConfig, plan: Plan
) -> dict[str, torch.optim.Optimizer]:
    """Name in checkpoints -> optimiser: AdamW, and Muon if the plan has matrices for it."""
    apart = {id(matrix) for matrix in plan.matrices}
    others = [each for each in trainee.parameters if id(each) not in apart]
    adam = torch.optim.AdamW(others, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    if not plan.matrices:
        return {"optimiser": adam}
    muon = torch.optim.Muon(list(plan.matrices), lr=plan.matrix_rate, weight_decay=config.weight_decay)
    return {"optimiser": adam, "matrix_optimiser": muon}


class _Loop(Generic[Rows]):
    """The state of one call of `minimise`."""

    def __init__(
        self,
        trainee: Trainee[Rows],
        config: OptimisationConfig,
        plan: Plan,
        rows: int,
        seeds: Sequence[int],
    ) -> None:
        self.trainee, self.config, self.plan = trainee, config, plan
        self.device = trainee.parameters[0].device
        self.optimisers = _optimisers_of(trainee, config, plan)
        self.batches = config.batches(rows)
        steps = config.passes * self.batches
        self.rates = {
            SCHEDULES[name]: torch.optim.lr_scheduler.LambdaLR(each, lambda step: plan.schedule(step, steps))
            for name, each in self.optimisers.items()
        }
        self.generators = [torch.Generator(self.device).manual_seed(seed) for seed in seeds]
        self.histories: list[History] = [[] for _ in seeds]
        self.best = [math.inf] * trainee.models

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return max(map(len, self.histories))

    def running(self) -> list[int]:
        """The models whose patience has not run out."""
        weights, patience = self.plan.weights, self.config.patience
        return [k for k, rows in enumerate(self.histories) if not out_of_patience(rows, weights, patience)]

    def train_epoch(self, train: Rows, running: Sequence[int]) -> dict[str, Float[Tensor, " S"]]:
        """Make one pass over the training rows; return the mean of each term, (S,)."""
        self.trainee.train(True)
        current = self.plan.weights.at(self.epoch)
        sums: dict[str, Tensor] = {}
        finite = torch.ones(self.trainee.models, dtype=torch.bool, device=self.device)
        orders = [torch.randperm(len(train), generator=g, device=self.device) for g in self.generators]
        order = torch.stack(orders)
        for step in range(self.batches):
            rows = order[:, step * self.config.batch_size : (step + 1) * self.config.batch_size]
            terms = self.trainee.terms(train, rows, self.generators)
            for optimiser in self.optimisers.values():
                optimiser.zero_grad(set_to_none=True)
            weighted_sum(terms, current).sum().backward()
            finite &= torch.isfinite(self.trainee.clip(self.config.clip))
            # reading a number makes the processor wait for the GPU, so on a GPU it is done once an epoch
            if self.device.type == "cpu" or step == self.batches - 1:
                self._refuse_divergence(finite.tolist(), running, step, terms)
            for optimiser in self.optimisers.values():
                optimiser.step()
            for rate in self.rates.values():
                rate.step()
            for name, term in terms.items():
                sums[name] = sums[name] + term.detach() if name in sums else term.detach()
        return {name: (value / self.batches).cpu() for name, value in sums.items()}

    def record(
        self,
        running: Sequence[int],
        means: Mapping[str, Float[Tensor, " S"]],
        held_out: Mapping[str, Float[Tensor, " S"]],
    ) -> None:
        """Add an epoch to the histories; the trainee remembers the models that have become better."""
        epoch, rate = self.epoch, float(self.rates["schedule"].get_last_lr()[0])
        better = [False] * self.trainee.models
        for k in running:
            terms = [{name: value[k] for name, value in part.items()} for part in (means, held_out)]
            row = history_row(self.plan, epoch, rate, *terms)
            self.histories[k].append(row)
            better[k] = row["validation"] < self.best[k] and self.plan.weights.are_full(epoch)
            self.best[k] = row["validation"] if better[k] else self.best[k]
            log.debug("epoch %d: train %.4g, validation %.4g", epoch + 1, row["train"], row["validation"])
        self.trainee.keep(better)

    def state(self) -> dict[str, Any]:
        """Everything that is needed to continue the training."""
        return {
            "trainee": self.trainee.state(),
            **{name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            **{name: rate.state_dict() for name, rate in self.rates.items()},
            "generators": [generator.get_state() for generator in self.generators],
            "histories": self.histories,
            "best": self.best,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned. Raises many kinds of errors for anything else."""
        schedule = self.rates["schedule"].state_dict()
        self.trainee.restore(state["trainee"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state[name])
        check_progress(state, self.optimisers["optimiser"], schedule, self.trainee.models)
        for matrix in self.plan.matrices:
            kept = self.optimisers["matrix_optimiser"].state.get(matrix)
            if kept and kept["momentum_buffer"].shape != matrix.shape:
                raise ValueError("the momentum of a matrix has another shape")
        for name, rate in self.rates.items():
            rate.load_state_dict(state[name])
        for generator, saved in zip(self.generators, state["generators"], strict=True):
            generator.set_state(saved.cpu())
        self.histories, self.best = state["histories"], state["best"]

    def refuse_hopeless(self) -> None:
        """Raise TrainingDiverged if some model has no epoch with a finite loss on validation rows."""
        lost = [k + 1 for k, best in enumerate(self.best) if math.isinf(best)]
        if lost:
            raise TrainingDiverged(
                f"{self.plan.phase}: the loss on validation rows is never finite{self._which(lost)}; "
                "check the data's scale"
            )

    def _refuse_divergence(
        self,
        finite: Sequence[bool],
        running: Sequence[int],
        step: int,
        terms: Mapping[str, Float[Tensor, " S"]],
    ) -> None:
        lost = [k + 1 for k in running if not finite[k]]
        if lost:
            values = ", ".join(f"{name} {value[lost[0] - 1].item():.3g}" for name, value in terms.items())
            raise TrainingDiverged(
                f"the loss or its gradient is not finite in epoch {self.epoch + 1}, step {step + 1}"
                f"{self._which(lost)} ({values}); lower {self.plan.rate_option} or check the data's scale"
            )

    def _which(self, models: Sequence[int]) -> str:
        """Words that say which models are meant, if there are several."""
        return "" if self.trainee.models == 1 else f", in models {list(models)} of {self.trainee.models}"


def weighted_sum(
    terms: Mapping[str, Float[Tensor, "*models"]], weights: Mapping[str, float]
) -> Float[Tensor, "*models"]:
    """sum_t weights[t] terms[t], in the terms' order."""
    parts = [weights[name] * term for name, term in terms.items()]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def history_row(
    plan: Plan,
    epoch: int,
    learning_rate: float,
    means: Mapping[str, Float[Tensor, ""]],
    held_out: Mapping[str, Float[Tensor, ""]],
) -> dict[str, Any]:
    """The row of an epoch (counted from 0) in the history, from the terms on training and held-out rows."""
    current = plan.weights.at(epoch)
    return {
        "phase": plan.phase,
        "epoch": epoch + 1,
        "learning_rate": learning_rate,
        **{f"weight_{name}": current[name] for name in plan.weights.warm_up},
        "train": weighted_sum(means, plan.weights.full).item(),
        "validation": weighted_sum(held_out, plan.weights.full).item(),
        **{f"train_{name}": value.item() for name, value in means.items()},
        **{f"validation_{name}": value.item() for name, value in held_out.items()},
    }


def out_of_patience(history: Sequence[Mapping[str, Any]], weights: Weights, patience: int) -> bool:
    """True if none of the last `patience` epochs with full weights is as good as the best one before."""
    losses = [row["validation"] for row in history if weights.are_full(row["epoch"] - 1)]
    recent, before = losses[-patience:], losses[:-patience]
    return bool(before) and min(recent) > min(before)


def clip_each(
    parameters: Sequence[Float[Tensor, "..."]], models: int, limit: float
) -> Float[Tensor, " models"]:
    """Shorten each model's gradient to a norm of at most `limit`; return the norms before that, (models,).

    The models are `models` equal parts of the first axis of every parameter. nn.utils.clip_grad_norm_ does
    the same for one model.
    """
    gradients = [p.grad.unflatten(0, (models, -1)) for p in parameters if p.grad is not None]
    norms = [torch.linalg.vector_norm(g, dim=tuple(range(1, g.ndim))) for g in gradients]
    norm: Tensor = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    share = (limit / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(share.view(models, *[1] * (gradient.ndim - 1)))
    return norm


@torch.no_grad()
def validation_terms(
    trainee: Trainee[Rows], validation: Rows, batch_size: int, seeds: Sequence[int]
) -> dict[str, Float[Tensor, " S"]]:
    """Mean of each term (S,) over batches of the validation rows, with the same random draws in every epoch.

    Batches are as large as in training, because contrastive terms depend on their size. Rows that do not fill
    a batch are left out, unless there is no full batch.
    """
    trainee.train(False)
    device = trainee.parameters[0].device
    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
    everybody = torch.arange(len(validation), device=device).expand(trainee.models, -1)
    chunks = [chunk for chunk in everybody.split(batch_size, 1) if chunk.shape[1] == batch_size]
    parts = [trainee.terms(validation, chunk, generators) for chunk in chunks or [everybody]]
    return {name: torch.stack([part[name] for part in parts]).mean(0).cpu() for name in parts[0]}
