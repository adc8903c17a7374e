"""MultiViewData: the one type that data sources hand to learning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class MultiViewData:
    """n people (or scenes), each seen through the measurements of several modalities.

    Attributes:
        measurements: modality -> list of float32 arrays (n, ...), one per measurement; images are
            (n, channels, height, width) in [0, 1], embeddings (n, d).
        ids: (n,) identifiers, in the order of the rows.
        observed: modality -> bool (n, measurements); False where a person lacks a measurement (its row
            in `measurements` is then ignored, whatever it holds). All True if left out.
        latents: (n, k) true latents with their names as columns, or None where unknown.
        blocks: block name -> names of its true latents; the blocks are the modalities and possibly "s".
        graph: (k, k) true adjacency over the columns of `latents`, A[i, j] = 1 meaning i -> j, or None.
        source: where the data came from, for the manifest.
    """

    measurements: Mapping[str, Sequence[np.ndarray]]
    ids: np.ndarray
    observed: Mapping[str, np.ndarray] = field(default_factory=dict)
    latents: pd.DataFrame | None = None
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    graph: np.ndarray | None = None
    source: str = ""

    def __post_init__(self) -> None:
        n = len(self.ids)
        for modality, arrays in self.measurements.items():
            for number, array in enumerate(arrays, start=1):
                if len(array) != n:
                    raise ValueError(f"{modality}, measurement {number}: {len(array)} rows, but {n} ids")
        if self.latents is not None and len(self.latents) != n:
            raise ValueError(f"latents: {len(self.latents)} rows, but {n} ids")
        full = {
            modality: np.ones((n, len(arrays)), dtype=bool) for modality, arrays in self.measurements.items()
        }
        object.__setattr__(self, "observed", full | dict(self.observed))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities, in order."""
        return list(self.measurements)

    @property
    def truth(self) -> pd.DataFrame:
        """The true latents; ValueError if the data do not carry them."""
        if self.latents is None:
            raise ValueError("these data carry no true latents")
        return self.latents

    def rows(self, index: np.ndarray) -> "MultiViewData":
        """The same data restricted to the given row numbers."""
        return MultiViewData(
            measurements={m: [array[index] for array in arrays] for m, arrays in self.measurements.items()},
            ids=self.ids[index],
            observed={m: mask[index] for m, mask in self.observed.items()},
            latents=None if self.latents is None else self.latents.iloc[index].reset_index(drop=True),
            blocks=self.blocks,
            graph=self.graph,
            source=self.source,
        )


@dataclass(frozen=True)
class Split:
    """Row numbers of the three parts: `train` fits, `validation` chooses, `test` only reports."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def labels(self, n: int) -> np.ndarray:
        """(n,) array of "train", "validation" or "test"."""
        names = np.full(n, "train", dtype=object)
        names[self.validation] = "validation"
        names[self.test] = "test"
        return names


def split_rows(n: int, rng: np.random.Generator, *, validation: float = 0.1, test: float = 0.1) -> Split:
    """Shuffle 0..n-1 and cut it into train, validation and test; each part is sorted and non-empty.

    `validation` and `test` are shares of n in (0, 1). Raises ValueError when n < 3.
    """
    if n < 3:
        raise ValueError(f"{n} rows cannot be split in three; at least 3 are needed")
    order = rng.permutation(n)
    n_test, n_validation = max(1, round(n * test)), max(1, round(n * validation))
    return Split(
        train=np.sort(order[n_test + n_validation :]),
        validation=np.sort(order[n_test : n_test + n_validation]),
        test=np.sort(order[:n_test]),
    )
