"""Tables of counts of two columns whose rows have numbers; a row may stand for several people."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Num


@runtime_checkable
class Numbered(Protocol):
    """What has a number, below the length of its `counts`, for every row: columns, Gram matrices, groups."""

    @property
    def numbers(self) -> Int[np.ndarray, " n"]:
        """(n,) the number of each row."""

    @property
    def counts(self) -> Int[np.ndarray, " d"]:
        """(d,) how many people have each number."""

    @property
    def weights(self) -> Num[np.ndarray, " n"] | None:
        """(n,) people in each row; None if every row is one person."""


def joint_counts(x: Numbered, y: Numbered) -> Float[np.ndarray, "x_distinct y_distinct"]:
    """Contingency table: how many people have each pair of numbers."""
    shape = len(x.counts), len(y.counts)
    cell = x.numbers * shape[1] + y.numbers
    flat = np.bincount(cell, weights=x.weights, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(float)
