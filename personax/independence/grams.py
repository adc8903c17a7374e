"""Centred Gram matrices that are never formed: exact sums over them in time linear in n.

For a kernel k and a column x, K = [k(x_i, x_j)], H = I - 11^T/n and Kc = H K H. Every test here needs only
sums over Kc and its eigenvalues. Three exact representations:

    TableGram    the d x d matrix between distinct values; any kernel. With all values distinct it is
                 the dense matrix, the cheapest route for small n.
    FactorGram   Kc = P P^T with P (n, m): a cosine series of the one-dimensional Gaussian kernel,
                 or a pivoted Cholesky factor where the series would be too long (columns with huge outliers).
    SpacingGram  (distances.py) |a - b| and chords of a sorted column, in O(n log n).

The representation is chosen by cost; results agree to 1e-10 whatever the choice.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from scipy.special import ive

from personax.independence.columns import Column

NullRoute = Literal["table", "cosine", "cholesky"]

_LONGEST_SERIES = 1000
# exp(-8.6^2 / 2) = 9e-17: where the Gaussian and its Fourier transform are below double precision.
_REACH = 8.6


class Gram(Protocol):
    """What nulls and statistics may ask of a centred Gram matrix Kc of n rows."""

    @property
    def n(self) -> int:
        """Number of rows."""

    @property
    def diagonal(self) -> np.ndarray:
        """(n,) diagonal of Kc."""

    @property
    def square(self) -> float:
        """Sum of the squares of Kc's entries."""

    @property
    def eigenvalues(self) -> np.ndarray:
        """Positive eigenvalues of Kc, descending; those below 1e-12 of the largest are dropped."""

    def permuted(self, order: np.ndarray) -> "Gram":
        """The Gram matrix of the rows in another order."""


def _with_positive(eigenvalues: np.ndarray) -> np.ndarray:
    descending = eigenvalues[::-1]
    return np.asarray(descending[descending > 1e-12 * max(descending[0], 1e-300)])


@dataclass(frozen=True, eq=False)
class TableGram:
    """Kc of a column with d distinct values.

    Attributes:
        codes: (n,) integers below d. counts: (d,) occurrences.
        matrix: (d, d) entries of Kc between distinct values.
    """

    codes: np.ndarray
    counts: np.ndarray
    matrix: np.ndarray

    @property
    def n(self) -> int:
        return len(self.codes)

    @cached_property
    def diagonal(self) -> np.ndarray:
        return np.asarray(np.diag(self.matrix)[self.codes])

    @cached_property
    def square(self) -> float:
        return float(self.counts @ (self.matrix**2) @ self.counts)

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        root = np.sqrt(self.counts)
        return _with_positive(np.linalg.eigvalsh(root[:, None] * self.matrix * root))

    def permuted(self, order: np.ndarray) -> "TableGram":
        return TableGram(self.codes[order], self.counts, self.matrix)


@dataclass(frozen=True, eq=False)
class FactorGram:
    """Kc = P P^T; `factor` is P (n, m), Fortran-ordered, each column with mean 0."""

    factor: np.ndarray

    @property
    def n(self) -> int:
        return len(self.factor)

    @cached_property
    def diagonal(self) -> np.ndarray:
        return np.asarray(np.einsum("ij,ij->i", self.factor, self.factor))

    @cached_property
    def _inner(self) -> np.ndarray:
        return np.asarray(self.factor.T @ self.factor)

    @cached_property
    def square(self) -> float:
        return float(np.sum(self._inner**2))

    @cached_property
    def eigenvalues(self) -> np.ndarray:
        return _with_positive(np.linalg.eigvalsh(self._inner))

    def permuted(self, order: np.ndarray) -> "FactorGram":
        return FactorGram(self.factor[order])


def group_sums(factor: np.ndarray, codes: np.ndarray, groups: int) -> np.ndarray:
    """(groups, m) sums of the rows of `factor` (n, m) that share a code."""
    sums = np.empty((groups, factor.shape[1]))
    for column in range(factor.shape[1]):  # one column at a time: no second array of n x m
        sums[:, column] = np.bincount(codes, weights=factor[:, column], minlength=groups)
    return sums


