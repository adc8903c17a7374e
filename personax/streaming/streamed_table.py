"""A table of people that was never in memory: tables of counts of its columns, and the tests on them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Integer

from personax.independence.counted import CountedTests, Levels
from personax.independence.grid import GridRows
from personax.independence.procedure import Null, Procedure
from personax.independence.resampling import Randomness, generator_of
from personax.runs.errors import InputError
from personax.runs.files import remove_path
from personax.runs.progress import tracked
from personax.streaming.cell_tables import CellTable, cell_table
from personax.streaming.coded_columns import (
    FEATURE_SIDE,
    CodedVariable,
    VariableName,
    code_columns,
    columns_of,
    number_marks,
    plan_lists,
)
from personax.streaming.first_pass import NUMBERS_KEPT, SAMPLE_OF_PART, FirstPass, Seen
from personax.streaming.grid_errors import with_errors
from personax.streaming.partial_sums import Engine, sum_over_parts
from personax.streaming.parts import PartedTable, open_parts
from personax.streaming.raw_codes import CellCodes
from personax.streaming.second_pass import (
    GROUP,
    Counted,
    SecondPass,
    grids_of_group,
    groups_of,
    groups_of_raters,
    pair_table,
)
from personax.tables.agreement import agreement_on_trait, table_of_agreement
from personax.tables.column_map import TARGETS, ColumnPlan
from personax.tables.loading import features_in_order, is_simulated, plan_of
from personax.tables.marks import EMPTY, marks_of
from personax.tables.schema import TRAITS, DatasetName
from personax.tables.trait_scores import Aggregate

MOST_STRATA = 100
# In all tables of one pass, 134 MB; where more are needed, the parts are read several times.
NUMBERS_OF_A_PASS = 2**24
EXACT_ROUTE = "exact"


@dataclass(frozen=True)
class StreamingRequest:
    """What is read, and how.

    Attributes:
        pattern: the files, see `open_parts`.
        dataset: whose schema the columns follow; None for both.
        columns: a `--columns` file, or None.
        aggregate: how the models' scores are combined.
        given: a feature whose values are strata, or None.
        folder: where partial sums are kept, or None.
    """

    pattern: Path
    dataset: DatasetName | None = None
    columns: Path | None = None
    aggregate: Aggregate = "median"
    given: str | None = None
    folder: Path | None = None


@dataclass(frozen=True, eq=False)
class StreamedTable:
    """The counts of a table.

    Attributes:
        table: its files.
        plan: what their columns are.
        variables: features, targets and scores by where they stand.
        counted: the counts of each group of variables.
        cells: column -> the codes of its cells.
        stratum: the feature whose values are strata, or None.
        simulated: whether these people are made up.
    """

    table: PartedTable
    plan: ColumnPlan
    variables: Mapping[VariableName, CodedVariable]
    counted: Counted
    cells: Mapping[str, CellCodes]
    stratum: VariableName | None
    simulated: bool

    def side(self, side: str) -> list[CodedVariable]:
        """The features, the targets or the scores of one rater."""
        return _of_side(self.variables, side)

    def agreement(self) -> pd.DataFrame:
        """Agreement between the raters on the scale of the first, as `PeopleTable.agreement`."""
        raters = raters_on_one_scale(self.plan, self.variables)
        rows = {}
        for trait in TRAITS:
            group = tuple(VariableName(rater, trait) for rater in raters)
            if group in self.counted.tables:
                rows[trait] = self._agreement_on(group)
        return table_of_agreement(rows)

    def _agreement_on(self, group: GROUP) -> dict[str, float]:
        table = self.counted.tables[group]
        codes = np.indices(table.shape).reshape(len(group), -1)
        scores = {
            name.side: np.append(self.variables[name].values, np.nan)[of_rater]
            for name, of_rater in zip(group, codes, strict=True)
        }
        return agreement_on_trait(scores, table.ravel())

    def missing_cells(self, where: VariableName) -> dict[str, int]:
        """Text of a cell of a feature or target that means "no value" -> how many people have it.

        Of a column with a grid only the number of all is known.
        """
        variable = self.variables[where]
        column = variable.columns[0]
        if variable.grid is not None or column not in self.cells:
            missing = self.table.n - int(self.counts(where).sum())
            return {EMPTY: missing} if missing else {}
        declared = (self.plan.features if where.side == FEATURE_SIDE else self.plan.targets)[where.name][1]
        marks = marks_of(self.cells[column].as_table(self.table.label).cells(column), declared.missing)
        found: Counter[str] = Counter()
        for mark, people in zip(marks, self.counted.cells[column].tolist(), strict=True):
            if mark is not None and people:
                found[mark] += people
        return dict(found.most_common())

    def features(self) -> list[CodedVariable]:
        """The features that are tested."""
        return [variable for variable in self.side(FEATURE_SIDE) if variable.where != self.stratum]

    def sources(self) -> list[str]:
        """What can be tested against the features: "targets" if there are any, and the raters."""
        return list(dict.fromkeys(name.side for name in self.variables if name.side != FEATURE_SIDE))

    def counts(self, where: VariableName) -> Integer[np.ndarray, " d"]:
        """(size,) how many people have each value of a variable."""
        group = next(group for group in self.counted.tables if where in group)
        return pair_table(self.counted.tables[group], group, (where,))

    def tables(self, trait: VariableName, feature: VariableName) -> list[CellTable]:
        """The tables of a pair, one for each stratum in the order of their labels."""
        group = next(group for group in self.counted.tables if trait in group and feature in group)
        grids = grids_of_group([self.variables[name] for name in group])
        levels = self._levels(trait, f"{trait.side}|{trait.name}"), self._levels(feature, feature.name)
        pair = trait, feature
        counts = self._by_stratum(self.counted.tables[group], group, pair)
        places = {
            axis: self._by_stratum(self.counted.places[group, name], group, pair)
            for axis, name in enumerate(pair)
            if name in grids
        }
        of_axes = {axis: grids[pair[axis]] for axis in places}
        return [
            cell_table(levels, table, {axis: each[number] for axis, each in places.items()}, of_axes)
            for number, table in enumerate(counts)
        ]

    def _levels(self, where: VariableName, name: str) -> Levels:
        """The values of a variable and how many people have each; of one with a grid only the kind."""
        variable = self.variables[where]
        if variable.grid is not None:
            return Levels(name, variable.kind, np.empty(0), np.empty(0, dtype=int), is_gathered=True)
        return Levels(name, variable.kind, variable.values, self.counts(where))

    def _by_stratum(
        self, table: Integer[np.ndarray, "..."], group: GROUP, pair: tuple[VariableName, VariableName]
    ) -> list[Integer[np.ndarray, "d e"]]:
        if self.stratum is None:
            return [pair_table(table, group, pair)]
        by_stratum = pair_table(table, group, (self.stratum, *pair))
        order = pd.Series(list[Any](self.variables[self.stratum].labels)).argsort(kind="stable")
        return [by_stratum[number] for number in order]


def stream_table(
    request: StreamingRequest, engine: Engine, table: PartedTable | None = None
) -> StreamedTable:
    """Count a table. Raises InputError for files, columns or cells that cannot be read."""
    table = open_parts(request.pattern) if table is None else table
    plan = plan_lists(plan_of(table.first, request.dataset, request.columns), table.types)
    first = FirstPass(
        columns_of(plan),
        {name: table.types[name] for name in table.types},
        number_marks(plan),
        max(SAMPLE_OF_PART, NUMBERS_KEPT // len(table.parts)),
    )
    seen = sum_over_parts(engine, first, table.parts, request.folder)
    with _without_sums_of_wrong_cells(request.folder):
        work, ordered, stratum = _second_pass(request, table, plan, seen)
    counted = _count(work, engine, table, request.folder)
    return StreamedTable(table, plan, ordered, counted, work.columns, stratum, is_simulated(table.first))


@contextmanager
def _without_sums_of_wrong_cells(folder: Path | None) -> Iterator[None]:
    """If cells cannot be read, going on would not help: remove the partial sums."""
    try:
        yield
    except InputError:
        if folder is not None:
            remove_path(folder)
        raise


def _second_pass(
    request: StreamingRequest, table: PartedTable, plan: ColumnPlan, seen: Seen
) -> tuple[SecondPass, dict[VariableName, CodedVariable], VariableName | None]:
    """The second pass, all variables in the order of the report, and the stratum."""
    cells, variables = code_columns(table, seen, plan, request.aggregate)
    by_name = {variable.where: variable for variable in variables}
    order = [VariableName(FEATURE_SIDE, name) for name in features_in_order(plan.features, request.dataset)]
    ordered = {name: by_name[name] for name in order} | by_name
    stratum = _stratum(request.given, ordered)
    others = [variable for name, variable in ordered.items() if name.side != FEATURE_SIDE]
    tested = [variable for name, variable in ordered.items() if name.side == FEATURE_SIDE and name != stratum]
    if not others or not tested:
        raise InputError(
            f"{table.label}: nothing to test; features and scores (or targets) are needed, named in a "
            "--columns file if their names are not known"
        )
    groups = groups_of(tested, others, None if stratum is None else ordered[stratum])
    groups += groups_of_raters(
        {rater: _of_side(ordered, rater) for rater in raters_on_one_scale(plan, ordered)}
    )
    work = SecondPass(table.types, cells, variables, groups)
    for group in groups:
        work.numbers(group)  # raises InputError for a table that is too large, before anything is counted
    return work, ordered, stratum


def _of_side(variables: Mapping[VariableName, CodedVariable], side: str) -> list[CodedVariable]:
    return [variable for variable in variables.values() if variable.where.side == side]


def raters_on_one_scale(plan: ColumnPlan, names: Iterable[VariableName]) -> list[str]:
    """The raters whose agreement is of interest: not the aggregated scores, and on the scale of the first."""
    raters = [
        side
        for side in dict.fromkeys(name.side for name in names)
        if side not in (FEATURE_SIDE, TARGETS, "aggregated")
    ]
    return [rater for rater in raters if plan.scale(rater) == plan.scale(raters[0])]


def _count(work: SecondPass, engine: Engine, table: PartedTable, folder: Path | None) -> Counted:
    """The counts of all groups, in as many passes as memory asks for."""
    tables: dict[GROUP, Integer[np.ndarray, ...]] = {}
    places: dict[tuple[GROUP, VariableName], Integer[np.ndarray, ...]] = {}
    counted = None
    for number, groups in enumerate(_in_passes(work)):
        used = {name for group in groups for name in group}
        variables = [variable for variable in work.variables if number == 0 or variable.where in used]
        one = replace(work, groups=groups, variables=variables, title=f"counts {number + 1}")
        found = sum_over_parts(engine, one, table.parts, folder)
        counted = found if counted is None else counted
        tables |= found.tables
        places |= found.places
    assert counted is not None
    return replace(counted, tables=tables, places=places)


def _in_passes(work: SecondPass) -> Iterator[list[GROUP]]:
    """The groups, as many at a time as NUMBERS_OF_A_PASS allows, and at least one."""
    groups: list[GROUP] = []
    numbers = 0.0
    for group in work.groups:
        more = work.numbers(group)
        if groups and numbers + more > NUMBERS_OF_A_PASS:
            yield groups
            groups, numbers = [], 0.0
        groups, numbers = [*groups, group], numbers + more
    yield groups


def _stratum(given: str | None, variables: Mapping[VariableName, CodedVariable]) -> VariableName | None:
    """The feature that defines strata. Raises InputError if there is no such feature, or it cannot."""
    if given is None:
        return None
    name = VariableName(FEATURE_SIDE, given)
    if name not in variables:
        known = ", ".join(other.name for other in variables if other.side == FEATURE_SIDE)
        raise InputError(f"--given {given}: no such feature; choose from {known}")
    if variables[name].kind == "continuous" or variables[name].size > MOST_STRATA:
        raise InputError(
            f"--given {given}: with --engine, the condition is one column of at most {MOST_STRATA} "
            "categories; conditional tests need the table in memory"
        )
    return name


# ---- tests


def grid_of_counts(
    streamed: StreamedTable,
    sources: Sequence[str],
    tests: Mapping[str, tuple[Procedure, Null]],
    rng: Randomness,
    resamples: int,
) -> pd.DataFrame:
    """The grid of `run_grid` for some sources of scores, with the source in the column `scores`.

    Two more columns say how a result was reached: `route` is "exact", or how many cells a column was put
    into; `route_error` is then a bound on the relative error of the statistic that this causes
    (grid_errors.py). A result whose bound is too large is undefined.
    """
    counted = CountedTests(tests, int(generator_of(rng).integers(2**63)), resamples)
    traits = [variable.where for source in sources for variable in streamed.side(source)]
    rows: GridRows = []
    for trait in tracked(traits, len(traits), "tests", "trait"):
        for feature in streamed.features():
            rows += _rows_of_pair(streamed, counted, trait, feature.where)
    return pd.DataFrame(rows)


def _rows_of_pair(
    streamed: StreamedTable, counted: CountedTests, trait: VariableName, feature: VariableName
) -> GridRows:
    started = perf_counter()
    tables = streamed.tables(trait, feature)
    rows = with_errors(counted, tables, counted.rows([table.moved() for table in tables]))
    cells = " x ".join(f"{len(tables[0].levels[axis].values):,}" for axis in tables[0].moments)
    seconds = (perf_counter() - started) / len(rows)
    return [
        row
        | {
            "trait": trait.name,
            "scores": trait.side,
            "seconds": seconds,
            "route": f"grid of {cells} cells" if cells else EXACT_ROUTE,
        }
        for row in rows
    ]
