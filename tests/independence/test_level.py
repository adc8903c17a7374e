"""Level under independence within binomial bounds, power under dependence, fixed seeds."""

import numpy as np
import pytest
from scipy import stats

from personax.independence import TESTS, Kind, run_test

REPLICATES = 200
KINDS: tuple[Kind, ...] = ("continuous", "ordinal", "nominal", "circular")


def draw(kind: Kind, n: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "continuous":
        return rng.standard_normal(n)
    if kind == "ordinal":
        return np.round(rng.normal(1965, 10, n))
    return rng.integers(0, 8 if kind == "nominal" else 12, n).astype(float)


def bounds(n: int, level: float) -> tuple[float, float]:
    """Numbers of rejections that independent columns exceed once in 10,000 times on either side."""
    return float(stats.binom.ppf(1e-4, n, level)), float(stats.binom.ppf(1 - 1e-4, n, level))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("test", list(TESTS))
def test_level(test: str, kind: Kind) -> None:
    rng = np.random.default_rng(17)
    p = np.array(
        [
            run_test(
                test,
                draw(kind, 150, rng),
                rng.choice([1.0, 2.0, 3.0], 150, p=[0.1, 0.6, 0.3]),
                kinds=(kind, "ordinal"),
                periods=(12.0, None),
                rng=rng,
                resamples=199,
            ).pvalue
            for _ in range(REPLICATES)
        ]
    )
    if np.isnan(p).all():
        assert test in ("chi_square", "g_square", "fisher_z")
        return
    low, high = bounds(REPLICATES, 0.05)
    assert low <= np.sum(p <= 0.05) <= high
    assert stats.kstest(p, "uniform").pvalue > 1e-4


@pytest.mark.parametrize("null", ["gamma", "permutation"])
@pytest.mark.parametrize("test", ["kci", "hsic", "distance_correlation"])
@pytest.mark.slow
def test_level_of_other_nulls(test: str, null: str) -> None:
    rng = np.random.default_rng(3)
    p = [
        run_test(
            test, rng.standard_normal(40), rng.exponential(size=40), null=null, rng=rng, resamples=99
        ).pvalue
        for _ in range(REPLICATES)
    ]
    low, high = bounds(REPLICATES, 0.05)
    assert low <= np.sum(np.array(p) <= 0.05) <= high


def test_spectral_and_permutation_agree() -> None:
    rng = np.random.default_rng(8)
    for test in ("kci", "hsic", "distance_correlation", "rcit"):
        x = rng.standard_normal(250)
        y = np.round(0.13 * x + rng.standard_normal(250))
        p = [run_test(test, x, y, null=null, resamples=1999).pvalue for null in ("spectral", "permutation")]
        assert p[1] == pytest.approx(p[0], rel=0.3, abs=0.005)  # drawing stops at 100 exceedances


@pytest.mark.parametrize("test", ["kci", "hsic", "distance_correlation", "rcit"])
def test_dependence_without_correlation_is_found(test: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400)
    y = x**2 + 0.5 * rng.standard_normal(400)
    assert run_test(test, x, y).pvalue < 1e-4
    assert run_test("fisher_z", x, y).pvalue > 1e-4


@pytest.mark.parametrize("test", ["kci", "hsic", "distance_correlation", "fisher_z", "rcit"])
def test_level_where_few_rows_decide(test: str) -> None:
    """90 % of the values are alike. The asymptotic null rejects .05 to .09 of such pairs at .01."""
    rng = np.random.default_rng(23)

    def column() -> np.ndarray:
        return np.where(rng.random(50) < 0.9, 0.0, rng.standard_normal(50))

    found = [run_test(test, column(), column(), rng=rng, resamples=999) for _ in range(REPLICATES)]
    p = np.array([one.pvalue for one in found if one.defined])
    for level in (0.05, 0.01, 0.001):
        assert np.sum(p <= level) <= bounds(len(p), level)[1]
    assert np.sum(p <= 0.1) > 0
