"""Constants, two values, few rows, empty columns: a defined result and no crash."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from personax.independence import TESTS, Kind, Procedure, run_test
from personax.independence.reference import REFERENCE
from personax.runs.errors import InputError

NAN = float("nan")
DISCRETE: tuple[Kind, Kind] = ("ordinal", "ordinal")


@pytest.mark.parametrize("procedures", [TESTS, REFERENCE], ids=["exact", "reference"])
@pytest.mark.parametrize("test", list(TESTS))
class TestUndefined:
    """Every test, ours and the peers'."""

    def test_constant_column_has_no_p(self, test: str, procedures: Mapping[str, Procedure]) -> None:
        found = run_test(procedures[test], np.ones(20), np.arange(20.0), kinds=DISCRETE)
        assert found.null == "undefined: constant column"
        assert np.isnan(found.pvalue)
        assert found.n == 20
        assert found.applicable
        assert not found.defined

    def test_constant_once_the_missing_rows_are_gone(
        self, test: str, procedures: Mapping[str, Procedure]
    ) -> None:
        x = [1, 1, 1, 1, 1, 1, 2, 3]
        y = [1, 2, 3, 1, 2, 3, NAN, None]
        found = run_test(procedures[test], x, y, kinds=DISCRETE)
        assert found.null == "undefined: constant column"
        assert found.n == 6

    def test_fewer_than_five_rows_have_no_p(self, test: str, procedures: Mapping[str, Procedure]) -> None:
        x, y = [1.0, 2, 3, 4, NAN, 6], [2.0, 1, 4, 3, 5, NAN]
        found = run_test(procedures[test], x, y, kinds=DISCRETE)
        assert found.null == "undefined: fewer than 5 complete rows"
        assert found.n == 4

    def test_all_missing_has_no_p(self, test: str, procedures: Mapping[str, Procedure]) -> None:
        found = run_test(procedures[test], [NAN] * 9, np.arange(9.0), kinds=DISCRETE)
        assert found.n == 0
        assert not found.defined


@pytest.mark.parametrize("null", ["spectral", "gamma", "permutation"])
@pytest.mark.parametrize("test", ["kci", "hsic", "distance_correlation", "rcit"])
def test_two_distinct_values_in_five_rows_are_enough(test: str, null: str) -> None:
    found = run_test(test, [0, 0, 1, 1, 1], [5, 5, 7, 7, 7], null=null, resamples=49)
    assert found.n == 5
    assert 0 < found.pvalue <= 1
    assert found.effect == pytest.approx(1.0)


def test_two_binary_columns_give_every_kernel_the_same_p() -> None:
    """Between two values every kernel is the delta kernel up to a factor, and V is proportional to r^2."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, 300)
    y = np.where(rng.random(300) < 0.2, x, rng.integers(0, 2, 300))
    pairs: tuple[tuple[Kind, Kind], ...] = (("nominal", "nominal"), ("ordinal", "continuous"))
    for kinds in pairs:
        p = [run_test(t, x, y, kinds=kinds).log10_pvalue for t in ("kci", "hsic", "distance_correlation")]
        assert p[0] == pytest.approx(p[1], rel=1e-9) == pytest.approx(p[2], rel=1e-9)


def test_kinds_without_a_meaning_are_not_applicable() -> None:
    x, label = np.random.default_rng(0).standard_normal(50), np.resize(["a", "b", "c"], 50)
    for test in ("chi_square", "g_square", "fisher_z"):
        found = run_test(test, x, label, kinds=("continuous", "nominal"))
        assert found.null == "not applicable"
        assert not found.applicable
        assert np.isnan(found.pvalue)
    angle = run_test("fisher_z", x % 1, x, kinds=("circular", "continuous"), periods=(1.0, None))
    assert not angle.applicable


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(InputError, match="test 'anova' is unknown"):
        run_test("anova", np.arange(10.0), np.arange(10.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": np.arange(9.0)}, "one length"),
        ({"y": np.r_[np.arange(9.0), np.inf]}, "row 9 is infinite"),
        ({"y": ["a"] * 10}, "a cell is no number .*columns of labels are of kind nominal"),
        ({"kinds": ("continuous", "numeric")}, "kind 'numeric' is unknown"),
        ({"null": "chi2"}, "null 'chi2' is not offered; choose from auto, spectral"),
        ({"resamples": 0}, "at least 1"),
        ({"kinds": ("continuous", "circular"), "periods": (None, -1.0)}, "period -1.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"test": "kci", "x": np.arange(10.0), "y": np.arange(10.0)} | arguments
    with pytest.raises(ValueError, match=message):
        run_test(**call)
