"""What all conditional tests have in common: their signature, missing values, one-line errors."""

import numpy as np
import pandas as pd
import pytest

from personax.independence import CONDITIONAL_TESTS, TestResult, fisher_z, hsic, kci, run_conditional
from personax.independence.columns import complete_column
from personax.independence.conditional_columns import normal_scores
from personax.runs.errors import InputError


@pytest.mark.parametrize("test", list(CONDITIONAL_TESTS))
def test_all_tests_share_the_signature_and_the_fields(test: str) -> None:
    rng = np.random.default_rng(0)
    z = rng.integers(0, 3, 120)
    x, y = z + rng.integers(0, 2, 120), z + rng.integers(0, 2, 120)
    found = run_conditional(test, x, y, z, kinds=("ordinal",) * 3, rng=1, resamples=99)
    assert isinstance(found, TestResult)
    assert found.test == test
    assert found.n == 120
    assert 0 < found.pvalue <= 1
    assert np.log10(found.pvalue) == pytest.approx(found.log10_pvalue)
    assert -1 <= found.effect <= 1


def test_rows_with_a_missing_value_anywhere_are_left_out() -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 60))
    x[0], y[1], z[2] = np.nan, np.nan, np.nan
    assert fisher_z(x, y, given=z) == fisher_z(x[3:], y[3:], given=z[3:])


def test_frames_are_columns_and_their_index_must_agree() -> None:
    rng = np.random.default_rng(0)
    x, y, z = (pd.DataFrame(rng.normal(size=(60, 2))) for _ in range(3))
    assert kci(x, y, given=z) == kci(x.to_numpy(), y.to_numpy(), given=z.to_numpy())
    with pytest.raises(InputError, match="different indexes"):
        kci(x, y, given=z.set_axis(range(1, 61)))


def test_no_columns_that_vary_is_the_test_without_a_condition() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 80))
    r = fisher_z(x, y, given=np.ones(80))
    assert r.effect == pytest.approx(fisher_z(x, y).effect)
    assert kci(x, x + y, given=np.ones(80)).pvalue < 1e-6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kinds": ("continuous", "continuous")}, "three entries"),
        ({"kinds": (["continuous"] * 2, "continuous", "continuous")}, "x has 1 columns, 2 kinds"),
        ({"null": "spectral"}, "not offered"),
        ({"resamples": 0}, "at least 1"),
        ({"given": np.zeros(3)}, "same number of rows"),
    ],
)
def test_mistakes_are_said_in_one_line(options: dict[str, object], words: str) -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.normal(size=(3, 20))
    with pytest.raises(ValueError, match=words):
        kci(x, y, **{"given": z, **options})


def test_hsic_has_no_conditional_form() -> None:
    with pytest.raises(InputError, match="no conditional form"):
        run_conditional("hsic", [1, 2], [1, 2], [1, 2])
    assert "given" not in str(hsic.__doc__)


def test_constant_columns_and_few_rows_have_no_pvalue() -> None:
    z = np.arange(20.0)
    assert kci(np.ones(20), z, given=z).null == "undefined: constant column"
    assert kci(z[:4], z[:4], given=z[:4]).null == "undefined: fewer than 5 complete rows"


def test_normal_scores_are_standardised_and_share_ties() -> None:
    column = complete_column(np.array([3.0, 1.0, 1.0, 7.0, 1e300, 3.0]), "continuous")
    scores = normal_scores(column)[column.numbers]
    assert scores.mean() == pytest.approx(0.0, abs=1e-12)
    assert scores.std() == pytest.approx(1.0)
    assert scores[1] == scores[2] < scores[0] == scores[5] < scores[3] < scores[4]
