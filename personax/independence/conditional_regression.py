"""Regression on the condition Z: kernel ridge whose kernel and ridge are chosen by cross-validation.

A conditional test compares what is left of x and of y after a regression on Z. If the regression leaves
something of Z in both, the test rejects too often; a kernel of one fixed width does so (it is what
causal-learn
has). Here the kernel (products over the columns of Z, sums, or both; several widths) and the ridge are chosen
by generalised cross-validation (Golub, Heath & Wahba 1979), for x and for y separately.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from personax.independence.conditional_columns import ColumnGroup
from personax.independence.kernel_factors import (
    ColumnByNumber,
    Points,
    Truncation,
    gaussian_columns,
    pivoted_cholesky,
)

# Widths of the Gaussian kernels of Z, in standard deviations; of joint kernels times sqrt(columns of Z).
JOINT_WIDTHS, SUM_WIDTHS, MIXED_WIDTHS = (0.5, 1.0, 2.0), (0.7, 1.5), (1.0,)
CANDIDATE_RIDGES = 10.0 ** np.arange(-7.0, 1.1, 0.5)  # shares of n
LARGEST_BASIS, BASIS_SHARE = 80, 1e-6
_SMALLEST_EIGENVALUE = 1e-10  # of a centred kernel, divided by n
# A regression may use at most this share of the rows as its degrees of freedom.
MOST_FREEDOM = 0.8


class Basis(NamedTuple):
    """Eigenvectors (n, r), orthonormal and of mean 0, and eigenvalues (r,) / n of a centred kernel of Z."""

    vectors: Float[np.ndarray, "n r"]
    eigenvalues: Float[np.ndarray, " r"]


class Ridge(NamedTuple):
    """A regression on Z that is linear in its target: fitted = mean + U diag(shrinkage) U^T target.

    Attributes:
        vectors: (n, r) U.
        shrinkage: (r,) in [0, 1]; 1 for a direction that is removed completely.
    """

    vectors: Float[np.ndarray, "n r"]
    shrinkage: Float[np.ndarray, " r"]

    def residuals(self, target: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n m"]:
        """(n, m) R target, what is left of its columns: R = I - 11^T/n - U diag(shrinkage) U^T."""
        fitted = self.vectors @ (self.shrinkage[:, None] * (self.vectors.T @ target))
        return np.asarray(target - target.mean(axis=0) - fitted)

    @property
    def removed(self) -> Float[np.ndarray, " r"]:
        """(r,) shares of variance removed in the directions U: R^2 = I - 11^T/n - U diag(removed) U^T."""
        return np.asarray(2.0 * self.shrinkage - self.shrinkage**2)

    @property
    def square_diagonal(self) -> Float[np.ndarray, " n"]:
        """(n,) diagonal of R^2: the share of each row's noise that is left."""
        return np.asarray(1.0 - 1.0 / len(self.vectors) - self.vectors**2 @ self.removed)


def additive_columns(points: Points, width: float) -> ColumnByNumber:
    """Columns of the mean of one-dimensional kernels of each coordinate and label: sums of functions."""

    def column(row: int) -> Float[np.ndarray, " n"]:
        similar = np.zeros(len(points.numbers))
        for coordinate in points.numbers.T:
            similar += np.exp(-0.5 * ((coordinate - coordinate[row]) / width) ** 2)
        for label in points.labels.T:
            similar += label == label[row]
        return similar / points.dimensions

    return column


def joint_columns(points: Points, width: float) -> ColumnByNumber:
    """Columns of the Gaussian kernel of all coordinates; two different labels are sqrt(2) apart."""
    wide = width * np.sqrt(points.dimensions)
    return gaussian_columns(points, wide, float(np.exp(-1.0 / wide**2)))


def kernels_of(points: Points) -> list[ColumnByNumber]:
    """The kernels of Z among which cross-validation chooses."""
    joint = [joint_columns(points, width) for width in JOINT_WIDTHS]
    if points.dimensions == 1:
        return joint
    sums = [additive_columns(points, width) for width in SUM_WIDTHS]
    return joint + sums + [mixed_columns(points, width) for width in MIXED_WIDTHS]


def mixed_columns(points: Points, width: float) -> ColumnByNumber:
    """Columns of the mean of `joint_columns` and `additive_columns`."""
    joint, additive = joint_columns(points, width), additive_columns(points, width)
    return lambda row: 0.5 * joint(row) + 0.5 * additive(row)


def basis_of(column: ColumnByNumber, n: int) -> Basis:
    """The leading eigenvectors of a kernel with diagonal 1, after it is centred."""
    until = Truncation(BASIS_SHARE, min(LARGEST_BASIS, n // 2))
    factor = pivoted_cholesky(column, np.ones(n), until)
    factor -= factor.mean(axis=0)
    values, turned = np.linalg.eigh(factor.T @ factor)
    kept = values > _SMALLEST_EIGENVALUE * n
    return Basis(factor @ turned[:, kept] / np.sqrt(values[kept]), values[kept] / n)


def bases_of(given: ColumnGroup) -> list[Basis]:
    """A basis for each kernel of Z; a single empty one if Z has no column that varies."""
    if not given.columns:
        return [Basis(np.empty((given.n, 0)), np.empty(0))]
    points = Points(given.numbers, given.labels)
    return [basis_of(column, given.n) for column in kernels_of(points)]


def chosen_ridge(bases: Sequence[Basis], target: Float[np.ndarray, "n m"]) -> Ridge:
    """The basis and the ridge with the smallest cross-validated error for the columns of `target`.

    The criterion is the sum of squared residuals / (1 - degrees of freedom / n)^2, the degrees of freedom
    being 1 + sum of shrinkages.
    """
    n, centred = len(target), target - target.mean(axis=0)
    whole = float(np.sum(centred**2))
    best, found = np.inf, Ridge(bases[0].vectors, np.zeros(len(bases[0].eigenvalues)))
    for basis in bases:
        energy = np.sum((basis.vectors.T @ centred) ** 2, axis=1)
        for ridge in CANDIDATE_RIDGES:
            candidate = Ridge(basis.vectors, basis.eigenvalues / (basis.eigenvalues + ridge))
            freedom = (1.0 + float(candidate.shrinkage.sum())) / n
            left = whole - float(candidate.removed @ energy)
            if freedom <= MOST_FREEDOM and left / (1.0 - freedom) ** 2 < best:
                best, found = left / (1.0 - freedom) ** 2, candidate
    return found


def noise_ratio(a: Ridge, b: Ridge) -> float:
    """How much larger V is under the null hypothesis than the products of the residuals' squares say.

    Regressions also remove a part of the noise. If a and b remove the same part, V loses less of it than the
    squares do: for noise of one variance V has the mean tr(R_a^2 R_b^2), but the products of the squares
    have sum_i (R_a^2)_ii (R_b^2)_ii. Without this factor the test would reject too often in small samples.
    """
    n = len(a.vectors)
    shared = float(a.removed @ (a.vectors.T @ b.vectors) ** 2 @ b.removed)
    kept = n - 1.0 - float(a.removed.sum()) - float(b.removed.sum()) + shared
    return kept / float(a.square_diagonal @ b.square_diagonal)
