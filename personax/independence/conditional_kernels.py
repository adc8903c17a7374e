"""Conditional tests by products of residuals: KCI, distance correlation, RCIT, RCoT and GCM given Z.

All of them have the same steps, and differ in the features of x and y:

    1. Numbers become normal scores. In columns of many values, what Z says about mean and spread is taken
       away (`located`). This changes no conditional independence: it is the same for all rows with one Z.
    2. Features of x and of y: a factor of a kernel, random features, or the numbers themselves (GCM).
    3. Regression of the features on Z (conditional_regression.py); the residuals are kept.
    4. V = |sum_i a_i (x) b_i (x) c_i|^2 of the residuals a of x, b of y and a factor c of a kernel of Z, so
       that dependences count which change sign with Z. Under the null hypothesis each product has mean 0.

The statistic is that of KCI (Zhang et al. 2011) with residuals of phi(x) times a kernel of z in the place of
residuals of phi(x, z); both are the same operator in the population. As V holds products of two residuals, an
error of the regressions matters only if both are wrong (Shah & Peters 2020). `kci_fixed` is the test of Zhang
et al. to the letter, with the constants of causal-learn; it does not keep its level.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from jaxtyping import Float

from personax.independence.columns import complete_column
from personax.independence.conditional_columns import (
    ColumnGroup,
    GivenFinding,
    GroupTriple,
    normal_scores,
)
from personax.independence.conditional_regression import (
    Basis,
    Ridge,
    bases_of,
    chosen_ridge,
    noise_ratio,
)
from personax.independence.kernel_factors import (
    EXACT,
    Points,
    Truncation,
    distance_factor,
    gaussian_factor,
)
from personax.independence.procedure import Null
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.row_products import (
    FactoredKernel,
    Moments,
    log_p_by_gamma,
    moments,
    row_products,
    weight_of_one,
)
from personax.independence.tails import log_normal_two_sided, log_weighted_chi2_sf

# Widths of the Gaussian kernels of x, y and the weight, in standard deviations times sqrt(columns).
FEATURE_WIDTH, WEIGHT_WIDTH = 1.0, 1.0
KERNEL_FEATURES = Truncation(1e-3, 60)
WEIGHT_FEATURES = Truncation(1e-2, 30)
DISTANCES = Truncation(1e-2, 60)
# A column with at most this many different values is no sum of a mean and noise; it is left as it is.
MANY_VALUES = 20
# The spread given Z is at least this share of the whole spread.
LEAST_SPREAD = 0.2
RANDOM_FEATURES_OF_A_SIDE = 5  # of RCIT and RCoT (Strobl et al. 2019)
# If no more than this share of the features' variance is left, x or y is a function of Z.
NOTHING_LEFT = 1e-6

# kci_fixed, as in causal-learn: ridge, and largest n of an exact factor.
FIXED_RIDGE = 1e-3
EXACT_UNTIL = 1500
FIXED_FEATURES = Truncation(1e-6, 400)


class DeterminedByCondition(Exception):
    """x or y is a function of Z: nothing is left to test."""


@dataclass(frozen=True, eq=False)
class GivenColumns:
    """The columns of Z, and what all tests given Z share."""

    group: ColumnGroup

    @staticmethod
    @lru_cache(maxsize=1)
    def of(group: ColumnGroup) -> "GivenColumns":
        """The condition of a group; tests of the same group one after the other share it."""
        return GivenColumns(group)

    @cached_property
    def points(self) -> Points:
        """The rows as points of the space of Z."""
        return Points(self.group.numbers, self.group.labels)

    @cached_property
    def bases(self) -> list[Basis]:
        """The bases (kernels of Z) among which cross-validation chooses one for each regression on Z."""
        return bases_of(self.group)

    @cached_property
    def weight(self) -> FactoredKernel:
        """The kernel of Z that weights products of residuals; 1 without Z."""
        if not self.group.columns:
            return weight_of_one(self.group.n)
        width = WEIGHT_WIDTH * float(np.sqrt(self.points.dimensions))
        alike = float(np.exp(-1.0 / width**2))
        return FactoredKernel(gaussian_factor(self.points, width, WEIGHT_FEATURES, similarity=alike))


@dataclass(frozen=True, eq=False)
class GivenResiduals:
    """Residual features (n, m) of x or y after a regression on Z, and this regression."""

    features: Float[np.ndarray, "n m"]
    ridge: Ridge

    @cached_property
    def kernel(self) -> FactoredKernel:
        """The kernel of the residuals."""
        return FactoredKernel(self.features)


def residuals_given(features: Float[np.ndarray, "n m"], condition: GivenColumns) -> GivenResiduals:
    """Regress features on Z. Raises DeterminedByCondition if nothing is left of them."""
    ridge = chosen_ridge(condition.bases, features)
    left = ridge.residuals(features)
    whole = float(np.sum((features - features.mean(axis=0)) ** 2))
    if float(np.sum(left**2)) <= NOTHING_LEFT * whole:
        raise DeterminedByCondition
    return GivenResiduals(left, ridge)


def located(group: ColumnGroup, condition: GivenColumns) -> Points:
    """The rows as points, after columns of many values are standardised given Z."""
    if not condition.group.columns:
        return Points(group.numbers, group.labels)
    numbers = group.numbers.copy(order="F")
    ordered = [each for each in group.columns if each.kind in ("continuous", "ordinal")]
    for place, column in enumerate(ordered):
        if len(column.distinct) > MANY_VALUES:
            numbers[:, place] = standardised_given(numbers[:, [place]], condition)
    return Points(numbers, group.labels)


def standardised_given(values: Float[np.ndarray, "n 1"], condition: GivenColumns) -> Float[np.ndarray, " n"]:
    """(n,) normal scores of (values - mean given Z) / (mean absolute deviation given Z).

    Raises DeterminedByCondition.
    """
    left = residuals_given(values, condition).features
    size = np.abs(left)
    spread = size - chosen_ridge(condition.bases, size).residuals(size)
    return scores_of_values((left / np.maximum(spread, LEAST_SPREAD * size.mean()))[:, 0])


def scores_of_values(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """(n,) normal scores of values."""
    column = complete_column(values, "continuous")
    return np.asarray(normal_scores(column)[column.numbers])


def gaussian_features(points: Points) -> Float[np.ndarray, "n m"]:
    """(n, m) features of the Gaussian kernel of numbers times the delta kernel of labels."""
    return gaussian_factor(points, FEATURE_WIDTH * float(np.sqrt(points.dimensions)), KERNEL_FEATURES)


def kernel_residuals(group: ColumnGroup, condition: GivenColumns) -> GivenResiduals:
    """What is left of KCI's features of x or y after the regression on Z."""
    return residuals_given(gaussian_features(located(group, condition)), condition)


