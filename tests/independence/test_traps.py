"""Mistakes of the published notebooks and of the peers, reproduced if that is fast, and absent here."""

import numpy as np
import pandas as pd
import pytest
from causallearn.utils.cit import CIT
from hyppo.independence import Dcorr, Hsic

from personax.independence import (
    TESTS,
    Kind,
    chi_square,
    distance_correlation,
    fisher_z,
    g_square,
    hsic,
    kci,
    rcit,
    run_test,
)
from personax.independence.reference import REFERENCE

RNG = np.random.default_rng(0)
YEARS = np.round(RNG.normal(1965, 15, 300))
SCORES = np.clip(np.round(2 + 0.012 * (YEARS - 1965) + RNG.normal(0, 0.7, 300)), 1, 3)


def test_hsic_is_symmetric_and_unit_free_where_hyppo_is_not() -> None:
    x, y = YEARS[:, None], SCORES[:, None]
    hyppo_pair = Hsic().test(x, y)[1], Hsic().test(y, x)[1]
    assert abs(np.log10(hyppo_pair[0] / hyppo_pair[1])) > 1  # the trap: p depends on the order of arguments
    kinds: tuple[Kind, Kind] = ("ordinal", "ordinal")
    ours = hsic(YEARS, SCORES, kinds=kinds), hsic(SCORES, YEARS * 365.25, kinds=kinds)
    assert ours[0].log10_pvalue == pytest.approx(ours[1].log10_pvalue, rel=1e-9)
    guarded = [
        run_test(REFERENCE["hsic"], a, b, kinds=kinds).pvalue
        for a, b in ((YEARS, SCORES), (SCORES, 12 * YEARS))
    ]
    assert guarded[0] == pytest.approx(guarded[1], rel=1e-6)


def test_p_is_uniform_where_the_fast_chi2_bound_piles_up_at_one() -> None:
    rng = np.random.default_rng(1)
    bound, ours = [], []
    for _ in range(100):
        x, y = rng.standard_normal(60), rng.standard_normal(60)
        bound.append(Dcorr().test(x[:, None], y[:, None])[1])
        ours.append(distance_correlation(x, y).pvalue)
    assert np.mean(np.array(bound) > 0.99) > 0.15  # the trap
    assert np.mean(np.array(ours) > 0.99) < 0.06
    assert 0.35 < np.median(ours) < 0.65


@pytest.mark.parametrize("test", [t for t in TESTS if t not in ("chi_square", "g_square")])
def test_no_p_is_zero(test: str) -> None:
    x = np.random.default_rng(0).standard_normal(5000)
    found = run_test(test, x, x)
    assert found.pvalue > 0
    assert found.log10_pvalue == pytest.approx(-200)  # 5,000 rows bear no smaller one
    assert found.bound
    assert -np.inf < run_test(test, x, x, null=TESTS[test].nulls[1]).log10_pvalue < -300


def test_no_p_of_a_table_is_zero() -> None:
    x = np.resize([1, 2, 3], 9000)
    for test in (chi_square, g_square):
        found = test(x, x, kinds=("nominal", "ordinal"))
        assert found.pvalue > 0
        assert -np.inf < found.log10_pvalue < -300


def test_causal_learn_ends_at_zero_and_is_floored_in_the_reference() -> None:
    x = np.random.default_rng(0).standard_normal(400)
    assert CIT(np.column_stack([x, x]), "kci")(0, 1) == 0.0  # the trap
    assert run_test(REFERENCE["kci"], x, x).pvalue == pytest.approx(2**-53)


def test_missing_values_are_dropped_and_not_made_a_category() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 3, 900).astype(float), rng.integers(0, 3, 900).astype(float)
    gone = rng.random(900) < 0.2
    x[gone], y[gone] = np.nan, np.nan
    assert CIT(np.column_stack([x, y]), "chisq")(0, 1) < 1e-50  # the trap: missing together
    found = chi_square(x, y, kinds=("nominal", "nominal"))
    assert found.n == int((~gone).sum())
    assert found.pvalue > 0.01
    assert found.pvalue == pytest.approx(chi_square(x[~gone], y[~gone], kinds=("nominal", "nominal")).pvalue)


def test_missing_labels_of_any_spelling() -> None:
    x = pd.Series(["NBA", None, "NHL", np.nan, "NBA", "ATP", pd.NA, "ATP", "NHL", "NBA"], dtype=object)
    assert kci(x, np.arange(10.0), kinds=("nominal", "continuous")).n == 7


def test_category_numbers_mean_nothing() -> None:
    """Other numbers for the categories change no test; Fisher's z refuses three categories."""
    rng = np.random.default_rng(0)
    league = rng.integers(0, 6, 500)
    score = rng.integers(1, 4, 500) + (league == 2)
    renamed = np.array([4, 0, 5, 2, 1, 3])[league]
    kinds: tuple[Kind, Kind] = ("nominal", "ordinal")
    for test in (kci, hsic, distance_correlation, rcit, chi_square, g_square):
        first, second = test(league, score, kinds=kinds), test(renamed, score, kinds=kinds)
        assert first.log10_pvalue == pytest.approx(second.log10_pvalue, rel=1e-9)
    assert not fisher_z(league, score, kinds=kinds).applicable
    assert fisher_z(league > 2, score, kinds=kinds).applicable


def test_december_is_next_to_january() -> None:
    """A dependence on the season: for the circular kernel it does not matter where the year begins."""
    rng = np.random.default_rng(0)
    month = rng.integers(1, 13, 600)
    score = np.where(np.isin(month, (12, 1, 2)), 0.35, 0.0) + rng.standard_normal(600)
    for test in (kci, hsic, distance_correlation):
        shifted = [
            test((month + turn) % 12, score, kinds=("circular", "continuous"), periods=(12.0, None))
            for turn in (0, 5)
        ]
        assert shifted[0].log10_pvalue == pytest.approx(shifted[1].log10_pvalue, rel=1e-8)


def test_kernels_do_not_live_on_raw_units() -> None:
    """The notebooks' HSIC had width 0.7 cm: nearly the identity matrix, which detects nothing."""
    rng = np.random.default_rng(0)
    height = rng.normal(180, 10, 400)
    score = np.clip(np.round(2 + 0.02 * (height - 180) + rng.normal(0, 0.6, 400)), 1, 3)
    assert hsic(height, score, kinds=("continuous", "ordinal")).pvalue < 1e-3


def test_the_same_seed_repeats_a_permutation_p() -> None:
    x, y = YEARS[:60], SCORES[:60]
    for test in (kci, hsic, distance_correlation, rcit, fisher_z):
        p = {
            test(x, y, null="permutation", rng=np.random.default_rng(4), resamples=99).pvalue
            for _ in range(3)
        }
        assert len(p) == 1
        assert 1 / 100 <= p.pop() <= 1


def test_reference_leaves_the_global_random_state_alone() -> None:
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    first = run_test(REFERENCE["rcit"], YEARS, SCORES)
    assert np.random.random() == expected  # noqa: NPY002
    assert run_test(REFERENCE["rcit"], YEARS, SCORES) == first
