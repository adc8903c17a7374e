"""Columns: kinds, missing values, distinct values, standard units and kernel widths.

This is all that a test needs to know about a single column. A grid computes it once per column.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Num

from personax.runs.errors import InputError

# Ordinal: numbers with few values in an order, such as scores. Nominal: categories without an order, such as
# a league. Circular: positions on a circle, such as the month of birth.
Kind = Literal["continuous", "ordinal", "nominal", "circular"]
KINDS: tuple[Kind, ...] = ("continuous", "ordinal", "nominal", "circular")

TWO_PI = 2.0 * np.pi
# With at most this many distinct values, all their pairs are listed to find the median distance.
_LIST_PAIRS = 500


def encode(values: Any, kind: str, period: float | None = None) -> Float[np.ndarray, " n"]:
    """A raw column as (n,) floats, NaN where a value is missing (NaN, None, NaT).

    Nominal labels of any type become the category numbers 0, 1, ..., whose order has no meaning. Circular
    values become angles in [0, 2 pi); `period` is the length of one turn (2 pi if None). Numbers stay as
    they are, dates become numbers in their order, and words in an ordered `pandas.Categorical` their places.
    Raises ValueError for an unknown kind, for text, complex numbers or +-inf in a column of numbers, for
    lists among labels, for a period that is not positive, and for dates on a circle (take their month or day
    of the year).

    >>> encode(["NBA", "NHL", None, "NBA"], "nominal")
    array([ 0.,  1., nan,  0.])
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is unknown; choose from {', '.join(KINDS)}")
    series = pd.Series(values)
    if kind == "nominal":
        category_numbers = label_numbers(series).astype(float)
        category_numbers[category_numbers < 0] = np.nan
        return category_numbers
    numbers = _numbers_in(series, kind)
    if np.isinf(numbers).any():
        raise ValueError(f"row {int(np.flatnonzero(np.isinf(numbers))[0])} is infinite; mark it as missing")
    if kind == "circular":
        turn = TWO_PI if period is None else float(period)
        if not turn > 0 or not np.isfinite(turn):
            raise ValueError(f"period {period!r} must be a positive number")
        return np.asarray(np.mod(numbers, turn) * (TWO_PI / turn))
    return numbers


def label_numbers(labels: pd.Series, *, in_order: bool = False) -> Int[np.ndarray, " n"]:
    """(n,) the number of each row's label, -1 where it is missing.

    Labels are numbered as they first occur, or, with `in_order`, as they are sorted.
    Raises ValueError for cells that cannot be compared with each other, such as lists.

    >>> label_numbers(pd.Series(["b", "a", None, "b"]))
    array([ 0,  1, -1,  0])
    """
    # pandas before 3 makes floats of whole numbers in a Series of objects, and 10**400 has none
    cells = labels.to_numpy() if labels.dtype == object else labels
    try:
        return np.asarray(pd.factorize(cells, sort=in_order, use_na_sentinel=True)[0])
    except TypeError as error:
        raise ValueError(
            f"a cell is no label ({error}); write one text or number in each cell, or make a column for "
            "each part of the cells"
        ) from error


def refuse_other_index(names: str, a: Any, b: Any) -> None:
    """InputError for two pandas objects of one length whose rows have other labels."""
    indexes = [side.index for side in (a, b) if isinstance(side, pd.Series | pd.DataFrame)]
    if len(indexes) == 2 and len(indexes[0]) == len(indexes[1]) and not indexes[0].equals(indexes[1]):
        raise InputError(
            f"{names} have different indexes; align them (b = b.loc[a.index]), or give .to_numpy() of both"
        )


def _numbers_in(series: pd.Series, kind: str) -> Float[np.ndarray, " n"]:
    """(n,) floats of numbers, dates or ordered words, NaN where missing. Raises ValueError."""
    missing = series.isna().to_numpy()
    if isinstance(series.dtype, pd.CategoricalDtype) and series.cat.ordered:
        words = not pd.api.types.is_numeric_dtype(series.cat.categories.dtype)
        series = series.cat.codes if words else series
    elif isinstance(series.dtype, pd.PeriodDtype):
        series = series.astype("int64")  # pandas 2 knows no other way from periods to numbers
    elif series.dtype == object:
        dates = not missing.all() and all(hasattr(cell, "timetuple") for cell in series[~missing])
        series = pd.to_datetime(series.where(~missing, None)) if dates else series.where(~missing, np.nan)
    if kind == "circular" and getattr(series.dtype, "kind", "") in ("m", "M"):
        raise ValueError("dates lie on no circle; take their month or day of the year")
    try:
        numbers = _real(pd.to_numeric(series, errors="raise"))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a cell is no number ({error}); columns of labels are of kind nominal") from error
    # pandas turns a missing date (NaT) into the smallest integer.
    return np.where(missing, np.nan, numbers)


