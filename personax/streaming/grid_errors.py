"""How far the cells of a fine grid may change a statistic, and which results that makes worthless.

A cell stands for the mean of its people, so a statistic differs from that of the values themselves. Where in
its cell somebody lies is as good as random; so the difference is much like a normal number with mean 0, whose
standard deviation sigma is proportional to the width of the cells. Making the cells twice as wide changes the
statistic by a number with standard deviation sqrt(4 - 1) sigma, the next doubling by sqrt(16 - 4) sigma, and
so on. Several doublings give several estimates of sigma; their root mean square is rarely much too small,
as a single one often is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Integer

from personax.independence.counted import CountedTests, Levels
from personax.independence.grid import GridRows
from personax.independence.results import without_pvalue
from personax.streaming.fine_grid import halved

DOUBLINGS = 4
# Chosen with seeds 1000 to 1002: for each test at least 94 % of the errors were below 4 sigma.
BOUND_IN_SIGMA = 4.0
MOST_ERROR = 3e-3  # a bound; sigma is then 7.5e-4, and errors above 1e-3 are rare
TOO_WIDE = "undefined: cells too wide for values so far apart; take logarithms or ranks of the column"

PairTables = Sequence[Integer[np.ndarray, "_ _"]]


def with_errors(
    counted: CountedTests, levels: tuple[Levels, Levels], tables: PairTables, rows: GridRows
) -> GridRows:
    """The rows of a pair with `route_error`; a result whose error may be above MOST_ERROR is undefined.

    `route_error` is a bound on the relative error of the statistic by the cells, 0 without any. An invertible
    change of a column, such as its logarithm or its ranks, does not change whether two columns are
    independent; so the reason of an undefined result names it.
    """
    errors = _bounds(counted, levels, tables, rows)
    return [
        row
        | (without_pvalue(row["test"], row["n"], TOO_WIDE).row() if error > MOST_ERROR else {})
        | {"route_error": error}
        for row, error in zip(rows, errors, strict=True)
    ]


def _bounds(
    counted: CountedTests, levels: tuple[Levels, Levels], tables: PairTables, rows: GridRows
) -> list[float]:
    """The bound for each statistic, relative to its size; NaN where it has none."""
    if not any(each.is_gathered for each in levels):
        return [0.0] * len(rows)
    asymptotic = {name: (test, test.nulls[1]) for name, (test, _) in counted.tests.items()}
    statistics = replace(counted, tests=asymptotic)  # p-values are not needed again
    squares, before = np.zeros(len(rows)), rows
    for doubling in range(DOUBLINGS):
        levels, tables = _coarser(levels, tables)
        after = statistics.rows(*levels, tables)
        changes = [_change(*two) for two in zip(before, after, strict=True)]
        squares += np.square(changes) / (3.0 * 4.0**doubling)
        before = after
    sigma = np.sqrt(squares / DOUBLINGS)
    return [float(BOUND_IN_SIGMA * s / _size(row)) for s, row in zip(sigma, rows, strict=True)]


def _change(row: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return float(other["statistic"] - row["statistic"])


def _size(row: Mapping[str, Any]) -> float:
    """The size of a statistic: itself, or its standard deviation if that is more.

    The latter is that under independence, where z and the distance correlation are 0 but for chance.
    """
    by_chance = {"fisher_z": 1.0, "distance_correlation": np.sqrt(2.0) / max(row["n"], 1)}
    size = max(abs(row["statistic"]), by_chance.get(row["test"], 0.0))
    return float(size) if size > 0 else float("nan")


def _coarser(levels: tuple[Levels, Levels], tables: PairTables) -> tuple[tuple[Levels, Levels], PairTables]:
    """Levels and tables with cells that are twice as wide; columns without cells stay."""
    wider = []
    for axis, each in enumerate(levels):
        if each.is_gathered:
            counts = halved(each.counts)
            means = halved(each.counts * each.values) / np.maximum(counts, 1)
            each = replace(each, values=means, counts=counts)
            tables = [np.moveaxis(halved(np.moveaxis(table, axis, 0)), 0, axis) for table in tables]
        wider.append(each)
    return (wider[0], wider[1]), tables
