"""Phase 1 in several processes: each encodes and decodes its share of every batch.

The terms of Eq. (1) are means over the whole batch, and the contrastive ones compare each row with all
others. So the codes of all processes, which are small, are gathered with their gradients, and every process
computes the terms of codes on the whole batch. Only the networks of measurements, which take the time, see a
share. Random numbers are drawn for the whole batch everywhere.

Gradients: let T be a term of all codes, computed alike in N processes, and R_r the reconstruction of share r.
The loss of process r is T + R_r. The gradient of a gathered code is summed over processes, N dT/dcode, and
DistributedDataParallel averages the gradients of parameters over them. What remains is d(T + mean_r R_r), as
in one process with the whole batch, up to rounding.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from personax.crl.model_config import Phase1Config
from personax.crl.multiview_vae import Code, MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import Draws, WholeBatch, fit_representation, representation_terms
from personax.learning.batches import Batch
from personax.learning.gaussians import Gaussian
from personax.learning.training import Checkpoint, History, SingleModel
from personax.runs.errors import InputError
from personax.runs.process_group import everywhere, process_count


@dataclass(frozen=True)
class Training:
    """A training that all processes take part in: what `train_representation` is given."""

    vae: MultiViewVAE
    prior: CausalPrior
    train: Batch
    validation: Batch
    config: Phase1Config
    seed: int

    def on(self, device: torch.device) -> "Training":
        """The same on a device; the networks are moved and not copied."""
        return replace(
            self,
            vae=self.vae.to(device),
            prior=self.prior.to(device),
            train=self.train.on(device),
            validation=self.validation.on(device),
        )

    def run(self, checkpoint: Checkpoint | None, on_epoch: Callable[[History], None] | None) -> History:
        """Take part in the training."""
        kind = self.prior.gate.device.type
        groups = [dist.new_group(backend="nccl" if kind == "cuda" else "gloo") for _ in range(2)]
        config = self.config
        self.vae.accelerate(mixed_precision=config.mixed_precision, compiled=config.compile)
        trainee = SharedModel(self.vae, self.prior, *groups)
        history = fit_representation(
            trainee, self.train, self.validation, config, self.seed, checkpoint, on_epoch
        )
        self.vae.accelerate(mixed_precision=False, compiled=False)
        return history


def train_in_all_processes(
    training: Training, checkpoint: Checkpoint | None, on_epoch: Callable[[History], None] | None
) -> History:
    """`train_representation` by this process and its helpers; only this one writes checkpoints.

    Raises InputError also for a batch size that the processes cannot share equally.
    """
    size = training.config.batch_size
    if size % process_count():
        raise InputError(f"model.phase1.batch_size {size}: must be a multiple of {process_count()} processes")
    device = training.prior.gate.device
    state = None if checkpoint is None else checkpoint.load(torch.device("cpu"))
    here = torch.device("cpu")
    sent = _Help(training.on(here), state, device.type)
    return everywhere(sent, lambda: training.on(device).run(checkpoint, on_epoch))


@dataclass(frozen=True)
class _Help:
    """The task of a helper: the training, and the state that it continues from."""

    training: Training
    state: Mapping[str, Any] | None
    kind: str

    def __call__(self) -> None:
        device = torch.device(self.kind)
        if self.kind == "cuda":
            device = torch.device("cuda", dist.get_node_local_rank())
            torch.cuda.set_device(device)
        self.training.on(device).run(_Received(Path(), state=self.state), None)


@dataclass(frozen=True)
class _Received(Checkpoint):
    """The leader's checkpoint, in a helper, which writes none."""

    state: Mapping[str, Any] | None = None

    def save(self, state: Mapping[str, Any]) -> None:
        """Do nothing."""

    def load(self, device: torch.device) -> Mapping[str, Any] | None:  # noqa: ARG002
        """What the leader has read."""
        return self.state


