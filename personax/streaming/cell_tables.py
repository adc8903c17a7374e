"""Tables of counts of columns in cells, which know where in their cells people are.

A cell stands for the mean of its people. If those of one score lie a little higher in the cell than the
others, a table of counts does not know it. So the sums of their distances from the mean, their *moments*,
are counted, too, and `moved` takes them into account: a share of somebody is moved from the cell below to
the cell above, which changes the sum of any smooth function of the values as much as if those people were
moved a little higher within their cell. What remains is of the second order in the widths of the cells.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from jaxtyping import Float, Integer, Num

from personax.independence.counted import Levels, PairTable
from personax.streaming.fine_grid import STEPS, FineGrid, pairs_in_cells


@dataclass(frozen=True, eq=False)
class CellTable:
    """How many people have each pair of values or cells of two columns.

    Attributes:
        levels: of both columns. A cell stands for the mean of its people in this table, and none is empty.
        counts: (d, e) people.
        moments: axis of a column with cells -> (d, e) sums of the distances of the people from the mean
            of their cell.
        numbers: axis of a column with cells -> (d,) or (e,) the cells' numbers in their grid, ascending.
    """

    levels: tuple[Levels, Levels]
    counts: Integer[np.ndarray, "d e"]
    moments: Mapping[int, Float[np.ndarray, "d e"]]
    numbers: Mapping[int, Integer[np.ndarray, " _"]]

    def moved(self) -> PairTable:
        """The table for the tests: moments are taken into account, and both margins stay as they are."""
        people: Num[np.ndarray, "d e"] = self.counts
        for axis, moments in self.moments.items():
            changes = _moved_people(self.levels[axis].values, np.moveaxis(moments, axis, 0))
            people = people + np.moveaxis(changes, 0, axis)
        return PairTable(*self.levels, people)

    def halved(self) -> "CellTable":
        """The table with cells that are twice as wide."""
        table = self
        for axis in self.moments:
            table = table._halved_along(axis)
        return table

    def _halved_along(self, axis: int) -> "CellTable":
        fine, levels = self.levels[axis], list(self.levels)
        wide, first, cell = np.unique(self.numbers[axis] // 2, return_index=True, return_inverse=True)
        add = partial(np.add.reduceat, indices=first, axis=axis)
        counts = np.add.reduceat(fine.counts, first)
        means = np.add.reduceat(fine.counts * fine.values, first) / counts
        apart = fine.values - means[cell]
        more = pairs_in_cells(counts) - pairs_in_cells(fine.counts)
        levels[axis] = replace(fine, values=means, counts=counts, hidden_pairs=fine.hidden_pairs + more)
        own = self.moments[axis] + self.counts * _for_cells(apart, axis)
        return CellTable(
            (levels[0], levels[1]),
            add(self.counts),
            {each: add(table) for each, table in {**self.moments, axis: own}.items()},
            {**self.numbers, axis: wide},
        )


def cell_table(
    levels: tuple[Levels, Levels],
    counts: Integer[np.ndarray, "d e"],
    places: Mapping[int, Integer[np.ndarray, "d e"]],
    grids: Mapping[int, FineGrid],
) -> CellTable:
    """The table from counts and sums of `FineGrid.places`; `places` and `grids` by axis.

    Values and counts of `levels` are only used of columns without a grid.
    """
    numbers = {axis: np.flatnonzero(counts.sum(axis=1 - axis)) for axis in grids}
    for axis, filled in numbers.items():
        counts = counts.take(filled, axis=axis)
        places = {each: table.take(filled, axis=axis) for each, table in places.items()}
    of_axes, moments = list(levels), {}
    for axis, grid in grids.items():
        people = counts.sum(axis=1 - axis)
        widths, lower = np.diff(grid.edges)[numbers[axis]], grid.edges[numbers[axis]]
        means = places[axis].sum(axis=1 - axis) / people / STEPS
        apart = places[axis] / STEPS - counts * _for_cells(means, axis)
        moments[axis] = apart * _for_cells(widths, axis)
        of_axes[axis] = replace(
            levels[axis],
            values=lower + widths * means,
            counts=people,
            is_gathered=True,
            hidden_pairs=int((1.0 - grid.ties) * pairs_in_cells(people)),
        )
    return CellTable((of_axes[0], of_axes[1]), counts, moments, numbers)


def _for_cells(numbers: Float[np.ndarray, " d"], axis: int) -> Float[np.ndarray, "_ _"]:
    """Numbers for the cells of an axis, to be multiplied with a table."""
    return np.expand_dims(numbers, 1 - axis)


def _moved_people(
    values: Float[np.ndarray, " d"], moments: Float[np.ndarray, "d e"]
) -> Float[np.ndarray, "d e"]:
    """(d, e) changes of the counts: the moments, divided by the distance over which people are moved.

    They are moved from the cell below to that above; beside the ends, from the outermost of three cells.
    """
    d = len(values)
    if d < 2:
        return np.zeros_like(moments)
    below = np.clip(np.arange(d) - 1, 0, max(d - 3, 0))
    above = np.minimum(below + 2, d - 1)
    shares = moments / (values[above] - values[below])[:, None]
    changes = np.zeros_like(moments)
    np.add.at(changes, above, shares)
    np.subtract.at(changes, below, shares)
    return changes
