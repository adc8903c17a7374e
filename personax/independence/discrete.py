"""Tests on tables of counts: chi-square and G-square."""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import xlogy
from scipy.stats import random_table

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.effects import Effect, cramers_v, cramers_v_of_cells
from personax.independence.grams import joint_counts
from personax.independence.large_tables import (
    FilledCells,
    Margin,
    filled_cells,
    likelihood_ratio_of_cells,
    pearson_of_cells,
    shuffled_cells,
)
from personax.independence.nulls import choose_p
from personax.independence.permutations import LONGER, in_blocks, two_by_two_p
from personax.independence.procedure import Compare, Comparison, Null
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.results import LogPValue
from personax.independence.tails import log_chi2_sf

TABLE_NULLS: tuple[Null, ...] = ("auto", "chi2", "permutation")
# Below this count the chi-square distribution no longer describes a cell's contribution (Cochran 1954).
SMALLEST_EXPECTED = 5.0
# With more cells than this, a random table takes a millisecond, and not ten times as many are drawn.
MOST_CELLS_LONGER = 10_000

# (tables, expected counts) -> statistics
Measure = Callable[[Num[np.ndarray, "*tables r c"], Float[np.ndarray, "r c"]], Num[np.ndarray, "*tables"]]


def is_discrete(column: PreparedColumn) -> bool:
    """True for ordinal and nominal columns, and circular ones whose values occur 5 times on average."""
    if column.kind == "circular":
        return len(column) >= 5 * len(column.distinct)
    return column.kind in ("ordinal", "nominal")


def expected_counts(rows: Int[np.ndarray, " r"], columns: Int[np.ndarray, " c"]) -> Float[np.ndarray, "r c"]:
    """(r, c) counts expected under independence with the margins (r,), (c,)."""
    return np.asarray(np.multiply.outer(rows, columns) / rows.sum())


def pearson(
    tables: Num[np.ndarray, "*tables r c"], expected: Float[np.ndarray, "r c"]
) -> Num[np.ndarray, "*tables"]:
    """Pearson's sum (N - E)^2 / E of tables (..., r, c)."""
    return np.asarray(np.sum((tables - expected) ** 2 / expected, axis=(-2, -1)))


def likelihood_ratio(
    tables: Num[np.ndarray, "*tables r c"], expected: Float[np.ndarray, "r c"]
) -> Num[np.ndarray, "*tables"]:
    """G^2 = 2 sum N log(N / E) of tables (..., r, c); empty cells add 0."""
    return np.asarray(2.0 * np.sum(xlogy(tables, tables / expected), axis=(-2, -1)))


def williams(rows: Int[np.ndarray, " r"], columns: Int[np.ndarray, " c"]) -> float:
    """Divisor that brings the mean of G^2 to that of the chi-square distribution (Williams 1976), above 1.

    Without it, G^2 of a 5 x 5 table of 200 rows rejects .067 of independent columns at .05.
    """
    n = float(rows.sum())
    r, c = len(rows), len(columns)
    excess = (n * float(np.sum(1.0 / rows)) - 1.0) * (n * float(np.sum(1.0 / columns)) - 1.0)
    return 1.0 + excess / (6.0 * n * (r - 1) * (c - 1))


# The same statistics of large tables, by their filled cells.
OF_CELLS: dict[Measure, Callable[[FilledCells], Float[np.ndarray, " tables"]]] = {
    pearson: pearson_of_cells,
    likelihood_ratio: likelihood_ratio_of_cells,
}


def is_large(columns: ColumnPair) -> bool:
    """Whether the table of two columns has so many cells that the filled ones are listed instead."""
    cells = len(columns[0].counts) * len(columns[1].counts)
    return cells > max(MOST_CELLS_LONGER, len(columns[0]))


def statistic_and_effect(measure: Measure, columns: ColumnPair) -> tuple[float, Effect]:
    """The statistic of the table of two columns, and Cramer's V."""
    x, y = columns
    if not is_large(columns):
        table = joint_counts(x, y)
        return float(measure(table, expected_counts(x.counts, y.counts))), cramers_v(table)
    codes = x.numbers * len(y.counts) + y.numbers
    cells = filled_cells(x.counts, y.counts, codes[None])
    effect = cramers_v_of_cells((x.counts, y.counts), (cells.rows, cells.columns), cells.counts)
    return float(OF_CELLS[measure](cells)[0]), effect


