"""Chi-square and G-square by strata: sums of scipy's, exact enumeration, level in many small strata."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from personax.independence import Kind, chi_square, g_square

NOMINAL: tuple[Kind, Kind, Kind] = ("nominal",) * 3


@pytest.mark.parametrize(("test", "lambda_"), [(chi_square, "pearson"), (g_square, "log-likelihood")])
def test_the_statistic_is_the_sum_of_scipys_over_strata(test: object, lambda_: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 600)
    x, y = (z + rng.integers(0, 3, 600)) % 4, (z + rng.integers(0, 2, 600)) % 3
    found = test(x, y, given=z, kinds=NOMINAL, null="chi2")  # type: ignore[operator]
    statistic, freedom = 0.0, 0
    for stratum in range(3):
        table = stats.contingency.crosstab(x[z == stratum], y[z == stratum]).count
        part = stats.chi2_contingency(table, correction=False, lambda_=lambda_)  # type: ignore[call-overload]  # plain str
        statistic, freedom = statistic + part.statistic, freedom + part.dof
    assert found.statistic == pytest.approx(statistic, rel=1e-10)
    assert found.pvalue == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-10)


def test_small_strata_agree_with_the_enumeration_of_all_orders() -> None:
    x, y = np.array([0, 0, 1, 1, 0, 1, 0, 1]), np.array([0, 0, 1, 1, 1, 0, 1, 0])
    z = np.repeat([0, 1], 4)

    def statistic(a: np.ndarray) -> float:
        tables = [stats.contingency.crosstab(a[z == s], y[z == s]).count for s in (0, 1)]
        return float(sum(stats.chi2_contingency(t, correction=False).statistic for t in tables))

    orders = [[x[list(order)] for order in permutations(range(4 * s, 4 * s + 4))] for s in (0, 1)]
    all_values = [statistic(np.concatenate([a, b])) for a in orders[0] for b in orders[1]]
    exact = np.mean(np.array(all_values) >= statistic(x) - 1e-9)
    found = chi_square(x, y, given=z, kinds=NOMINAL, resamples=20_000)
    assert found.null == "permutation"
    assert found.pvalue == pytest.approx(exact, rel=0.3)


def test_level_in_a_hundred_strata_of_five() -> None:
    rng = np.random.default_rng(4)
    z, kinds = np.repeat(np.arange(100), 5), NOMINAL
    p = [
        chi_square(*rng.integers(0, 2, (2, 500)), given=z, kinds=kinds, rng=rng, resamples=59).pvalue
        for _ in range(30)
    ]
    assert np.sum(np.array(p) <= 0.05) <= stats.binom.ppf(1 - 1e-4, 30, 0.05)


def test_perfect_dependence_has_effect_one_and_no_stratum_that_varies_no_pvalue() -> None:
    rng = np.random.default_rng(5)
    x, z = rng.integers(0, 4, (2, 400))
    assert chi_square(x, (x + z) % 4, given=z, kinds=NOMINAL).effect == pytest.approx(1.0)
    assert np.isnan(chi_square(x, z, given=x, kinds=NOMINAL).pvalue)


def test_a_continuous_condition_is_not_applicable() -> None:
    z = np.random.default_rng(0).normal(size=50)
    assert not chi_square(z > 0, z > 1, given=z, kinds=("nominal", "nominal", "continuous")).applicable
