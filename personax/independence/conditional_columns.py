"""Groups of columns over the same rows, as conditional tests take them: x, y and the condition Z.

A group may hold several columns of different kinds. Kernels see it as points: numbers become normal scores,
circular columns become (sin, cos), and nominal columns stay labels, of which only equality counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.special import ndtri

from personax.independence.columns import (
    Kind,
    PreparedColumn,
    complete_column,
    encode,
    refuse_other_index,
)
from personax.runs.errors import InputError

# One kind for all columns of a group, or one for each of them; the same for the lengths of a turn.
Kinds = Kind | Sequence[Kind]
Periods = float | None | Sequence[float | None]


def normal_scores(column: PreparedColumn) -> Float[np.ndarray, " d"]:
    """(d,) the distinct values replaced by normal quantiles of their ranks; mean 0 and variance 1 over rows.

    Equal values share the mean of their ranks (van der Waerden's scores). Conditional independence does not
    change if a column is transformed by a function that keeps its order. So neither units, outliers nor
    heavy tails change a test of normal scores.

    >>> normal_scores(complete_column(np.array([1.0, 2.0, 1e300]), "continuous")).round(3)
    array([-1.225,  0.   ,  1.225])
    """
    n = len(column)
    ranks = np.cumsum(column.counts) - 0.5 * column.counts
    scores = ndtri(ranks / n)
    scores = scores - scores @ column.counts / n
    return np.asarray(scores / np.sqrt(scores**2 @ column.counts / n))


@dataclass(frozen=True, eq=False)
class ColumnGroup:
    """Columns over the same n complete rows. Made by `complete_groups`; constant columns are left out.

    Attributes:
        n: the number of rows.
        columns: the columns, each with at least two different values; there may be none.
    """

    n: int
    columns: tuple[PreparedColumn, ...]

    def _of(self, *kinds: Kind) -> list[PreparedColumn]:
        return [column for column in self.columns if column.kind in kinds]

    @cached_property
    def numbers(self) -> Float[np.ndarray, "n k"]:
        """(n, k) coordinates: normal scores of numbers, sqrt(2) (sin, cos) of angles; none for categories."""
        scores = [normal_scores(each)[each.numbers] for each in self._of("continuous", "ordinal")]
        return np.asfortranarray(
            np.column_stack([np.empty((self.n, 0)), *scores, *self._circles(np.sqrt(2.0))])
        )

    @cached_property
    def z_scores(self) -> Float[np.ndarray, "n k"]:
        """(n, k) as `numbers`, but with z-scores (ddof = 1) instead of normal scores."""
        scores = [each.standardised[each.numbers] for each in self._of("continuous", "ordinal")]
        return np.column_stack([np.empty((self.n, 0)), *scores, *self._circles(np.sqrt(2.0))])

    def _circles(self, radius: float) -> list[Float[np.ndarray, " n"]]:
        angles = [each.values for each in self._of("circular")]
        return [radius * part(angle) for angle in angles for part in (np.sin, np.cos)]

    @cached_property
    def labels(self) -> Int[np.ndarray, "n c"]:
        """(n, c) category numbers of the nominal columns, which have only equality."""
        codes = [each.numbers for each in self._of("nominal")]
        return np.column_stack([np.empty((self.n, 0), dtype=int), *codes])

    @cached_property
    def indicators(self) -> Float[np.ndarray, "n k"]:
        """(n, k) columns 0 or 1 for every category of the nominal columns but the most frequent one."""
        each_label = [
            (column.numbers == label).astype(float)
            for column in self._of("nominal")
            for label in range(1, len(column.distinct))
        ]
        return np.column_stack([np.empty((self.n, 0)), *each_label])

    @cached_property
    def cells(self) -> Int[np.ndarray, " n"]:
        """(n,) the number of each row's combination of values; 0 for all if there is no column."""
        if not self.columns:
            return np.zeros(self.n, dtype=int)
        codes = np.column_stack([column.numbers for column in self.columns])
        return np.unique(codes, axis=0, return_inverse=True)[1].ravel()


class GroupTriple(NamedTuple):
    """x, y and the condition of a conditional test, over the same rows."""

    x: ColumnGroup
    y: ColumnGroup
    given: ColumnGroup


class GivenFinding(NamedTuple):
    """What a conditional test finds.

    Attributes:
        statistic: the test's statistic.
        log_p: natural logarithm of its p-value.
        effect: size of the dependence, see `TestResult`.
        null: name of the null distribution from which the p-value was computed.
        is_bound: whether the p-value is only known to be at most as large (`TestResult.bound`).
    """

    statistic: float
    log_p: float
    effect: float
    null: str
    is_bound: bool = False


def columns_in(values: Any) -> list[Any]:
    """The columns of a frame or of an array (n, k); anything else is one column."""
    if isinstance(values, pd.DataFrame):
        return [values.iloc[:, place] for place in range(values.shape[1])]
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return list(values.T)
    return [values]


def encoded_columns(
    what: str, values: Any, kinds: Kinds, periods: Periods
) -> list[tuple[Float[np.ndarray, " n"], Kind]]:
    """The columns of x, y or the condition as floats with their kinds. Raises ValueError, naming `what`."""
    raw = columns_in(values)
    own_kinds = [kinds] * len(raw) if isinstance(kinds, str) else list(kinds)
    own_periods = list(periods) if isinstance(periods, Sequence) else [periods] * len(raw)
    if len(own_kinds) != len(raw) or len(own_periods) != len(raw):
        raise InputError(
            f"{what} has {len(raw)} columns, {len(own_kinds)} kinds and {len(own_periods)} periods; "
            "give one for all, or one for each column"
        )
    return [
        (encode(column, kind, period), kind)
        for column, kind, period in zip(raw, own_kinds, own_periods, strict=True)
    ]


def complete_groups(
    sides: tuple[Any, Any, Any],
    kinds: tuple[Kinds, Kinds, Kinds],
    periods: tuple[Periods, Periods, Periods],
) -> GroupTriple:
    """x, y and the condition over the rows in which no column has a missing value.

    Raises ValueError as `encode`, and for unequal lengths or indexes.
    """
    refuse_other_index("x and y", sides[0], sides[1])
    refuse_other_index("x and given", sides[0], sides[2])
    named = zip(("x", "y", "given"), sides, kinds, periods, strict=True)
    encoded = [encoded_columns(*each) for each in named]
    lengths = sorted({len(values) for side in encoded for values, _ in side})
    if len(lengths) > 1:
        raise ValueError(f"x, y and given must have the same number of rows, not {lengths}")
    n = lengths[0] if lengths else 0
    present = np.ones(n, dtype=bool)
    for values, _ in (each for side in encoded for each in side):
        present &= ~np.isnan(values)
    return GroupTriple(*(group_of(side, present) for side in encoded))


def group_of(
    encoded: Sequence[tuple[Float[np.ndarray, " n"], Kind]], rows: Bool[np.ndarray, " n"]
) -> ColumnGroup:
    """A group of encoded columns over the chosen rows, where none of them has a missing value."""
    columns = (complete_column(values[rows], kind) for values, kind in encoded)
    return ColumnGroup(int(rows.sum()), tuple(each for each in columns if len(each.distinct) > 1))