def compare_tables(measure: Measure) -> Compare:
    """The comparison of two discrete columns by `measure` (pearson or likelihood_ratio).

    null "chi2": the asymptotic distribution with (r - 1)(c - 1) degrees of freedom; "permutation": Monte
    Carlo over random tables with the observed margins (row and column sums); "auto": chi2 (of G^2 divided by
    `williams`) unless an expected count is below 5, see `choose_p`.
    """
    return partial(_compare_tables, measure)


def _compare_tables(
    measure: Measure,
    columns: ColumnPair,
    prepared: tuple[None, None],
    null: Null,
    rng: np.random.Generator,
    resamples: int,
) -> Comparison:
    x, y = columns
    r, c = len(x.counts), len(y.counts)
    statistic, effect = statistic_and_effect(measure, columns)

    def asymptotic(divisor: float = 1.0) -> LogPValue:
        return LogPValue(log_chi2_sf(statistic / divisor, (r - 1) * (c - 1)), "chi2")

    def resampled() -> LogPValue:
        return _monte_carlo_p(statistic, columns, measure, rng, resamples)

    def exact() -> LogPValue:
        expected = expected_counts(x.counts, y.counts)
        return two_by_two_p(columns, lambda cell: measure(_two_by_two(cell, columns), expected))

    if null == "auto":
        divisor = williams(x.counts, y.counts) if measure is likelihood_ratio else 1.0
        is_trusted = bool(x.counts.min() * y.counts.min() / len(x) >= SMALLEST_EXPECTED)
        p = choose_p(len(x), is_trusted, partial(asymptotic, divisor), columns, exact, resampled)
    else:
        p = asymptotic() if null == "chi2" else resampled()
    return Comparison(statistic, p, effect)


def _two_by_two(cell: Int[np.ndarray, " k"], columns: ColumnPair) -> Int[np.ndarray, "k 2 2"]:
    """(k, 2, 2) tables with the margins of the columns and these counts in the first cell."""
    (r, _), (c, _) = (column.counts for column in columns)
    tables = [[cell, r - cell], [c - cell, len(columns[0]) - r - c + cell]]
    return np.moveaxis(np.array(tables), -1, 0)


def _monte_carlo_p(
    statistic: float, columns: ColumnPair, measure: Measure, rng: np.random.Generator, resamples: int
) -> LogPValue:
    """p over random tables with the observed margins (`resampling_log_p`).

    Where none of `resamples` tables is as extreme as the observed one, `LONGER` times as many are drawn.

    The margins are sorted, and the longer one becomes the rows: the same `rng` then gives the same p for any
    order of arguments, rows and categories. Tables are drawn in blocks, which grow from 200 tables to at
    most 8 MB. Of large tables only the filled cells are drawn.
    """
    rows, others = sorted(
        (np.sort(column.counts)[::-1] for column in columns),
        key=lambda margin: (-len(margin), margin.tolist()),
    )
    large = is_large(columns)
    draw = _random_cells(measure, rows, others, rng) if large else _random_tables(measure, rows, others, rng)
    cells = len(rows) * len(others)
    numbers = len(columns[0]) if large else cells
    blocks = in_blocks(
        lambda size: draw(size) >= statistic * (1.0 - ROUNDING), resamples, max(1, 1_000_000 // numbers)
    )
    longer = LONGER if cells <= MOST_CELLS_LONGER else 1
    found = resampling_log_p(blocks, resamples, longer=longer)
    return LogPValue(found.log_p, "permutation", found.is_bound)


def _random_tables(
    measure: Measure, rows: Margin, columns: Margin, rng: np.random.Generator
) -> Callable[[int], Num[np.ndarray, " size"]]:
    """size -> (size,) statistics of random tables with these margins."""
    expected, distribution = expected_counts(rows, columns), random_table(rows, columns)
    return lambda size: measure(distribution.rvs(size, random_state=rng), expected)


def _random_cells(
    measure: Measure, rows: Margin, columns: Margin, rng: np.random.Generator
) -> Callable[[int], Num[np.ndarray, " size"]]:
    """The same by the filled cells."""
    return lambda size: OF_CELLS[measure](shuffled_cells(rows, columns, rng, size))
