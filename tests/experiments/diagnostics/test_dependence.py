"""Tests of independence of vectors: their level, what they detect, and rows without information."""

import numpy as np
import pytest
from scipy.stats import binom

from personax.experiments.diagnostics.dependence import (
    conditional_dependence,
    dependence,
    neighbourhoods,
    shuffled_within,
    vector_gram,
)
from personax.independence import hsic


def test_single_columns_give_the_registrys_hsic() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 1))
    y = 0.4 * x + rng.standard_normal((120, 1))
    found = dependence("x, y", x, y, rng)
    assert found is not None
    assert found.effect == pytest.approx(hsic(x[:, 0], y[:, 0]).effect, abs=1e-9)


def test_a_column_of_noise_weakens_the_effect() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 2))
    y = 0.4 * x[:, :1] + rng.standard_normal((120, 1))
    alone, both = dependence("x, y", x[:, :1], y, rng), dependence("x, y", x, y, rng)
    assert alone is not None
    assert both is not None
    assert both.effect < alone.effect


@pytest.mark.slow
def test_the_level_of_the_marginal_test() -> None:
    rng = np.random.default_rng(1)
    trials, rejections, above = 200, 0, 0
    for _ in range(trials):
        a, b = rng.standard_normal((60, 2)), rng.exponential(size=(60, 3))
        found = dependence("a, b", a, b, rng)
        assert found is not None
        rejections += bool(found.log10_p < np.log10(0.05))
        above += bool(found.effect > np.quantile(found.chance, 0.9))
    assert binom.ppf(0.0005, trials, 0.05) <= rejections <= binom.ppf(0.9995, trials, 0.05)
    assert above / trials < 0.16  # 40 shuffles estimate their 90 % quantile only roughly


@pytest.mark.slow
def test_the_level_of_the_conditional_test_where_spread_depends_on_what_is_given() -> None:
    """Residuals whose spread depends on z: they are dependent, but not given z."""
    rng = np.random.default_rng(2)
    trials, rejections, marginal = 120, 0, 0
    for _ in range(trials):
        z = rng.standard_normal((80, 1))
        a, b = (np.exp(z) * rng.standard_normal((80, 1)) for _ in range(2))
        found, plain = conditional_dependence("a, b", a, b, z, rng, 19), dependence("a, b", a, b, rng)
        assert found is not None
        assert plain is not None
        rejections += bool(found.log10_p <= np.log10(0.05) + 1e-9)
        marginal += bool(plain.log10_p < np.log10(0.05))
    assert rejections <= binom.ppf(0.9995, trials, 0.05)
    assert marginal > 0.3 * trials


def test_the_conditional_test_sees_what_is_shared_beyond_the_given() -> None:
    rng = np.random.default_rng(3)
    z, common = rng.standard_normal((200, 2)), rng.standard_normal((200, 1))
    a, b = (common + 0.5 * rng.standard_normal((200, 1)) for _ in range(2))
    found = conditional_dependence("a, b", a, b, z, rng, 199)
    assert found is not None
    assert found.effect > 0.5
    assert found.log10_p == pytest.approx(-np.log10(200))


def test_rows_with_a_missing_value_are_left_out() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((80, 1)), rng.standard_normal((80, 1))
    a[::4] = np.nan
    found = dependence("a, b", a, b, rng)
    assert found is not None
    assert found.n == 60


@pytest.mark.parametrize("a", [np.full((80, 1), 3.0), np.empty((80, 0))])
def test_without_a_column_that_varies_there_is_nothing_to_test(a: np.ndarray) -> None:
    rng = np.random.default_rng(4)
    assert dependence("a, b", a, rng.standard_normal((80, 1)), rng) is None


def test_four_rows_are_too_few() -> None:
    rng = np.random.default_rng(4)
    assert dependence("a, b", rng.standard_normal((4, 1)), rng.standard_normal((4, 1)), rng) is None


def test_an_outlier_does_not_make_the_factor_long() -> None:
    a = np.random.default_rng(4).standard_normal((80, 1))
    a[0] = 1e6
    gram = vector_gram(a)
    assert gram is not None
    assert gram.factor.shape[1] < 100


def test_neighbourhoods_hold_everybody_once() -> None:
    cells = neighbourhoods(np.random.default_rng(5).standard_normal((203, 2)), 10)
    assert sorted(np.concatenate(cells)) == list(range(203))
    assert max(map(len, cells)) <= 10


def test_shuffling_within_neighbourhoods_exchanges_near_people() -> None:
    points = np.random.default_rng(5).standard_normal((203, 2))
    cells = neighbourhoods(points, 10)
    order = shuffled_within(cells, np.random.default_rng(0))
    assert all(set(order[cell]) == set(cell) for cell in cells)
    moved = np.linalg.norm(points[order] - points, axis=1).mean()
    assert moved < 0.4 * np.linalg.norm(points[::-1] - points, axis=1).mean()
