"""Centred Gram matrices that are never formed: exact sums over them in time linear in n.

A Gram matrix holds the kernel between all pairs of rows. For a kernel k and a column x, let K = [k(x_i,
x_j)], H = I - 11^T/n and Kc = H K H, the centred Gram matrix. The tests need only the eigenvalues of Kc and
sums over its entries. There are four exact representations:

    TableGram    the d x d matrix between distinct values; for any kernel. If all values are distinct, it is
                 the dense matrix, which is the cheapest choice for small n.
    FactorGram   Kc = P P^T with P (n, m): a cosine series of the one-dimensional Gaussian kernel,
                 or a pivoted Cholesky factor if the series would be too long (columns with huge outliers).
    DeltaGram    the delta kernel of many labels, by their counts only.
    SpacingGram  (distances.py) |a - b| and chords of a sorted column, in O(n log n).

The cheapest representation is chosen. The results of all representations agree to 1e-10.

A row may stand for several people (`weights`): then rows are the filled cells of a table of counts
(counted.py), and FactorGram and SpacingGram have forms by distinct values (counted_grams.py).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.special import ive

from personax.independence.columns import PreparedColumn
from personax.independence.counted_grams import NO_ORDER, CountedFactor
from personax.independence.joint_counts import joint_counts
from personax.independence.kernel_factors import EXACT, descending_positive, pivoted_cholesky

GramRoute = Literal["table", "cosine", "cholesky"]

# Largest number of features of a cosine series; a Cholesky factor of a column so wide has far fewer columns.
_LONGEST_SERIES = 300
# More labels than this have no matrix between them (DeltaGram).
LABELS_AS_TABLE = 256
# exp(-8.6^2 / 2) = 9e-17: from here on the Gaussian and its Fourier transform are below double precision.
_REACH = 8.6


@runtime_checkable
class Gram(Protocol):
    """What statistics and null distributions need of a centred Gram matrix Kc of n rows."""

    @property
    def n(self) -> int:
        """Number of people: of rows, unless these have weights."""

    @property
    def weights(self) -> Num[np.ndarray, " n"] | None:
        """(n,) how many people each row stands for; None if every row is one person."""

    @property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        """(n,) diagonal of Kc."""

    @property
    def square(self) -> float:
        """Sum of the squares of Kc's entries."""

    @property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        """(r,) positive eigenvalues of Kc, descending; those below 1e-12 of the largest are dropped."""

    def permuted(self, order: Int[np.ndarray, " n"]) -> "Gram":
        """The Gram matrix of the rows in another order: row i of the result is row order[i]."""


def refuse_order_of_cells(gram: Gram) -> None:
    """Raise TypeError if rows stand for several people: these have no order that could be changed."""
    if gram.weights is not None:
        raise TypeError(NO_ORDER)


def trace(gram: Gram) -> float:
    """Sum of Kc's diagonal over all people."""
    return float(gram.diagonal.sum() if gram.weights is None else gram.weights @ gram.diagonal)


def diagonal_product(a: Gram, b: Gram) -> float:
    """Sum over all people of the product of two diagonals, of the same rows."""
    of_a = a.diagonal if a.weights is None else a.weights * a.diagonal
    return float(of_a @ b.diagonal)


@dataclass(frozen=True, eq=False)
class TableGram:
    """Kc of a column with d distinct values.

    Attributes:
        numbers: (n,) the number, below d, of each row's distinct value.
        counts: (d,) how often each distinct value occurs.
        matrix: (d, d) entries of Kc between distinct values.
        weights: (n,) people in each row, or None.
    """

    numbers: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " d"]
    matrix: Float[np.ndarray, "d d"]
    weights: Num[np.ndarray, " n"] | None = None

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        return np.asarray(np.diag(self.matrix)[self.numbers])

    @cached_property
    def square(self) -> float:
        return float(self.counts @ (self.matrix**2) @ self.counts)

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        root = np.sqrt(self.counts)
        return descending_positive(np.linalg.eigvalsh(root[:, None] * self.matrix * root))

    def permuted(self, order: Int[np.ndarray, " n"]) -> "TableGram":
        refuse_order_of_cells(self)
        return TableGram(self.numbers[order], self.counts, self.matrix)


