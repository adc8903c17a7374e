"""Null distributions by permutation: what the statistic would be if one column were shuffled.

A permutation p-value is right for every pair of columns, whatever their values, because under independence
all orders of one column are equally probable. Only joint counts matter: if the rows of a column are gathered
into groups, a shuffle is a random table of counts with the margins of the two columns, and V is

    V = || F^T N H ||_F^2,   N (g, h) the table, F (g, r) and H (h, s) features of the groups.

Columns with at most MOST_GROUPS different values keep them, so V is exact. In others, neighbouring values
share a group, and features with less than 1 % of the largest eigenvalue are left out, in the observed V as in
the shuffled ones: the p-value is that of a slightly coarser statistic, and is as exact.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, singledispatch
from itertools import permutations
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int, Num, Shaped
from scipy.special import gammaln, logsumexp
from scipy.stats import random_table

from personax.independence.columns import ColumnPair, PreparedColumn, neighbour_groups
from personax.independence.counted_grams import CountedFactor, CountedSpacing
from personax.independence.distances import SpacingGram, gathered_table
from personax.independence.grams import (
    DeltaGram,
    FactorGram,
    Gram,
    TableGram,
    centred_between,
    group_sums,
)
from personax.independence.joint_counts import joint_counts
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.results import LogPValue

MOST_GROUPS = 64
# Of more tables of two columns with two values, those that cannot matter are left out.
MOST_TABLES = 2**21
# Up to so many rows, all orders are listed (8! = 40,320).
MOST_LISTED = 8
# How many times as many orders are drawn where the first ones say only that p is small.
LONGER = 10
# How V of one order is computed: from all pairs of rows, from the features of the rows, or from their table.
Way = Literal["pairs", "features", "table"]
# Features with a smaller share of the largest eigenvalue are left out, where values keep their own groups and
# where they share one.
_LEFT_OUT, _LEFT_OUT_OF_COARSE = 1e-12, 1e-2
_BLOCK = 4_000_000  # numbers in a block of shuffles, 32 MB
CELL_ROWS = 7  # rows that are shuffled in the time in which a cell of a random table is drawn; measured


@dataclass(frozen=True, eq=False)
class Groups:
    """A column whose rows are gathered into groups.

    Attributes:
        numbers: (n,) the group of each row.
        counts: (g,) people in each group.
        features: (g, r) features of the groups, whose products are the centred kernel between groups.
        weights: (n,) people in each row, or None.
    """

    numbers: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " g"]
    features: Float[np.ndarray, "g r"]
    weights: Num[np.ndarray, " n"] | None = None

    @property
    def n(self) -> int:
        """Number of people."""
        return int(self.counts.sum())

    @cached_property
    def kernel(self) -> Float[np.ndarray, "g g"]:
        """(g, g) the centred kernel between groups."""
        return np.asarray(self.features @ self.features.T)

    @property
    def diagonal(self) -> Float[np.ndarray, " g"]:
        """(g,) the kernel of each group with itself."""
        return np.asarray((self.features**2).sum(axis=1))

    @property
    def sorted_numbers(self) -> Int[np.ndarray, " n"]:
        """(n,) the groups of the rows in ascending order: they do not depend on the order of the rows."""
        return np.repeat(np.arange(len(self.counts)), self.counts)


def gathered(column: PreparedColumn, gram: Gram) -> Groups:
    """The rows of a column in at most MOST_GROUPS groups, with the means of its Gram matrix between them."""
    groups = neighbour_groups(column, MOST_GROUPS)
    numbers = groups[column.numbers]
    counts = np.bincount(groups, weights=column.counts).astype(int)
    root = np.sqrt(counts)
    values, vectors = np.linalg.eigh(root[:, None] * between_groups(gram, column, groups) * root)
    least = _LEFT_OUT if len(groups) == len(counts) else _LEFT_OUT_OF_COARSE
    kept = values > least * values[-1]
    features = vectors[:, kept] * np.sqrt(values[kept]) / root[:, None]
    return Groups(numbers, counts, features, column.weights)


@singledispatch
def between_groups(
    gram: Gram, column: PreparedColumn, groups: Int[np.ndarray, " d"]
) -> Float[np.ndarray, "g g"]:
    """(g, g) mean of the centred Gram matrix between groups; `groups` (d,) of the distinct values."""
    raise TypeError(f"no groups for {type(gram).__name__}")


@between_groups.register
def _between_table(
    gram: TableGram, column: PreparedColumn, groups: Int[np.ndarray, " d"]
) -> Float[np.ndarray, "g g"]:
    member = np.zeros((len(groups), int(groups.max()) + 1))
    member[np.arange(len(groups)), groups] = column.counts
    member /= member.sum(axis=0)
    return np.asarray(member.T @ gram.matrix @ member)


@between_groups.register
def _between_delta(
    gram: DeltaGram, column: PreparedColumn, groups: Int[np.ndarray, " d"]
) -> Float[np.ndarray, "g g"]:
    counts = np.bincount(groups, weights=column.counts)
    same = np.bincount(groups, weights=column.counts.astype(float) ** 2) / counts**2
    return centred_between(np.diag(same), counts / gram.n)


@between_groups.register
def _between_factor(
    gram: FactorGram, column: PreparedColumn, groups: Int[np.ndarray, " d"]
) -> Float[np.ndarray, "g g"]:
    numbers = groups[column.numbers]
    counts = np.bincount(numbers)
    means = group_sums(gram.factor, numbers, len(counts)) / counts[:, None]
    return np.asarray(means @ means.T)


@between_groups.register
def _between_counted_factor(
    gram: CountedFactor, column: PreparedColumn, groups: Int[np.ndarray, " d"]
) -> Float[np.ndarray, "g g"]:
    of_people = gram.factor * gram.counts[:, None]
    counts = np.bincount(groups, weights=column.counts)
    means = group_sums(of_people, groups, len(counts)) / counts[:, None]
    return np.asarray(means @ means.T)


@between_groups.register(SpacingGram)
@between_groups.register(CountedSpacing)
def _between_spacing(
    gram: SpacingGram | CountedSpacing, column: PreparedColumn, groups: Int[np.ndarray, " d"]
) -> Float[np.ndarray, "g g"]:
    return gathered_table(column, groups).matrix


def _observed_statistic(a: Groups, b: Groups) -> float:
    if a.weights is None:
        return float(_of_orders(a, b, a.numbers, b.numbers[None])[0])
    return float(_of_tables(a, b, joint_counts(a, b)[None].astype(int))[0])


def permutation_p(a: Groups, b: Groups, rng: np.random.Generator, resamples: int) -> LogPValue:
    """p over random orders of the rows (`resampling_log_p`), or over all orders of at most MOST_LISTED rows.

    Which column is shuffled depends on the contents of the columns: so the same `rng` gives the same p for
    any order of rows and arguments.
    """
    statistic = _observed_statistic(a, b)
    first, second = sorted((a, b), key=_content)
    n = a.n
    if n <= MOST_LISTED:
        orders = np.array(list(permutations(second.sorted_numbers)))
        statistics = _of_orders(first, second, first.sorted_numbers, orders)
        share = np.mean(statistics >= statistic * (1.0 - ROUNDING))
        return LogPValue(float(np.log(share)), "exact")
    blocks = in_blocks(
        lambda size: shuffled_statistics(first, second, rng, size) >= statistic * (1.0 - ROUNDING),
        resamples,
        max(1, _BLOCK // _way(first, second)[1]),
    )
    found = resampling_log_p(blocks, resamples, longer=LONGER)
    return LogPValue(found.log_p, "permutation", found.is_bound)


def in_blocks(
    draw: Callable[[int], Bool[np.ndarray, " size"]], resamples: int, most: int
) -> Iterator[Bool[np.ndarray, " size"]]:
    """Blocks of `draw(size)` for `resampling_log_p`: 200 draws, then growing, never more than `most`."""
    drawn, block = 0, 200
    while drawn < resamples * LONGER:
        left = (resamples if drawn < resamples else resamples * LONGER) - drawn
        size = min(block, most, left)
        yield draw(size)
        drawn, block = drawn + size, 2 * block


def shuffled_statistics(
    a: Groups, b: Groups, rng: np.random.Generator, size: int
) -> Float[np.ndarray, " size"]:
    """(size,) V of random orders of b's rows, by random tables of counts where the table is the cheapest way.

    Drawn cell by cell (Patefield 1981), a table costs about as much as `CELL_ROWS` rows a cell; else about as
    much as one shuffle of the rows (Boyett 1979).
    """
    cells = len(a.counts) * len(b.counts)
    by_cell = cells * CELL_ROWS < a.n
    if by_cell or _way(a, b)[0] == "table":
        method: Literal["patefield", "boyett"] = "patefield" if by_cell else "boyett"
        return _of_tables(a, b, random_table(a.counts, b.counts).rvs(size, method=method, random_state=rng))
    if a.features.shape[1] == b.features.shape[1] == 1:  # V is the square of a sum: no groups are needed
        first, second = (each.features[each.sorted_numbers, 0] for each in (a, b))
        return np.asarray((_shuffled(second, rng, size) @ first) ** 2)
    rows = b.sorted_numbers.astype(np.int16 if len(b.counts) < 2**15 else np.int64)
    return _of_orders(a, b, a.sorted_numbers, _shuffled(rows, rng, size))


def _shuffled(
    rows: Shaped[np.ndarray, " n"], rng: np.random.Generator, size: int
) -> Shaped[np.ndarray, "size n"]:
    """(size, n) random orders of `rows`."""
    return rng.permuted(np.broadcast_to(rows, (size, len(rows))), axis=1)


def _way(a: Groups, b: Groups) -> tuple[Way, int]:
    """The cheapest way to V for one order, and about how many numbers it holds in memory."""
    n, g, h = a.n, len(a.counts), len(b.counts)
    if g > MOST_GROUPS or h > MOST_GROUPS:  # only features of one dimension
        return "features", n * b.features.shape[1]
    r, s = a.features.shape[1], b.features.shape[1]
    costs: dict[Way, int] = {
        "pairs": 10 * n * n,
        "features": 2 * n * (r + 1) * s,
        "table": 3 * n + 2 * g * (h + r) * s,
    }
    way = min(costs, key=lambda each: costs[each])
    return way, {"pairs": n * n, "features": n * s, "table": n + g * h}[way]


def _of_orders(
    a: Groups, b: Groups, rows: Int[np.ndarray, " n"], orders: Int[np.ndarray, "size n"]
) -> Float[np.ndarray, " size"]:
    """(size,) V where row i is in group rows[i] of a and in group orders[:, i] of b."""
    way = _way(a, b)[0]
    if way == "pairs":
        of_a = a.kernel[rows[:, None], rows].ravel()
        return np.asarray(b.kernel[orders[:, :, None], orders[:, None, :]].reshape(len(orders), -1) @ of_a)
    if way == "features":
        inner = a.features[rows].T @ b.features[orders]
        return np.asarray((inner**2).sum(axis=(1, 2)))
    size, cells = len(orders), len(a.counts) * len(b.counts)
    flat = orders + rows * len(b.counts) + (np.arange(size) * cells)[:, None]
    counts = np.bincount(flat.ravel(), minlength=size * cells)
    return _of_tables(a, b, counts.reshape(size, len(a.counts), len(b.counts)))


def _of_tables(a: Groups, b: Groups, tables: Int[np.ndarray, "size g h"]) -> Float[np.ndarray, " size"]:
    inner = a.features.T @ (tables.astype(float) @ b.features)
    return np.asarray((inner**2).sum(axis=(1, 2)))


def _content(column: Groups) -> tuple[int, str]:
    """What decides which column is shuffled: the same for other units and another order of rows."""
    return len(column.counts), f"{column.counts @ column.diagonal**2:.6e}"


def two_by_two_p(
    columns: ColumnPair, measure: Callable[[Int[np.ndarray, " k"]], Float[np.ndarray, " k"]]
) -> LogPValue:
    """Exact p of two columns with two values each: the sum over all tables with the same margins.

    Args:
        columns: the two columns.
        measure: (k,) counts of the first cell -> (k,) statistics, larger for stronger dependence.
    """
    (r, _), (c, _) = (column.counts for column in columns)
    n = len(columns[0])
    seen = int(joint_counts(*columns)[0, 0])
    least = float(measure(np.array([seen]))[0]) * (1.0 - ROUNDING)
    cell = _cells_that_count(n, int(r), int(c), seen, lambda cells: measure(cells) >= least)
    extreme = cell[measure(cell) >= least]
    return LogPValue(min(float(logsumexp(_log_hypergeometric(extreme, n, int(r), int(c)))), 0.0), "exact")


def _cells_that_count(
    n: int,
    r: int,
    c: int,
    seen: int,
    is_extreme: Callable[[Int[np.ndarray, " k"]], Bool[np.ndarray, " k"]],
) -> Int[np.ndarray, " cells"]:
    """(cells,) counts of the first cell that may matter: all, or those near the ends of the two tails.

    With millions of possible counts, those beyond 60 standard deviations behind the first extreme one of a
    tail add nothing. On the other side than `seen`, the first one is found by bisection.
    """
    low, high = max(0, r + c - n), min(r, c)
    if high - low < MOST_TABLES:
        return np.arange(low, high + 1)
    middle = r * c / n
    inner, outer = (math.floor(middle), low) if seen > middle else (math.ceil(middle), high)
    while abs(outer - inner) > 1:
        between = (outer + inner) // 2
        is_far = bool(is_extreme(np.array([between]))[0])
        inner, outer = (inner, between) if is_far else (between, outer)
    reach = 60 + int(60 * math.sqrt(middle * (n - r) / n * (n - c) / n))
    windows = [np.arange(max(low, end - reach), min(high, end + reach) + 1) for end in (seen, outer)]
    return np.unique(np.concatenate(windows))


def _log_hypergeometric(cell: Int[np.ndarray, " k"], n: int, r: int, c: int) -> Float[np.ndarray, " k"]:
    """(k,) log probability that a table with n rows and margins r, c has these counts in its first cell."""

    def log_choose(total: int, part: Int[np.ndarray, "*k"] | int) -> Float[np.ndarray, "*k"]:
        return np.asarray(math.lgamma(total + 1) - gammaln(part + 1) - gammaln(total - part + 1))

    return np.asarray(log_choose(r, cell) + log_choose(n - r, c - cell) - log_choose(n, c))
