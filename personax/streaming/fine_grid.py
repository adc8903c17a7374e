"""The cells of a column with too many different numbers to count each.

Most cells lie between the quantiles OUTSIDE and 1 - OUTSIDE of a sample: two of three have equal shares of
the people, the others equal widths, so that neither many people nor a wide gap share a cell. Beyond, cells
grow with the distance from the middle, so that a far value is known to a share of its distance.

Each cell stands for the mean of its people. So the error of a statistic is of the second order in the
widths of the cells; `halved` makes a grid of half as many, which shows how large it is.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Integer, Shaped

EQUAL_SHARES, EQUAL_WIDTHS, CELLS_OUTSIDE = 8192, 4096, 2048
OUTSIDE = 1e-3
_BUCKETS = 2**17  # between the outer quantiles; an edge of a cell is an edge of a bucket
_UNKNOWN = 2**16 - 1
_STEPS = 2**20  # of a cell's width, in which the mean of its people is counted: whole numbers add exactly


@dataclass(frozen=True, eq=False)
class FineGrid:
    """A grid of cells on a line.

    Attributes:
        low, high: between which the cells are found by buckets.
        cell_of_bucket: (buckets,) the cell of each bucket between them, numbered from `len(below)`.
        below, above: (b,), (a,) lower edges of the cells below `low`, and upper edges of those above `high`,
            ascending; b and a are 0 where the range ends at low and high.
    """

    low: float
    high: float
    cell_of_bucket: Integer[np.ndarray, " buckets"]
    below: Float[np.ndarray, " b"]
    above: Float[np.ndarray, " a"]

    @cached_property
    def edges(self) -> Float[np.ndarray, " cells_and_one"]:
        """(cells + 1,) the edges of all cells, ascending."""
        starts = np.flatnonzero(np.diff(self.cell_of_bucket)) + 1
        inner = self.low + starts * ((self.high - self.low) / _BUCKETS)
        return np.concatenate([self.below, [self.low], inner, [self.high], self.above])

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.edges) - 1

    def codes(self, values: Float[np.ndarray, " n"]) -> Integer[np.ndarray, " n"]:
        """(n,) the cell of each value, `cells` where it is NaN."""
        place = (values - self.low) * (_BUCKETS / (self.high - self.low))
        place = np.fmin(np.fmax(place, -1.0), float(_BUCKETS))  # NaN becomes -1
        codes = np.asarray(self._padded.take(np.floor(place).astype(np.int32) + 1))
        outer = np.flatnonzero(codes == _UNKNOWN)
        if len(outer):
            far = np.searchsorted(self.edges, values[outer], side="right") - 1
            found = np.clip(far, 0, self.cells - 1)
            codes[outer] = np.where(np.isnan(values[outer]), self.cells, found)
        return np.asarray(codes)

    @cached_property
    def _padded(self) -> Integer[np.ndarray, " buckets_and_two"]:
        inside = self.cell_of_bucket + len(self.below)
        return np.concatenate([[_UNKNOWN], inside, [_UNKNOWN]]).astype(np.uint16)

    def steps(
        self, values: Float[np.ndarray, " n"], codes: Integer[np.ndarray, " n"]
    ) -> Integer[np.ndarray, " cells"]:
        """(cells,) sums over the people of the distance from the cell's lower edge, in steps of its width."""
        widths = np.append(np.diff(self.edges), 1.0)
        part = (values - self.edges.take(codes)) * (_STEPS / widths).take(codes)
        sums = np.bincount(codes, weights=np.rint(part), minlength=self.cells + 1)
        return np.rint(sums[: self.cells]).astype(np.int64)

    def means(
        self, steps: Integer[np.ndarray, " cells"], counts: Integer[np.ndarray, " cells"]
    ) -> Float[np.ndarray, " cells"]:
        """(cells,) means of the people in each cell; of empty cells the lower edge."""
        return np.asarray(self.edges[:-1] + np.diff(self.edges) * (steps / np.maximum(counts, 1) / _STEPS))


def make_grid(sample: Float[np.ndarray, " s"], low: float, high: float) -> FineGrid:
    """A grid for numbers from `low` to `high` (low < high) of which `sample` (s,), ascending, is a sample."""
    first, last = np.quantile(sample, [OUTSIDE, 1.0 - OUTSIDE])
    if not last > first:
        first, last = low, high
    to_buckets = _BUCKETS / (last - first)
    inside = sample[(sample > first) & (sample < last)]
    shares = np.quantile(inside, np.linspace(0, 1, EQUAL_SHARES + 1)[1:-1]) if len(inside) else inside
    places = np.concatenate(
        [np.rint((shares - first) * to_buckets), np.linspace(0, _BUCKETS, EQUAL_WIDTHS + 1)[1:-1]]
    )
    is_edge = np.zeros(_BUCKETS, dtype=int)
    is_edge[np.clip(places.astype(int), 1, _BUCKETS - 1)] = 1
    middle, half = (first + last) / 2.0, (last - first) / 2.0
    below = middle - _growing(half, middle - low)[::-1]
    above = middle + _growing(half, high - middle)
    return FineGrid(float(first), float(last), np.cumsum(is_edge), below, above)


def _growing(near: float, far: float) -> Float[np.ndarray, " e"]:
    """Ascending distances after `near` up to `far`, each larger than the last by the same share."""
    if not far > near:
        return np.empty(0)
    return np.asarray(np.geomspace(near, far, CELLS_OUTSIDE + 1)[1:])


def halved(counts: Shaped[np.ndarray, "cells ..."]) -> Shaped[np.ndarray, "half ..."]:
    """Sums of two neighbouring cells each."""
    return np.add.reduceat(counts, np.arange(0, len(counts), 2), axis=0)
