"""MultiViewData is the one type that data sources hand to learning.

Terms that the whole project uses: a person (or scene) is seen through several modalities (text, image), and
each modality through one or more measurements (three texts about the same person). Latents are the hidden
causes of the measurements. A block is the set of latents of one modality, or the set that all modalities
share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int, Shaped

SHARED = "s"  # the name of the block of latents that all modalities share


@dataclass(frozen=True)
class Truth:
    """What a simulation knows about the people it has made. Only evaluation may look at it.

    Attributes:
        latents: (n, k) true latents, with their names as columns.
        blocks: block -> names of its latents. The blocks are the modalities and possibly `SHARED`.
        graph: (k, k) adjacency matrix over the columns of `latents`, or None. A[i, j] = 1 means i -> j.
    """

    latents: pd.DataFrame
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    graph: Shaped[np.ndarray, "k k"] | None = None

    def rows(self, index: Int[np.ndarray, " rows"]) -> "Truth":
        """The truth about the people with these row numbers."""
        return Truth(self.latents.iloc[index].reset_index(drop=True), self.blocks, self.graph)


@dataclass(frozen=True)
class MultiViewData:
    """n people (or scenes), each seen through the measurements of several modalities.

    Attributes:
        measurements: modality -> list of float32 arrays (n, ...), one per measurement. Images are
            (n, channels, height, width) in [0, 1], embeddings (n, d).
        ids: (n,) identifiers, in the order of the rows.
        observed: modality -> bool (n, measurements). False means that a person lacks a measurement; its row
            in `measurements` is then ignored, whatever it holds. All True if left out.
        truth: the true latents and their graph, or None if they are unknown.
        source: where the data came from; the manifest of a run says it.
        known_units: the size of noise in the embeddings is known, as in coordinates of the compression, where
            its variance is 1. Estimators take such embeddings as they are; others they standardise.
    """

    measurements: Mapping[str, Sequence[Shaped[np.ndarray, "_ ..."]]]  # `__post_init__` checks n
    ids: Shaped[np.ndarray, " n"]
    observed: Mapping[str, Bool[np.ndarray, "n _"]] = field(default_factory=dict)
    truth: Truth | None = None
    source: str = ""
    known_units: bool = False

    def __post_init__(self) -> None:
        n = len(self.ids)
        for modality, arrays in self.measurements.items():
            for number, array in enumerate(arrays, start=1):
                if len(array) != n:
                    raise ValueError(f"{modality}, measurement {number}: {len(array)} rows, but {n} ids")
        if self.truth is not None and len(self.truth.latents) != n:
            raise ValueError(f"true latents: {len(self.truth.latents)} rows, but {n} ids")
        full = {
            modality: np.ones((n, len(arrays)), dtype=bool) for modality, arrays in self.measurements.items()
        }
        object.__setattr__(self, "observed", full | dict(self.observed))

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def modalities(self) -> list[str]:
        """Names of the modalities, in their order."""
        return list(self.measurements)

    @property
    def known_truth(self) -> Truth:
        """The truth. Raises ValueError if it is unknown."""
        if self.truth is None:
            raise ValueError("the truth about these data is unknown")
        return self.truth

    @property
    def true_latents(self) -> pd.DataFrame:
        """(n, k) true latents. Raises ValueError if they are unknown."""
        return self.known_truth.latents

    def rows(self, index: Int[np.ndarray, " rows"]) -> "MultiViewData":
        """The same data, but only the people with these row numbers."""
        return replace(
            self,
            measurements={m: [array[index] for array in arrays] for m, arrays in self.measurements.items()},
            ids=self.ids[index],
            observed={m: mask[index] for m, mask in self.observed.items()},
            truth=None if self.truth is None else self.truth.rows(index),
        )


@dataclass(frozen=True)
class Split:
    """Row numbers of three parts.

    Attributes:
        train: the model is fitted to these rows.
        validation: choices (when to stop, which start to keep) are made on these rows.
        test: these rows are only for reports.
    """

    train: Int[np.ndarray, " train"]
    validation: Int[np.ndarray, " validation"]
    test: Int[np.ndarray, " test"]

    def labels(self, n: int) -> Shaped[np.ndarray, " n"]:
        """(n,) array of "train", "validation" or "test", one for each row."""
        names = np.full(n, "train", dtype=object)
        names[self.validation] = "validation"
        names[self.test] = "test"
        return names


def split_rows(n: int, rng: np.random.Generator, *, validation: float = 0.1, test: float = 0.1) -> Split:
    """Shuffle the rows 0 to n - 1 and cut them into three sorted parts that are not empty.

    Args:
        n: number of rows, at least 3.
        rng: source of randomness.
        validation: share of n for validation, in (0, 1).
        test: share of n for the test, in (0, 1).

    Raises:
        ValueError: there are fewer than 3 rows.

    Example:
        >>> split = split_rows(10, np.random.default_rng(0))
        >>> len(split.train), len(split.validation), len(split.test)
        (8, 1, 1)
        >>> sorted([*split.train, *split.validation, *split.test]) == list(range(10))
        True
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
