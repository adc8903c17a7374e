"""Test if one vector is independent of another one, perhaps given a third: HSIC, summed over coordinates.

The kernel of a vector is the sum of the Gaussian kernels of its coordinates, whose widths are the median
distances of their own columns, so that

    HSIC(a, b) = sum_{k, l} HSIC(a_k, b_l).

It is computed exactly, in time linear in n (grams.FactorGram), and equals the registry's `hsic` for single
columns. It detects every dependence between a coordinate of a and one of b, but not a dependence that appears
only in several coordinates together. Single columns are also tested by distance correlation and KCI. The
effect is that of `hsic`, the kernel alignment corrected for chance; it is in [0, 1], and about |correlation|
for normal columns.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Num

from personax.crl.regression import FourierBasis
from personax.independence.columns import complete_column
from personax.independence.effects import Squares, alignment
from personax.independence.grams import FactorGram, factor_factor, gaussian_gram, gaussian_terms
from personax.independence.nulls import spectral_log_p
from personax.independence.registry import run_test
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.results import LN10

CHANCE_DRAWS = 40  # number of shuffles, which show how large effects are by chance
NEIGHBOURS = 10  # largest number of people in a cell within which a local permutation shuffles
LEAST_COLUMN_VARIANCE = 1e-8  # a column with less variance counts as constant
LONGEST_SERIES = 200  # most terms of a column's cosine series; with far outliers a Cholesky factor has fewer
SECOND_OPINIONS = ("distance_correlation", "kci")  # further tests of single columns


class Dependence(NamedTuple):
    """How strongly two vectors depend on each other, and how certain that is.

    Attributes:
        name: name of the two vectors.
        effect: strength of the dependence, in [0, 1].
        log10_p: decimal logarithm of the p-value of independence, at most 0.
        chance: (draws,) effects after shuffling.
        n: number of rows in which both are present.
    """

    name: str
    effect: float
    log10_p: float
    chance: Float[np.ndarray, " draws"]
    n: int


def vector_gram(values: Num[np.ndarray, "n p"]) -> FactorGram | None:
    """The centred Gram matrix of rows (n, p) without NaN; None if no column varies."""
    factors = []
    for values_k in np.asarray(values, dtype=float).T:
        column = complete_column(values_k, "continuous")
        if len(column.distinct) > 1 and column.values.var() > LEAST_COLUMN_VARIANCE:
            width = column.median_distance
            reach = float(np.ptp(column.positions)) / width
            short = gaussian_terms(reach) <= LONGEST_SERIES
            gram = gaussian_gram(column, width, "cosine" if short else "cholesky")
            assert isinstance(gram, FactorGram)
            factors.append(gram.factor)
    return FactorGram(np.asfortranarray(np.concatenate(factors, 1))) if factors else None


def aligned(a: FactorGram, b: FactorGram) -> Callable[[Int[np.ndarray, " n"] | None], float]:
    """A function that takes an order of b's rows (or None) and returns the squared effect (effects.py).

    It is about 0 for independent columns and 1 for equal ones.
    """
    by_chance = float(a.diagonal.sum()) * float(b.diagonal.sum()) / (a.n - 1)

    def squared(order: Int[np.ndarray, " n"] | None) -> float:
        other = b if order is None else b.permuted(order)
        return alignment(Squares(factor_factor(a, other), a.square, b.square, by_chance))

    return squared


def as_effect(squared: float) -> float:
    """The square root of a squared alignment, which is first limited to [0, 1]."""
    return float(np.sqrt(np.clip(squared, 0.0, 1.0)))


def dependence(
    name: str, a: Num[np.ndarray, "n p"], b: Num[np.ndarray, "n q"], rng: np.random.Generator
) -> Dependence | None:
    """Test if a and b are independent, over the rows without NaN; None if there is nothing to test."""
    both = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    if both.sum() < 5:
        return None
    left, right = vector_gram(a[both]), vector_gram(b[both])
    if left is None or right is None:
        return None
    n = int(both.sum())
    squared = aligned(left, right)
    chance = np.array([as_effect(squared(rng.permutation(n))) for _ in range(CHANCE_DRAWS)])
    log10_p = spectral_log_p(factor_factor(left, right), left, right) / LN10
    if a.shape[1] == b.shape[1] == 1:
        others = [run_test(test, a[both, 0], b[both, 0]).log10_pvalue for test in SECOND_OPINIONS]
        log10_p = min(log10_p, *others) + np.log10(1 + len(others))  # Bonferroni
    return Dependence(name, as_effect(squared(None)), min(log10_p, 0.0), chance, n)


def conditional_dependence(
    name: str,
    a: Num[np.ndarray, "n p"],
    b: Num[np.ndarray, "n q"],
    given: Num[np.ndarray, "n c"],
    rng: np.random.Generator,
    resamples: int,
) -> Dependence | None:
    """Test if a and b are independent given `given`; a and b are residuals of regressions on `given`.

    A regression removes only the means. Spread and shape may still vary with `given`, which makes residuals
    dependent. So for the null distribution, b is shuffled within cells of people with similar `given` (the
    local permutation test of Kim, Neykov, Balakrishnan & Wasserman 2022). The effect is the difference
    between the alignment and its mean over these shuffles. Returns None if there is nothing to test.
    """
    rows = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    if rows.sum() < 5:
        return None
    left, right = vector_gram(a[rows]), vector_gram(b[rows])
    if left is None or right is None:
        return None
    cells = neighbourhoods(given[rows])
    squared = aligned(left, right)
    observed = squared(None)
    drawn: list[float] = []

    def exceeds() -> Iterator[Bool[np.ndarray, " 1"]]:
        for _ in range(resamples):
            drawn.append(squared(shuffled_within(cells, rng)))
            yield np.array([drawn[-1] >= observed - ROUNDING])

    log10_p = resampling_log_p(exceeds(), resamples).log_p / LN10
    usual = float(np.mean(drawn))
    chance = np.array([as_effect(value - usual) for value in drawn])
    return Dependence(name, as_effect(observed - usual), min(log10_p, 0.0), chance, int(rows.sum()))


def neighbourhoods(points: Num[np.ndarray, "n c"], size: int = NEIGHBOURS) -> list[Int[np.ndarray, " _"]]:
    """Row numbers of the points in cells of at most `size`.

    A cell that is too large is halved at the median of the column with the largest range.
    """
    done: list[np.ndarray] = []
    waiting = [np.arange(len(points))]
    while waiting:
        cell = waiting.pop()
        if len(cell) <= size or points.shape[1] == 0:
            done.append(cell)
            continue
        widest = int(np.ptp(points[cell], axis=0).argmax())
        order = cell[np.argsort(points[cell, widest], kind="stable")]
        waiting += [order[: len(order) // 2], order[len(order) // 2 :]]
    return done


def shuffled_within(
    cells: Sequence[Int[np.ndarray, " _"]], rng: np.random.Generator
) -> Int[np.ndarray, " n"]:
    """(n,) a permutation of all rows in which every row stays in its cell."""
    order = np.empty(sum(map(len, cells)), dtype=int)
    for cell in cells:
        order[cell] = rng.permutation(cell)
    return order


class Regression(NamedTuple):
    """E[y | u] by ridge regression on random Fourier features of standardised u.

    Attributes:
        basis: the features, f of them.
        weights: (f, t) weights of the features.
        centre, scale: (c,) mean and standard deviation of u, with which it is standardised.
        offset: (t,) is added to the predictions, so that their mean is that of y.
    """

    basis: FourierBasis
    weights: Float[torch.Tensor, "f t"]
    centre: Float[np.ndarray, " c"]
    scale: Float[np.ndarray, " c"]
    offset: Float[torch.Tensor, " t"]

    @classmethod
    def fit(
        cls, u: Float[np.ndarray, "n c"], y: Num[np.ndarray, "n t"], generator: torch.Generator
    ) -> "Regression":
        """Regress y (n, t) on u (n, c); without columns (c = 0) the predictions are means."""
        centre, scale = u.mean(0), np.maximum(u.std(0), 1e-9)
        basis = FourierBasis.draw(u.shape[1], generator)
        standard = torch.from_numpy((u - centre) / scale).double()
        targets = torch.from_numpy(np.array(y, dtype=float))
        weights = basis.fit(standard, targets)
        offset = targets.mean(0) - basis(standard).mean(0) @ weights
        return cls(basis, weights, centre, scale, offset)

    def __call__(self, u: Float[np.ndarray, "n c"]) -> Float[np.ndarray, "n t"]:
        """(n, t) predictions at u (n, c)."""
        standard = torch.from_numpy((u - self.centre) / self.scale).double()
        return np.asarray((self.basis(standard) @ self.weights + self.offset).numpy())
