"""People whose measurements stay in files, because they are larger than the memory.

A batch is read, standardised and put on the device when it is needed. Everything else that looks at
measurements (standardisation, compression, phase 2) looks at no more than `SAMPLE` training people, who are
drawn by the model's seed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from personax.learning.batches import Batch, Channels
from personax.learning.standardisation import Standardisation
from personax.runs.mapped_files import MappedFile, is_mapped
from personax.views import MultiViewData

SAMPLE = 20_000


def stays_in_files(data: MultiViewData) -> bool:
    """Whether a measurement is mapped into memory (numpy.load with mmap_mode, numpy.memmap)."""
    return any(is_mapped(array) for arrays in data.measurements.values() for array in arrays)


def sample_of_rows(rows: Int[np.ndarray, " n"], rng: np.random.Generator) -> Int[np.ndarray, " k"]:
    """At most `SAMPLE` of the rows, drawn at random, in their order."""
    return rows if len(rows) <= SAMPLE else rows[np.sort(rng.choice(len(rows), SAMPLE, replace=False))]


@dataclass(frozen=True)
class PeopleReader:
    """Reads people from files as a fit sees them.

    Attributes:
        data: the people; their measurements are mapped.
        standardisation: how embeddings are written.
        channels: which channels are used; see `varying_channels`.
    """

    data: MultiViewData
    standardisation: Standardisation
    channels: Channels

    def __call__(self, rows: Int[np.ndarray, " k"]) -> Batch:
        """The people with these row numbers, in memory."""
        return Batch.of(self.standardisation(self.data.rows(rows)), channels=self.channels)

    def __getstate__(self) -> dict[str, Any]:
        """For another process: where the measurements are, not their numbers."""
        places = {
            modality: [MappedFile.of(array) or array for array in arrays]
            for modality, arrays in self.data.measurements.items()
        }
        nothing = {"none": [np.zeros((len(self.data), 1))]}
        people = replace(self.data, measurements=nothing, observed={}, columns={})
        return {**self.__dict__, "data": (people, places, self.data.observed, self.data.columns)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        people, places, observed, columns = state["data"]
        measurements = {
            modality: [place.open() if isinstance(place, MappedFile) else place for place in of_modality]
            for modality, of_modality in places.items()
        }
        data = replace(people, measurements=measurements, observed=observed, columns=columns)
        self.__dict__.update(state, data=data)


@dataclass(frozen=True)
class MappedPeople(Batch):
    """Rows of people that are read when they are used; `x` is empty.

    Attributes:
        reader: reads them.
        numbers: (n,) the rows' numbers for the reader.
        destination: where rows go.
        seed: of `sample`.
    """

    reader: PeopleReader = field(kw_only=True)
    numbers: Int[np.ndarray, " n"] = field(kw_only=True)
    destination: torch.device = field(kw_only=True)
    seed: int = field(kw_only=True)

    @classmethod
    def of_rows(
        cls, reader: PeopleReader, numbers: Int[np.ndarray, " n"], destination: torch.device, seed: int
    ) -> "MappedPeople":
        """The people with these row numbers."""
        masks = {m: torch.from_numpy(mask[numbers]) for m, mask in reader.data.observed.items()}
        complete = all(bool(mask.all()) for mask in masks.values())
        return cls({}, masks, complete, reader=reader, numbers=numbers, destination=destination, seed=seed)

    @property
    def device(self) -> torch.device:
        """Where rows go."""
        return self.destination

    def rows(self, index: Int[Tensor, " rows"] | slice) -> Batch:
        """The given rows, read from the files."""
        chosen = self.numbers[index if isinstance(index, slice) else index.cpu().numpy()]
        return replace(self.reader(chosen), complete=self.complete).on(self.destination)

    def on(self, device: torch.device) -> "MappedPeople":
        """The same people, whose rows go to a device."""
        return replace(self, destination=device)

    def sample(self) -> Batch:
        """At most `SAMPLE` of them, in memory."""
        chosen = sample_of_rows(np.arange(len(self)), np.random.default_rng(self.seed))
        return self.rows(torch.from_numpy(chosen))

    def tensors(self) -> Iterator[Shaped[Tensor, "n ..."]]:
        """The tensors of one part after another."""
        for part in self.in_chunks():
            yield from part.tensors()
