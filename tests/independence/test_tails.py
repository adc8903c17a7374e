"""Upper tails against closed forms in 60 digits and against simulation."""

import mpmath
import numpy as np
import pytest

from personax.independence.tails import (
    log_chi2_sf,
    log_gamma_sf,
    log_normal_two_sided,
    log_weighted_chi2_sf,
)


def exact_log_gamma_sf(shape: float, x: float) -> float:
    with mpmath.workdps(60):
        return float(mpmath.log(mpmath.gammainc(shape, x, mpmath.inf, regularized=True)))


@pytest.mark.parametrize("shape", [0.5, 1.0, 7.3, 150.0, 4000.0])
@pytest.mark.parametrize("times_mean", [0.2, 1.0, 1.5, 4.0, 30.0, 1000.0])
def test_gamma_tail_to_ten_digits_of_p(shape: float, times_mean: float) -> None:
    x = shape * times_mean
    assert log_gamma_sf(shape, x) == pytest.approx(exact_log_gamma_sf(shape, x), rel=1e-12, abs=1e-10)


def test_normal_tail_does_not_underflow() -> None:
    with mpmath.workdps(60):
        exact = float(mpmath.log(mpmath.erfc(200 / mpmath.sqrt(2))))
    assert log_normal_two_sided(-200.0) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize("degrees", [1, 2, 5, 300])
@pytest.mark.parametrize("times_mean", [1e-4, 0.1, 0.9, 1.0, 2.0, 20.0, 3000.0])
def test_equal_weights_are_a_chi_square(degrees: int, times_mean: float) -> None:
    q = degrees * times_mean
    assert log_weighted_chi2_sf(np.full(degrees, 0.7), 0.7 * q) == pytest.approx(
        exact_log_gamma_sf(degrees / 2, q / 2), rel=1e-12, abs=1e-9
    )
    assert log_chi2_sf(q, degrees) == pytest.approx(
        exact_log_gamma_sf(degrees / 2, q / 2), abs=1e-9, rel=1e-12
    )


@pytest.mark.parametrize("q", [1e-4, 0.01, 0.3, 1.0, 3.0, 12.0, 100.0, 1e5])
def test_pairs_of_weights_are_a_mixture_of_exponentials(q: float) -> None:
    """sum_i w_i (Z^2 + Z'^2) > q has p = sum_i c_i exp(-q / 2 w_i), c_i = prod_j w_i / (w_i - w_j)."""
    weights = [1.0, 0.7, 0.3, 0.05, 5e-3, 1e-4]
    with mpmath.workdps(60):
        total = mpmath.mpf(0)
        for i, a in enumerate(weights):
            c = mpmath.fprod(mpmath.mpf(a) / (mpmath.mpf(a) - b) for j, b in enumerate(weights) if j != i)
            total += c * mpmath.exp(-mpmath.mpf(q) / (2 * mpmath.mpf(a)))
        exact = float(mpmath.log(total))
    assert log_weighted_chi2_sf(np.repeat(weights, 2), q) == pytest.approx(exact, rel=1e-11, abs=1e-10)


@pytest.mark.parametrize("decay", [0.6, 0.85, 0.97])
def test_many_small_weights_in_power_sums_change_nothing(decay: float) -> None:
    """The same sum with every weight in the product: the general formula, which cannot be simplified."""
    weights = decay ** np.arange(400.0)
    rng = np.random.default_rng(0)
    draws = rng.chisquare(1, size=(40_000, 400)) @ weights
    for quantile in (0.2, 0.5, 0.9, 0.99):
        q = float(np.quantile(draws, quantile))
        p = float(np.exp(log_weighted_chi2_sf(weights, q)))
        assert abs(p - (1 - quantile)) < 4 * np.sqrt(quantile * (1 - quantile) / len(draws))


def test_nothing_is_certain_and_nothing_impossible() -> None:
    weights = np.array([2.0, 1.0, 1e-9])
    assert log_weighted_chi2_sf(weights, 0.0) == 0.0
    assert log_weighted_chi2_sf(weights, 1e-12) <= 0.0
    assert -1e7 < log_weighted_chi2_sf(weights, 1e7) < -1e6
