"""Low-rank factors of kernels of several columns: K = F F^T, without a matrix of n x n.

Pivoted Cholesky chooses one row after the other, always the one that the factor describes worst, and computes
one column of K for it. After r columns, F F^T is the kernel that these r rows can express (Nystroem's
approximation), again a valid kernel.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

# A residual below this is rounding.
SMALLEST_PIVOT = 1e-14


class Truncation(NamedTuple):
    """Where a factor ends.

    Attributes:
        share: the factor is complete if the diagonal of K - F F^T sums to at most this share of K's.
        most: the largest number of columns of the factor; None for n.
    """

    share: float
    most: int | None


EXACT = Truncation(0.0, None)


def descending_positive(eigenvalues: Float[np.ndarray, " m"]) -> Float[np.ndarray, " r"]:
    """(r,) ascending eigenvalues (m,) of a kernel, descending, without those below 1e-12 of the largest."""
    descending = eigenvalues[::-1]
    return np.asarray(descending[descending > 1e-12 * max(descending[0], 1e-300)])


class Points(NamedTuple):
    """Where the rows lie.

    Attributes:
        numbers: (n, k) coordinates.
        labels: (n, c) category numbers, of which only equality counts.
    """

    numbers: Float[np.ndarray, "n k"]
    labels: Int[np.ndarray, "n c"]

    @property
    def dimensions(self) -> int:
        """How many coordinates and labels there are, at least 1."""
        return max(1, int(self.numbers.shape[1] + self.labels.shape[1]))

    def square_distances(self, row: int) -> Float[np.ndarray, " n"]:
        """(n,) squared Euclidean distances of the coordinates to those of one row."""
        squares = np.zeros(len(self.numbers))
        for coordinate in self.numbers.T:  # one after the other: a sum over a short axis is slow
            gap = coordinate - coordinate[row]
            squares += gap * gap
        return squares

    def mismatches(self, row: int) -> Int[np.ndarray, " n"]:
        """(n,) the number of labels that differ from those of one row."""
        return np.asarray(np.sum(self.labels != self.labels[row], axis=1))


# row -> (n,) that column of a kernel matrix
ColumnByNumber = Callable[[int], Float[np.ndarray, " n"]]


def pivoted_cholesky(
    column: ColumnByNumber, diagonal: Float[np.ndarray, " n"], until: Truncation
) -> Float[np.ndarray, "n r"]:
    """(n, r) factor F of the kernel with these columns and this diagonal; O(n r^2) time, O(n r) memory."""
    n = len(diagonal)
    most = n if until.most is None else min(until.most, n)
    residual = diagonal.copy()
    smallest, enough = SMALLEST_PIVOT * float(diagonal.max()), until.share * float(diagonal.sum())
    rows = np.empty((min(32, most), n))
    rank = 0
    while rank < most and residual.sum() > enough:
        pivot = int(np.argmax(residual))
        if residual[pivot] <= smallest:
            break
        if rank == len(rows):
            rows = np.concatenate([rows, np.empty((min(rank, most - rank), n))])
        new = column(pivot) - rows[:rank, pivot] @ rows[:rank]
        rows[rank] = new / np.sqrt(residual[pivot])
        residual = np.maximum(residual - rows[rank] ** 2, 0.0)
        residual[pivot] = 0.0
        rank += 1
    return np.asfortranarray(rows[:rank].T)


def gaussian_columns(points: Points, width: float, similarity: float) -> ColumnByNumber:
    """Columns of exp(-|a - b|^2 / (2 width^2)) similarity^m, m being the number of labels that differ.

    similarity: 0 gives the delta kernel of labels; larger values share information between categories.
    """

    def column(row: int) -> Float[np.ndarray, " n"]:
        kernel = np.exp(-0.5 * points.square_distances(row) / width**2)
        return np.asarray(kernel * similarity ** points.mismatches(row) if points.labels.size else kernel)

    return column


def gaussian_factor(
    points: Points, width: float, until: Truncation, *, similarity: float = 0.0
) -> Float[np.ndarray, "n r"]:
    """(n, r) factor of the Gaussian kernel of points; arguments as in `gaussian_columns`."""
    diagonal = np.ones(len(points.numbers))
    return pivoted_cholesky(gaussian_columns(points, width, similarity), diagonal, until)


def distance_factor(points: Points, until: Truncation) -> Float[np.ndarray, "n r"]:
    """(n, r) factor of (|a| + |b| - |a - b|) / 2, the kernel whose HSIC is distance covariance.

    Centred, it is -H D H / 2 (Sejdinovic et al. 2013). Two different labels are sqrt(2) apart, as if every
    category were a corner of a simplex, each at distance 1 from the origin.
    """
    lengths = np.sqrt(np.sum(points.numbers**2, axis=1) + points.labels.shape[1])

    def column(row: int) -> Float[np.ndarray, " n"]:
        apart = np.sqrt(points.square_distances(row) + 2.0 * points.mismatches(row))
        return np.asarray(0.5 * (lengths + lengths[row] - apart))

    return pivoted_cholesky(column, lengths, until)
