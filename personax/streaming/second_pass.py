"""The second pass over a table: how many people have each pair of values.

A table of counts of several variables holds those of all pairs among them. So for every feature the scores
are put into groups whose joint table with the feature stays small, and one count of a group takes the place
of one for each score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Integer

from personax.runs.errors import InputError
from personax.streaming.coded_columns import CodedVariable, VariableName
from personax.streaming.fine_grid import FineGrid
from personax.streaming.parts import TablePart, cells_of_part
from personax.streaming.raw_codes import CellCodes

SMALL_TABLE = 2**17  # cells of a joint table that fits into the cache of a core
# Of the tables of one group: as many as 4,096 x 4,096 values, or missing ones, need, 134 MB. Two processes
# and this one hold some nine copies. Cells of grids are made wider until they fit, but not without end.
MOST_NUMBERS, MOST_DOUBLINGS = 4097**2, 4
GROUP = tuple[VariableName, ...]


@dataclass(frozen=True, eq=False)
class Counted:
    """Sums over some parts.

    Attributes:
        tables: group of variables -> (size + 1, ...) people with each combination of codes, the last code of
            each variable being "missing".
        cells: column -> (d + 1,) people with each of its cells, the last one being the empty cell.
        places: group and a variable of it with a grid -> sums of `FineGrid.places` of the people in each cell
            of the group's table.
    """

    tables: Mapping[GROUP, Integer[np.ndarray, "..."]]
    cells: Mapping[str, Integer[np.ndarray, " _"]]
    places: Mapping[tuple[GROUP, VariableName], Integer[np.ndarray, "..."]]


@dataclass(frozen=True, eq=False)
class SecondPass:
    """The pass, to be sent to where the parts are.

    Attributes:
        types: column -> its type.
        columns: column -> the codes of its cells; columns that all variables have a grid for are not in it.
        variables: all variables that are counted.
        groups: which are counted together (`groups_of`).
        title: names the pass.
    """

    types: Mapping[str, pa.DataType]
    columns: Mapping[str, CellCodes]
    variables: Sequence[CodedVariable]
    groups: Sequence[GROUP]
    title: str = "counts"

    @cached_property
    def _by_name(self) -> dict[VariableName, CodedVariable]:
        return {variable.where: variable for variable in self.variables}

    def of_part(self, part: TablePart) -> Counted:
        """The counts of one part."""
        names = tuple(dict.fromkeys(name for variable in self.variables for name in variable.columns))
        cells = cells_of_part(part, names, self.types)
        codes = {name: self.columns[name].codes(cells[name]) for name in names if name in self.columns}
        coded: dict[VariableName, Integer[np.ndarray, " n"]] = {}
        values: dict[VariableName, Float[np.ndarray, " n"]] = {}
        for variable in self.variables:
            if variable.rule is None:
                coded[variable.where] = _looked_up(variable, [codes[name] for name in variable.columns])
            else:
                raw = cells[variable.columns[0]].to_numpy(zero_copy_only=False).astype(float)
                values[variable.where] = variable.rule.read(raw)
        tables: dict[GROUP, Integer[np.ndarray, ...]] = {}
        places: dict[tuple[GROUP, VariableName], Integer[np.ndarray, ...]] = {}
        for grids, groups in self._by_grids:
            in_cells = {name: grid.codes(values[name]) for name, grid in grids.items()}
            of_cells = {name: grid.places(values[name], in_cells[name]) for name, grid in grids.items()}
            for group in groups:
                joint = self._joint(group, {**coded, **in_cells})
                tables[group] = self._sums(group, joint)
                places |= {(group, name): self._sums(group, joint, each) for name, each in of_cells.items()}
        counted = {name: np.bincount(code, minlength=self.columns[name].size) for name, code in codes.items()}
        return Counted({group: tables[group] for group in self.groups}, counted, places)

    @cached_property
    def _by_grids(self) -> list[tuple[dict[VariableName, FineGrid], list[GROUP]]]:
        """Groups in which the same variables have the same grids, and these grids."""
        alike: dict[tuple[tuple[VariableName, int], ...], list[GROUP]] = {}
        for group in self.groups:
            cells = tuple((name, grid.cells) for name, grid in self.grids(group).items())
            alike.setdefault(cells, []).append(group)
        return [(self.grids(groups[0]), groups) for groups in alike.values()]

    def grids(self, group: GROUP) -> dict[VariableName, FineGrid]:
        """The grids of a group's variables (`grids_of_group`)."""
        return grids_of_group([self._by_name[name] for name in group])

    def _joint(
        self, group: GROUP, coded: Mapping[VariableName, Integer[np.ndarray, " n"]]
    ) -> Integer[np.ndarray, " n"]:
        """(n,) the place of each person in the group's table."""
        joint = coded[group[0]].astype(np.intp)
        for name, size in zip(group[1:], self.shape(group)[1:], strict=True):
            joint *= size
            joint += coded[name]
        return joint

    def _sums(
        self, group: GROUP, joint: Integer[np.ndarray, " n"], each: Float[np.ndarray, " n"] | None = None
    ) -> Integer[np.ndarray, "..."]:
        """The group's table of people, or of sums of whole numbers `each`."""
        shape = self.shape(group)
        sums = np.bincount(joint, weights=each, minlength=int(np.prod(shape)))
        return sums.reshape(shape).astype(np.int64, copy=False)

    def shape(self, group: GROUP) -> tuple[int, ...]:
        """The sizes of the axes of a group's table."""
        grids = self.grids(group)
        sizes = (grids[name].cells if name in grids else self._by_name[name].size for name in group)
        return tuple(size + 1 for size in sizes)

    def numbers(self, group: GROUP) -> float:
        """How many numbers the group's tables hold. Raises InputError for too many (`grids_of_group`)."""
        return _numbers_of_group([self._by_name[name] for name in group], self.grids(group))

    def merged(self, a: Counted, b: Counted) -> Counted:
        """The counts of two sets of parts together."""
        return Counted(
            {group: a.tables[group] + b.tables[group] for group in a.tables},
            {name: a.cells[name] + b.cells[name] for name in a.cells},
            {where: a.places[where] + b.places[where] for where in a.places},
        )

    def to_arrow(self, counted: Counted) -> pa.Table:
        """One row for the file of partial sums."""
        arrays = [*counted.tables.values(), *counted.cells.values(), *counted.places.values()]
        return pa.table({str(place): _one_row(array) for place, array in enumerate(arrays)})

    def from_arrow(self, table: pa.Table) -> Counted:
        """What `to_arrow` has written."""
        arrays = iter(column.combine_chunks().flatten().to_numpy() for column in table.columns)
        return Counted(
            {group: next(arrays).reshape(self.shape(group)) for group in self.groups},
            {name: next(arrays) for name in self._counted_columns},
            {
                (group, name): next(arrays).reshape(self.shape(group))
                for grids, groups in self._by_grids
                for group in groups
                for name in grids
            },
        )

    @property
    def _counted_columns(self) -> list[str]:
        used = dict.fromkeys(name for variable in self.variables for name in variable.columns)
        return [name for name in used if name in self.columns]


