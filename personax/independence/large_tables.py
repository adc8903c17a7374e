"""Tables of counts with more cells than rows of data: sums over the cells that are not empty.

A table of 4,000 x 4,000 labels has 16 million cells, of which 9,444 people fill at most 9,444.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Margin = Int[np.ndarray, " _"]


class FilledCells(NamedTuple):
    """The cells that are not empty, of one table or of several tables with the same margins.

    Attributes:
        rows, columns: (k,) place of each cell.
        counts: (k,) rows of data in it.
        expected: (k,) how many are expected under independence.
        tables: (k,) the number of its table.
    """

    rows: Int[np.ndarray, " k"]
    columns: Int[np.ndarray, " k"]
    counts: Int[np.ndarray, " k"]
    expected: Float[np.ndarray, " k"]
    tables: Int[np.ndarray, " k"]


def filled_cells(rows: Margin, columns: Margin, codes: Int[np.ndarray, "tables n"]) -> FilledCells:
    """The filled cells of tables with these margins; the code of a row of data is row * columns + column."""
    size = len(rows) * len(columns)
    every = np.sort(codes + size * np.arange(len(codes))[:, None], axis=1).ravel()
    first = np.flatnonzero(np.concatenate([[True], every[1:] != every[:-1]]))
    table, cell = np.divmod(every[first], size)
    row, column = np.divmod(cell, len(columns))
    expected = rows[row] * columns[column].astype(float) / codes.shape[1]
    return FilledCells(row, column, np.diff(first, append=len(every)), expected, table)


def pearson_of_cells(cells: FilledCells) -> Float[np.ndarray, " tables"]:
    """(tables,) Pearson's sum (N - E)^2 / E over all cells, which is sum N^2 / E - n."""
    return np.bincount(cells.tables, weights=cells.counts * (cells.counts / cells.expected - 1.0))


def likelihood_ratio_of_cells(cells: FilledCells) -> Float[np.ndarray, " tables"]:
    """(tables,) G^2 = 2 sum N log(N / E)."""
    return np.bincount(cells.tables, weights=2.0 * cells.counts * np.log(cells.counts / cells.expected))


def shuffled_cells(rows: Margin, columns: Margin, rng: np.random.Generator, size: int) -> FilledCells:
    """The filled cells of `size` random tables with these margins."""
    first, second = (np.repeat(np.arange(len(margin)), margin) for margin in (rows, columns))
    orders = rng.permuted(np.broadcast_to(second, (size, len(second))), axis=1)
    return filled_cells(rows, columns, first * len(columns) + orders)