@dataclass(frozen=True, eq=False)
class FactorGram:
    """Kc = P P^T; `factor` is P (n, m), Fortran-ordered, each column with mean 0."""

    factor: Float[np.ndarray, "n m"]

    @property
    def n(self) -> int:
        return len(self.factor)

    @property
    def weights(self) -> None:
        return None

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        return np.asarray(np.einsum("ij,ij->i", self.factor, self.factor))

    @cached_property
    def _inner(self) -> Float[np.ndarray, "m m"]:
        return np.asarray(self.factor.T @ self.factor)

    @cached_property
    def square(self) -> float:
        return float(np.sum(self._inner**2))

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        return descending_positive(np.linalg.eigvalsh(self._inner))

    def permuted(self, order: Int[np.ndarray, " n"]) -> "FactorGram":
        return FactorGram(self.factor[order])


def group_sums(
    factor: Float[np.ndarray, "n m"], numbers: Int[np.ndarray, " n"], groups: int
) -> Float[np.ndarray, "groups m"]:
    """(groups, m) sums of the rows of `factor` (n, m) that share a number."""
    sums = np.empty((groups, factor.shape[1]))
    for column in range(factor.shape[1]):  # one column at a time: no second array of n x m
        sums[:, column] = np.bincount(numbers, weights=factor[:, column], minlength=groups)
    return sums


def table_table(a: TableGram, b: TableGram) -> float:
    """sum(Kc_a * Kc_b) = sum((N^T A N) * B), N the table of joint counts."""
    counts = joint_counts(a, b)
    return float(np.sum((counts.T @ a.matrix @ counts) * b.matrix))


def factor_table(a: FactorGram, b: TableGram) -> float:
    """sum(P P^T * Kc_b) = sum((S S^T) * B), S the sums of P's rows by b's values."""
    sums = group_sums(a.factor, b.numbers, len(b.counts))
    return float(np.sum((sums @ sums.T) * b.matrix))


def factor_factor(a: FactorGram, b: FactorGram) -> float:
    """sum(P P^T * Q Q^T) = || P^T Q ||_F^2."""
    return float(np.sum((a.factor.T @ b.factor) ** 2))


def centred_table(column: PreparedColumn, matrix: Float[np.ndarray, "d d"]) -> TableGram:
    """A TableGram from the (d, d) uncentred matrix between the column's distinct values."""
    centred = centred_between(matrix, column.counts / len(column))
    return TableGram(column.numbers, column.counts, centred, column.weights)


def centred_between(
    matrix: Float[np.ndarray, "d d"], share: Float[np.ndarray, " d"]
) -> Float[np.ndarray, "d d"]:
    """(d, d) symmetric matrix between values, centred over the rows; `share` (d,) of rows with each value."""
    mean = matrix @ share
    return np.asarray(matrix - mean[:, None] - mean + share @ mean)


