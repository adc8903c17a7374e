"""Tests on tables of counts: chi-square and G-square."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Int, Num
from scipy.special import xlogy
from scipy.stats import random_table

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.grams import joint_counts
from personax.independence.procedure import Compare, Comparison, Null
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.tails import log_chi2_sf

TABLE_NULLS: tuple[Null, ...] = ("auto", "chi2", "permutation")
# Below this count the chi-square distribution no longer describes a cell's contribution (Cochran 1954).
SMALLEST_EXPECTED = 5.0

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


def cramers_v(statistic: float, n: int, shape: tuple[int, int]) -> float:
    """Cramer's V of a table, corrected for its bias (Bergsma 2013), in [0, 1]."""
    r, c = shape
    phi2 = max(statistic / n - (r - 1) * (c - 1) / (n - 1), 0.0)
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1.0
    return float(np.sqrt(min(phi2 / smaller, 1.0))) if smaller > 0 else 0.0


def compare_tables(measure: Measure) -> Compare:
    """The comparison of two discrete columns by `measure` (pearson or likelihood_ratio).

    null "chi2": the asymptotic distribution with (r - 1)(c - 1) degrees of freedom; "permutation": Monte
    Carlo over random tables with the observed margins (row and column sums); "auto": chi2 unless an expected
    count is below 5.
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
    table, expected = joint_counts(x, y), expected_counts(x.counts, y.counts)
    r, c = table.shape
    statistic = float(measure(table, expected))
    if null == "auto":
        null = "chi2" if expected.min() >= SMALLEST_EXPECTED else "permutation"
    if null == "chi2":
        log_p = log_chi2_sf(statistic, (r - 1) * (c - 1))
    else:
        log_p = _monte_carlo_log_p(statistic, columns, measure, rng, resamples)
    return Comparison(statistic, log_p, cramers_v(statistic, len(x), (r, c)), null)


def _monte_carlo_log_p(
    statistic: float, columns: ColumnPair, measure: Measure, rng: np.random.Generator, resamples: int
) -> float:
    """log p over random tables with the observed margins (`resampling_log_p`).

    The margins are sorted, and the longer one becomes the rows: the same `rng` then gives the same p for any
    order of arguments, rows and categories. Tables are drawn in blocks, which grow from 200 tables to at
    most 8 MB.
    """
    rows, others = sorted(
        (np.sort(column.counts)[::-1] for column in columns),
        key=lambda margin: (-len(margin), margin.tolist()),
    )
    expected = expected_counts(rows, others)
    distribution = random_table(rows, others)

    def exceeds() -> Iterator[Bool[np.ndarray, " tables"]]:
        drawn, block = 0, 200
        while drawn < resamples:
            size = min(block, max(1, 1_000_000 // expected.size), resamples - drawn)
            tables = distribution.rvs(size, random_state=rng)
            yield measure(tables, expected) >= statistic * (1.0 - ROUNDING)
            drawn, block = drawn + size, 2 * block

    return resampling_log_p(exceeds(), resamples)
