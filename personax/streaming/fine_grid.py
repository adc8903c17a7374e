"""The cells of a column with too many different numbers to count each.

Between the middle of a sample and its quartiles, cells have equal widths; at twice the distance they are
twice as wide, and so on. So a value is known to a share of its distance from the middle, however far it
lies. Besides, a cell ends where it holds 1 / SHARES of the sample: where most people are, cells are finer.

Where in its cell somebody lies is counted, too (`FineGrid.places`): see cell_tables.py.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float, Integer

SHARES = 8192
MOST_OCTAVE_CELLS, MOST_WIDTH_CELLS = 2**10, 3 * 2**13  # of one octave, and of all of them
STEPS = 2**20  # of a cell's width, in which the places of its people are counted: whole numbers add exactly
_MOST_BUCKETS = 2**18
_MANTISSA = 23  # bits of a 32-bit number after its leading 1
_ONE = int(np.float32(1.0).view(np.int32))
_MOST_OCTAVES = 100  # beyond, 32-bit numbers might overflow


@dataclass(frozen=True, eq=False)
class FineGrid:
    """A grid of cells on a line.

    With t = (x - middle) / scale, the number 1 + |t| lies in octave e if 2^e <= 1 + |t| < 2^(e + 1). An
    octave has 2^bits buckets of equal width, which the leading bits of the number 1 + |t| tell.

    Attributes:
        middle, scale: see above.
        octaves: how many there are below and above the middle.
        bits: see above.
        cell_of_bucket: (buckets,) the cell of each bucket, ascending from 0.
        ties: of the pairs of a sample's numbers in one cell, the share that are equal.
    """

    middle: float
    scale: float
    octaves: tuple[int, int]
    bits: int
    cell_of_bucket: Integer[np.ndarray, " buckets"]
    ties: float

    @property
    def cells(self) -> int:
        """Number of cells."""
        return int(self.cell_of_bucket[-1]) + 1

    @cached_property
    def edges(self) -> Float[np.ndarray, " cells_and_one"]:
        """(cells + 1,) the edges of all cells, ascending."""
        starts = np.flatnonzero(np.diff(self.cell_of_bucket, prepend=-1))
        buckets = np.append(starts, len(self.cell_of_bucket)) - (self.octaves[0] << self.bits)
        octave, step = np.divmod(np.abs(buckets), 1 << self.bits)
        distance = np.ldexp(1.0 + step / (1 << self.bits), octave) - 1.0
        return np.asarray(self.middle + self.scale * np.sign(buckets) * distance)

    def codes(self, values: Float[np.ndarray, " n"]) -> Integer[np.ndarray, " n"]:
        """(n,) the cell of each value, `cells` where it is NaN."""
        return np.asarray(self._padded.take(self._buckets(values)))

    @cached_property
    def _padded(self) -> Integer[np.ndarray, " buckets_and_one"]:
        return np.append(self.cell_of_bucket, self.cells).astype(np.uint16)

    def _buckets(self, values: Float[np.ndarray, " n"]) -> Integer[np.ndarray, " n"]:
        return buckets_of(values, (self.middle, self.scale), self.octaves, self.bits)

    def places(
        self, values: Float[np.ndarray, " n"], codes: Integer[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """(n,) distance of each value from its cell's lower edge, in whole steps; 0 where it is NaN."""
        steps = (values - self.edges.take(codes)) * self._steps_of_width.take(codes)
        return np.asarray(np.fmax(np.rint(steps, out=steps), 0.0, out=steps))

    @cached_property
    def _steps_of_width(self) -> Float[np.ndarray, " cells_and_one"]:
        return np.asarray(STEPS / np.append(np.diff(self.edges), 1.0))

    def coarser(self, doublings: int) -> "FineGrid":
        """The grid whose cells are 2^doublings neighbouring ones of this."""
        return replace(self, cell_of_bucket=self.cell_of_bucket >> doublings) if doublings else self


def buckets_of(
    values: Float[np.ndarray, " n"], line: tuple[float, float], octaves: tuple[int, int], bits: int
) -> Integer[np.ndarray, " n"]:
    """(n,) the bucket of each value, for `line` = (middle, scale); the number of buckets for NaN."""
    t = np.asarray((values - line[0]) * (1.0 / line[1]), dtype=np.float32)
    bucket = (np.abs(t) + np.float32(1.0)).view(np.int32)
    bucket -= _ONE
    bucket >>= _MANTISSA - bits
    bucket ^= np.negative((t < 0).view(np.int8))  # below the middle -1 - bucket; NaN stays large
    bucket += octaves[0] << bits
    return np.asarray(np.clip(bucket, 0, sum(octaves) << bits, out=bucket))


def make_grid(sample: Float[np.ndarray, " s"], low: float, high: float) -> FineGrid:
    """A grid for numbers from `low` to `high` (low < high) of which `sample` (s,), ascending, is a sample."""
    first, middle, third = map(float, np.quantile(sample, [0.25, 0.5, 0.75]))
    scale = max((third - first) / 2.0 or (high - low) / 8.0, (high - low) * 2.0**-_MOST_OCTAVES)
    below, above = _octaves(middle - low, scale), _octaves(high - middle, scale)
    bits = int(np.log2(_MOST_BUCKETS / (below + above)))
    per_octave = min(MOST_OCTAVE_CELLS, 2 ** int(np.log2(MOST_WIDTH_CELLS / (below + above))))
    of_sample = buckets_of(sample, (middle, scale), (below, above), bits)
    buckets = np.arange((below + above) << bits)
    is_edge = (buckets - (below << bits)) % ((1 << bits) // per_octave) == 0
    is_edge[of_sample[np.linspace(0, len(sample) - 1, SHARES + 1).astype(int)[1:-1]]] = True
    is_edge[0] = False
    cells = np.cumsum(is_edge)
    return FineGrid(middle, scale, (below, above), bits, cells, _share_of_ties(sample, cells[of_sample]))


def _octaves(distance: float, scale: float) -> int:
    return int(np.log2(1.0 + max(distance, 0.0) / scale)) + 1


def _share_of_ties(sample: Float[np.ndarray, " s"], cells: Integer[np.ndarray, " s"]) -> float:
    equal, together = (pairs_in_cells(np.unique(each, return_counts=True)[1]) for each in (sample, cells))
    return equal / together if together else 0.0


def pairs_in_cells(counts: Integer[np.ndarray, " d"]) -> int:
    """How many pairs of people share a cell."""
    return int((counts * (counts - 1) // 2).sum())
