"""Centred distance matrices of one column, for distance covariance.

With D the matrix of distances and H = I - 11^T/n, Kc = -H D H / 2 is positive semi-definite. Distance
covariance is HSIC with this kernel (Sejdinovic et al. 2013). So all that is true for Gram matrices (grams.py)
is true here.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from personax.independence.columns import PreparedColumn, neighbour_groups, pairwise_distance
from personax.independence.counted_grams import CountedSpacing
from personax.independence.grams import (
    LABELS_AS_TABLE,
    DeltaGram,
    Gram,
    TableGram,
    centred_between,
    centred_table,
    delta_gram,
)

# A column with more distinct values than this is sorted (SpacingGram); others become a table (TableGram).
LARGEST_TABLE = 512


def distance_table(column: PreparedColumn) -> TableGram:
    """-H D H / 2 from the distances between distinct values."""
    u = column.positions
    return centred_table(column, -0.5 * pairwise_distance(u[:, None], u, column.kind))


@dataclass(frozen=True, eq=False)
class SpacingGram:
    """-H D H / 2 of a sorted column, by prefix sums.

    Both kinds of distance have the form D_ij = |p_i q_j - q_i p_j|, positive for i after j in sorted order:
    |x_i - x_j| with p = x, q = 1; the chord 2 |sin((a_i - a_j)/2)| with p = sqrt2 sin(a/2), q = sqrt2
    cos(a/2).

    Attributes:
        order: (n,) row numbers in ascending order of the column.
        p, q: (n,) in that order.
        sum_of_squares: sum of D_ij^2 over all i, j.
        gathered: (r,) eigenvalues of the column after its values are gathered into groups, see `eigenvalues`.
    """

    order: Int[np.ndarray, " n"]
    p: Float[np.ndarray, " n"]
    q: Float[np.ndarray, " n"]
    sum_of_squares: float
    gathered: Float[np.ndarray, " r"]

    @property
    def n(self) -> int:
        return len(self.order)

    @property
    def weights(self) -> None:
        return None

    @cached_property
    def mean_distance(self) -> Float[np.ndarray, " n"]:
        """(n,) mean of each row of D, in the rows' own order."""
        before_p, before_q = np.cumsum(self.p) - self.p, np.cumsum(self.q) - self.q
        after_p, after_q = self.p.sum() - before_p - self.p, self.q.sum() - before_q - self.q
        sums = self.p * (before_q - after_q) - self.q * (before_p - after_p)
        rows = np.empty(self.n)
        rows[self.order] = sums / self.n
        return rows

    @cached_property
    def diagonal(self) -> Float[np.ndarray, " n"]:
        # -(0 - 2 r_i + g)/2 with r the row means and g the grand mean of D.
        return np.asarray(self.mean_distance - 0.5 * self.mean_distance.mean())

    @cached_property
    def square(self) -> float:
        r, n = self.mean_distance, self.n
        return 0.25 * float(self.sum_of_squares - 2.0 * n * (r @ r) + (n * r.mean()) ** 2)

    @cached_property
    def eigenvalues(self) -> Float[np.ndarray, " r"]:
        """(r,) approximate eigenvalues, from the column in LARGEST_TABLE groups, scaled to the exact trace.

        This is enough for a null distribution: the relative change of log p is below 1e-3, and for p-values
        that are not small below 1e-5.
        """
        return self.gathered * (float(self.diagonal.sum()) / float(self.gathered.sum()))

    def permuted(self, order: Int[np.ndarray, " n"]) -> "SpacingGram":
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return SpacingGram(place[self.order], self.p, self.q, self.sum_of_squares, self.gathered)


