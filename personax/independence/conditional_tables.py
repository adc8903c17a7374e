"""Chi-square and G-square given discrete columns: tables of counts in each stratum, tested together.

A stratum holds the rows with one combination of values of Z.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import random_table

from personax.independence.conditional_columns import GivenFinding, GroupTriple
from personax.independence.discrete import (
    SMALLEST_EXPECTED,
    Measure,
    expected_counts,
    is_discrete,
    pearson,
)
from personax.independence.permutations import LONGER, in_blocks
from personax.independence.procedure import Null
from personax.independence.resampling import ROUNDING, Resampled, resampling_log_p
from personax.independence.tails import log_chi2_sf

_BLOCK_BYTES = 8e6


class NothingVaries(Exception):
    """In no stratum do both x and y take two different values."""


class Stratum(NamedTuple):
    """The table (r, c) of one stratum without empty rows and columns, and its expected counts."""

    table: Int[np.ndarray, "r c"]
    expected: Float[np.ndarray, "r c"]

    @property
    def freedom(self) -> int:
        """Degrees of freedom, (r - 1)(c - 1)."""
        r, c = self.table.shape
        return int((r - 1) * (c - 1))

    @property
    def largest(self) -> float:
        """The largest value that Pearson's statistic can have: n (min(r, c) - 1)."""
        return float(self.table.sum() * (min(self.table.shape) - 1))


def strata_tables(groups: GroupTriple) -> list[Stratum]:
    """The strata in which both x and y vary; the others say nothing about x and y."""
    order = np.argsort(groups.given.cells, kind="stable")
    ends = np.flatnonzero(np.diff(groups.given.cells[order])) + 1
    tables = (_table(groups.x.cells[rows], groups.y.cells[rows]) for rows in np.split(order, ends))
    return [Stratum(t, expected_counts(t.sum(1), t.sum(0))) for t in tables if min(t.shape) > 1]


def _table(x: Int[np.ndarray, " n"], y: Int[np.ndarray, " n"]) -> Int[np.ndarray, "r c"]:
    """Counts of the pairs of values, without values that do not occur."""
    rows, x = np.unique(x, return_inverse=True)
    columns, y = np.unique(y, return_inverse=True)
    shape = len(rows), len(columns)
    return np.bincount(x * shape[1] + y, minlength=shape[0] * shape[1]).reshape(shape)


def discrete_groups(groups: GroupTriple) -> bool:
    """Whether all columns are discrete."""
    return all(is_discrete(column) for side in groups for column in side.columns)


def compare_strata(
    measure: Measure,
) -> Callable[[GroupTriple, Null, np.random.Generator, int], GivenFinding]:
    """The comparison of x and y by `measure` (pearson or likelihood_ratio), summed over the strata.

    Nulls: chi2, with the sum of the degrees of freedom; permutation, random tables with the margins of every
    stratum (exact up to Monte Carlo, however small the strata); auto, chi2 unless an expected count is below
    5. The effect is sqrt((X^2 - df) / (max X^2 - df)) with Pearson's X^2 over all strata, 1 if y is a
    function of x in each (or x of y), and about 0 under the null hypothesis.
    """
    return partial(_compare_strata, measure)


def _compare_strata(
    measure: Measure, groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int
) -> GivenFinding:
    strata = strata_tables(groups)
    if not strata:
        raise NothingVaries
    statistic = sum(float(measure(each.table, each.expected)) for each in strata)
    freedom = sum(each.freedom for each in strata)
    if null == "auto":
        least = min(float(each.expected.min()) for each in strata)
        null = "chi2" if least >= SMALLEST_EXPECTED else "permutation"
    if null == "chi2":
        p = Resampled(log_chi2_sf(statistic, freedom), is_bound=False)
    else:
        p = _random_tables_log_p(statistic, strata, measure, rng, resamples)
    return GivenFinding(statistic, p.log_p, strata_effect(strata), null, p.is_bound)


def strata_effect(strata: Sequence[Stratum]) -> float:
    """How large Pearson's X^2 is beyond its degrees of freedom, as a share of the largest, in [0, 1]."""
    freedom = sum(each.freedom for each in strata)
    largest = sum(each.largest for each in strata)
    x2 = sum(float(pearson(each.table, each.expected)) for each in strata)
    return float(np.sqrt(np.clip((x2 - freedom) / (largest - freedom), 0, 1))) if largest > freedom else 0.0


def _random_tables_log_p(
    statistic: float,
    strata: Sequence[Stratum],
    measure: Measure,
    rng: np.random.Generator,
    resamples: int,
) -> Resampled:
    """log p over random tables with the margins of each stratum.

    Where no table reaches the statistic, `LONGER` times as many are drawn.
    """
    drawers = [random_table(each.table.sum(1), each.table.sum(0)) for each in strata]
    largest = max(each.table.size for each in strata)

    def exceeds(size: int) -> Bool[np.ndarray, " size"]:
        drawn = np.zeros(size)
        for drawer, stratum in zip(drawers, strata, strict=True):
            drawn += measure(drawer.rvs(size, random_state=rng), stratum.expected)
        return np.asarray(drawn >= statistic * (1.0 - ROUNDING))

    most = max(1, int(_BLOCK_BYTES / 8 / largest))
    return resampling_log_p(in_blocks(exceeds, resamples, most), resamples, longer=LONGER)
