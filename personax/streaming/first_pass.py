"""The first pass over a table: what different cells a column has, or its range and a sample of it.

A column of texts has at most MOST_TEXTS different cells, one of numbers MOST_VALUES: more are too many to
count each, and the sample then says where a fine grid has its cells (fine_grid.py). All that is found adds
over parts in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Num

from personax.streaming.parts import TablePart, cells_of_part

MOST_VALUES = 4096
MOST_TEXTS = 65_536
NUMBERS_KEPT = 65_536  # numbers of a column in all, and at least SAMPLE_OF_PART of a part
SAMPLE_OF_PART = 256
_GLANCE = 16_384  # rows that show already that a column has too many different numbers
_SMALL_RANGE = 65_536  # whole numbers within such a range are counted by their place in it


@dataclass(frozen=True, eq=False)
class SeenCells:
    """What a column was seen to hold.

    Attributes:
        distinct: its different cells in ascending order, without the empty ones; None if there are too many.
        sample: some of its numbers, ascending; empty if it holds no numbers.
        low, high: its range, without the numbers that mean "no value"; infinite if it has none.
    """

    distinct: pa.Array | None
    sample: Float[np.ndarray, " s"]
    low: float = np.inf
    high: float = -np.inf


Seen = Mapping[str, SeenCells]


@dataclass(frozen=True)
class FirstPass:
    """The pass, to be sent to where the parts are.

    Attributes:
        types: column -> its type.
        marks: column -> numbers that mean "no value".
        names: the columns.
        sample: how many numbers of each part are kept.
        title: names the pass.
    """

    names: tuple[str, ...]
    types: Mapping[str, pa.DataType]
    marks: Mapping[str, tuple[float, ...]]
    sample: int
    title: str = "columns"

    def of_part(self, part: TablePart) -> Seen:
        """What the columns of one part hold."""
        cells = cells_of_part(part, self.names, self.types)
        return {name: self._seen(array, self.marks.get(name, ())) for name, array in cells.items()}

    def _seen(self, cells: pa.Array, marks: Sequence[float]) -> SeenCells:
        if not is_number(cells.type):
            distinct = sorted_cells(cells.unique().drop_null())
            return SeenCells(distinct if len(distinct) <= MOST_TEXTS else None, np.empty(0))
        present = cells.drop_null().to_numpy(zero_copy_only=False)
        if present.dtype.kind == "f":
            present = present[~np.isnan(present)] if np.isnan(present).any() else present
        distinct = _different_numbers(present, cells.type)
        values = present[:: max(1, len(present) // self.sample)].astype(float)
        values = np.sort(values[~np.isin(values, marks)])
        low, high = _range(present if distinct is None else distinct.to_numpy(zero_copy_only=False), marks)
        return SeenCells(distinct, values, low, high)

    def merged(self, a: Seen, b: Seen) -> Seen:
        """What two sets of parts hold together."""
        return {name: _merged(a[name], b[name], self.most(name)) for name in self.names}

    def most(self, name: str) -> int:
        """The largest number of different cells of a column that are kept."""
        return MOST_VALUES if is_number(self._type(name)) else MOST_TEXTS

    def _type(self, name: str) -> pa.DataType:
        kind = self.types[name] if name in self.types else self.types[name[: name.index("[")]].value_type
        return kind.value_type if pa.types.is_dictionary(kind) else kind

    def to_arrow(self, seen: Seen) -> pa.Table:
        """One row for the file of partial sums."""
        return pa.table(
            {
                f"{name}|{field}": [value]
                for name, cells in seen.items()
                for field, value in (
                    ("distinct", None),
                    ("sample", cells.sample),
                    ("range", [cells.low, cells.high]),
                )
                if value is not None
            }
            | {
                f"{name}|distinct": pa.ListArray.from_arrays([0, len(cells.distinct)], cells.distinct)
                for name, cells in seen.items()
                if cells.distinct is not None
            }
        )

    def from_arrow(self, table: pa.Table) -> Seen:
        """What `to_arrow` has written."""

        def cells(name: str, field: str) -> pa.Array:
            return table.column(f"{name}|{field}").combine_chunks().flatten()

        return {
            name: SeenCells(
                cells(name, "distinct") if f"{name}|distinct" in table.column_names else None,
                cells(name, "sample").to_numpy(zero_copy_only=False).astype(float),
                *cells(name, "range").to_pylist(),
            )
            for name in self.names
        }


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type holds numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def sorted_cells(cells: pa.Array) -> pa.Array:
    """Cells in ascending order."""
    return cells.take(pc.sort_indices(cells)) if len(cells) > 1 else cells


def _different_numbers(values: Num[np.ndarray, " n"], kind: pa.DataType) -> pa.Array | None:
    """The different numbers, ascending; None if there are more than MOST_VALUES."""
    if len(values) == 0:
        return pa.array([], type=kind)
    if values.dtype.kind in "iu":
        low, high = int(values.min()), int(values.max())
        if high - low < _SMALL_RANGE:
            found = np.flatnonzero(np.bincount((values - low).astype(np.int64))) + low
            return pa.array(found.astype(values.dtype), type=kind) if len(found) <= MOST_VALUES else None
    if len(np.unique(values[:_GLANCE])) > MOST_VALUES:
        return None
    distinct = sorted_cells(pa.array(values, type=kind).unique())
    return distinct if len(distinct) <= MOST_VALUES else None


def _range(values: Num[np.ndarray, " n"], marks: Sequence[float]) -> tuple[float, float]:
    """Lowest and highest number that is no mark."""
    if len(values) and len(marks):
        values = values[~np.isin(values, marks)] if np.isin(marks, values).any() else values
    return (float(values.min()), float(values.max())) if len(values) else (np.inf, -np.inf)


def _merged(a: SeenCells, b: SeenCells, most: int) -> SeenCells:
    distinct = None
    if a.distinct is not None and b.distinct is not None:
        distinct = sorted_cells(pa.concat_arrays([a.distinct, b.distinct]).unique())
        distinct = distinct if len(distinct) <= most else None
    sample = np.sort(np.concatenate([a.sample, b.sample]))
    return SeenCells(distinct, sample, min(a.low, b.low), max(a.high, b.high))