def coordinates_on_circle(
    u: Float[np.ndarray, " n"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """(n,) p and q of the chord between angles."""
    return np.sqrt(2.0) * np.sin(u / 2.0), np.sqrt(2.0) * np.cos(u / 2.0)


def counted_spacing(column: PreparedColumn) -> CountedSpacing:
    """As `spacing_gram`, for a column whose rows stand for several people."""
    assert column.weights is not None
    u, n = column.positions, len(column)
    if column.kind == "circular":
        p, q = coordinates_on_circle(u)
        squares = 2.0 * (float(n) ** 2 - float(abs(column.counts @ np.exp(1j * u))) ** 2)
    else:
        p, q = u - float(column.counts @ u) / n, np.ones_like(u)
        squares = 2.0 * n * float(column.counts @ p**2)
    gathered = gathered_table(column, neighbour_groups(column, LARGEST_TABLE)).eigenvalues
    return CountedSpacing(p, q, column.numbers, column.counts, column.weights, float(squares), gathered)


def spacing_gram(column: PreparedColumn) -> SpacingGram:
    """A SpacingGram of a numeric or circular column with any number of distinct values."""
    order = np.argsort(column.numbers, kind="stable")
    u = column.positions[column.numbers[order]]
    if column.kind == "circular":
        p, q = coordinates_on_circle(u)
        sum_of_squares = 2.0 * (len(u) ** 2 - abs(np.exp(1j * u).sum()) ** 2)  # chord^2 = 2 - 2 cos
    else:
        u = u - u.mean()
        p, q = u, np.ones_like(u)
        sum_of_squares = 2.0 * len(u) * float(u @ u)
    groups = neighbour_groups(column, LARGEST_TABLE)
    return SpacingGram(order, p, q, float(sum_of_squares), gathered_table(column, groups).eigenvalues)


def gathered_table(column: PreparedColumn, groups: Int[np.ndarray, " d"]) -> TableGram:
    """-H D H / 2 of a column whose values are replaced by the means of their groups (d,)."""
    counts = np.bincount(groups, weights=column.counts)
    means = np.bincount(groups, weights=column.counts * column.positions) / counts
    distances = pairwise_distance(means[:, None], means, column.kind)
    matrix = centred_between(-0.5 * distances, counts / len(column))
    return TableGram(groups[column.numbers], counts.astype(int), matrix, column.weights)


def distance_gram(column: PreparedColumn) -> Gram:
    """-H D H / 2 of any column: a table if there are few distinct values, else prefix sums."""
    if column.kind == "nominal" and len(column.distinct) > LABELS_AS_TABLE:
        # -[a != b] / 2 is half the delta kernel up to a constant; no result depends on the factor.
        return delta_gram(column)
    if column.kind == "nominal" or len(column.distinct) <= LARGEST_TABLE:
        return distance_table(column)
    return spacing_gram(column) if column.weights is None else counted_spacing(column)


def spacing_table(a: SpacingGram, b: TableGram) -> float:
    """sum(Kc_a * Kc_b) = -1/2 sum_kl B_kl sum_{i in k, j in l} D_ij, since B is centred."""
    groups = len(b.counts)
    member = np.zeros((a.n, groups))
    member[np.arange(a.n), b.numbers[a.order]] = 1.0
    before_p = np.cumsum(a.p[:, None] * member, axis=0)
    before_q = np.cumsum(a.q[:, None] * member, axis=0)
    # Row i: sums of D_ij over the rows j before it, one sum per group of j. Row i itself adds p q - q p = 0.
    towards = a.p[:, None] * before_q - a.q[:, None] * before_p
    between = member.T @ towards
    return -0.5 * float(np.sum((between + between.T) * b.matrix))


def spacing_delta(a: SpacingGram, b: DeltaGram) -> float:
    """Sum of Kc_a over all pairs of rows with one label, by running sums within the labels.

    That is -1/2 (sum D_ij - 2 sum_l c_l sum_{i in l} r_i + g sum_l c_l^2), over i, j with one label; r are
    the row means of D and g their mean.
    """
    label = b.numbers[a.order]
    by_label = np.argsort(label, kind="stable")  # within a label, the rows stay in a's order
    start = np.concatenate([[0], np.cumsum(np.bincount(label, minlength=len(b.counts)))])[label[by_label]]
    p, q = a.p[by_label], a.q[by_label]
    passed_p, passed_q = (np.concatenate([[0.0], np.cumsum(each)]) for each in (p, q))
    within = p * (passed_q[:-1] - passed_q[start]) - q * (passed_p[:-1] - passed_p[start])
    r = a.mean_distance
    by_mean = float(np.bincount(b.numbers, weights=r, minlength=len(b.counts)) @ b.counts)
    pairs = float(b.counts @ b.counts)
    return -0.5 * (2.0 * float(within.sum()) - 2.0 * by_mean + float(r.mean()) * pairs)


def spacing_spacing(a: SpacingGram, b: SpacingGram) -> float:
    """Inner product of two centred Gram matrices, in O(n log n) (after Huo & Szekely 2016).

    sum(Kc_a * Kc_b) = 1/4 (sum D_ij E_ij - 2 n sum_i r_i s_i + n^2 g h), where r and s are the row means and
    g and h the grand means of D and E.

    sum D_ij E_ij = sum of +-(p_i q_j - q_i p_j)(P_i Q_j - Q_i P_j), with + where i and j are in the same
    order in both columns. These are four weighted counts of concordant minus discordant pairs.
    """
    n = a.n
    place = np.empty(n, dtype=np.int64)  # the position of each row in b's order
    place[b.order] = np.arange(n)
    rank = place[a.order]
    p, q, other_p, other_q = a.p, a.q, b.p[rank], b.q[rank]
    left = np.stack([p * other_p, -p * other_q, -q * other_p, q * other_q])
    right = np.stack([q * other_q, q * other_p, p * other_q, p * other_p])
    # Each unordered pair is counted once: j before i in a's order; concordant if j is also lower in b's.
    signed = 2.0 * _lower_before(rank, right) - (np.cumsum(right, axis=1) - right)
    products = 2.0 * float(np.sum(left * signed))
    r, s = a.mean_distance, b.mean_distance
    return 0.25 * (products - 2.0 * n * float(r @ s) + n**2 * float(r.mean() * s.mean()))


def _lower_before(rank: Int[np.ndarray, " n"], weights: Float[np.ndarray, "k n"]) -> Float[np.ndarray, "k n"]:
    """(k, n) sums of weights[:, j] over j < i with rank_j < rank_i; `rank` is a permutation of 0..n-1.

    The rows are partitioned (stably) by each binary digit of their rank, beginning with the highest. Ranks
    that agree in all higher digits are next to each other in one block, and the digit separates them.
    """
    n = len(rank)
    sums = np.zeros_like(weights)
    row = np.arange(n)  # row numbers in the current arrangement
    for digit in range(max(n - 1, 1).bit_length() - 1, -1, -1):
        high = (rank[row] >> digit) & 1
        block = (rank[row] >> (digit + 1)) << (digit + 1)  # where the block begins
        zeros = np.concatenate([[0], np.cumsum(1 - high)])
        passed = np.zeros((len(weights), n + 1))
        np.cumsum(weights[:, row] * (1 - high), axis=1, out=passed[:, 1:])
        upper = np.flatnonzero(high)
        sums[:, row[upper]] += passed[:, upper] - passed[:, block[upper]]
        zeros_before = zeros[:-1] - zeros[block]
        ones_before = np.arange(n) - block - zeros_before
        size_low = np.minimum(1 << digit, n - block)
        place = np.where(high == 1, block + size_low + ones_before, block + zeros_before)
        arranged = np.empty_like(row)
        arranged[place] = row
        row = arranged
    return sums
