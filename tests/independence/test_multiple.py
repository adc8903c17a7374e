"""Corrections for multiplicity, decisions over a grid, and one p-value from several strata."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from personax.independence import Correction, adjust, chi_square, combine_strata, decide
from personax.independence.effects import Effect
from personax.independence.results import LN10, LogPValue, result, without_pvalue


def test_strata_without_a_p_are_left_out() -> None:
    parts = [
        result("kci", 1.0, LogPValue(np.log(0.02), "spectral"), 50, Effect(0.2, 0.1, 0.3)),
        without_pvalue("kci", 3, "undefined: fewer than 5 complete rows"),
        result("kci", 1.0, LogPValue(-5000.0, "spectral"), 150, Effect(0.4, 0.2, 0.5)),
    ]
    found = combine_strata("kci", parts)
    assert found.n == 200
    assert found.effect == pytest.approx(0.35)
    assert found.effect_low == pytest.approx(0.35 - np.hypot(0.25 * 0.1, 0.75 * 0.2))
    assert found.effect_high == pytest.approx(0.35 + np.hypot(0.25 * 0.1, 0.75 * 0.1))
    assert found.null == "fisher over 2 of 3 strata (spectral)"
    assert found.log10_pvalue * LN10 == pytest.approx(-5000, rel=0.01)
    assert not combine_strata("kci", parts[1:2]).defined


@pytest.mark.parametrize("method", ["fdr_bh", "holm", "none"])
def test_corrections(method: Correction) -> None:
    rng = np.random.default_rng(0)
    p = np.r_[rng.random(30) ** 3, np.nan, 1e-5]
    found = 10 ** adjust(np.log10(p), method)
    known = ~np.isnan(p)
    m = int(known.sum())
    if method == "fdr_bh":
        expected = stats.false_discovery_control(p[known])
    elif method == "holm":
        order = np.argsort(p[known])
        expected = np.empty(m)
        expected[order] = np.minimum(np.maximum.accumulate(p[known][order] * (m - np.arange(m))), 1)
    else:
        expected = p[known]
    np.testing.assert_allclose(found[known], expected, rtol=1e-12)
    assert np.isnan(found[30])


def test_corrections_reach_where_p_underflows() -> None:
    assert adjust(np.array([-500.0, -400.0]), "fdr_bh") == pytest.approx([-500 + np.log10(2), -400])


def test_decisions_use_logarithms_and_stay_within_a_test() -> None:
    grid = pd.DataFrame(
        {
            "trait": ["a", "b", "a", "b"],
            "feature": ["Birthmonth"] * 4,
            "scores": ["s"] * 4,
            "test": ["kci", "kci", "hsic", "hsic"],
            "pvalue": [1e-300, 0.04, 0.04, np.nan],
            "log10_pvalue": [-900.0, np.log10(0.04), np.log10(0.04), np.nan],
            "applicable": True,
        }
    )
    decided = decide(grid, 0.05, "holm")
    assert list(decided["rejected"]) == [True, True, True, False]
    assert decided["log10_q_value"][0] == pytest.approx(-900 + np.log10(2))
    assert decided["q_value"][0] > 0


def test_a_p_value_equal_to_alpha_rejects() -> None:
    for alpha in (0.05, 0.01, 0.001, 1 / 3, 0.07):
        part = result("kci", 1.0, LogPValue(float(np.log(alpha)), "spectral"), 50, Effect(0.2))
        grid = pd.DataFrame([part.row() | {"trait": "a", "feature": "b", "scores": "s"}])
        assert decide(grid, alpha, "none")["rejected"].all()
        assert not decide(grid, 0.999 * alpha, "none")["rejected"].any()


def test_a_hundred_and_twenty_five_perfect_sparse_tables_pass_holm() -> None:
    """Each p-value is a bound of random tables, low enough for Holm with 125 of them."""
    label = np.resize(np.arange(10), 30)
    found = [
        chi_square(label, np.roll(np.arange(10), k % 10)[label], kinds=("nominal", "nominal"))
        for k in range(10)
    ]
    assert all(part.bound for part in found)
    grid = pd.DataFrame([part.row() for part in found * 13][:125])
    grid = grid.assign(trait="a", feature=[f"b{k}" for k in range(125)], scores="s")
    assert decide(grid, 0.05, "holm")["rejected"].all()