class SharedModel(SingleModel[Batch]):
    """Autoencoder and prior, trained by several processes alike."""

    def __init__(
        self,
        vae: MultiViewVAE,
        prior: CausalPrior,
        gradients: dist.ProcessGroup,
        codes: dist.ProcessGroup,
    ) -> None:
        """Both groups are of all processes; two, since their messages may come at the same time."""
        super().__init__(nn.ModuleList([vae, prior]), _refuse_whole_batch)
        self._vae, self._prior, self._codes = vae, prior, codes
        self._shared = DistributedDataParallel(
            _Terms(vae, prior), process_group=gradients, find_unused_parameters=True, broadcast_buffers=False
        )

    def terms(
        self, people: Batch, rows: Int[Tensor, "1 k"], generators: Sequence[torch.Generator]
    ) -> dict[str, Float[Tensor, " 1"]]:
        """The terms on rows (1, k), alike in all processes; rows that cannot be shared are done by each."""
        k, size = rows.shape[1], dist.get_world_size(self._codes)
        draws = Draws.of(self._vae, self._prior, k, generators[0])
        share = ShareOfBatch(self._codes, k // size) if k % size == 0 else WholeBatch()
        terms = self._shared(people.rows(share.own(rows[0])), draws, share)
        return {name: term.reshape(1) for name, term in self._agreed(terms).items()}

    def _agreed(self, terms: Mapping[str, Float[Tensor, ""]]) -> dict[str, Float[Tensor, ""]]:
        """Terms whose values are the means over all processes, and whose gradients stay as they are."""
        means = torch.stack([term.detach() for term in terms.values()])
        dist.all_reduce(means, group=self._codes)
        means = means / dist.get_world_size(self._codes)
        return {
            name: (term - term.detach()) + mean
            for (name, term), mean in zip(terms.items(), means, strict=True)
        }


def _refuse_whole_batch(batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
    raise NotImplementedError("SharedModel.terms needs the numbers of the rows")


class _Terms(nn.Module):
    """The terms of Eq. (1) as a module, which is what DistributedDataParallel takes."""

    def __init__(self, vae: MultiViewVAE, prior: CausalPrior) -> None:
        super().__init__()
        self.vae, self.prior = vae, prior

    def forward(self, batch: Batch, draws: Draws, share: WholeBatch) -> dict[str, Float[Tensor, ""]]:
        return representation_terms(self.vae, self.prior, batch, draws, share)


class ShareOfBatch(WholeBatch):
    """The rows of a batch that this process encodes: `count` rows, in the order of the processes."""

    def __init__(self, group: dist.ProcessGroup, count: int) -> None:
        self._group, self._count = group, count

    def own(self, rows: Shaped[Tensor, "n ..."]) -> Shaped[Tensor, "k ..."]:
        """The rows of this process."""
        start = dist.get_rank(self._group) * self._count
        return rows[start : start + self._count]

    def everybody(
        self, codes: Mapping[str, Sequence[Code]], batch: Batch
    ) -> tuple[dict[str, list[Code]], Batch]:
        """The codes of the whole batch, with gradients, and who has which measurement (no measurements)."""
        parts = [part for views in codes.values() for code in views for gaussian in code for part in gaussian]
        masks = list(batch.observed.values())
        columns = torch.cat([*parts, *(mask.float() for mask in masks)], 1)
        gathered: Tensor = _GatherRows.apply(columns, self._group)  # type: ignore[no-untyped-call]  # torch's
        pieces = iter(gathered.split([piece.shape[1] for piece in (*parts, *masks)], 1))
        every = {
            modality: [Code(*(Gaussian(next(pieces), next(pieces)) for _ in code)) for code in views]
            for modality, views in codes.items()
        }
        observed: dict[str, Bool[Tensor, "n _"]] = {m: next(pieces) > 0.5 for m in batch.observed}
        return every, Batch({}, observed, batch.complete)


class _GatherRows(torch.autograd.Function):
    """The rows of all processes, one below the other; gradients of a row are summed over the processes."""

    @staticmethod
    def forward(ctx: Any, rows: Float[Tensor, "k w"], group: dist.ProcessGroup) -> Float[Tensor, "n w"]:
        ctx.group = group
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size(group))]
        dist.all_gather(parts, rows.contiguous(), group=group)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, gradient: Float[Tensor, "n w"]) -> tuple[Float[Tensor, "k w"], None]:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total, group=ctx.group)
        return total.chunk(dist.get_world_size(ctx.group))[dist.get_rank(ctx.group)], None
