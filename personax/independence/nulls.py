"""Statistics of two Gram matrices and their null distributions.

V = sum(Kc_x * Kc_y). Under independence V is, for large n, distributed as the weighted sum
(1/n) sum_ij lambda_i mu_j Z_ij^2 with the eigenvalues of Kc_x and Kc_y (Zhang et al. 2011, Theorem 4;
Gretton et al. 2008; for distances Szekely et al. 2007).
"""

from collections.abc import Callable
from functools import singledispatch

import numpy as np
from jaxtyping import Float

from personax.independence.columns import ColumnPair
from personax.independence.distances import SpacingGram, spacing_delta, spacing_spacing, spacing_table
from personax.independence.grams import (
    DeltaGram,
    FactorGram,
    Gram,
    TableGram,
    delta_delta,
    factor_delta,
    factor_factor,
    factor_table,
    table_delta,
    table_table,
)
from personax.independence.permutations import MOST_LISTED, Groups, permutation_p, two_by_two_p
from personax.independence.results import LN10, LogPValue
from personax.independence.tails import log_gamma_sf, log_weighted_chi2_sf

# See `is_smooth`: rows, and the part of V's variance that single rows may have.
ROWS_FOR_ASYMPTOTICS = 60
LARGEST_LUMPS = 0.05
ROWS_PER_DIGIT, SURE_SHARE = 15, 0.6  # see `support`
# From so many rows on, a bound by `support` has five digits, more than random orders would show.
ROWS_FOR_BOUNDS = 125
TRUSTED_OF_BINARY = float(np.log(1e-3))  # below it, two columns with two values get their exact p


@singledispatch
def cross(a: Gram, b: Gram) -> float:
    """V = sum(Kc_a * Kc_b), by the cheapest exact sum for the two representations."""
    raise TypeError(f"no sum for {type(a).__name__}")


@cross.register
def _(a: TableGram, b: Gram) -> float:
    if isinstance(b, DeltaGram):
        return table_delta(a, b)
    return table_table(a, b) if isinstance(b, TableGram) else cross(b, a)


@cross.register
def _(a: FactorGram, b: Gram) -> float:
    if isinstance(b, FactorGram):
        return factor_factor(a, b)
    if isinstance(b, TableGram):
        return factor_table(a, b)
    if isinstance(b, DeltaGram):
        return factor_delta(a, b)
    raise TypeError("kernels and distances are not mixed")


@cross.register
def _(a: DeltaGram, b: Gram) -> float:
    if isinstance(b, DeltaGram):
        return delta_delta(a, b)
    if isinstance(b, TableGram):
        return table_delta(b, a)
    if isinstance(b, FactorGram):
        return factor_delta(b, a)
    if isinstance(b, SpacingGram):
        return spacing_delta(b, a)
    raise TypeError(f"no sum for {type(b).__name__}")


@cross.register
def _(a: SpacingGram, b: Gram) -> float:
    if isinstance(b, SpacingGram):
        return spacing_spacing(a, b)
    if isinstance(b, TableGram):
        return spacing_table(a, b)
    if isinstance(b, DeltaGram):
        return spacing_delta(a, b)
    raise TypeError("kernels and distances are not mixed")


def unbiased(v: float, a: Gram, b: Gram) -> float:
    """Unbiased estimate of the (squared) HSIC or distance covariance from V = sum(Kc_a * Kc_b); n >= 4.

    This is the U-centred form (Song et al. 2012, Eq. 5; Szekely & Rizzo 2014, Eq. 3.2) for matrices whose
    rows already sum to zero. It needs only V and the diagonals d, e:

        [V - d.e + tr tr' / ((n - 1)(n - 2)) - 2 d.e / (n - 2)] / (n (n - 3))
    """
    n = a.n
    shared = float(a.diagonal @ b.diagonal)
    traces = float(a.diagonal.sum()) * float(b.diagonal.sum())
    return (v - shared + traces / ((n - 1) * (n - 2)) - 2.0 * shared / (n - 2)) / (n * (n - 3))


def correlation(v: float, a: Gram, b: Gram) -> float:
    """Unbiased squared correlation: covariance / sqrt(product of variances); 0 if that is not positive.

    For distances it is the bias-corrected R* of Szekely & Rizzo (2013), for kernels the debiased alignment
    (CKA).
    """
    variances = unbiased(a.square, a, a) * unbiased(b.square, b, b)
    return unbiased(v, a, b) / float(np.sqrt(variances)) if variances > 0 else 0.0


def permutation_variance(a: Gram, b: Gram) -> tuple[float, float]:
    """Variance of V over all orders of the rows, in two parts; n >= 4 (Kazi-Aoual et al. 1995).

    The first part is what remains for large n. The second comes from single rows that are far from the
    others in both columns (large diagonals); for it, no asymptotic distribution is right.
    """
    n = a.n
    spread = [(n - 1) * gram.square - float(gram.diagonal.sum()) ** 2 for gram in (a, b)]
    lumps = [
        n * (n + 1) * float(gram.diagonal @ gram.diagonal)
        - (n - 1) * (float(gram.diagonal.sum()) ** 2 + 2.0 * gram.square)
        for gram in (a, b)
    ]
    smooth = 2.0 * spread[0] * spread[1] / ((n - 1.0) ** 2 * (n + 1) * (n - 2))
    return smooth, lumps[0] * lumps[1] / ((n + 1.0) * n * (n - 1) * (n - 2) * (n - 3))


