"""Features, scores and targets as codes of the cells of a table.

What a cell means is read once for each different cell, by the same functions that read a whole table in
memory (tables/parsing.py). A variable is then a lookup from codes of cells to codes of values; the
aggregated score is one from the codes of several columns.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from jaxtyping import Float, Integer

from personax.independence.columns import Kind, encode
from personax.runs.errors import InputError
from personax.streaming.fine_grid import FineGrid, make_grid
from personax.streaming.first_pass import MOST_TEXTS, MOST_VALUES, Seen
from personax.streaming.parts import PartedTable, cells_of_part
from personax.streaming.raw_codes import CellCodes
from personax.tables.column_map import TARGETS, ColumnPlan
from personax.tables.parsing import read_declared, read_scores
from personax.tables.reading import RawTable
from personax.tables.schema import LLMS, TRAITS, ColumnDeclaration
from personax.tables.trait_scores import RATERS, Aggregate, aggregate_scores

FEATURE_SIDE = "features"
Read = TypeVar("Read")


class VariableName(NamedTuple):
    """Where a variable stands: `side` is FEATURE_SIDE, TARGETS or a rater, `name` its column there."""

    side: str
    name: str


@dataclass(frozen=True, eq=False)
class NumberRule:
    """How the numbers of a column with a fine grid are read.

    Attributes:
        marks: numbers that mean "no value".
        factor: what the file's numbers are multiplied by.
        turn: length of the circle, None for columns that are not circular.
    """

    marks: tuple[float, ...]
    factor: float
    turn: float | None

    def read(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """(n,) numbers as `encode` returns them, NaN where missing."""
        for mark in self.marks:
            values = np.where(values == mark, np.nan, values)
        values = values if self.factor == 1.0 else values * self.factor
        return values if self.turn is None else np.mod(values, self.turn) * (2.0 * np.pi / self.turn)


@dataclass(frozen=True, eq=False)
class CodedVariable:
    """A feature, score or target, whose value is a code from 0 to size - 1, or `size` if it is missing.

    Attributes:
        where: its side and name.
        kind: see `Kind`.
        columns: the columns of the file that it is read from; one if it has a grid.
        sizes: how many codes each of these has.
        lookup: (product of sizes,) the code of its value for each combination of cells; empty with a grid.
        values: (size,) its values as `encode` returns them; of a grid the lower edges.
        labels: (size,) the values as people read them; of a grid none.
        grid, rule: of a column with too many different numbers, else None.
    """

    where: VariableName
    kind: Kind
    columns: tuple[str, ...]
    sizes: tuple[int, ...]
    lookup: Integer[np.ndarray, " cells"]
    values: Float[np.ndarray, " d"]
    labels: Sequence[object]
    grid: FineGrid | None = None
    rule: NumberRule | None = None

    @property
    def size(self) -> int:
        """Number of values."""
        return len(self.values)


@dataclass(frozen=True, eq=False)
class _Reader:
    """What coding needs: the files, what was seen in them, and the plan."""

    table: PartedTable
    seen: Seen
    plan: ColumnPlan
    cells: Mapping[str, CellCodes] = field(default_factory=dict)


def plan_lists(plan: ColumnPlan, types: Mapping[str, pa.DataType]) -> ColumnPlan:
    """The plan, with columns of lists of five scores as five columns: "Llama_score[0]" and so on."""
    lists = {rater: name for rater, name in plan.packed.items() if pa.types.is_nested(types[name])}
    for name in lists.values():
        kind = types[name]
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise InputError(f"column {name!r}: scores are {kind}; lists of five numbers or texts are read")
    single = dict(plan.single) | {
        (rater, trait): f"{name}[{place}]"
        for rater, name in lists.items()
        for place, trait in enumerate(TRAITS)
    }
    packed = {rater: name for rater, name in plan.packed.items() if rater not in lists}
    return replace(plan, packed=packed, single=single)


def columns_of(plan: ColumnPlan) -> tuple[str, ...]:
    """The columns that are read for the tests."""
    used = [column for column, _ in (*plan.features.values(), *plan.targets.values())]
    return tuple(dict.fromkeys([*used, *plan.packed.values(), *plan.single.values()]))


def number_marks(plan: ColumnPlan) -> dict[str, tuple[float, ...]]:
    """Column -> the numbers in it that mean "no value"."""
    marks = {column: _numbers_of(declared.missing) for column, declared in plan.features.values()}
    marks |= {column: _numbers_of(declared.missing) for column, declared in plan.targets.values()}
    return marks | {name: _numbers_of(plan.scale(rater).missing) for (rater, _), name in plan.single.items()}


def _numbers_of(missing: Sequence[str]) -> tuple[float, ...]:
    numbers = pd.to_numeric(pd.Series(list(missing), dtype=object), errors="coerce").dropna()
    return tuple(float(number) for number in numbers)


def code_columns(
    table: PartedTable, seen: Seen, plan: ColumnPlan, aggregate: Aggregate
) -> tuple[dict[str, CellCodes], list[CodedVariable]]:
    """The codes of the cells of each column, and all variables: features, targets, then scores by rater.

    Raises InputError for a cell that cannot be read, with its file and row, and for labels, dates or texts of
    too many different kinds.
    """
    cells = {
        name: CellCodes(name, found.distinct) for name, found in seen.items() if found.distinct is not None
    }
    reader = _Reader(table, seen, plan, cells)
    variables = [*_declared_variables(reader, FEATURE_SIDE, plan.features)]
    variables += _declared_variables(reader, TARGETS, plan.targets)
    return cells, variables + _score_variables(reader, aggregate)


def _declared_variables(
    reader: _Reader, side: str, declared: Mapping[str, tuple[str, ColumnDeclaration]]
) -> Iterator[CodedVariable]:
    for name, (column, declaration) in declared.items():
        where = VariableName(side, name)
        if column not in reader.cells:
            yield _grid_variable(reader, where, column, declaration)
            continue
        read = _each_cell(reader, column, partial(_values_read, column, declaration))
        yield _lookup_variable(where, (declaration.kind, declaration.period), (reader.cells[column],), read)


def _values_read(column: str, declared: ColumnDeclaration, raw: RawTable) -> pd.Series:
    return read_declared(raw, column, declared).values


def _each_cell(reader: _Reader, column: str, read: Callable[[RawTable], Read]) -> Read:
    """What `read` makes of every different cell of a column; a wrong cell is then looked up in the files."""
    try:
        return read(reader.cells[column].as_table(reader.table.label))
    except InputError as error:
        raise _located(reader, column, read, error) from None


def _located(reader: _Reader, column: str, read: Callable[[RawTable], Read], error: InputError) -> InputError:
    """The same error with the file and the row of the first wrong cell."""
    rows_before: Counter[str] = Counter()
    for part in reader.table.parts:
        cells = pa.chunked_array([cells_of_part(part, [column], reader.table.types)[column]])
        raw = RawTable(part.path, (column,), len(cells), _always_these(cells), "")
        try:
            read(raw)
        except InputError as found:
            return InputError(_with_row_of_file(str(found), rows_before[part.path]))
        rows_before[part.path] += part.rows
    return error


def _always_these(cells: pa.ChunkedArray) -> Callable[[str], pa.ChunkedArray]:
    return lambda _: cells


def _with_row_of_file(message: str, rows_before: int) -> str:
    """The message with the row of the file instead of that of a part.

    >>> _with_row_of_file("a.parquet, column 'x', row 3: -1", 1000)
    "a.parquet, column 'x', row 1003: -1"
    """
    return re.sub(r", row (\d+):", lambda found: f", row {int(found[1]) + rows_before}:", message, count=1)


def _lookup_variable(
    where: VariableName,
    kind_and_period: tuple[Kind, float | None],
    columns: Sequence[CellCodes],
    read: pd.Series,
) -> CodedVariable:
    """A variable from its value for each combination of cells of some columns."""
    kind, period = kind_and_period
    encoded = encode(read, kind, period)
    present = ~np.isnan(encoded)
    values, first = np.unique(encoded[present], return_index=True)
    if len(values) > MOST_VALUES:
        raise InputError(
            f"column {columns[0].name!r}: more than {MOST_VALUES:,} different values of {where.name}, "
            "which are no numbers; group them, or leave the column out (ignore: in a --columns file)"
        )
    lookup = np.full(len(encoded), len(values), dtype=np.int32)
    lookup[present] = np.searchsorted(values, encoded[present])
    labels = read[present].iloc[first].tolist()
    names, sizes = zip(*((column.name, column.size) for column in columns), strict=True)
    return CodedVariable(where, kind, names, sizes, lookup, values, labels)


def _grid_variable(
    reader: _Reader, where: VariableName, column: str, declared: ColumnDeclaration
) -> CodedVariable:
    """A variable of more than MOST_VALUES different numbers. Raises InputError for texts and labels."""
    seen = reader.seen[column]
    if not len(seen.sample) or declared.kind == "nominal" or declared.order or declared.part is not None:
        most = MOST_VALUES if len(seen.sample) else MOST_TEXTS
        raise InputError(
            f"{reader.table.label}, column {column!r}: more than {most:,} different cells that are no plain "
            "numbers; group them, write numbers as numbers, or leave the column out (ignore: in a --columns "
            "file)"
        )
    if (
        seen.low < (declared.low if declared.low is not None else -np.inf)
        or seen.high > (declared.high if declared.high is not None else np.inf)
        or not np.isfinite([seen.low, seen.high]).all()
    ):
        raise _located(
            reader,
            column,
            partial(_values_read, column, declared),
            InputError(f"{reader.table.label}, column {column!r}: a number out of range"),
        )
    turn = (declared.period or 2.0 * np.pi) if declared.kind == "circular" else None
    rule = NumberRule(_numbers_of(declared.missing), declared.factor, turn)
    sample = np.sort(rule.read(seen.sample))
    ends = (0.0, 2.0 * np.pi) if turn else tuple(sorted(rule.read(np.array([seen.low, seen.high]))))
    grid = make_grid(sample, *map(float, ends))
    values = grid.edges[:-1]
    nothing = np.empty(0, dtype=np.int32)
    return CodedVariable(where, declared.kind, (column,), (), nothing, values, (), grid, rule)


# ---- scores


def _score_variables(reader: _Reader, aggregate: Aggregate) -> list[CodedVariable]:
    """The scores of all raters, the aggregated ones first, as `load_table` finds them."""
    read = _scores_by_cell(reader)
    raters = [rater for rater in dict.fromkeys((*RATERS, *reader.plan.scales)) if rater in read]
    raters += [rater for rater in read if rater not in raters]
    computed = _aggregated_variables(reader, {r: read[r] for r in LLMS if r in read}, aggregate)
    own = "aggregated" in read and aggregate == "median"
    if not computed and aggregate != "median" and "aggregated" in read:
        raise InputError(f"aggregate = {aggregate}: the table has no scores of single models to combine")
    variables = [] if own else computed
    for rater in raters:
        if rater != "aggregated" or own or not computed:
            variables += [_score_variable(reader, rater, trait, read[rater]) for trait in TRAITS]
    return variables


ScoresByCell = dict[str, dict[str, tuple[str, pd.Series | None]]]


def _scores_by_cell(reader: _Reader) -> ScoresByCell:
    """Rater -> trait -> column of the file and the score for each of its cells; None for a grid."""
    found: ScoresByCell = {}

    def keep(column: str, plan: ColumnPlan) -> None:
        def scores(raw: RawTable) -> dict[str, pd.DataFrame]:
            return read_scores(raw, plan)

        for rater, frame in _each_cell(reader, column, scores).items():
            for trait in TRAITS:
                if frame[trait].notna().any():
                    if trait in found.setdefault(rater, {}):
                        raise InputError(
                            f"{reader.table.label}, column {column!r}: {rater} {trait} is also in another "
                            "column"
                        )
                    found[rater][trait] = column, frame[trait]

    for rater, column in reader.plan.packed.items():
        if column not in reader.cells:
            raise InputError(f"{reader.table.label}, column {column!r}: too many different cells for scores")
        keep(column, ColumnPlan(packed={rater: column}, scales=reader.plan.scales))
    for (rater_or_none, trait), column in reader.plan.single.items():
        if column in reader.cells:
            keep(column, ColumnPlan(single={(rater_or_none, trait): column}, scales=reader.plan.scales))
        else:
            found.setdefault(rater_or_none or "aggregated", {})[trait] = column, None
    return {rater: {t: by[t] for t in TRAITS if t in by} for rater, by in found.items()}


def _score_variable(
    reader: _Reader, rater: str, trait: str, scores: Mapping[str, tuple[str, pd.Series | None]]
) -> CodedVariable:
    """The scores of one trait; a rater need not have scored all five, and then nobody has a value."""
    where, scale = VariableName(rater, trait), reader.plan.scale(rater)
    if trait not in scores:
        column = next(iter(scores.values()))[0]
        nothing = np.empty(0)
        size = reader.cells[column].size if column in reader.cells else 1
        lookup = np.zeros(size, dtype=np.int32)
        return CodedVariable(where, scale.kind, (column,), (size,), lookup, nothing, ())
    column, read = scores[trait]
    if read is None:
        declared = ColumnDeclaration(trait, scale.kind, low=scale.low, high=scale.high, missing=scale.missing)
        return _grid_variable(reader, where, column, declared)
    return _lookup_variable(where, (scale.kind, None), (reader.cells[column],), read)


def _aggregated_variables(
    reader: _Reader, scores: Mapping[str, Mapping[str, tuple[str, pd.Series | None]]], how: Aggregate
) -> list[CodedVariable]:
    """The aggregated score of each trait, from the cells of the models' columns."""
    variables = []
    for trait in TRAITS if scores else ():
        of_trait = {rater: by[trait] for rater, by in scores.items() if trait in by}
        columns = [reader.cells[name] for name in dict.fromkeys(name for name, _ in of_trait.values())]
        sizes = [column.size for column in columns]
        if np.prod(sizes, dtype=float) > MOST_TEXTS:
            raise InputError(f"{trait}: too many different scores to combine; give an aggregated column")
        if not of_trait:
            continue
        places = np.indices(sizes).reshape(len(sizes), -1)
        place_of = {column.name: place for column, place in zip(columns, places, strict=True)}
        frames = {
            rater: pd.DataFrame(np.nan, index=range(places.shape[1]), columns=list(TRAITS)).assign(
                **{trait: read.to_numpy()[place_of[name]]}
            )
            for rater, (name, read) in of_trait.items()
            if read is not None
        }
        combined = aggregate_scores(frames, how)[trait]
        where = VariableName("aggregated", trait)
        variables.append(_lookup_variable(where, ("ordinal", None), columns, combined))
    return variables