def _one_row(array: Integer[np.ndarray, "..."]) -> pa.Array:
    return pa.ListArray.from_arrays([0, array.size], pa.array(array.ravel()))


def _looked_up(
    variable: CodedVariable, codes: Sequence[Integer[np.ndarray, " n"]]
) -> Integer[np.ndarray, " n"]:
    """(n,) the variable's codes from those of its columns' cells."""
    joint = codes[0]
    if len(codes) > 1:
        joint = joint.astype(np.int32)
        for more, size in zip(codes[1:], variable.sizes[1:], strict=True):
            joint = joint * size + more
    elif np.array_equal(variable.lookup, np.arange(len(variable.lookup))):
        return joint
    return np.asarray(variable.lookup.astype(np.uint16).take(joint))


def grids_of_group(variables: Sequence[CodedVariable]) -> dict[VariableName, FineGrid]:
    """The grids of the variables of one group: as fine as MOST_NUMBERS allows. Raises InputError."""
    for doublings in range(MOST_DOUBLINGS + 1):
        grids = {each.where: each.grid.coarser(doublings) for each in variables if each.grid is not None}
        numbers = _numbers_of_group(variables, grids)
        if numbers <= MOST_NUMBERS:
            return grids
    names = ", ".join(f"{each.where.name} ({each.size:,} values)" for each in variables)
    raise InputError(
        f"{names}: their table of counts would take {8 * numbers / 1e9:.1f} GB in each process, more than "
        f"{8 * MOST_NUMBERS / 1e9:.1f}; group values of one of them, or leave it out"
    )


def _numbers_of_group(variables: Sequence[CodedVariable], grids: Mapping[VariableName, FineGrid]) -> float:
    """How many numbers the tables of a group hold: counts, and places for each grid."""
    sizes = [grids[each.where].cells if each.where in grids else each.size for each in variables]
    return (1.0 + len(grids)) * float(np.prod(np.add(sizes, 1.0)))


def groups_of(
    features: Sequence[CodedVariable], others: Sequence[CodedVariable], stratum: CodedVariable | None
) -> list[GROUP]:
    """Groups that hold every pair of a feature and another variable, within every stratum.

    Each begins with the stratum, if there is one, and the feature.
    """
    groups = []
    for feature in features:
        first = [variable for variable in (stratum, feature) if variable is not None]
        start = int(np.prod([variable.size + 1 for variable in first]))
        group: list[CodedVariable] = []
        cells = start
        for other in sorted(others, key=lambda variable: variable.size):
            if group and cells * (other.size + 1) > SMALL_TABLE:
                groups.append(tuple(variable.where for variable in (*first, *group)))
                group, cells = [], start
            group, cells = [*group, other], cells * (other.size + 1)
        groups.append(tuple(variable.where for variable in (*first, *group)))
    return groups


def groups_of_raters(scores: Mapping[str, Sequence[CodedVariable]]) -> list[GROUP]:
    """Groups of the raters' scores of each trait, for their agreement; none whose table is large.

    `scores` has the raters on one scale, each with the same traits in the same order.
    """
    groups = [
        tuple(variable.where for variable in of_trait) for of_trait in zip(*scores.values(), strict=True)
    ]
    sizes = [np.prod([v.size + 1.0 for v in of_trait]) for of_trait in zip(*scores.values(), strict=True)]
    return [group for group, size in zip(groups, sizes, strict=True) if size <= SMALL_TABLE]


def pair_table(table: Integer[np.ndarray, "..."], group: GROUP, kept: GROUP) -> Integer[np.ndarray, "..."]:
    """The table of the variables `kept`, in their order, without people in whom one of them is missing."""
    others = tuple(axis for axis, name in enumerate(group) if name not in kept)
    summed = table.sum(axis=others)
    left = [name for name in group if name in kept]
    present = summed[tuple(slice(0, -1) for _ in left)]
    return np.asarray(np.moveaxis(present, range(len(left)), [kept.index(name) for name in left]))
