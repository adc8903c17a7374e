"""Values of any size: rescaled before anything; what stays impossible is marked and stops nothing."""

import numpy as np
import pandas as pd
import pytest

from personax.independence import TESTS, Variables, run_grid, run_test

NUMERIC = [test for test in TESTS if "square" not in test]
RNG = np.random.default_rng(0)
X = RNG.standard_normal(120)
Y = X + RNG.standard_normal(120)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("test", NUMERIC)
def test_units_of_any_size_change_nothing(test: str) -> None:
    plain = run_test(test, X, Y)
    for scale in (2.0**520, 2.0**1000, 2.0**-600):
        scaled = run_test(test, scale * X, Y / scale**0.5)
        assert scaled.log10_pvalue == pytest.approx(plain.log10_pvalue, rel=1e-9)
        assert scaled.effect == pytest.approx(plain.effect, rel=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("test", NUMERIC)
def test_one_huge_cell_leaves_a_p_value(test: str) -> None:
    for huge in (1e20, 1e200):
        found = run_test(test, np.r_[X[:-1], huge], Y)
        assert found.defined
        assert 0 < found.pvalue <= 1


@pytest.mark.parametrize("test", NUMERIC)
def test_two_values_that_become_equal_do_not_matter(test: str) -> None:
    """The square of a grid has 0 and 1e-34, which are one number beside 1."""
    x = np.linspace(-1.0, 1.0, 201)
    assert len(np.unique(x**2)) > len(np.unique((x**2).round(15)))
    found, rounded = run_test(test, x, x**2), run_test(test, x, (x**2).round(15))
    assert found.defined
    assert found.effect == pytest.approx(rounded.effect, abs=1e-3)


def test_an_impossible_column_is_marked_and_the_rest_goes_on() -> None:
    far = np.r_[1e-20 * X[:-1], 1e300]
    frame = pd.DataFrame({"far": far, "near": X})
    found = run_grid(
        Variables(pd.DataFrame({"y": Y}), {"y": "continuous"}),
        Variables(frame, {"far": "continuous", "near": "continuous"}),
        tests=NUMERIC,
    )
    marked = found[found["feature"] == "far"]
    assert marked["null"].eq("undefined: values too far apart for floating-point numbers").all()
    assert marked["applicable"].all()
    assert found[found["feature"] == "near"]["pvalue"].notna().all()
