"""Effects: one definition each, 0 by chance, 1 for perfect dependence, and intervals that cover."""

import numpy as np
import pytest
from scipy import stats

from personax.independence import (
    TESTS,
    Kind,
    chi_square,
    distance_correlation,
    fisher_z,
    g_square,
    hsic,
    kci,
    run_test,
)
from personax.independence.effects import cramers_v

LABELS: tuple[Kind, Kind] = ("nominal", "nominal")


@pytest.mark.parametrize("levels", [2, 3, 20])
def test_perfect_tables_have_cramers_v_of_one_for_both_tests(levels: int) -> None:
    x = np.resize(np.arange(levels), 20 * levels)
    for test in (chi_square, g_square):
        found = test(x, levels - x, kinds=("nominal", "nominal"))
        assert found.effect == pytest.approx(1.0)
        assert found.effect_low == pytest.approx(1.0)


def test_both_tests_of_tables_have_the_same_effect() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 4, 300)
    y = np.where(rng.random(300) < 0.3, x, rng.integers(0, 4, 300))
    first, second = (test(x, y, kinds=("nominal", "nominal")) for test in (chi_square, g_square))
    assert first.effect == second.effect
    table = stats.contingency.crosstab(x, y).count
    assert first.effect == pytest.approx(stats.contingency.association(table, correction=False), abs=0.03)


def test_labels_that_are_all_different_have_no_effect() -> None:
    for test in ("kci", "hsic", "distance_correlation", "chi_square", "g_square", "rcit"):
        found = run_test(test, np.arange(50).astype(str), np.resize(["a", "b"], 50), kinds=LABELS)
        assert found.null == "undefined: every row has a label of its own"
        assert np.isnan(found.effect)
    assert cramers_v(np.eye(30)).value == 0.0


@pytest.mark.parametrize("test", [test for test in TESTS if "square" not in test])
def test_a_column_determines_itself(test: str) -> None:
    x = np.random.default_rng(1).standard_normal(80)
    found = run_test(test, x, 3.0 - 2.0 * x if test != "rcit" else x)
    assert abs(found.effect) == pytest.approx(1.0)


def test_effect_and_p_are_of_one_statistic() -> None:
    """60 rows, one of 9999 in each column: together, the effect is 1 and the p-value 1/60; apart, 0 and 1."""
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal(60), rng.standard_normal(60)
    x[3] = y[3] = 9999.0
    together = distance_correlation(x, y)
    assert together.effect > 0.99
    assert together.pvalue < 0.03
    y[3], y[4] = 0.0, 9999.0
    apart = distance_correlation(x, y)
    assert apart.effect < 0.05
    assert apart.pvalue > 0.2


@pytest.mark.parametrize("test", [fisher_z, hsic, distance_correlation, kci])
def test_intervals_cover_the_effect_of_many_rows(test: object) -> None:
    assert callable(test)
    rng = np.random.default_rng(3)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        x = rng.standard_normal(n)
        return x, 0.5 * x + rng.standard_normal(n)

    null = "gamma" if test is not fisher_z else "t"
    true = (
        0.5 / np.sqrt(1.25)
        if test is fisher_z
        else np.mean([test(*draw(1190), null=null).effect for _ in range(8)])
    )
    found = [test(*draw(300), null=null) for _ in range(60)]
    covered = sum(one.effect_low <= true <= one.effect_high for one in found)
    assert covered >= stats.binom.ppf(1e-4, 60, 0.9)
    assert np.mean([one.effect_high - one.effect_low for one in found]) < 0.25
