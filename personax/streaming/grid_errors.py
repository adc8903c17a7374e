"""How far the cells of a fine grid may change a statistic, and which results that makes worthless.

A cell stands for the mean of its people, so a statistic differs from that of the values themselves. The error
grows with the width of the cells, and for narrow ones at least in proportion: for medians of distances and
for distances in proportion, for smooth functions with the square. So if cells that are twice as wide change
the statistic by a number c, the error is about as large as c, or less. Several doublings, each divided by how
many times as wide its cells are, give several such numbers; their root mean square is rarely much too small,
as a single one often is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from personax.independence.counted import CountedTests
from personax.independence.grid import GridRows
from personax.independence.results import without_pvalue
from personax.streaming.cell_tables import CellTable

DOUBLINGS = 3
# Chosen with seeds 1000 to 1004 and 11 distributions: 99 % of the errors were below 3 such numbers.
BOUND_IN_CHANGES = 3.0
LEAST_BOUND = 1e-7  # places in a cell are whole steps, and the error that this makes shows in no change
MOST_ERROR = 1e-3
TOO_WIDE = "undefined: cells too wide for values so far apart; take logarithms or ranks of the column"


def with_errors(counted: CountedTests, tables: Sequence[CellTable], rows: GridRows) -> GridRows:
    """The rows of a pair with `route_error`; a result whose error may be above MOST_ERROR is undefined.

    `route_error` is a bound on the relative error of the statistic by the cells, 0 without any. An invertible
    change of a column, such as its logarithm or its ranks, does not change whether two columns are
    independent; so the reason of an undefined result names it.
    """
    errors = _bounds(counted, tables, rows)
    return [
        row
        | (without_pvalue(row["test"], row["n"], TOO_WIDE).row() if error > MOST_ERROR else {})
        | {"route_error": error}
        for row, error in zip(rows, errors, strict=True)
    ]


def _bounds(counted: CountedTests, tables: Sequence[CellTable], rows: GridRows) -> list[float]:
    """The bound for each statistic, relative to its size; NaN where it has none."""
    if not tables[0].moments:
        return [0.0] * len(rows)
    asymptotic = {name: (test, test.nulls[1]) for name, (test, _) in counted.tests.items()}
    statistics = replace(counted, tests=asymptotic)  # p-values are not needed again
    squares, before = np.zeros(len(rows)), rows
    for doubling in range(DOUBLINGS):
        tables = [table.halved() for table in tables]
        after = statistics.rows([table.moved() for table in tables])
        changes = [_change(*two) for two in zip(before, after, strict=True)]
        squares += np.square(changes) / 4.0**doubling
        before = after
    change = np.sqrt(squares / DOUBLINGS)
    bounds = [float(BOUND_IN_CHANGES * c / _size(row)) for c, row in zip(change, rows, strict=True)]
    return [max(bound, LEAST_BOUND) for bound in bounds]


def _change(row: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    return float(other["statistic"] - row["statistic"])


def _size(row: Mapping[str, Any]) -> float:
    """The size of a statistic: itself, or its standard deviation if that is more.

    The latter is that under independence, where z and the distance correlation are 0 but for chance.
    """
    by_chance = {"fisher_z": 1.0, "distance_correlation": np.sqrt(2.0) / max(row["n"], 1)}
    size = max(abs(row["statistic"]), by_chance.get(row["test"], 0.0))
    return float(size) if size > 0 else float("nan")
