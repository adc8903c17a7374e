"""The grid of conditional tests: the numbers of single calls, any number of jobs, one-line errors."""

import numpy as np
import pandas as pd
import pytest

from personax.independence import Variables, kci, run_conditional_grid
from personax.runs.errors import InputError


def variables(names: str, seed: int, n: int = 120) -> Variables:
    frame = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, len(names))), columns=list(names))
    return Variables(frame, dict.fromkeys(names, "continuous"))


def test_each_cell_is_the_single_test_on_its_complete_rows() -> None:
    traits, features, given = variables("ab", 0), variables("xy", 1), variables("z", 2)
    traits.frame.loc[:9, "a"] = np.nan
    given.frame.loc[10:19, "z"] = np.nan
    grid = run_conditional_grid(traits, features, given, tests=("kci", "gcm"))
    assert list(grid["trait"]) == ["a"] * 4 + ["b"] * 4
    assert list(grid["n"]) == [100] * 4 + [110] * 4
    cell = grid[(grid["trait"] == "a") & (grid["feature"] == "y") & (grid["test"] == "kci")].iloc[0]
    single = kci(traits.frame["a"], features.frame["y"], given=given.frame)
    assert cell["pvalue"] == pytest.approx(single.pvalue, rel=1e-12)


def test_the_result_does_not_depend_on_jobs() -> None:
    sides = variables("ab", 0), variables("xy", 1), variables("z", 2)
    one, two = (
        run_conditional_grid(*sides, tests=("rcit", "kci"), rng=3, jobs=jobs).drop(columns="seconds")
        for jobs in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two)


def test_mistakes_are_said_in_one_line() -> None:
    sides = variables("a", 0), variables("x", 1), variables("z", 2)
    with pytest.raises(InputError, match="'hsic' has no conditional form"):
        run_conditional_grid(*sides, tests=("hsic",))
    with pytest.raises(InputError, match="different numbers of rows"):
        run_conditional_grid(sides[0], sides[1], variables("z", 2, n=50), tests=("kci",))
    with pytest.raises(InputError, match="a list of names"):
        run_conditional_grid(*sides, tests="kci")
    with pytest.raises(InputError, match="whole numbers from 1"):
        run_conditional_grid(*sides, tests=("kci",), jobs=0)
    with pytest.raises(InputError, match="whole numbers from 1"):
        run_conditional_grid(*sides, tests=("kci",), resamples=0)