def compare_residuals(x: GivenResiduals, y: GivenResiduals, condition: GivenColumns) -> GivenFinding:
    """V of two sides, with p from a gamma distribution."""
    found = moments(x.kernel, y.kernel, condition.weight)
    found = corrected(found, noise_ratio(x.ridge, y.ridge))
    return GivenFinding(found.total, log_p_by_gamma(found), found.effect, "gamma")


def corrected(found: Moments, ratio: float) -> Moments:
    """The moments with mean and standard deviation under the null hypothesis times `ratio`."""
    return found._replace(mean=found.mean * ratio, squares=found.squares * ratio**2)


def compare_kci(groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int) -> GivenFinding:
    """KCI with chosen regressions."""
    condition = GivenColumns.of(groups.given)
    x, y = (kernel_residuals(side, condition) for side in (groups.x, groups.y))
    return compare_residuals(x, y, condition)


def compare_distances(
    groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int
) -> GivenFinding:
    """KCI with the kernel of distance covariance in the place of the Gaussian kernels of x and y."""
    condition = GivenColumns.of(groups.given)
    x, y = (
        residuals_given(distance_factor(located(side, condition), DISTANCES), condition)
        for side in (groups.x, groups.y)
    )
    return compare_residuals(x, y, condition)


def random_features(
    points: Float[np.ndarray, "n k"], rng: np.random.Generator
) -> Float[np.ndarray, "n features"]:
    """(n, 5) standardised cos(w . point / width + b), random features (Rahimi & Recht 2007)."""
    k = points.shape[1]
    frequencies = rng.standard_normal((k, RANDOM_FEATURES_OF_A_SIDE)) / np.sqrt(k)
    phases = rng.uniform(0.0, 2.0 * np.pi, RANDOM_FEATURES_OF_A_SIDE)
    features = np.cos(points @ frequencies + phases)
    features -= features.mean(axis=0)
    return np.asarray(features / np.maximum(features.std(axis=0), 1e-12))


def compare_rcot(groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int) -> GivenFinding:
    """Random features of x and y."""
    return _compare_random(groups, rng, with_condition=False)


