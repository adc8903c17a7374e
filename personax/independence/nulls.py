"""Statistics of two Gram matrices and their null distributions.

V = sum(Kc_x * Kc_y). Under independence V is, for large n, distributed as the weighted sum
(1/n) sum_ij lambda_i mu_j Z_ij^2 with the eigenvalues of Kc_x and Kc_y (Zhang et al. 2011, Theorem 4;
Gretton et al. 2008; for distances Szekely et al. 2007).
"""

from functools import singledispatch

import numpy as np

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.distances import SpacingGram, spacing_spacing, spacing_table
from personax.independence.grams import (
    FactorGram,
    Gram,
    TableGram,
    factor_factor,
    factor_table,
    table_table,
)
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.tails import log_gamma_sf, log_weighted_chi2_sf


@singledispatch
def cross(a: Gram, b: Gram) -> float:
    """V = sum(Kc_a * Kc_b), by the cheapest exact sum for the two representations."""
    raise TypeError(f"no sum for {type(a).__name__}")


@cross.register
def _(a: TableGram, b: Gram) -> float:
    return table_table(a, b) if isinstance(b, TableGram) else cross(b, a)


@cross.register
def _(a: FactorGram, b: Gram) -> float:
    if isinstance(b, FactorGram):
        return factor_factor(a, b)
    if isinstance(b, TableGram):
        return factor_table(a, b)
    raise TypeError("kernels and distances are not mixed")


@cross.register
def _(a: SpacingGram, b: Gram) -> float:
    if isinstance(b, SpacingGram):
        return spacing_spacing(a, b)
    if isinstance(b, TableGram):
        return spacing_table(a, b)
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
    """
    weights = np.multiply.outer(a.eigenvalues, b.eigenvalues).ravel() / (a.n - 1)
    return log_weighted_chi2_sf(weights, v)


def permutation_log_p(
    v: float,
    columns: ColumnPair,
    grams: tuple[Gram, Gram],
    rng: np.random.Generator,
    resamples: int,
) -> float:
    """log p from random orders of the rows of one column (`resampling_log_p`).

    Both columns are sorted before the shuffle, and the contents of the columns decide which one is shuffled:
    so the same `rng` gives the same p for any order of rows and arguments.
    """
    first, second = sorted(zip(columns, grams, strict=True), key=lambda pair: _content(*pair))
    a, b = (gram.permuted(np.argsort(column.numbers, kind="stable")) for column, gram in (first, second))
    exceeds = (
        np.array([cross(a.permuted(rng.permutation(a.n)), b) >= v * (1.0 - ROUNDING)])
        for _ in range(resamples)
    )
    return resampling_log_p(exceeds, resamples)


def _content(column: PreparedColumn, gram: Gram) -> tuple[int, str]:
    return len(column.distinct), f"{float(gram.diagonal.sum()):.6e}"