def is_smooth(a: Gram, b: Gram) -> bool:
    """Whether V has its asymptotic distribution: enough rows, and no few of them that decide.

    Both numbers are from the levels on hard columns (benchmarks/calibration.py).
    """
    smooth, lumps = permutation_variance(a, b)
    return a.n >= ROWS_FOR_ASYMPTOTICS and lumps <= LARGEST_LUMPS * smooth


def support(n: int) -> float:
    """Smallest log p that an asymptotic distribution can support with n rows.

    Its log p is a quadratic approximation. For z standard deviations, the relative error of log p is about
    z^2 / (2 n) (so for a correlation of normal columns, whose tail is (1 - r^2)^(n/2) in place of
    exp(-n r^2 / 2)). Here this part is limited to a seventh: -log10 p <= n / ROWS_PER_DIGIT. Skewness of both
    columns adds to it: for columns that pass `is_smooth`, at least SURE_SHARE of the exponent is right (of
    -58, -36 for two columns with 10 % ones and n = 1,000).
    """
    return -n / ROWS_PER_DIGIT * LN10


def choose_p(
    n: int,
    is_trusted: bool,
    asymptotic: Callable[[], LogPValue],
    columns: ColumnPair,
    exact: Callable[[], LogPValue],
    resampled: Callable[[], LogPValue],
) -> LogPValue:
    """The p-value of the null "auto": from the distribution that the data bear.

    The asymptotic distribution if it `is_trusted` and p lies within its `support`. Otherwise, and for all p
    below 1e-3, the exact distribution of two columns with two values each; else random orders. A p-value
    below the support of a long column is reported as a bound, since no feasible number of random orders would
    say more.
    """
    binary = all(len(column.distinct) == 2 for column in columns)
    if is_trusted and n > MOST_LISTED:
        found = asymptotic()
        if found.log_p >= (TRUSTED_OF_BINARY if binary else support(n)):
            return found
        if not binary and n >= ROWS_FOR_BOUNDS:
            return LogPValue(SURE_SHARE * support(n), found.null, is_bound=True)
    return exact() if binary else resampled()


def gamma_log_p(v: float, a: Gram, b: Gram) -> float:
    """log p from a gamma distribution with the asymptotic mean and variance of V, as in causal-learn.

    Zhang et al. 2011, Proposition 5: mean = tr tr' / n, variance = 2 ||Kc||^2 ||Kc'||^2 / n^2.
    """
    mean = float(a.diagonal.sum()) * float(b.diagonal.sum()) / a.n
    variance = 2.0 * a.square * b.square / a.n**2
    return log_gamma_sf(mean**2 / variance, v * mean / variance)


def spectral_log_p(v: float, a: Gram, b: Gram) -> float:
    """log p from the weighted sum of chi-squares itself, without sampling.

    The weights are lambda_i mu_j / (n - 1), since V's mean under permutations is exactly tr tr' / (n - 1).
    The distance from the mean is divided by the exact standard deviation under permutations instead of the
    asymptotic one, which is 2 to 7 % too large at n = 50. Where V has no variance (every row has a label of
    its own), p = 1.
    """
    (of_a, times_a), (of_b, times_b) = united(a.eigenvalues), united(b.eigenvalues)
    weights = np.multiply.outer(of_a, of_b).ravel() / (a.n - 1)
    times = np.multiply.outer(times_a, times_b).ravel()
    mean, variance = float((weights * times).sum()), 2.0 * float((weights * times) @ weights)
    exact = sum(permutation_variance(a, b))
    if exact <= 1e-12 * variance:
        return 0.0
    return log_weighted_chi2_sf(weights, mean + (v - mean) * float(np.sqrt(variance / exact)), times)


def united(eigenvalues: Float[np.ndarray, " r"]) -> tuple[Float[np.ndarray, " s"], Float[np.ndarray, " s"]]:
    """(s,) the different eigenvalues and (s,) how often each occurs, where most are equal; else all, once.

    Those of thousands of labels are equal; the products of two such lists would be millions.
    """
    values, times = np.unique(eigenvalues, return_counts=True)
    if 2 * len(values) > len(eigenvalues):
        return eigenvalues, np.ones(len(eigenvalues))
    return values, times.astype(float)


def kernel_p(
    v: float,
    columns: ColumnPair,
    grams: tuple[Gram, Gram],
    groups: Callable[[], tuple[Groups, Groups]],
    null: str,
    rng: np.random.Generator,
    resamples: int,
) -> LogPValue:
    """The p-value of V from the null "auto" (`choose_p`), "spectral", "gamma" or "permutation"."""

    def spectral() -> LogPValue:
        return LogPValue(spectral_log_p(v, *grams), "spectral")

    def resampled() -> LogPValue:
        return permutation_p(*groups(), rng, resamples)

    def exact() -> LogPValue:
        expected = float(columns[0].counts[0] * columns[1].counts[0]) / len(columns[0])
        return two_by_two_p(columns, lambda cell: (cell - expected) ** 2)

    if null == "auto":
        return choose_p(grams[0].n, is_smooth(*grams), spectral, columns, exact, resampled)
    if null == "gamma":
        return LogPValue(gamma_log_p(v, *grams), "gamma")
    return spectral() if null == "spectral" else resampled()
