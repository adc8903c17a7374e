"""Phase 1 of several models in one batch: equal networks, each with its own data, weights and random numbers.

One model of this size leaves a GPU idle most of the time. Here the parameters of model k are row k of one
matrix, and vmap computes the losses of all models at once. With one matrix the optimiser's step, clipping and
the copy of the best epoch are one operation each. Every model draws the same random numbers as if it were
trained alone (representation.py), so up to rounding the result is the same.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.func import functional_call, vmap

from personax.crl.model_config import Phase1Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import Draws, representation_plan, representation_terms
from personax.learning.batches import Batch
from personax.learning.training import History, Trainee, clip_each, minimise
from personax.runs.errors import InputError


class Stacked:
    """People of S data sets with equal shapes: every tensor of a Batch gets a first axis, (S, n, ...)."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        """Raises InputError when the batches differ in modalities, measurements, shapes or rows."""
        first = _shapes(batches[0])
        for number, batch in enumerate(batches[1:], start=2):
            if _shapes(batch) != first:
                raise InputError(
                    "models can be trained together only on data of equal shapes; the first data set has "
                    f"{first}, number {number} has {_shapes(batch)}"
                )
        self.sets, self._length = len(batches), len(batches[0])
        self.complete = all(batch.complete for batch in batches)
        self._x = {
            m: [torch.stack(parts) for parts in zip(*(batch.x[m] for batch in batches), strict=True)]
            for m in batches[0].x
        }
        self._observed = {m: torch.stack([batch.observed[m] for batch in batches]) for m in self._x}

    def __len__(self) -> int:
        return self._length

    def rows(
        self, index: Int[Tensor, "S k"]
    ) -> tuple[dict[str, list[Float[Tensor, "S k ..."]]], dict[str, Bool[Tensor, "S k _"]]]:
        """x and observed of the given rows (S, k) of each data set: (S, k, ...)."""
        place = torch.arange(self.sets, device=index.device)[:, None], index
        x = {m: [tensor[place] for tensor in tensors] for m, tensors in self._x.items()}
        return x, {m: mask[place] for m, mask in self._observed.items()}


def _shapes(batch: Batch) -> dict[str, list[tuple[int, ...]]]:
    return {m: [tuple(tensor.shape) for tensor in tensors] for m, tensors in batch.x.items()}


class _Loss(nn.Module):
    """The terms of Eq. (1) as a module, so that functional_call can exchange the parameters."""

    def __init__(self, vae: MultiViewVAE, prior: CausalPrior, complete: bool) -> None:
        super().__init__()
        self.vae, self.prior, self.complete = vae, prior, complete

    def forward(
        self,
        x: Mapping[str, Sequence[Float[Tensor, "n ..."]]],
        observed: Mapping[str, Bool[Tensor, "n _"]],
        draws: Draws,
    ) -> dict[str, Float[Tensor, ""]]:
        batch = Batch(x, observed, self.complete)
        return representation_terms(self.vae, self.prior, batch, draws)


class Ensemble(Trainee[Stacked]):
    """S pairs of networks of the same kind. Row k of `values` (S, P) holds the P parameters of pair k."""

    def __init__(self, pairs: Sequence[tuple[MultiViewVAE, CausalPrior]], *, mixed_precision: bool) -> None:
        self._modules = [nn.ModuleDict({"vae": vae, "prior": prior}) for vae, prior in pairs]
        rows = [nn.utils.parameters_to_vector(module.parameters()) for module in self._modules]
        self.values = torch.stack(rows).detach().requires_grad_()
        self.models, self.parameters = len(pairs), [self.values]
        self._best = self.values.detach().clone()
        self._vae, self._prior = deepcopy(pairs[0])
        self._vae.accelerate(mixed_precision=mixed_precision, compiled=False)
        named = dict(self._modules[0].named_parameters())
        self._names, self._shapes = list(named), [parameter.shape for parameter in named.values()]
        self._sizes = [parameter.numel() for parameter in named.values()]

    def terms(
        self, people: Stacked, rows: Int[Tensor, "S k"], generators: Sequence[torch.Generator]
    ) -> dict[str, Float[Tensor, " S"]]:
        """Unweighted terms of Eq. (1) (S,) of each model on rows (S, k) of its own data set."""
        loss = _Loss(self._vae, self._prior, people.complete)
        draws = Draws.stacked([Draws.of(self._vae, self._prior, rows.shape[1], g) for g in generators])

        def one(
            parameters: dict[str, Float[Tensor, "..."]],
            x: dict[str, list[Float[Tensor, "n ..."]]],
            observed: dict[str, Bool[Tensor, "n _"]],
            drawn: Draws,
        ) -> dict[str, Float[Tensor, ""]]:
            terms: dict[str, Tensor] = functional_call(loss, parameters, (x, observed, drawn))
            return terms

        # the gradient of a split is one concatenation; that of each slice would be a matrix of zeros
        parts = zip(self._names, self.values.split(self._sizes, 1), self._shapes, strict=True)
        parameters = {name: part.view(len(part), *shape) for name, part, shape in parts}
        stacked: dict[str, Tensor] = vmap(one)(parameters, *people.rows(rows), draws)
        return stacked

    def clip(self, limit: float) -> Float[Tensor, " S"]:
        """Shorten each model's gradient to a norm of at most `limit`; return the norms before that, (S,)."""
        return clip_each(self.parameters, self.models, limit)

    def train(self, mode: bool) -> None:
        """Do nothing: these networks compute the same in training and in evaluation."""

    def keep(self, better: Sequence[bool]) -> None:
        """Remember the present parameters of the models that have become better."""
        chosen = torch.tensor(list(better), device=self.values.device)[:, None]
        self._best = torch.where(chosen, self.values.detach(), self._best)

    @torch.no_grad()
    def recall(self) -> None:
        """Give every pair of networks its remembered parameters."""
        for module, row in zip(self._modules, self._best, strict=True):
            for parameter, part in zip(module.parameters(), row.split(self._sizes), strict=True):
                parameter.copy_(part.view_as(parameter))

    def state(self) -> dict[str, Any]:
        """Present and remembered parameters."""
        return {"now": self.values.detach(), "best": self._best}

    @torch.no_grad()
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned."""
        self.values.copy_(state["now"])
        self._best = state["best"]


def train_together(
    pairs: Sequence[tuple[MultiViewVAE, CausalPrior]],
    trains: Sequence[Batch],
    validations: Sequence[Batch],
    config: Phase1Config,
    *,
    seeds: Sequence[int],
    on_epoch: Callable[[int, History], None] | None = None,
) -> list[History]:
    """Train several models as `train_representation` does, each on its own data; return their histories.

    Every pair is left at its own best epoch.

    Args:
        pairs: for each model its autoencoder and the draft of its prior; all of equal shapes.
        trains: for each model its training rows.
        validations: for each model its validation rows.
        config: the options of phase 1, the same for all.
        seeds: for each model the seed of its batches and its draws.
        on_epoch: called with the model's number and its history after each of its epochs.

    Raises InputError for data of different shapes and for the option `compile`, TrainingDiverged when a loss
    is not finite.
    """
    if config.compile:
        raise InputError(
            "model.phase1.compile: does not work for models that are trained together; set it to false"
        )
    train, validation = Stacked(trains), Stacked(validations)
    return minimise(
        Ensemble(pairs, mixed_precision=config.mixed_precision),
        train,
        validation,
        config,
        representation_plan(config),
        seeds=seeds,
        on_epoch=on_epoch,
    )
