"""The different cells of a column of a file, and the number of each cell among them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Integer, Num

from personax.streaming.first_pass import is_number
from personax.tables.reading import RawTable

_LONGEST_LOOKUP = 2**17
# Numbers times one of these are tried as whole numbers: half steps of scores, decimals.
_SCALES = (1, 2, 4, 8, 10, 100, 1000)


@dataclass(frozen=True, eq=False)
class CellCodes:
    """The different cells of a column.

    Attributes:
        name: of the column.
        distinct: (d,) the cells in ascending order, without the empty one, whose code is d.
    """

    name: str
    distinct: pa.Array

    @property
    def size(self) -> int:
        """How many codes there are: d cells, and the empty one."""
        return len(self.distinct) + 1

    def as_table(self, label: str) -> RawTable:
        """The cells as a table of one column: reading it reads every cell that the column can have."""
        cells = pa.concat_arrays([self.distinct, pa.nulls(1, self.distinct.type)])
        column = pa.chunked_array([cells])
        return RawTable(label, (self.name,), self.size, lambda _: column, "")

    def codes(self, cells: pa.Array) -> Integer[np.ndarray, " n"]:
        """(n,) codes of the cells, all of which the first pass has seen."""
        if is_number(self.distinct.type) and len(self.distinct):
            found = self._of_numbers(cells)
        else:
            found = pc.index_in(cells, value_set=self.distinct).fill_null(len(self.distinct))
            found = found.to_numpy(zero_copy_only=False)
        return np.asarray(found)

    def _of_numbers(self, cells: pa.Array) -> Integer[np.ndarray, " n"]:
        values = cells.to_numpy(zero_copy_only=False)  # floats with NaN where a whole number is missing
        has_gaps = values.dtype.kind == "f" and bool(np.isnan(values).any())
        if has_gaps:
            gaps = np.isnan(values)
            values = np.where(gaps, self._numbers[0], values)
        if self._scale is None:
            codes = np.searchsorted(self._numbers, values).astype(np.int32)
        else:
            if values.dtype.kind == "f":
                values = np.rint(values * self._scale) - self._lowest
            else:
                values = values.astype(np.result_type(values, np.int32), copy=False) - self._lowest
            codes = self._lookup.take(values.astype(np.int32, copy=False))
        if has_gaps:
            codes[gaps] = len(self.distinct)
        return np.asarray(codes)

    @cached_property
    def _numbers(self) -> Num[np.ndarray, " d"]:
        return np.asarray(self.distinct.to_numpy(zero_copy_only=False))

    @cached_property
    def _floats(self) -> Float[np.ndarray, " d"]:
        return self._numbers.astype(float)

    @cached_property
    def _scale(self) -> int | None:
        """What turns all numbers into different whole numbers within a short range; None if nothing does."""
        for scale in _SCALES if np.abs(self._floats).max() < 2**40 else ():
            if scale > 1 and self._numbers.dtype.kind != "f":
                return None
            places = np.rint(self._floats * scale)
            if places.max() - places.min() < _LONGEST_LOOKUP and len(np.unique(places)) == len(places):
                return scale
        return None

    @cached_property
    def _lowest(self) -> int:
        return int(np.rint(self._floats * (self._scale or 1)).min())

    @cached_property
    def _lookup(self) -> Integer[np.ndarray, " places"]:
        places = np.rint(self._floats * (self._scale or 1)).astype(np.int64) - self._lowest
        lookup = np.full(int(places.max()) + 1, len(self.distinct), dtype=np.uint16)
        lookup[places] = np.arange(len(places))
        return lookup
