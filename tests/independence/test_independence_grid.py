"""A grid is the single tests, once each, whatever the processes, missing rows or strata."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from personax.independence import TESTS, adjust, combine_strata, run_grid, run_test
from personax.independence.reference import REFERENCE
from personax.independence.results import LN10, result, without_pvalue

N = 240


def frames() -> tuple[pd.DataFrame, pd.DataFrame, dict, dict, dict]:
    rng = np.random.default_rng(0)
    traits = pd.DataFrame(
        {"Openness": rng.integers(1, 4, N), "Neuroticism": rng.integers(1, 4, N)}, dtype=float
    )
    traits.loc[rng.random(N) < 0.1, "Neuroticism"] = np.nan
    features = pd.DataFrame(
        {
            "Height": 180 + 5 * traits["Openness"] + rng.normal(0, 9, N),
            "League": rng.choice(["NBA", "NHL", "ATP"], N),
            "Birthmonth": rng.integers(1, 13, N).astype(float),
            "Constant": np.ones(N),
        }
    )
    features.loc[rng.random(N) < 0.2, "Height"] = np.nan
    features.loc[rng.random(N) < 0.1, "League"] = None
    kinds = {"Height": "continuous", "League": "nominal", "Birthmonth": "circular", "Constant": "ordinal"}
    return traits, features, dict.fromkeys(traits, "ordinal"), kinds, {"Birthmonth": 12.0}


def grid(**options: object) -> pd.DataFrame:
    traits, features, trait_kinds, kinds, periods = frames()
    options = {"tests": tuple(TESTS), "resamples": 199} | options
    return run_grid(
        traits, features, trait_kinds=trait_kinds, feature_kinds=kinds, periods=periods, **options
    )


def test_every_cell_is_the_single_test() -> None:
    traits, features, _, kinds, periods = frames()
    found = grid()
    assert len(found) == 2 * 4 * 7
    assert list(found["trait"].iloc[[0, -1]]) == ["Openness", "Neuroticism"]
    for row in found.itertuples():
        single = run_test(
            row.test,
            traits[row.trait],
            features[row.feature],
            kinds=("ordinal", kinds[row.feature]),
            periods=(None, periods.get(row.feature)),
            resamples=199,
        )
        assert (row.n, row.applicable, row.null) == (single.n, single.applicable, single.null)
        if row.null != "permutation" and row.test != "rcit":  # random: the grid has its own streams
            assert row.log10_pvalue == pytest.approx(single.log10_pvalue, rel=1e-9, nan_ok=True)
            assert row.statistic == pytest.approx(single.statistic, rel=1e-9, nan_ok=True)


def test_processes_and_neighbours_do_not_change_results() -> None:
    one = grid().drop(columns="seconds")
    two = grid(jobs=2).drop(columns="seconds")
    pd.testing.assert_frame_equal(one, two)
    alone = grid(tests=("rcit",)).drop(columns="seconds")
    pd.testing.assert_frame_equal(alone, one[one["test"] == "rcit"].reset_index(drop=True))


def test_seeds_move_what_is_random_and_nothing_else() -> None:
    one, two = grid(), grid(rng=np.random.default_rng(9))
    random = one["test"].eq("rcit") | one["null"].eq("permutation")
    same = one["log10_pvalue"].sub(two["log10_pvalue"]).abs() < 1e-12
    assert same[~random & one["pvalue"].notna()].all()
    assert not same[random & one["pvalue"].notna()].all()


def test_reference_runs_the_same_grid() -> None:
    ours, theirs = grid(), grid(procedures=REFERENCE)
    assert list(ours["n"]) == list(theirs["n"])
    assert list(ours["applicable"]) == list(theirs["applicable"])


def test_strata_are_tested_within_and_combined() -> None:
    traits, features, trait_kinds, kinds, _ = frames()
    found = run_grid(
        traits[["Openness"]],
        features[["Height"]],
        trait_kinds=trait_kinds,
        feature_kinds=kinds,
        tests=("kci",),
        given=features["League"],
    )
    parts = []
    for league in ("ATP", "NBA", "NHL"):
        rows = features["League"] == league
        parts.append(
            run_test(
                "kci",
                traits.loc[rows, "Openness"],
                features.loc[rows, "Height"],
                kinds=("ordinal", "continuous"),
            )
        )
    statistic = -2 * sum(np.log(part.pvalue) for part in parts)
    assert found["pvalue"][0] == pytest.approx(stats.chi2.sf(statistic, 6), rel=1e-9)
    assert found["n"][0] == sum(part.n for part in parts)
    assert found["null"][0] == "fisher over 3 strata (spectral)"


def test_a_confounder_disappears_given_itself() -> None:
    """Trait and height both follow the league and nothing else: dependent, and independent given league."""
    rng = np.random.default_rng(2)
    league = rng.integers(0, 4, 1500)
    trait = pd.DataFrame({"t": np.clip(np.round(1.5 + 0.4 * league + rng.normal(0, 0.6, 1500)), 1, 3)})
    height = pd.DataFrame({"h": 180 + 6 * league + rng.normal(0, 7, 1500)})
    options = {"trait_kinds": {"t": "ordinal"}, "feature_kinds": {"h": "continuous"}}
    tests = ("kci", "hsic", "distance_correlation", "fisher_z")
    assert (run_grid(trait, height, tests=tests, **options)["pvalue"] < 1e-10).all()
    within = run_grid(trait, height, tests=tests, given=pd.Series(league), **options)
    assert (within["pvalue"] > 0.01).all()


def test_strata_without_a_p_are_left_out() -> None:
    parts = [
        result("kci", 1.0, np.log(0.02), 50, 0.2, "spectral"),
        without_pvalue("kci", 3, "undefined: fewer than 5 complete rows"),
        result("kci", 1.0, -5000.0, 150, 0.4, "spectral"),
    ]
    found = combine_strata("kci", parts)
    assert found.n == 200
    assert found.effect == pytest.approx(0.35)
    assert found.log10_pvalue * LN10 == pytest.approx(-5000, rel=0.01)
    assert not combine_strata("kci", parts[1:2]).defined


@pytest.mark.parametrize("method", ["fdr_bh", "holm", "none"])
def test_corrections(method: str) -> None:
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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tests": ("kci", "anova")}, "test 'anova' is unknown"),
        ({"nulls": {"kci": "magic"}}, "null 'magic' is not offered"),
    ],
)
def test_wrong_arguments_of_a_grid(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        grid(**change)


def test_a_wrong_column_is_named() -> None:
    traits, features, trait_kinds, kinds, _ = frames()
    with pytest.raises(ValueError, match="column 'League'"):
        run_grid(traits, features, trait_kinds=trait_kinds, feature_kinds=kinds | {"League": "continuous"})
    with pytest.raises(ValueError, match="column 'Height' has no kind"):
        run_grid(traits, features, trait_kinds=trait_kinds, feature_kinds={})
