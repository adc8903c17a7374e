"""Tests on tables of counts: chi-square and G-square."""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import xlogy

from personax.independence.columns import Column
from personax.independence.grams import joint_counts
from personax.independence.procedure import Comparison, Null
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.tails import log_chi2_sf

TABLE_NULLS: tuple[Null, ...] = ("auto", "chi2", "permutation")
# Below this the chi-square distribution no longer describes a cell's contribution (Cochran 1954).
SMALLEST_EXPECTED = 5.0


def is_discrete(column: Column) -> bool:
    """Ordinal and nominal columns; circular ones whose values recur (months, days), five times on average."""
    if column.kind == "circular":
        return len(column) >= 5 * len(column.distinct)
    return column.kind in ("ordinal", "nominal")


def expected_counts(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(r, c) counts expected under independence with the margins (r,), (c,)."""
    return np.asarray(np.multiply.outer(rows, columns) / rows.sum())


def pearson(tables: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Pearson's sum (N - E)^2 / E of tables (..., r, c)."""
    return np.asarray(np.sum((tables - expected) ** 2 / expected, axis=(-2, -1)))


def likelihood_ratio(tables: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """G^2 = 2 sum N log(N / E) of tables (..., r, c); empty cells add 0."""
    return np.asarray(2.0 * np.sum(xlogy(tables, tables / expected), axis=(-2, -1)))


def tables_with_margins(
    rows: np.ndarray, columns: np.ndarray, size: int, rng: np.random.Generator
) -> np.ndarray:
    """(size, r, c) random tables with the given margins, as two shuffled columns would give.

    Cell by cell from the hypergeometric distribution of what is left of its row and column.
    """
    tables = np.zeros((size, len(rows), len(columns)), dtype=np.int64)
    left = np.tile(columns, (size, 1))
    for i, row in enumerate(rows[:-1]):
        to_place = np.full(size, row)
        others = left.sum(axis=1)
        for j in range(len(columns) - 1):
            others = others - left[:, j]
            cell = rng.hypergeometric(left[:, j], others, to_place)
            tables[:, i, j] = cell
            to_place = to_place - cell
        tables[:, i, -1] = to_place
        left -= tables[:, i]
    tables[:, -1] = left
    return tables


def cramers_v(statistic: float, n: int, shape: tuple[int, int]) -> float:
    """Cramer's V of a table, corrected for its bias (Bergsma 2013), in [0, 1]."""
    r, c = shape
    phi2 = max(statistic / n - (r - 1) * (c - 1) / (n - 1), 0.0)
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1.0
    return float(np.sqrt(min(phi2 / smaller, 1.0))) if smaller > 0 else 0.0


def compare_tables(measure: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Comparison:
    """The comparison of two discrete columns by `measure` (pearson or likelihood_ratio).

    null "chi2": the asymptotic distribution with (r - 1)(c - 1) degrees of freedom; "permutation": Monte
    Carlo over tables with the observed margins; "auto": chi2 unless an expected count is below 5.
    """

    def compare(
        columns: tuple[Column, Column],
        prepared: tuple[None, None],
        null: Null,
        rng: np.random.Generator,
        resamples: int,
    ) -> tuple[float, float, float, str]:
        x, y = columns
        shape = (len(x.counts), len(y.counts))
        table = joint_counts(x.codes, y.codes, shape)
        expected = expected_counts(x.counts, y.counts)
        statistic = float(measure(table, expected))
        if null == "auto":
            null = "chi2" if expected.min() >= SMALLEST_EXPECTED else "permutation"
        if null == "chi2":
            log_p = log_chi2_sf(statistic, (shape[0] - 1) * (shape[1] - 1))
        else:
            log_p = _monte_carlo_log_p(statistic, x.counts, y.counts, measure, rng, resamples)
        return statistic, log_p, cramers_v(statistic, len(x), shape), null

    return compare


def _monte_carlo_log_p(
    statistic: float,
    x_counts: np.ndarray,
    y_counts: np.ndarray,
    measure: Callable[[np.ndarray, np.ndarray], np.ndarray],
    rng: np.random.Generator,
    resamples: int,
) -> float:
    """log p over random tables with the observed margins (`resampling_log_p`).

    Sorted margins, the longer as rows: the same `rng` gives the same p whatever the order of arguments, rows
    and categories. Blocks of tables grow from 200 to at most 8 MB.
    """
    margins = sorted((np.sort(x_counts)[::-1], np.sort(y_counts)[::-1]), key=lambda m: (-len(m), m.tolist()))
    expected = expected_counts(*margins)

    def exceeds() -> Iterator[np.ndarray]:
        drawn, block = 0, 200
        while drawn < resamples:
            size = min(block, max(1, 1_000_000 // expected.size), resamples - drawn)
            tables = tables_with_margins(margins[0], margins[1], size, rng)
            yield measure(tables, expected) >= statistic * (1.0 - ROUNDING)
            drawn, block = drawn + size, 2 * block

    return resampling_log_p(exceeds(), resamples)