@dataclass(frozen=True, eq=False)
class DeltaGram:
    """Kc of the delta kernel k(a, b) = [a = b] for any number of labels, without a matrix between labels.

    Attributes:
        numbers: (n,) the number, below d, of each row's label.
        counts: (d,) how often each label occurs.
        weights: (n,) people in each row, or None.
    """

    numbers: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " d"]
    weights: Num[np.ndarray, " n"] | None = None

    @property
    def n(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        pairs = float(self.counts @ self.counts) / self.n**2
        return np.asarray((1.0 - 2.0 * self.counts / self.n + pairs)[self.numbers])

    @cached_property
    def square(self) -> float:
        """|| H K H ||^2 = tr K^2 - 2 1'K^2 1 / n + (1'K 1 / n)^2, K being one block for each label."""
        c, n = self.counts.astype(float), self.n
        return float(c @ c - 2.0 * (c**2 @ c) / n + (c @ c / n) ** 2)

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        """Those of diag(c) - c c' / n. Of m labels with equal counts c, m - 1 eigenvalues are c."""
        count, labels = np.unique(self.counts, return_counts=True)
        weight = count * np.sqrt(labels)
        mixed = np.linalg.eigvalsh(np.diag(count.astype(float)) - np.multiply.outer(weight, weight) / self.n)
        return descending_positive(np.sort(np.concatenate([mixed, np.repeat(count, labels - 1)])))

    def permuted(self, order: Int[np.ndarray, " n"]) -> "DeltaGram":
        refuse_order_of_cells(self)
        return DeltaGram(self.numbers[order], self.counts)


def delta_gram(column: PreparedColumn) -> TableGram | DeltaGram:
    """The delta kernel k(a, b) = [a = b], the only kernel that needs no order of the categories."""
    if len(column.counts) > LABELS_AS_TABLE:
        return DeltaGram(column.numbers, column.counts, column.weights)
    return centred_table(column, np.eye(len(column.counts)))


def factor_delta(a: FactorGram, b: DeltaGram) -> float:
    """sum(P P^T * Kc_b): the squares of the sums of P's rows by label, since P is centred."""
    return float(np.sum(group_sums(a.factor, b.numbers, len(b.counts)) ** 2))


def table_delta(a: TableGram, b: DeltaGram) -> float:
    """sum(Kc_a * Kc_b) = sum((N N^T) * A), N the counts of a's values by b's labels; A is centred."""
    counts = joint_counts(a, b)
    return float(np.sum((counts @ counts.T) * a.matrix))


def _people_in_cells(a: DeltaGram, b: DeltaGram) -> Float[np.ndarray, " cells"]:
    """(cells,) how many people have each pair of labels that occurs."""
    if a.weights is not None:  # each row is such a pair
        return a.weights.astype(float)
    return np.unique(a.numbers * len(b.counts) + b.numbers, return_counts=True)[1].astype(float)


def delta_delta(a: DeltaGram, b: DeltaGram) -> float:
    """tr(H K H L) = tr(K L) - 2 1'K L 1 / n + (1'K 1)(1'L 1) / n^2."""
    together = _people_in_cells(a, b)
    of_a = a.counts[a.numbers] if a.weights is None else a.counts[a.numbers] * a.weights
    mixed = float(of_a @ b.counts[b.numbers].astype(float))
    squares = float(a.counts @ a.counts) * float(b.counts @ b.counts)
    return float(together @ together) - 2.0 * mixed / a.n + squares / a.n**2


def series_factor(
    phase: Float[np.ndarray, " n"],
    weights: Float[np.ndarray, " k"],
    share: Float[np.ndarray, " n"] | None = None,
) -> Float[np.ndarray, "n 2*k"]:
    """(n, 2 K) centred features of the kernel sum_{k=1..K} weights_k cos(k (phase_i - phase_j)).

    `share` (n,) of the people in each row; None if every row is one person. The columns are sqrt(w_k) cos(k
    phase) and sqrt(w_k) sin(k phase), computed by repeated multiplication of exp(i phase). The constant
    term k = 0 of a kernel vanishes when the kernel is centred.
    """
    factor = np.empty((len(phase), 2 * len(weights)), order="F")
    turn = np.exp(1j * phase)
    power = np.ones_like(turn)
    for k, root in enumerate(np.sqrt(weights)):
        power *= turn
        for column, part in ((2 * k, power.real), (2 * k + 1, power.imag)):
            np.multiply(part, root, out=factor[:, column])
            mean = factor[:, column].mean() if share is None else share @ factor[:, column]
            factor[:, column] -= mean
    return factor


class CosineSeries(NamedTuple):
    """A function w_0 + sum_{k=1..K} weights_k cos(k step u)."""

    step: float
    weights: Float[np.ndarray, " k"]


def gaussian_terms(reach: float) -> int:
    """Number K of terms that `gaussian_series` needs."""
    return int(np.ceil(_REACH * (reach + _REACH) / (2.0 * np.pi)))


def gaussian_series(reach: float) -> CosineSeries:
    """The series of exp(-u^2/2) for |u| <= reach.

    It is the trapezoid rule on exp(-u^2/2) = integral of exp(-s^2/2) cos(s u) ds / sqrt(2 pi). The errors
    of aliasing and truncation are below 1e-16 (Poisson summation).
    """
    step = 2.0 * np.pi / (reach + _REACH)
    s = step * np.arange(1, gaussian_terms(reach) + 1)
    return CosineSeries(step, 2.0 * step / np.sqrt(2.0 * np.pi) * np.exp(-0.5 * s**2))


def von_mises_terms(concentration: float) -> int:
    """Upper bound of the number of terms of `von_mises_series`."""
    return int(20 + 10 * np.sqrt(concentration) + min(concentration, 30))


def von_mises_series(concentration: float) -> CosineSeries:
    """The series of exp(kappa (cos t - 1)), the Gaussian kernel of (sin, cos); kappa is `concentration`.

    The weights are w_k = 2 exp(-kappa) I_k(kappa) (Jacobi-Anger); those below 1e-17 are left out.
    """
    weights = 2.0 * ive(np.arange(1, von_mises_terms(concentration) + 1), concentration)
    return CosineSeries(1.0, weights[weights > 1e-17])


def gaussian_matrix(
    a: Float[np.ndarray, " p"], b: Float[np.ndarray, " q"], column: PreparedColumn, width: float
) -> Float[np.ndarray, "p q"]:
    """(p, q) Gaussian kernel between positions a (p,) and b (q,).

    It is exp(-(a - b)^2 / (2 width^2)). For circular columns the distance is the chord, which gives
    exp((cos(a - b) - 1) / width^2).
    """
    difference = a[:, None] - b
    if column.kind == "circular":
        return np.asarray(np.exp(-2.0 * np.sin(difference / 2.0) ** 2 / width**2))
    with np.errstate(over="ignore"):  # exp(-inf) = 0 is right
        return np.asarray(np.exp(-0.5 * (difference / width) ** 2))


def cholesky_factor(column: PreparedColumn, width: float) -> Float[np.ndarray, "d r"]:
    """(d, r) factor of the Gaussian kernel between distinct values by pivoted Cholesky, not centred.

    It is exact to 1e-14 in each entry of K. r is the numerical rank: about the number of intervals of length
    `width` that hold values, however far apart these lie.
    """
    positions = column.positions

    def one_row(pivot: int) -> Float[np.ndarray, " d"]:
        return np.asarray(gaussian_matrix(positions[pivot : pivot + 1], positions, column, width)[0])

    return pivoted_cholesky(one_row, np.ones(len(positions)), EXACT)


def gram_of_factor(column: PreparedColumn, factor: Float[np.ndarray, "d m"]) -> FactorGram | CountedFactor:
    """Kc from a factor (d, m) between distinct values, which is centred here over the people."""
    if column.weights is not None:
        centred = factor - (column.counts / len(column)) @ factor
        return CountedFactor(centred, column.numbers, column.counts, column.weights)
    of_rows = np.asfortranarray(factor[column.numbers])
    of_rows -= of_rows.mean(axis=0)
    return FactorGram(of_rows)


def gaussian_gram(column: PreparedColumn, width: float, route: GramRoute | None = None) -> Gram:
    """Gaussian kernel of a numeric column in standard units, or of the chord of a circular column.

    Args:
        column: any column that is not nominal.
        width: standard deviation of the kernel, > 0.
        route: how Kc is represented; None chooses the cheapest. The result is the same.
    """
    reach = float(column.positions[-1] - column.positions[0]) / width
    circular = column.kind == "circular"
    if route is None:
        features = 2 * (von_mises_terms(width**-2) if circular else gaussian_terms(reach))
        rows = len(column) if column.weights is None else len(column.distinct)
        route = _cheapest_route(rows, len(column.distinct), features)
    if route == "table":
        return centred_table(column, gaussian_matrix(column.positions, column.positions, column, width))
    if route == "cholesky":
        return gram_of_factor(column, cholesky_factor(column, width))
    series = von_mises_series(width**-2) if circular else gaussian_series(reach)
    phase = column.positions * (series.step if circular else series.step / width)
    if column.weights is None:
        return FactorGram(series_factor(phase[column.numbers], series.weights))
    factor = series_factor(phase, series.weights, column.counts / len(column))
    return CountedFactor(factor, column.numbers, column.counts, column.weights)


def _cheapest_route(n: int, distinct: int, features: int) -> GramRoute:
    """The route with the fewest operations, for a cosine series with this number of features.

    The eigenvalues of a matrix of size d cost about 10 d^3 operations, a product of n x r features with
    itself n r^2. A Cholesky factor is assumed to have as many columns as the longest series.
    """
    r = min(features, _LONGEST_SERIES)
    if 10 * distinct**3 <= n * r**2 + 10 * r**3:
        return "table"
    return "cosine" if features <= _LONGEST_SERIES else "cholesky"
