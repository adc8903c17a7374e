"""Sums over pairs of rows of products of kernels, each given by a factor: the moments of conditional tests.

With kernels A, B, ... = F F^T, G G^T, ... the features of a row are the products of its entries of F, G, ...:
w_i = f_i (x) g_i (x) ..., so that w_i . w_j = A_ij B_ij ... . The statistic of a conditional kernel test is
V = |sum_i w_i|^2, and under the null hypothesis it is about a sum of chi-squares, weighted with the
eigenvalues of the matrix of all w_i . w_j (Zhang et al. 2011, Theorem 3 and Proposition 5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from personax.independence.kernel_factors import Truncation, pivoted_cholesky
from personax.independence.tails import log_gamma_sf

Factors = Sequence[Float[np.ndarray, "n _"]]

_TILE = 1024  # rows and columns of the tiles of a product of kernels: 8 MB each
_TILE_COST = 300  # of a pair of rows in tiles, in multiplications of row products; measured
_ROWS = 4096  # rows whose products w_i are in memory at one time
# With at most this many rows, sums over all pairs of rows are exact.
TILES_UNTIL = 1500
# With more rows, the squares of a kernel are factored until this share of their trace is left.
SQUARES_LEFT = 1e-4
MOST_SQUARED = 64  # no wider factor is squared: the square would be about as wide as m^2 / 2


class Moments(NamedTuple):
    """What a test needs of the kernels A, B and their weight C (1 if there is none), over n rows.

    Attributes:
        total: V = sum_ij A_ij B_ij C_ij.
        mean: sum_i A_ii B_ii C_ii, the mean of V under the null hypothesis.
        squares: sum_ij (A_ij B_ij C_ij)^2, half of its variance.
        effect: weighted cosine of A and B without their diagonals, in [0, 1]; its expectation is 0 under the
            null hypothesis.
    """

    total: float
    mean: float
    squares: float
    effect: float


def row_products(factors: Factors) -> Float[np.ndarray, "n m"]:
    """(n, m) w_i: the products of one entry of each factor, row by row; m is the product of their widths."""
    return reduce(lambda a, b: (a[:, :, None] * b[:, None, :]).reshape(len(a), -1), factors)


def sum_of_products(factors: Factors) -> float:
    """sum_ij of the product of all kernels, = |sum_i w_i|^2, in O(n m): few w_i are in memory at one time."""
    *others, widest = sorted(factors, key=lambda factor: factor.shape[1])
    starts = range(0, len(widest), _ROWS)
    blocks = [slice(first, first + _ROWS) for first in starts]
    sums = sum(row_products([each[rows] for each in others]).T @ widest[rows] for rows in blocks)
    return float(np.sum(np.asarray(sums) ** 2))


@dataclass(frozen=True, eq=False)
class FactoredKernel:
    """A kernel F F^T, and what the moments of a test need of it; each part is computed once.

    Attributes:
        factor: (n, m) F.
    """

    factor: Float[np.ndarray, "n m"]

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        """(n,) diagonal of the kernel."""
        return np.asarray(np.einsum("ij,ij->i", self.factor, self.factor))

    @cached_property
    def squares(self) -> Float[np.ndarray, "n r"]:
        """(n, r) factor of the matrix of squared entries, but for `SQUARES_LEFT` of its trace."""
        until = Truncation(SQUARES_LEFT, None)
        return pivoted_cholesky(lambda row: (self.factor @ self.factor[row]) ** 2, self.diagonal**2, until)


def weight_of_one(n: int) -> FactoredKernel:
    """The weight 1 for all pairs of n rows."""
    return FactoredKernel(np.ones((n, 1)))


class SquaredSums(NamedTuple):
    """Sums over all pairs of rows: of (A B C)^2, of A^2 C and of B^2 C."""

    products: float
    of_a: float
    of_b: float


def squared_sums(a: FactoredKernel, b: FactoredKernel, c: FactoredKernel) -> SquaredSums:
    """The sums of two kernels and a weight.

    Up to `TILES_UNTIL` rows they are computed in tiles, without approximation, in O(n^2 m). With more rows
    they take linear time if that is cheaper; `SQUARES_LEFT` of the squares' trace is then left out.
    """
    n, kernels = len(a.factor), (a, b, c)
    if n <= TILES_UNTIL or any(kernel.factor.shape[1] > MOST_SQUARED for kernel in kernels):
        return sums_by_tiles(a, b, c)
    if n * _TILE_COST < np.prod([kernel.squares.shape[1] for kernel in kernels]):
        return sums_by_tiles(a, b, c)
    return SquaredSums(
        sum_of_products([a.squares, b.squares, c.squares]),
        sum_of_products([a.squares, c.factor]),
        sum_of_products([b.squares, c.factor]),
    )


def sums_by_tiles(a: FactoredKernel, b: FactoredKernel, c: FactoredKernel) -> SquaredSums:
    """As `squared_sums`, without approximation; O(n^2 m) time, and no more memory than a few tiles."""
    n, sums = len(a.factor), np.zeros(3)
    for first in range(0, n, _TILE):
        for second in range(first, n, _TILE):
            here, there = slice(first, first + _TILE), slice(second, second + _TILE)
            tiles = [kernel.factor[here] @ kernel.factor[there].T for kernel in (a, b, c)]
            sums += _sums_of_tiles(*tiles) * (1.0 if second == first else 2.0)
    return SquaredSums(*sums.tolist())


def _sums_of_tiles(
    a: Float[np.ndarray, "p q"], b: Float[np.ndarray, "p q"], c: Float[np.ndarray, "p q"]
) -> Float[np.ndarray, " 3"]:
    a_c = a * c
    products = a_c * b
    return np.array([np.vdot(products, products), np.vdot(a, a_c), np.vdot(b, b * c)])


def moments(a: FactoredKernel, b: FactoredKernel, c: FactoredKernel) -> Moments:
    """The moments of two kernels and a weight, see `Moments`."""
    total = sum_of_products([a.factor, b.factor, c.factor])
    mean = float(np.sum(a.diagonal * b.diagonal * c.diagonal))
    sums = squared_sums(a, b, c)
    off_a = sums.of_a - float(a.diagonal**2 @ c.diagonal)
    off_b = sums.of_b - float(b.diagonal**2 @ c.diagonal)
    scale = float(np.sqrt(max(off_a * off_b, 0.0)))
    effect = float(np.sqrt(np.clip((total - mean) / scale, 0.0, 1.0))) if scale > 0 else 0.0
    return Moments(total, mean, sums.products, effect)


def log_p_by_gamma(found: Moments) -> float:
    """log p from a gamma distribution with the mean and variance of V (Zhang et al. 2011, Proposition 5)."""
    variance = 2.0 * found.squares
    return log_gamma_sf(found.mean**2 / variance, found.total * found.mean / variance)