def _real(numbers: pd.Series) -> Float[np.ndarray, " n"]:
    """(n,) floats. Raises ValueError for complex numbers, whose imaginary part numpy would drop."""
    if np.iscomplexobj(numbers):
        raise ValueError("complex numbers have no order")
    return np.asarray(numbers.to_numpy(dtype=float, na_value=np.nan))


@dataclass(frozen=True, eq=False)
class PreparedColumn:
    """A column without missing values. Made by `complete_column`.

    Attributes:
        kind: see `Kind`.
        values: (n,) as `encode` returns them.
        distinct: (d,) the different values in ascending order. Categories are ordered by their count, the
            most frequent first, so that no result depends on their names.
        numbers: (n,) the number of each row's distinct value: values == distinct[numbers].
        counts: (d,) how often each distinct value occurs.
        weights: (n,) how many people each row stands for; None if every row is one person. Rows with weights
            are the filled cells of a table of counts (counted.py).
        hidden_pairs: pairs of people with one value here whose true values differ, but only a little.
    """

    kind: Kind
    values: Float[np.ndarray, " n"]
    distinct: Float[np.ndarray, " d"]
    numbers: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " d"]
    weights: Num[np.ndarray, " n"] | None = None
    hidden_pairs: int = 0

    def __len__(self) -> int:
        """The number of people."""
        return len(self.values) if self.weights is None else self._people

    @cached_property
    def _people(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def _shifted(self) -> Float[np.ndarray, " d"]:
        """(d,) distinct values minus one in the middle, after division by a power of two: all within +-2.

        So no square overflows or underflows, and no digits are lost in columns such as "year 1900 + small",
        or among the other values beside one of 1e20.
        """
        scaled = np.ldexp(self.distinct, -int(np.frexp(np.abs(self.distinct).max())[1]))
        middle = np.searchsorted(np.cumsum(self.counts), (len(self) + 1) // 2)
        return np.asarray(scaled - scaled[middle])

    @cached_property
    def _deviation(self) -> tuple[float, float]:
        """Mean and standard deviation (ddof = 1) of `_shifted` over the rows."""
        mean = float(self._shifted @ self.counts) / len(self)
        square = float((self._shifted - mean) ** 2 @ self.counts)
        return mean, float(np.sqrt(square / (len(self) - 1)))

    @cached_property
    def standardised(self) -> Float[np.ndarray, " d"]:
        """(d,) distinct values with mean 0 and standard deviation 1 (ddof = 1) over the rows."""
        mean, deviation = self._deviation
        return np.asarray((self._shifted - mean) / deviation)

    @cached_property
    def is_measurable(self) -> bool:
        """Whether floating-point numbers can hold the differences between its values beside their range.

        Not so for 1e-20, 2e-20 and 1e300. A few values may become equal, such as 0 and 1e-34 beside 1.
        Nominal columns have no differences.
        """
        if self.kind == "nominal" or len(self.distinct) < 2:
            return True
        gaps = np.diff(self.positions)
        most_are_left = 2 * np.count_nonzero(gaps) >= len(gaps)
        return bool(most_are_left and gaps[gaps > 0].min() > 1e-300 * gaps.sum())

    @cached_property
    def spread(self) -> float:
        """Mean variance of the sine and the cosine (ddof = 1) of a circular column.

        Both are divided by the same scale, so a rotation of the circle changes no result. Separate z-scores
        of sine and cosine would change with a rotation.
        """
        n = len(self)
        # About the mean direction: 1 - resultant^2 would lose the digits of angles that are nearly equal.
        mean = np.angle(np.exp(1j * self.distinct) @ self.counts)
        away = self.distinct - mean
        squares = np.sin(away) ** 2 + 4 * np.sin(away / 2) ** 4  # sine and 1 - cosine
        offset = np.array([np.sin(away) @ self.counts, 2 * np.sin(away / 2) ** 2 @ self.counts]) / n
        return float((squares @ self.counts - n * (offset @ offset)) / (n - 1) / 2.0)

    @property
    def positions(self) -> Float[np.ndarray, " d"]:
        """(d,) the values that kernels and distances use: standard units, angles, or category numbers.

        Only their differences matter; standard units begin in the middle of the rows, not at their mean, so
        that a single huge value takes no digits from the others.
        """
        if self.kind not in ("continuous", "ordinal"):
            return self.distinct
        return np.asarray(self._shifted / self._deviation[1])

    @cached_property
    def median_distance(self) -> float:
        """Lower median of the positive distances between rows.

        The distance is |a - b| between standardised values, or the chord between angles. The median is
        exact and takes O(n log n) time and O(n) memory. Nominal columns have none.
        """
        if len(self.distinct) <= _LIST_PAIRS:
            first, second = np.triu_indices(len(self.distinct), 1)
            distances = pairwise_distance(self.positions[first], self.positions[second], self.kind)
            weights = self.counts[first] * self.counts[second]
            return _weighted_lower_median(distances, weights, self.hidden_pairs)
        if self.kind == "circular":
            arc = _lower_median_gap(self.positions, self.counts, self.hidden_pairs, turn=TWO_PI)
            return float(2.0 * np.sin(min(arc, TWO_PI - arc) / 2.0))
        return _lower_median_gap(self.positions, self.counts, self.hidden_pairs)


ColumnPair = tuple[PreparedColumn, PreparedColumn]


def neighbour_groups(column: PreparedColumn, most: int) -> Int[np.ndarray, " d"]:
    """(d,) group of each distinct value, ascending from 0; neighbours share one, so that there are `most`.

    A group spans at most 2/most of the rows, and at most the same share of the sum of distances: a gap g
    between neighbours contributes g b a, where b and a are the numbers of rows below and above. So the groups
    are fine enough both among most rows and among outliers.
    """
    if len(column.distinct) <= most:
        return np.arange(len(column.distinct))
    n = len(column)
    below = np.cumsum(column.counts)[:-1]
    share = np.cumsum(np.diff(column.positions) * below * (n - below))
    place = np.concatenate([[0.0], 0.5 * below / n + 0.5 * share / share[-1]])
    group = np.minimum((place * most).astype(int), most - 1)
    return np.unique(group, return_inverse=True)[1]


def complete_column(values: Float[np.ndarray, " n"], kind: Kind) -> PreparedColumn:
    """A PreparedColumn from (n,) encoded values without NaN."""
    distinct, numbers, counts = np.unique(values, return_inverse=True, return_counts=True)
    if kind == "nominal":
        order = np.argsort(-counts, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        distinct, numbers, counts = np.arange(len(order), dtype=float), rank[numbers], counts[order]
        values = distinct[numbers]
    return PreparedColumn(kind, values, distinct, numbers, counts)


def pairwise_distance(
    a: Float[np.ndarray, "..."], b: Float[np.ndarray, "..."], kind: Kind
) -> Float[np.ndarray, "..."]:
    """Distance between positions; the two arrays are broadcast against each other.

    It is |a - b| for numbers, the chord 2 |sin((a - b)/2)| of the unit circle for angles (the Euclidean
    distance of (sin, cos)), and the discrete metric [a != b] for categories.
    """
    if kind == "nominal":
        return np.asarray((a != b).astype(float))
    if kind == "circular":
        return np.asarray(np.abs(2.0 * np.sin((a - b) / 2.0)))
    return np.asarray(np.abs(a - b))


def _rank_of_median(pairs: int, hidden: int) -> int:
    """Place of the lower median among the distances of `pairs`, if `hidden` others are shorter than all."""
    return max((pairs + hidden + 1) // 2 - hidden, 1)


def _weighted_lower_median(
    values: Float[np.ndarray, " k"], weights: Int[np.ndarray, " k"], hidden: int
) -> float:
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(reached, _rank_of_median(int(reached[-1]), hidden))]])


def _lower_median_gap(
    positions: Float[np.ndarray, " d"],
    counts: Int[np.ndarray, " d"],
    hidden: int,
    turn: float | None = None,
) -> float:
    """Lower median of the gaps u_j - u_i > 0 over all pairs of rows.

    `positions` are ascending, and `counts` holds how often each occurs. With `turn` (the length of a full
    circle), gaps are arcs of at most half a turn. `hidden` more pairs count as gaps near 0. The median is
    found by bisection: one sorted search counts the pairs below a gap, and when few pairs are left between
    the two bounds, they are listed.
    """
    d = len(positions)
    after, longest = positions, float(positions[-1] - positions[0])
    if turn is not None:  # a second lap: an arc from i may pass zero
        after, longest = np.concatenate([positions, positions + turn]), turn / 2.0
    weights = np.resize(counts, len(after))
    upto = np.concatenate([[0], np.cumsum(weights)])
    start = np.arange(d) + 1

    def ends(gap: float) -> Int[np.ndarray, " d"]:
        return np.maximum(np.searchsorted(after, positions + gap, side="right"), start)

    def pairs(end: Int[np.ndarray, " d"]) -> int:
        return int(counts @ (upto[end] - upto[start]))

    low, high = 0.0, longest
    low_end, high_end = start, np.full(d, d) if turn is None else ends(longest)
    rank = _rank_of_median(pairs(high_end), hidden)
    while int((high_end - low_end).sum()) > 4 * d:
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        end = ends(middle)
        if pairs(end) >= rank:
            high, high_end = middle, end
        else:
            low, low_end = middle, end
    width = high_end - low_end
    i = np.repeat(np.arange(d), width)
    j = np.arange(len(i)) - np.repeat(np.cumsum(width) - width, width) + np.repeat(low_end, width)
    gaps, multiplicity = after[j] - positions[i], counts[i] * weights[j]
    order = np.argsort(gaps)
    reached = pairs(low_end) + np.cumsum(multiplicity[order])
    return float(gaps[order[np.searchsorted(reached, rank)]])