def compare_rcit(groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int) -> GivenFinding:
    """Random features of (x, Z) and of y."""
    return _compare_random(groups, rng, with_condition=True)


def _compare_random(groups: GroupTriple, rng: np.random.Generator, *, with_condition: bool) -> GivenFinding:
    """V of random features without a weight, with p from the weighted sum of chi-squares itself."""
    condition = GivenColumns.of(groups.given)
    x, y = (
        np.column_stack([located(side, condition).numbers, side.indicators]) for side in (groups.x, groups.y)
    )
    if with_condition:
        x = np.column_stack([x, groups.given.numbers, groups.given.indicators])
    first, second = (residuals_given(random_features(side, rng), condition) for side in (x, y))
    found = moments(first.kernel, second.kernel, weight_of_one(groups.x.n))
    products = row_products([first.features, second.features])
    weights = np.maximum(np.linalg.eigvalsh(products.T @ products), 0.0)
    ratio = noise_ratio(first.ridge, second.ridge)
    log_p = log_weighted_chi2_sf(weights * ratio, found.total)
    return GivenFinding(found.total, log_p, found.effect, "spectral")


def compare_gcm(groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int) -> GivenFinding:
    """Generalised covariance measure (Shah & Peters 2020): the covariance of residuals of x and of y.

    The statistic is the largest |T_jk| over the columns j of x and k of y, each T_jk being standard normal
    under the null hypothesis; signed and with a normal p if there is only one. For several, p is by the
    multiplier bootstrap of Shah & Peters.
    """
    condition = GivenColumns.of(groups.given)
    x, y = (
        residuals_given(np.column_stack([side.numbers, side.indicators]), condition)
        for side in (groups.x, groups.y)
    )
    products = row_products([x.features, y.features])
    squares = np.sum(products**2, axis=0)
    t = products.sum(axis=0) / np.sqrt(squares * noise_ratio(x.ridge, y.ridge))
    scale = np.sqrt(np.outer(*(np.sum(side.features**2, axis=0) for side in (x, y)))).ravel()
    effects = products.sum(axis=0) / scale
    if len(t) == 1:
        return GivenFinding(float(t[0]), log_normal_two_sided(float(t[0])), float(effects[0]), "normal")
    largest, standard = float(np.abs(t).max()), products / np.sqrt(squares)
    exceeds = (
        np.array([np.abs(rng.standard_normal(len(standard)) @ standard).max() >= largest * (1.0 - ROUNDING)])
        for _ in range(resamples)
    )
    p = resampling_log_p(exceeds, resamples)
    return GivenFinding(largest, p.log_p, float(np.abs(effects).max()), "bootstrap", p.is_bound)


def fixed_width(n: int) -> float:
    """Width of the kernels of causal-learn's conditional KCI, times sqrt(columns of Z)."""
    return 1.2 if n < 200 else 0.7 if n < 1200 else 0.4


def compare_fixed(groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int) -> GivenFinding:
    """KCI with the constants of causal-learn: kernels of (x, z / 2), y and z of one width, ridge 1e-3.

    With at most `EXACT_UNTIL` rows, factors are complete: the result is that of the dense formula.
    """
    n = groups.x.n
    until = EXACT if n <= EXACT_UNTIL else FIXED_FEATURES
    z = Points(groups.given.z_scores, groups.given.labels)
    width = fixed_width(n) * float(np.sqrt(z.dimensions))
    x = Points(
        np.column_stack([groups.x.z_scores, 0.5 * z.numbers]),
        np.column_stack([groups.x.labels, z.labels]),
    )
    y = Points(groups.y.z_scores, groups.y.labels)
    given = gaussian_factor(z, width, until._replace(share=0.0))
    first, second = (
        FactoredKernel(_fixed_residuals(gaussian_factor(side, width, until), given)) for side in (x, y)
    )
    found = moments(first, second, weight_of_one(n))
    return GivenFinding(found.total, log_p_by_gamma(found), found.effect, "gamma")


def _fixed_residuals(
    features: Float[np.ndarray, "n m"], given: Float[np.ndarray, "n r"]
) -> Float[np.ndarray, "n m"]:
    """R H features, with R = eps (K + eps I)^-1 and K the centred kernel H F F^T H of the factor F of Z."""
    centred, left = given - given.mean(axis=0), features - features.mean(axis=0)
    inner = centred.T @ centred
    inner.flat[:: len(inner) + 1] += FIXED_RIDGE
    return np.asarray(left - centred @ np.linalg.solve(inner, centred.T @ left))
