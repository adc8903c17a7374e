"""Phase 1 of several models in one pass: equal networks, each with its own data, weights and random numbers.

One model of this size leaves a GPU idle most of the time. Here the parameters of model k are row k of one
matrix, and vmap runs the loss of all models at once; one matrix also makes optimiser, clipping and the best
epoch's weights a single operation each. Every model draws what it would draw alone, so it follows its own
training (training.py) up to rounding. Nothing waits for the device within an epoch.
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from tqdm import tqdm

from personax.crl.config import Phase1Config
from personax.crl.model import Batch, MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import Draws, representation_terms
from personax.crl.training import (
    RATE_OPTION,
    REPRESENTATION,
    TrainingDiverged,
    clip_each,
    history_row,
    out_of_patience,
    representation_weights,
    warm_up_then_cosine,
    weighted_sum,
)
from personax.runs.errors import InputError

log = logging.getLogger(__name__)


class Stacked:
    """People of several data sets with equal shapes: every tensor of a Batch, (S, n, ...)."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        """Raises InputError when the batches differ in modalities, measurements, shapes or rows."""
        first = _shapes(batches[0])
        for number, batch in enumerate(batches[1:], start=2):
            if _shapes(batch) != first:
                raise InputError(
                    "models can be trained together only on data of equal shapes; the first data set has "
                    f"{first}, number {number} has {_shapes(batch)}"
                )
        self.sets, self.length = len(batches), len(batches[0])
        self.complete = all(batch.complete for batch in batches)
        self._x = {
            m: [torch.stack(parts) for parts in zip(*(batch.x[m] for batch in batches), strict=True)]
            for m in batches[0].x
        }
        self._observed = {m: torch.stack([batch.observed[m] for batch in batches]) for m in self._x}

    def rows(self, index: Tensor) -> tuple[dict[str, list[Tensor]], dict[str, Tensor]]:
        """x and observed of the given rows (S, k) of each data set: (S, k, ...)."""
        place = torch.arange(self.sets, device=index.device)[:, None], index
        x = {m: [tensor[place] for tensor in tensors] for m, tensors in self._x.items()}
        return x, {m: mask[place] for m, mask in self._observed.items()}


def _shapes(batch: Batch) -> dict[str, list[tuple[int, ...]]]:
    return {m: [tuple(tensor.shape) for tensor in tensors] for m, tensors in batch.x.items()}


class _Loss(nn.Module):
    """Eq. (1)'s terms as a module's forward, which is what functional_call can give other parameters."""

    def __init__(self, vae: MultiViewVAE, prior: CausalPrior, complete: bool) -> None:
        super().__init__()
        self.vae, self.prior, self.complete = vae, prior, complete

    def forward(
        self, x: Mapping[str, Sequence[Tensor]], observed: Mapping[str, Tensor], draws: Draws
    ) -> dict[str, Tensor]:
        batch = Batch(x, observed, self.complete)
        return representation_terms(self.vae, self.prior, batch, draws)._asdict()


class Ensemble:
    """Several pairs of equal networks whose parameters are the rows of `values` (S, P)."""

    def __init__(self, pairs: Sequence[tuple[MultiViewVAE, CausalPrior]], *, mixed_precision: bool) -> None:
        self._modules = [nn.ModuleDict({"vae": vae, "prior": prior}) for vae, prior in pairs]
        rows = [nn.utils.parameters_to_vector(module.parameters()) for module in self._modules]
        self.values = torch.stack(rows).detach().requires_grad_()
        self._vae, self._prior = deepcopy(pairs[0])
        self._vae.accelerate(mixed_precision=mixed_precision, compiled=False)
        named = dict(self._modules[0].named_parameters())
        self._names, self._shapes = list(named), [parameter.shape for parameter in named.values()]
        self._sizes = [parameter.numel() for parameter in named.values()]

    def terms(
        self, people: Stacked, index: Tensor, generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        """Unweighted terms of Eq. (1) (S,) of each model on rows (S, k) of its own data set."""
        loss = _Loss(self._vae, self._prior, people.complete)
        rows = index.shape[1]
        draws = Draws.stacked([Draws.of(self._vae, self._prior, rows, g) for g in generators])

        def one(
            parameters: dict[str, Tensor], x: dict[str, list[Tensor]], observed: dict[str, Tensor], its: Draws
        ) -> dict[str, Tensor]:
            terms: dict[str, Tensor] = functional_call(loss, parameters, (x, observed, its))
            return terms

        # a split's gradient is one concatenation, where slices would each cost a matrix of zeros
        parts = zip(self._names, self.values.split(self._sizes, 1), self._shapes, strict=True)
        parameters = {name: part.view(len(part), *shape) for name, part, shape in parts}
        stacked: dict[str, Tensor] = vmap(one)(parameters, *people.rows(index), draws)
        return stacked

    @torch.no_grad()
    def write_back(self, values: Tensor) -> None:
        """Give every pair of networks its row of `values` (S, P)."""
        for module, row in zip(self._modules, values, strict=True):
            for parameter, part in zip(module.parameters(), row.split(self._sizes), strict=True):
                parameter.copy_(part.view_as(parameter))


def train_together(
    pairs: Sequence[tuple[MultiViewVAE, CausalPrior]],
    trains: Sequence[Batch],
    validations: Sequence[Batch],
    config: Phase1Config,
    *,
    seeds: Sequence[int],
    on_epoch: Callable[[int, list[dict[str, Any]]], None] | None = None,
) -> list[list[dict[str, Any]]]:
    """`train_representation` of several models, each on its own data; their histories.

    Leaves every pair at its own best epoch. One whose patience has run out stays in the batch but neither
    its history nor its best epoch change any more. There are no checkpoints.

    Args:
        pairs: autoencoder and draft of the prior, of equal shapes.
        seeds: of batch order and draws, one a model.
        on_epoch: called with the model's number and its history after each of its epochs.

    Raises InputError for data of unequal shapes or `compile`, TrainingDiverged when a loss is not finite.
    """
    if config.compile:
        raise InputError("model.phase1.compile: not for models that are trained together; leave one out")
    train, validation = Stacked(trains), Stacked(validations)
    ensemble = Ensemble(pairs, mixed_precision=config.mixed_precision)
    values, weights = ensemble.values, representation_weights(config)
    optimiser = torch.optim.AdamW(
        [values], lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    batches = max(1, train.length // config.batch_size)
    steps = config.epochs * batches
    rate = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warm_up_then_cosine(step, steps))
    generators = [torch.Generator(values.device).manual_seed(seed) for seed in seeds]
    histories: list[list[dict[str, Any]]] = [[] for _ in pairs]
    best, best_values = [math.inf] * len(pairs), values.detach().clone()

    bar = tqdm(range(config.epochs), desc=f"{REPRESENTATION} x {len(pairs)}", unit="epoch", disable=None)
    for epoch in bar:
        running = [k for k, its in enumerate(histories) if not out_of_patience(its, weights, config.patience)]
        if not running:
            break
        current = weights.at(epoch)
        sums: dict[str, Tensor] = {}
        finite = torch.ones(len(pairs), dtype=torch.bool, device=values.device)
        order = torch.stack([torch.randperm(train.length, generator=g, device=g.device) for g in generators])
        for step in range(batches):
            rows = order[:, step * config.batch_size : (step + 1) * config.batch_size]
            terms = ensemble.terms(train, rows, generators)
            optimiser.zero_grad(set_to_none=True)
            weighted_sum(terms, current).sum().backward()
            finite &= torch.isfinite(clip_each([values], len(pairs), config.clip))
            optimiser.step()
            rate.step()
            for name, term in terms.items():
                sums[name] = sums[name] + term.detach() if name in sums else term.detach()
        _refuse_divergence(finite, running, epoch)
        means = {name: (value / batches).cpu() for name, value in sums.items()}
        held_out = {n: v.cpu() for n, v in _validation_terms(ensemble, validation, config, seeds).items()}
        better = torch.zeros(len(pairs), dtype=torch.bool)
        for k in running:
            its_means, its_held_out = ({n: v[k] for n, v in each.items()} for each in (means, held_out))
            last_rate = float(rate.get_last_lr()[0])
            row = history_row(REPRESENTATION, epoch, last_rate, weights, its_means, its_held_out)
            histories[k].append(row)
            better[k] = weights.are_full(epoch) and row["validation"] < best[k]
            best[k] = row["validation"] if better[k] else best[k]
            if on_epoch is not None:
                on_epoch(k, histories[k])
        best_values = torch.where(better.to(values.device)[:, None], values.detach(), best_values)
        shown = ", ".join(f"{histories[k][-1]['validation']:.4g}" for k in running)
        log.debug("epoch %d: validation %s", epoch + 1, shown)
    lost = [k + 1 for k, its in enumerate(best) if math.isinf(its)]
    if lost:
        raise TrainingDiverged(
            f"the loss on validation rows is never finite, in models {lost} of {len(pairs)}"
        )
    ensemble.write_back(best_values)
    return histories


@torch.no_grad()
def _validation_terms(
    ensemble: Ensemble, validation: Stacked, config: Phase1Config, seeds: Sequence[int]
) -> dict[str, Tensor]:
    """Mean terms (S,) over whole batches, the same draws every time, as `training.validation_terms`."""
    device = ensemble.values.device
    generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]
    everybody = torch.arange(validation.length, device=device).expand(len(seeds), -1)
    chunks = [c for c in everybody.split(config.batch_size, 1) if c.shape[1] == config.batch_size]
    parts = [ensemble.terms(validation, chunk, generators) for chunk in chunks or [everybody]]
    return {name: torch.stack([part[name] for part in parts]).mean(0) for name in parts[0]}


def _refuse_divergence(finite: Tensor, running: Sequence[int], epoch: int) -> None:
    """Raise TrainingDiverged unless every running model's gradients were finite throughout the epoch."""
    well = finite.tolist()
    lost = [k + 1 for k in running if not well[k]]
    if lost:
        raise TrainingDiverged(
            f"the loss or its gradient is not finite in epoch {epoch + 1}, in models {lost} of {len(well)}; "
            f"lower {RATE_OPTION} or check the data's scale"
        )
