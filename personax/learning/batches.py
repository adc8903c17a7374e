"""Rows of people as tensors, on which networks are trained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from personax.views import MultiViewData

Channels = Mapping[str, Sequence[Sequence[int]]]
"""Modality -> for each measurement the positions along its first axis that are used: channels, or numbers."""


def varying_channels(data: MultiViewData) -> dict[str, list[list[int]]]:
    """Positions of the channels (images) or numbers (embeddings) that differ between people.

    If none differs, all positions are returned.

    A channel that is the same for everybody, such as a colour that no picture has, carries no information
    but would cost computing time.
    """
    found: dict[str, list[list[int]]] = {}
    for modality, arrays in data.measurements.items():
        found[modality] = []
        for number, array in enumerate(arrays):
            seen = array[data.observed[modality][:, number]]
            differs = (seen != seen[:1]).reshape(len(seen), array.shape[1], -1).any((0, 2))
            found[modality].append(np.flatnonzero(differs if differs.any() else ~differs).tolist())
    return found


def _take(
    array: Shaped[np.ndarray, "n channels ..."], channels: Sequence[int]
) -> Shaped[np.ndarray, "n used ..."]:
    """The given channels of a measurement (n, channels, ...); no copy if that is all of them."""
    return array if len(channels) == array.shape[1] else array[:, list(channels)]


@dataclass(frozen=True)
class Batch:
    """Rows of a MultiViewData as tensors.

    Attributes:
        x: modality -> one tensor (n, ...) per measurement.
        observed: modality -> (n, measurements) bool, who has which measurement.
        complete: True when nobody lacks a measurement.
    """

    x: Mapping[str, Sequence[Float[Tensor, "n ..."]]]
    observed: Mapping[str, Bool[Tensor, "n _"]]
    complete: bool = False

    @classmethod
    def of(
        cls, data: MultiViewData, device: torch.device | str = "cpu", channels: Channels | None = None
    ) -> "Batch":
        """All of `data` on `device`. Measurements that a person lacks become zeros, which no loss uses.

        Args:
            data: the people.
            device: where the tensors go.
            channels: the channels to take, see `varying_channels`; all if left out.
        """
        x, observed = {}, {}
        for modality, arrays in data.measurements.items():
            mask = torch.from_numpy(np.array(data.observed[modality], dtype=bool))
            taken = arrays if channels is None else map(_take, arrays, channels[modality])
            tensors = [torch.from_numpy(np.ascontiguousarray(a, dtype=np.float32)) for a in taken]
            for number, tensor in enumerate(tensors):
                if not mask[:, number].all():
                    tensors[number] = tensor.clone()
                    tensors[number][~mask[:, number]] = 0.0
            x[modality] = [tensor.to(device) for tensor in tensors]
            observed[modality] = mask.to(device)
        return cls(x, observed, all(bool(mask.all()) for mask in observed.values()))

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return next(iter(self.observed.values())).device

    def on(self, device: torch.device) -> "Batch":
        """The same rows on a device; no copy if they are there."""
        return Batch(
            {m: [tensor.to(device) for tensor in tensors] for m, tensors in self.x.items()},
            {m: mask.to(device) for m, mask in self.observed.items()},
            self.complete,
        )

    def seen(self, modality: str, measurement: int | None = None) -> Bool[Tensor, " n"] | None:
        """(n,) bool: who has this measurement, or any of the modality; None if everybody has all."""
        if self.complete:
            return None
        mask = self.observed[modality]
        return mask.any(1) if measurement is None else mask[:, measurement]

    def __len__(self) -> int:
        return len(next(iter(self.observed.values())))

    def tensors(self) -> Iterator[Shaped[Tensor, "n ..."]]:
        """All tensors, modality by modality: the measurements, and who has them."""
        for modality, tensors in self.x.items():
            yield from tensors
            yield self.observed[modality]

    def rows(self, index: Int[Tensor, " rows"] | slice) -> "Batch":
        """The given rows."""
        return Batch(
            {m: [tensor[index] for tensor in tensors] for m, tensors in self.x.items()},
            {m: mask[index] for m, mask in self.observed.items()},
            self.complete,
        )

    def sample(self) -> "Batch":
        """The rows that statistics of the measurements are computed from: all that are in memory."""
        return self

    def in_chunks(self, size: int = 4096) -> Iterator["Batch"]:
        """Consecutive parts of at most `size` rows."""
        return (self.rows(slice(start, start + size)) for start in range(0, len(self), size))
