"""Chi-square and G-square against scipy, by their asymptotic null and by Monte Carlo."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from scipy import stats

from personax.independence import TestResult, chi_square, g_square
from personax.independence.discrete import expected_counts, likelihood_ratio, williams
from personax.independence.effects import cramers_v

TABLE_TESTS: tuple[tuple[Callable[..., TestResult], Literal["pearson", "log-likelihood"]], ...] = (
    (chi_square, "pearson"),
    (g_square, "log-likelihood"),
)


@pytest.mark.parametrize(("rows", "levels"), [(2, 2), (3, 4), (7, 3)])
def test_table_tests_equal_scipy(rows: int, levels: int) -> None:
    rng = np.random.default_rng(rows)
    x = rng.integers(0, rows, 900)
    y = (x * (rng.random(900) < 0.3) + rng.integers(0, levels, 900)) % levels
    table = stats.contingency.crosstab(x, y).count
    for test, kind in TABLE_TESTS:
        expected = stats.chi2_contingency(table, correction=False, lambda_=kind)
        found = test(x, y, kinds=("nominal", "ordinal"), null="chi2")
        assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)
        assert found.pvalue == pytest.approx(expected.pvalue, rel=1e-10)


@pytest.mark.parametrize("shape", [(2, 3), (9, 4)])
def test_monte_carlo_p_equals_scipy_permutation(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, shape[0], 40), rng.integers(0, shape[1], 40)
    found = chi_square(x, y, kinds=("nominal", "nominal"), resamples=9999)
    assert found.null == "permutation"
    table = stats.contingency.crosstab(x, y).count
    expected = stats.chi2_contingency(
        table,
        correction=False,
        method=stats.PermutationMethod(n_resamples=9999, rng=np.random.default_rng(1)),
    )
    assert found.pvalue == pytest.approx(expected.pvalue, rel=0.3)  # drawing stops at 100 exceedances


def test_sparse_tables_get_a_monte_carlo_p() -> None:
    """31 birthdays x scores at n = 150: the chi-square distribution is inaccurate."""
    rng = np.random.default_rng(3)
    day, score = rng.integers(1, 32, 150), rng.choice([1, 2, 3], 150, p=[0.05, 0.6, 0.35])
    assert chi_square(day, score, kinds=("ordinal", "ordinal")).null == "permutation"
    assert chi_square(day % 2, score > 2, kinds=("nominal", "nominal")).null == "chi2"


def test_monte_carlo_p_does_not_depend_on_the_order_of_arguments() -> None:
    rng = np.random.default_rng(3)
    day, score = rng.integers(1, 32, 150), rng.choice([1, 2, 3], 150)
    first = chi_square(day, score, kinds=("ordinal", "ordinal"))
    second = chi_square(score, 31 - day, kinds=("ordinal", "ordinal"))
    assert first.null == "permutation"
    assert first.pvalue == second.pvalue


def test_cramers_v_is_zero_below_its_expectation_and_one_for_equal_columns() -> None:
    assert cramers_v(np.full((3, 3), 50.0)).value == 0.0
    assert cramers_v(np.diag([160.0, 170.0, 170.0])).value == pytest.approx(1.0)


def test_the_divisor_brings_g_square_to_its_degrees_of_freedom() -> None:
    rng = np.random.default_rng(7)
    margins = np.full(5, 40)
    tables = stats.random_table(margins, margins).rvs(4000, random_state=rng)
    values = likelihood_ratio(tables, expected_counts(margins, margins))
    assert values.mean() > 16.3
    assert (values / williams(margins, margins)).mean() == pytest.approx(16.0, abs=4 * 5.7 / np.sqrt(4000))


def test_a_floor_of_monte_carlo_is_marked_as_a_bound_and_lies_lower_than_before() -> None:
    """A sparse table (one label occurs 3 times) with a p-value far below what 199 tables can tell."""
    x = np.repeat([0, 1, 2], [60, 60, 3])
    y = np.concatenate([np.zeros(57), np.ones(3), np.ones(60), [0, 1, 1]])
    found = chi_square(x, y, kinds=("nominal", "nominal"), resamples=199)
    assert found.null == "permutation"
    assert found.bound
    assert found.pvalue == pytest.approx(1 / 1991)
    assert not chi_square(x % 2, y, kinds=("nominal", "nominal")).bound  # the chi-square distribution


def test_a_small_p_of_a_sparse_table_is_resolved_below_the_first_floor() -> None:
    """499 tables say at most 2e-3. Where they do, 4,990 tables come close to what 50,000 say."""
    x, y = np.repeat([0, 1], [6, 40]), np.repeat([1, 0], [14, 32])
    well_known = g_square(x, y, kinds=("nominal", "nominal"), resamples=50_000)
    found = g_square(x, y, kinds=("nominal", "nominal"), resamples=499)
    assert not found.bound or found.pvalue < 1 / 4990
    assert found.pvalue < 1 / 500
    assert abs(found.log10_pvalue - well_known.log10_pvalue) < 0.5
