"""Partial correlation and Wilks' lambda against other formulas; the beta distribution's far tail."""

import mpmath
import numpy as np
import pytest
from scipy import stats

from personax.independence import fisher_z
from personax.independence.tails import log_beta_cdf


def residuals(a: np.ndarray, z: np.ndarray) -> np.ndarray:
    design = np.column_stack([np.ones(len(z)), z])
    return np.asarray(a - design @ np.linalg.lstsq(design, a, rcond=None)[0])


def test_partial_correlation_is_that_of_residuals_with_students_t() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(30, 3))
    x, y = z[:, 0] + rng.normal(size=30), z[:, 0] - rng.normal(size=30)
    found = fisher_z(x, y, given=z)
    r = np.corrcoef(residuals(x, z), residuals(y, z))[0, 1]
    t = r * np.sqrt(25 / (1 - r**2))
    assert found.effect == pytest.approx(r, rel=1e-10)
    assert found.pvalue == pytest.approx(2 * stats.t.sf(abs(t), 25), rel=1e-10)
    assert found.statistic == pytest.approx(np.sqrt(24) * np.arctanh(r), rel=1e-10)


def test_two_columns_are_the_f_test_of_a_regression() -> None:
    rng = np.random.default_rng(1)
    z, x = rng.normal(size=(50, 1)), rng.normal(size=(50, 2))
    y = x[:, 0] + rng.normal(size=50)
    found = fisher_z(x, y, given=z)
    small, large = residuals(y, z), residuals(y, np.column_stack([z, x]))
    f = (small @ small - large @ large) / 2 / (large @ large / 46)
    assert found.statistic == pytest.approx(f, rel=1e-10)
    assert found.pvalue == pytest.approx(stats.f.sf(f, 2, 46), rel=1e-10)
    assert found.effect == pytest.approx(np.sqrt(1 - large @ large / (small @ small)), rel=1e-10)


@pytest.mark.parametrize(
    ("x", "a", "b"), [(0.2, 900.0, 0.5), (1e-3, 200.0, 1.0), (0.9, 1e4, 3.0), (0.5, 2.0, 2.0)]
)
def test_the_tail_of_the_beta_distribution(x: float, a: float, b: float) -> None:
    with mpmath.workdps(50):
        exact = float(mpmath.log(mpmath.betainc(a, b, 0, x, regularized=True)))
    assert log_beta_cdf(x, a, b) == pytest.approx(exact, rel=1e-10)


def test_too_few_rows_and_copies_have_no_pvalue() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 8))
    assert "too few" in fisher_z(x, y, given=rng.normal(size=(8, 6))).null
    assert "function of the condition" in fisher_z(x, y, given=np.column_stack([2 * x + 1, y])).null
