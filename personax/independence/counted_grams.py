"""Centred Gram matrices of columns whose rows stand for several people, by distinct values.

The rows of such columns are the filled cells of a table of counts (counted.py). There may be far more cells
than distinct values, so nothing is kept for each cell but its numbers: a sum over pairs of people is a
product with the table N (d, e) of counts, sum(Kc_x * Kc_y) = sum((N^T A N) * B) with A and B between
distinct values.
A and B are not formed: A = F F^T, or distances between sorted values, whose product with a table is a running
sum.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from jaxtyping import Float, Int, Num

from personax.independence.joint_counts import Numbered, joint_counts
from personax.independence.kernel_factors import descending_positive

NO_ORDER = "cells of a table of counts cannot be put in another order"


@dataclass(frozen=True, eq=False)
class CountedFactor:
    """Kc = F F^T between distinct values (FactorGram by distinct values, grams.py).

    Attributes:
        factor: (d, m) F, each column with mean 0 over the people.
        numbers: (n,) the number of each row's distinct value.
        counts: (d,) people with each distinct value.
        weights: (n,) people in each row.
    """

    factor: Float[np.ndarray, "d m"]
    numbers: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " d"]
    weights: Num[np.ndarray, " n"]

    @property
    def n(self) -> int:
        """Number of people."""
        return int(self.counts.sum())

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        """(n,) diagonal of Kc at each row."""
        return np.asarray(np.einsum("ij,ij->i", self.factor, self.factor)[self.numbers])

    @cached_property
    def _inner(self) -> Float[np.ndarray, "m m"]:
        return np.asarray(self.factor.T @ (self.factor * self.counts[:, None]))

    @cached_property
    def square(self) -> float:
        """Sum of the squares of Kc's entries, over all pairs of people."""
        return float(np.sum(self._inner**2))

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        """(r,) positive eigenvalues of Kc, descending."""
        return descending_positive(np.linalg.eigvalsh(self._inner))

    def permuted(self, order: Int[np.ndarray, " n"]) -> Self:
        """No order of people is left in a table of counts: raises TypeError."""
        raise TypeError(f"{NO_ORDER} ({len(order)} were given)")

    def sums_by(self, other: Numbered) -> Float[np.ndarray, "e m"]:
        """(e, m) sums of the people's rows of F, for each number of the other column."""
        return np.asarray(joint_counts(other, self) @ self.factor)


@dataclass(frozen=True, eq=False)
class CountedSpacing:
    """-H D H / 2 by sorted distinct values (SpacingGram by distinct values, distances.py).

    D_ij = |p_i q_j - q_i p_j|, positive for i after j.

    Attributes:
        p, q: (d,) in ascending order of the values.
        numbers: (n,) the number of each row's distinct value.
        counts: (d,) people with each distinct value.
        weights: (n,) people in each row.
        sum_of_squares: sum of D_ij^2 over all pairs of people.
        gathered: (r,) eigenvalues of the column after its values are gathered into groups.
    """

    p: Float[np.ndarray, " d"]
    q: Float[np.ndarray, " d"]
    numbers: Int[np.ndarray, " n"]
    counts: Int[np.ndarray, " d"]
    weights: Num[np.ndarray, " n"]
    sum_of_squares: float
    gathered: Float[np.ndarray, " r"]

    @property
    def n(self) -> int:
        """Number of people."""
        return int(self.counts.sum())

    def distances_times(self, table: Float[np.ndarray, "d e"]) -> Float[np.ndarray, "d e"]:
        """D times a table, by running sums down its columns."""
        of_p, of_q = self.p[:, None] * table, self.q[:, None] * table
        below_p, below_q = np.cumsum(of_p, axis=0), np.cumsum(of_q, axis=0)
        # Row i itself adds p q - q p = 0, so it may stand on either side.
        towards_q = 2.0 * below_q - below_q[-1]
        towards_p = 2.0 * below_p - below_p[-1]
        return np.asarray(
            self.p[:, None] * (towards_q - of_q) - self.q[:, None] * (towards_p - of_p),
        )

    @cached_property
    def mean_distance(self) -> Float[np.ndarray, " d"]:
        """(d,) mean distance of each distinct value to all people."""
        return np.asarray(self.distances_times(self.counts.astype(float)[:, None])[:, 0] / self.n)

    @property
    def _grand_mean(self) -> float:
        return float(self.counts @ self.mean_distance) / self.n

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        """(n,) diagonal of Kc at each row."""
        return np.asarray((self.mean_distance - 0.5 * self._grand_mean)[self.numbers])

    @cached_property
    def square(self) -> float:
        """Sum of the squares of Kc's entries, over all pairs of people."""
        r, n = self.mean_distance, self.n
        spread = self.sum_of_squares - 2.0 * n * float(self.counts @ r**2)
        return 0.25 * (spread + (n * self._grand_mean) ** 2)

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        """(r,) as those of SpacingGram: from groups, scaled to the exact trace."""
        trace = float(self.counts @ self.mean_distance) - 0.5 * self.n * self._grand_mean
        return self.gathered * (trace / float(self.gathered.sum()))

    def permuted(self, order: Int[np.ndarray, " n"]) -> Self:
        """No order of people is left in a table of counts: raises TypeError."""
        raise TypeError(f"{NO_ORDER} ({len(order)} were given)")

    def sum_with_table(self, other: Numbered, matrix: Float[np.ndarray, "e e"]) -> float:
        """sum(Kc * B) for a centred matrix B (e, e) between the values of the other column."""
        table = joint_counts(self, other)
        return -0.5 * float(np.sum((table.T @ self.distances_times(table)) * matrix))

    def sum_with_labels(self, other: Numbered) -> float:
        """Sum of Kc over all pairs of people with one label."""
        table = joint_counts(self, other)
        within = float(np.sum(table * self.distances_times(table)))
        by_mean = float((self.mean_distance @ table) @ other.counts)
        return -0.5 * (within - 2.0 * by_mean + self._grand_mean * float(other.counts @ other.counts))

    def sum_with_spacing(self, other: "CountedSpacing") -> float:
        """1/4 (sum D_ij E_ij - 2 n sum_i r_i s_i + n^2 g h), r and s row means, g and h grand means."""
        table, n = joint_counts(self, other), self.n
        products = float(np.sum(self.distances_times(table) * other.distances_times(table.T).T))
        by_means = float(self.mean_distance @ table @ other.mean_distance)
        return 0.25 * (products - 2.0 * n * by_means + n**2 * self._grand_mean * other._grand_mean)


CountedForm = CountedFactor | CountedSpacing
