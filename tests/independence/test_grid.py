"""A grid has the results of the single tests, for any processes, missing rows or strata."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from personax.independence import TESTS, Kind, Procedure, Variables, run_grid, run_test
from personax.independence.reference import REFERENCE
from personax.runs.errors import InputError

N = 240


KINDS: dict[str, Kind] = {
    "Height": "continuous",
    "League": "nominal",
    "Birthmonth": "circular",
    "Constant": "ordinal",
}
PERIODS = {"Birthmonth": 12.0}


def traits() -> Variables:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"Openness": rng.integers(1, 4, N), "Neuroticism": rng.integers(1, 4, N)}, dtype=float
    )
    frame.loc[rng.random(N) < 0.1, "Neuroticism"] = np.nan
    return Variables(frame, {"Openness": "ordinal", "Neuroticism": "ordinal"})


def features() -> Variables:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "Height": 180 + 5 * traits().frame["Openness"] + rng.normal(0, 9, N),
            "League": rng.choice(["NBA", "NHL", "ATP"], N),
            "Birthmonth": rng.integers(1, 13, N).astype(float),
            "Constant": np.ones(N),
        }
    )
    frame.loc[rng.random(N) < 0.2, "Height"] = np.nan
    frame.loc[rng.random(N) < 0.1, "League"] = None
    return Variables(frame, KINDS, PERIODS)


def grid(
    tests: Sequence[str] = tuple(TESTS),
    rng: np.random.Generator | int | None = None,
    jobs: int = 1,
    procedures: Mapping[str, Procedure] = TESTS,
) -> pd.DataFrame:
    return run_grid(
        traits(), features(), tests=tests, resamples=199, rng=rng, jobs=jobs, procedures=procedures
    )


def test_every_cell_is_the_single_test() -> None:
    found = grid()
    assert len(found) == 2 * 4 * 7
    assert list(found["trait"].iloc[[0, -1]]) == ["Openness", "Neuroticism"]
    for row in found.to_dict("records"):
        single = run_test(
            row["test"],
            traits().frame[row["trait"]],
            features().frame[row["feature"]],
            kinds=("ordinal", KINDS[row["feature"]]),
            periods=(None, PERIODS.get(row["feature"])),
            resamples=199,
        )
        assert (row["n"], row["applicable"], row["null"]) == (single.n, single.applicable, single.null)
        if row["null"] != "permutation" and row["test"] != "rcit":  # random: the grid has its own streams
            assert row["log10_pvalue"] == pytest.approx(single.log10_pvalue, rel=1e-9, nan_ok=True)
            assert row["statistic"] == pytest.approx(single.statistic, rel=1e-9, nan_ok=True)


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
    openness, height = traits().frame["Openness"], features().frame["Height"]
    leagues = features().frame["League"]
    spectral = {"kci": replace(TESTS["kci"], nulls=("spectral",))}
    found = run_grid(
        Variables(openness.to_frame(), {"Openness": "ordinal"}),
        Variables(height.to_frame(), {"Height": "continuous"}),
        tests=("kci",),
        given=leagues,
        procedures=spectral,
    )
    parts = []
    for league in ("ATP", "NBA", "NHL"):
        rows = leagues == league
        parts.append(run_test(spectral["kci"], openness[rows], height[rows], kinds=("ordinal", "continuous")))
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
    pair = Variables(trait, {"t": "ordinal"}), Variables(height, {"h": "continuous"})
    tests = ("kci", "hsic", "distance_correlation", "fisher_z")
    assert (run_grid(*pair, tests=tests)["pvalue"] < 1e-10).all()
    within = run_grid(*pair, tests=tests, given=pd.Series(league))
    assert (within["pvalue"] > 0.01).all()


def test_an_unknown_test_is_refused() -> None:
    with pytest.raises(InputError, match="test 'anova' is unknown"):
        grid(tests=("kci", "anova"))


def test_frames_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match=f"traits have {N} rows, features {N - 1}"):
        run_grid(traits(), Variables(features().frame[1:], KINDS))


def test_a_wrong_column_is_named() -> None:
    wrong: dict[str, Kind] = KINDS | {"League": "continuous"}
    with pytest.raises(ValueError, match="column 'League'"):
        run_grid(traits(), Variables(features().frame, wrong))
    with pytest.raises(ValueError, match="column 'Height' has no kind"):
        run_grid(traits(), Variables(features().frame, {}))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({0: [1.0, 2.0]}), "column 0: names must be texts"),
        (pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]), "column 'a' occurs twice"),
        (pd.DataFrame(), "at least one column and one row"),
        (pd.DataFrame({"a": []}), "at least one column and one row"),
    ],
)
def test_frames_without_names_or_cells_are_refused(frame: pd.DataFrame, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Variables(frame, {"a": "ordinal"})


def test_frames_with_other_indexes_are_refused() -> None:
    moved = Variables(features().frame.set_axis(range(1, N + 1)), KINDS, PERIODS)
    with pytest.raises(InputError, match="different indexes; align them"):
        run_grid(traits(), moved, tests=("fisher_z",))
    with pytest.raises(InputError, match="different indexes"):
        run_test("fisher_z", traits().frame["Openness"], moved.frame["Height"])


def test_a_seed_is_as_good_as_a_generator() -> None:
    one, two = grid(tests=("rcit",), rng=3), grid(tests=("rcit",), rng=np.random.default_rng(3))
    pd.testing.assert_frame_equal(one.drop(columns="seconds"), two.drop(columns="seconds"))
    x = np.arange(9.0)
    assert run_test("rcit", x, x**2, rng=3) == run_test("rcit", x, x**2, rng=np.random.default_rng(3))


GOOD = Variables(pd.DataFrame({"a": [1.0, 2, 3, 1, 2, 3]}), {"a": "continuous"})


@pytest.mark.parametrize(
    ("traits", "more", "words"),
    [
        (GOOD.frame, {}, "traits: DataFrame, must be Variables"),
        (GOOD, {"tests": "kci"}, "a list of names"),
        (GOOD, {"given": [1, 1, 1, 2, 2, 2]}, "given: list, must be a Series"),
        (GOOD, {"given": pd.Series([1, 2])}, "given: 2 labels for 6 rows"),
        (GOOD, {"given": pd.Series([[1]] * 6)}, "given: a cell is no label"),
        (GOOD, {"resamples": "many"}, "resamples 'many'"),
        (GOOD, {"jobs": 0}, "jobs 0"),
    ],
)
def test_arguments_of_other_types_are_refused(traits: Any, more: dict[str, Any], words: str) -> None:
    unchecked = inspect.unwrap(run_grid)  # outside of the tests nothing else looks at types
    with pytest.raises(InputError, match=words):
        unchecked(traits, GOOD, **more)


@pytest.mark.parametrize(
    ("frame", "kinds", "words"),
    [
        (GOOD.frame.to_numpy(), {}, "ndarray in place of a data frame"),
        (GOOD.frame, ["continuous"], "kinds and periods map names"),
    ],
)
def test_variables_of_other_types_are_refused(frame: Any, kinds: Any, words: str) -> None:
    given: Any = SimpleNamespace(frame=frame, kinds=kinds, periods={})
    with pytest.raises(InputError, match=words):
        Variables.__post_init__(given)


def test_a_hundred_strata_of_five_do_not_reject_independent_columns() -> None:
    """Each has an exact p-value; the t distribution of r = +-1 in one of them would reject alone."""
    rng = np.random.default_rng(0)
    strata = pd.Series(np.repeat(np.arange(100), 5))
    rejected = 0
    for _ in range(20):
        x, y = (pd.DataFrame({name: rng.integers(0, 3, 500).astype(float)}) for name in "xy")
        found = run_grid(
            Variables(x, {"x": "ordinal"}), Variables(y, {"y": "ordinal"}), tests=("fisher_z",), given=strata
        )
        rejected += int(found["pvalue"][0] <= 0.05)
        assert "strata (exact)" in found["null"][0]
    assert rejected <= stats.binom.ppf(1 - 1e-4, 20, 0.05)


def test_what_applies_is_decided_on_the_whole_column() -> None:
    """A league of three has no correlation, even in a stratum that holds only two of them."""
    rng = np.random.default_rng(1)
    league = np.r_[rng.choice(["NBA", "NHL"], 60), rng.choice(["NBA", "NHL", "ATP"], 60)]
    found = run_grid(
        Variables(pd.DataFrame({"x": rng.standard_normal(120)}), {"x": "continuous"}),
        Variables(pd.DataFrame({"league": league}), {"league": "nominal"}),
        tests=("fisher_z",),
        given=pd.Series(np.repeat([0, 1], 60)),
    )
    assert found["null"][0] == "not applicable"
