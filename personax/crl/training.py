"""Phase 1: mini-batches, schedule, clipping, early stopping, checkpoints; resumes bit for bit.

`minimise` trains any module on any weighted sum of named terms, so that the methods compared with
(personax/baselines) are trained as ours is; `train_representation` is ours.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import torch
from torch import Tensor, nn
from tqdm import tqdm

from personax.crl.config import OptimisationConfig, Phase1Config
from personax.crl.model import Batch, MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import Draws, representation_terms
from personax.runs.errors import InputError
from personax.runs.files import atomic_path

log = logging.getLogger(__name__)

REPRESENTATION, RATE_OPTION = (
    "representation",
    "model.phase1.learning_rate",
)  # phase 1 as the user reads of it


class TrainingDiverged(InputError):
    """The loss is no longer finite; the message says where and what to try."""


class Rows(Protocol):
    """What `minimise` needs of a set of people."""

    def __len__(self) -> int: ...

    def rows(self, index: Tensor | slice) -> Self:
        """The given rows."""
        ...

    def in_chunks(self, size: int) -> Iterator[Self]:
        """Consecutive parts of at most `size` rows."""
        ...


People = TypeVar("People", bound=Rows)
TermsOf = Callable[[People, torch.Generator], Mapping[str, Tensor]]
"""Batch, generator -> the unweighted terms of an objective, scalars, always in the same order."""


def warm_up_then_cosine(step: int, steps: int) -> float:
    """Learning rate as a share of its peak: linear over the first tenth, then a cosine to zero."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


@dataclass(frozen=True)
class Weights:
    """Weights of an objective's terms.

    Attributes:
        full: of every term.
        warm_up: term -> share of the epochs over which its weight rises linearly from 0.
        epochs: of the whole training.
    """

    full: Mapping[str, float]
    warm_up: Mapping[str, float]
    epochs: int

    def __post_init__(self) -> None:
        """Raise InputError for a rise that does not end within the epochs: none of them would be kept."""
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
        """True once no weight rises any more."""
        return self.at(epoch) == dict(self.full)


def representation_weights(config: Phase1Config) -> Weights:
    """Eq. (1)'s."""
    return Weights(
        {
            "reconstruction": 1.0,
            "kl": config.beta,
            "align": config.align,
            "cross": config.cross,
            "shared": config.shared,
            "edges": config.sparsity,
        },
        {"kl": config.kl_warm_up},
        config.epochs,
    )