def joint_counts(x_codes: np.ndarray, y_codes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(dx, dy) table of joint counts, as floats."""
    flat = np.bincount(x_codes * shape[1] + y_codes, minlength=shape[0] * shape[1])
    return flat.reshape(shape).astype(float)


def table_table(a: TableGram, b: TableGram) -> float:
    """sum(Kc_a * Kc_b) = sum((N^T A N) * B), N the table of joint counts."""
    counts = joint_counts(a.codes, b.codes, (len(a.counts), len(b.counts)))
    return float(np.sum((counts.T @ a.matrix @ counts) * b.matrix))


def factor_table(a: FactorGram, b: TableGram) -> float:
    """sum(P P^T * Kc_b) = sum((S S^T) * B), S the sums of P's rows by b's values."""
    sums = group_sums(a.factor, b.codes, len(b.counts))
    return float(np.sum((sums @ sums.T) * b.matrix))


def factor_factor(a: FactorGram, b: FactorGram) -> float:
    """sum(P P^T * Q Q^T) = || P^T Q ||_F^2."""
    return float(np.sum((a.factor.T @ b.factor) ** 2))


def centred_table(column: Column, matrix: np.ndarray) -> TableGram:
    """A TableGram from the (d, d) uncentred matrix between the column's distinct values."""
    share = column.counts / len(column)
    mean = matrix @ share
    return TableGram(column.codes, column.counts, matrix - mean[:, None] - mean + share @ mean)


def delta_gram(column: Column) -> TableGram:
    """The delta kernel k(a, b) = [a = b], the one kernel that knows no order of categories."""
    return centred_table(column, np.eye(len(column.counts)))


def series_factor(phase: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(n, 2 K) centred features of the kernel sum_{k=1..K} weights_k cos(k (phase_i - phase_j)).

    The columns are sqrt(w_k) cos(k phase) and sqrt(w_k) sin(k phase), by repeated multiplication of
    exp(i phase); the constant term k = 0 of a kernel drops out when it is centred.
    """
    factor = np.empty((len(phase), 2 * len(weights)), order="F")
    turn = np.exp(1j * phase)
    power = np.ones_like(turn)
    for k, root in enumerate(np.sqrt(weights)):
        power *= turn
        for column, part in ((2 * k, power.real), (2 * k + 1, power.imag)):
            np.multiply(part, root, out=factor[:, column])
            factor[:, column] -= factor[:, column].mean()
    return factor


def gaussian_terms(reach: float) -> int:
    """Number K of terms that `gaussian_series` needs."""
    return int(np.ceil(_REACH * (reach + _REACH) / (2.0 * np.pi)))


def gaussian_series(reach: float) -> tuple[float, np.ndarray]:
    """Step h and weights w_1..w_K with exp(-u^2/2) = w_0 + sum_k w_k cos(h k u) for |u| <= reach.

    The trapezoid rule on exp(-u^2/2) = integral of exp(-s^2/2) cos(s u) ds / sqrt(2 pi); aliasing and
    truncation are below 1e-16 (Poisson summation).
    """
    step = 2.0 * np.pi / (reach + _REACH)
    s = step * np.arange(1, gaussian_terms(reach) + 1)
    return step, 2.0 * step / np.sqrt(2.0 * np.pi) * np.exp(-0.5 * s**2)


def von_mises_terms(concentration: float) -> int:
    """Upper bound of the number of terms of `von_mises_series`."""
    return int(20 + 10 * np.sqrt(concentration) + min(concentration, 30))


def von_mises_series(concentration: float) -> np.ndarray:
    """Weights w_1..w_K with exp(kappa (cos t - 1)) = w_0 + sum_k w_k cos(k t).

    w_k = 2 exp(-kappa) I_k(kappa) (Jacobi-Anger), cut where below 1e-17. This is the Gaussian kernel of
    (sin, cos).
    """
    weights = 2.0 * ive(np.arange(1, von_mises_terms(concentration) + 1), concentration)
    return weights[weights > 1e-17]


def gaussian_matrix(a: np.ndarray, b: np.ndarray, column: Column, width: float) -> np.ndarray:
    """(p, q) Gaussian kernel between positions a (p,) and b (q,).

    exp(-(a - b)^2 / (2 width^2)), or for circular columns exp((cos(a - b) - 1) / width^2), the
    same of the chord.
    """
    difference = a[:, None] - b
    if column.kind == "circular":
        return np.asarray(np.exp(-2.0 * np.sin(difference / 2.0) ** 2 / width**2))
    return np.asarray(np.exp(-0.5 * (difference / width) ** 2))


def cholesky_factor(column: Column, width: float) -> np.ndarray:
    """(n, r) centred factor of the Gaussian kernel by pivoted Cholesky, exact to 1e-14 in each entry of K.

    r is the numerical rank: about the number of occupied cells of `width`, however far apart they lie.
    """
    positions = column.positions
    d = len(positions)
    residual = np.ones(d)
    rows = np.empty((32, d))
    rank = 0
    while rank < d:
        pivot = int(np.argmax(residual))
        if residual[pivot] < 1e-14:
            break
        if rank == len(rows):
            rows = np.concatenate([rows, np.empty_like(rows)])
        new = gaussian_matrix(positions[pivot : pivot + 1], positions, column, width)[0]
        new -= rows[:rank, pivot] @ rows[:rank]
        rows[rank] = new / np.sqrt(residual[pivot])
        residual = np.maximum(residual - rows[rank] ** 2, 0.0)
        residual[pivot] = 0.0
        rank += 1
    factor = np.asfortranarray(rows[:rank].T[column.codes])
    factor -= factor.mean(axis=0)
    return factor


def gaussian_gram(column: Column, width: float, route: NullRoute | None = None) -> Gram:
    """Gaussian kernel of a numeric column in standard units, or of the chord of a circular column.

    width: standard deviation of the kernel, > 0. route: None chooses the cheapest; the result is the same.
    """
    n, d = len(column), len(column.distinct)
    reach = float(column.positions[-1] - column.positions[0]) / width
    circular = column.kind == "circular"
    m = 2 * (von_mises_terms(width**-2) if circular else gaussian_terms(reach))
    if route is None:
        # Flops: eigenvalues cost about ten times the cube; a product of n x r features with itself n r^2.
        # A Cholesky factor has no more columns than the longest series, or it pays to have that many.
        r = min(m, _LONGEST_SERIES)
        if 10 * d**3 <= n * r**2 + 10 * r**3:
            route = "table"
        else:
            route = "cosine" if m <= _LONGEST_SERIES else "cholesky"
    if route == "table":
        return centred_table(column, gaussian_matrix(column.positions, column.positions, column, width))
    if route == "cholesky":
        return FactorGram(cholesky_factor(column, width))
    step, weights = (1.0, von_mises_series(width**-2)) if circular else gaussian_series(reach)
    phase = column.positions[column.codes] * (step if circular else step / width)
    return FactorGram(series_factor(phase, weights))