def train_representation(
    vae: MultiViewVAE,
    prior: CausalPrior,
    train: Batch,
    validation: Batch,
    config: Phase1Config,
    *,
    seed: int,
    checkpoint: Path | None = None,
    on_epoch: Callable[[list[dict[str, Any]]], None] | None = None,
) -> list[dict[str, Any]]:
    """Minimise Eq. (1) on `train`; leave `vae` and `prior` at the epoch with the best validation objective.

    Arguments, result and errors are those of `minimise`; `seed` also draws latents, noise and edges.
    """

    def terms(batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        return representation_terms(vae, prior, batch, Draws.of(vae, prior, len(batch), generator))._asdict()

    weights = representation_weights(config)
    vae.accelerate(mixed_precision=config.mixed_precision, compiled=config.compile)
    history = minimise(
        nn.ModuleList([vae, prior]),
        terms,
        train,
        validation,
        config,
        weights=weights.full,
        warm_up=weights.warm_up,
        phase=REPRESENTATION,
        rate_option=RATE_OPTION,
        seed=seed,
        checkpoint=checkpoint,
        on_epoch=on_epoch,
    )
    vae.accelerate(mixed_precision=False, compiled=False)
    return history


def minimise(
    module: nn.Module,
    terms_of: TermsOf[People],
    train: People,
    validation: People,
    config: OptimisationConfig,
    *,
    weights: Mapping[str, float],
    warm_up: Mapping[str, float] | None = None,
    schedule: Callable[[int, int], float] = warm_up_then_cosine,
    phase: str = "training",
    rate_option: str = "learning_rate",
    seed: int,
    checkpoint: Path | None = None,
    on_epoch: Callable[[list[dict[str, Any]]], None] | None = None,
) -> list[dict[str, Any]]:
    """Minimise sum_t weights[t] terms[t] on `train`; leave `module` at the epoch best on `validation`.

    Args:
        weights: of every term.
        warm_up: term -> share of the epochs over which its weight rises linearly from 0; the best epoch is
            sought, and patience counted, only once all weights are full.
        schedule: step, all steps -> learning rate as a share of `config.learning_rate`.
        phase: name of this training in the history and beside the progress bar.
        rate_option: what the user calls the learning rate, for the message when training diverges.
        seed: seed of batch order and of whatever the terms draw.
        checkpoint: file that holds the state after each epoch; if it exists, training goes on from there,
            with the same bits as without the interruption (same machine, same thread count).
        on_epoch: called with the history after each epoch.

    Returns:
        One dict per epoch: epoch, learning rate, the weights that rise, objective and terms on training and
        validation rows. Raises TrainingDiverged when a loss is not finite.
    """
    parameters = list(module.parameters())
    device = parameters[0].device
    optimiser = torch.optim.AdamW(
        parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    batches = max(1, len(train) // config.batch_size)
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: schedule(step, config.epochs * batches))
    generator = torch.Generator(device).manual_seed(seed)
    history: list[dict[str, Any]] = []
    best, best_state = math.inf, deepcopy(module.state_dict())
    planned = Weights(weights, warm_up or {}, config.epochs)

    if checkpoint is not None and checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        module.load_state_dict(saved["modules"])
        optimiser.load_state_dict(saved["optimiser"])
        rate.load_state_dict(saved["schedule"])
        generator.set_state(saved["generator"].cpu())
        history, best, best_state = saved["history"], saved["best"], saved["best_state"]
        log.info("continuing after epoch %d", len(history))

    bar = tqdm(total=config.epochs, initial=len(history), desc=phase, unit="epoch", disable=None)
    while len(history) < config.epochs:
        if out_of_patience(history, planned, config.patience):
            break
        module.train()
        current = planned.at(len(history))
        sums: dict[str, Tensor] = {}
        order = torch.randperm(len(train), generator=generator, device=device)
        for step in range(batches):
            rows = order[step * config.batch_size : (step + 1) * config.batch_size]
            terms = terms_of(train.rows(rows), generator)
            optimiser.zero_grad(set_to_none=True)
            weighted_sum(terms, current).backward()
            norm = nn.utils.clip_grad_norm_(parameters, config.clip)
            if not torch.isfinite(norm):
                raise TrainingDiverged(
                    f"the loss or its gradient is not finite in epoch {len(history) + 1}, step {step + 1} "
                    f"({_describe(terms)}); lower {rate_option} or check the data's scale"
                )
            optimiser.step()
            rate.step()
            for name, term in terms.items():
                sums[name] = sums[name] + term.detach() if name in sums else term.detach()
        means = {name: value / batches for name, value in sums.items()}
        held_out = validation_terms(module, terms_of, validation, config.batch_size, seed)
        epoch, last_rate = len(history), float(rate.get_last_lr()[0])
        history.append(history_row(phase, epoch, last_rate, planned, means, held_out))
        objective = history[-1]["validation"]
        log.debug("epoch %d: train %.4g, validation %.4g", len(history), history[-1]["train"], objective)
        if objective < best and planned.are_full(epoch):
            best, best_state = objective, deepcopy(module.state_dict())
        if checkpoint is not None:
            with atomic_path(checkpoint) as temporary:
                torch.save(
                    {
                        "modules": module.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "schedule": rate.state_dict(),
                        "generator": generator.get_state(),
                        "history": history,
                        "best": best,
                        "best_state": best_state,
                    },
                    temporary,
                )
        if on_epoch is not None:
            on_epoch(history)
        bar.update()
        bar.set_postfix(validation=f"{objective:.1f}")
    bar.close()
    if math.isinf(best):
        raise TrainingDiverged(
            f"{phase}: the loss on validation rows is never finite; check the data's scale"
        )
    module.load_state_dict(best_state)
    return history


def weighted_sum(terms: Mapping[str, Tensor], weights: Mapping[str, float]) -> Tensor:
    """sum_t weights[t] terms[t], in the terms' order."""
    parts = [weights[name] * term for name, term in terms.items()]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def history_row(
    phase: str,
    epoch: int,
    learning_rate: float,
    weights: Weights,
    means: Mapping[str, Tensor],
    held_out: Mapping[str, Tensor],
) -> dict[str, Any]:
    """What an epoch (counted from 0) leaves in the history: terms, scalars, on training and held-out rows."""
    current = weights.at(epoch)
    return {
        "phase": phase,
        "epoch": epoch + 1,
        "learning_rate": learning_rate,
        **{f"weight_{name}": current[name] for name in weights.warm_up},
        "train": weighted_sum(means, weights.full).item(),
        "validation": weighted_sum(held_out, weights.full).item(),
        **{f"train_{name}": value.item() for name, value in means.items()},
        **{f"validation_{name}": value.item() for name, value in held_out.items()},
    }


def out_of_patience(history: Sequence[Mapping[str, Any]], weights: Weights, patience: int) -> bool:
    """True once `patience` epochs under full weights have brought no better objective than those before."""
    losses = [row["validation"] for row in history if weights.are_full(row["epoch"] - 1)]
    recent, before = losses[-patience:], losses[:-patience]
    return bool(before) and min(recent) > min(before)


def clip_each(parameters: Sequence[Tensor], models: int, limit: float) -> Tensor:
    """Shorten the gradients of each of `models` equal parts of the first axis to a norm of at most `limit`.

    Returns the norms before, (models,). nn.utils.clip_grad_norm_ is the case of one model.
    """
    gradients = [p.grad.unflatten(0, (models, -1)) for p in parameters if p.grad is not None]
    norms = [torch.linalg.vector_norm(g, dim=tuple(range(1, g.ndim))) for g in gradients]
    norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)
    share = (limit / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(share.view(models, *[1] * (gradient.ndim - 1)))
    return norm


def _describe(terms: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name} {value.item():.3g}" for name, value in terms.items())


@torch.no_grad()
def validation_terms(
    module: nn.Module, terms_of: TermsOf[People], validation: People, batch_size: int, seed: int
) -> dict[str, Tensor]:
    """Mean terms over batches of `batch_size` (contrastive terms depend on it), the same draws every time."""
    module.eval()
    generator = torch.Generator(next(module.parameters()).device).manual_seed(seed)
    chunks = [chunk for chunk in validation.in_chunks(batch_size) if len(chunk) == batch_size]
    parts = [terms_of(chunk, generator) for chunk in chunks or [validation]]
    return {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
