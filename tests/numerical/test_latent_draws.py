"""Latents: drawn from their definitions, checked against densities, regressions and known dependence."""

import numpy as np
import pytest
from scipy import integrate, stats

from personax.numerical.latent_draws import (
    NOISE_OF_EFFECT,
    additive_latents,
    correlated_normals,
    grouped_latents,
    laplace_products,
    linear_latents,
)

CHAIN = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
SMALL_P = 1e-4  # of a test that a right draw fails


@pytest.mark.parametrize(
    ("anchors", "weights"),
    [
        ([0.0], [0.95]),
        ([-1.0, 2.0], [0.5, 0.4]),
        ([2.5, -2.0, 0.3], [0.3, 0.31, 0.32]),
        ([1.0, 1.0], [0.5, 0.5]),
    ],
)
def test_products_of_laplace_densities_have_their_density(anchors: list[float], weights: list[float]) -> None:
    """Kolmogorov-Smirnov test against the density, integrated numerically."""

    def density(x: float) -> float:
        return float(np.exp(-np.dot(weights, np.abs(x - np.array(anchors)))))

    whole = integrate.quad(density, -60, 60, points=sorted(set(anchors)), limit=200)[0]

    def share_below(x: float) -> float:
        return integrate.quad(density, -60, x, points=sorted(set(anchors)), limit=200)[0] / whole

    drawn = laplace_products(np.tile(anchors, (400, 1)), np.array(weights), np.random.default_rng(1000))
    assert stats.kstest(drawn, np.vectorize(share_below)).pvalue > SMALL_P


def test_every_row_has_its_own_anchors() -> None:
    anchors = np.repeat([[-50.0, -49.0], [50.0, 49.0]], 300, axis=0)
    drawn = laplace_products(anchors, np.array([1.0, 1.0]), np.random.default_rng(1000))
    assert drawn[:300].max() < 0 < drawn[300:].min()


def test_additive_latents_depend_on_their_parents_only() -> None:
    """Along a chain, the third latent is independent of the first one given the second one."""
    z = additive_latents(CHAIN, 6000, np.random.default_rng(1001))
    assert z.mean(0) == pytest.approx(0, abs=1e-9)
    assert z.std(0) == pytest.approx(1)
    near = np.abs(z[:, 1] - np.median(z[:, 1])) < 0.1
    assert abs(stats.spearmanr(z[:, 0], z[:, 1])[0]) > 0.3
    assert stats.spearmanr(z[near, 0], z[near, 2]).pvalue > SMALL_P


def test_their_noise_is_additive_and_laplace() -> None:
    """A child minus its regression on bins of its parent is Laplace noise that is the same in all bins."""
    z = additive_latents(np.array([[0, 1], [0, 0]]), 40_000, np.random.default_rng(1002))
    order = np.argsort(z[:, 0]).reshape(200, 200)
    rest = z[order, 1] - z[order, 1].mean(1, keepdims=True)
    low, high = rest[20:60].ravel(), rest[140:180].ravel()
    assert low.std() / high.std() == pytest.approx(1, abs=0.05)
    assert stats.kurtosis(rest[20:180].ravel()) == pytest.approx(3, abs=0.5)  # of a Laplace distribution


def test_roots_are_independent() -> None:
    z = additive_latents(np.zeros((4, 4), dtype=int), 5000, np.random.default_rng(1003))
    correlations = np.corrcoef(np.abs(z).T)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(5000)


def test_grouped_latents_turn_away_from_their_parents() -> None:
    """-3 tanh(0.8 z) draws the child to the other side, and a parent far out makes no narrower noise."""
    z = grouped_latents(CHAIN, 20_000, np.random.default_rng(1004))
    assert stats.spearmanr(z[:, 0], z[:, 1])[0] < -0.5
    assert stats.spearmanr(z[:, 1], z[:, 2])[0] < -0.5
    assert stats.kurtosis(z[:, 0]) == pytest.approx(3, abs=0.6)  # a root is a Laplace variable


def test_noise_of_grouped_latents_is_wider_where_parents_disagree() -> None:
    graph = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    z = grouped_latents(graph, 40_000, np.random.default_rng(1005))
    far = np.abs(z[:, :2]).min(1) > 1
    agree = far & (z[:, 0] * z[:, 1] > 0)
    assert z[far & ~agree, 2].std() > 1.2 * np.abs(z[agree, 2] - np.sign(-z[agree, 0])).std()


def test_linear_latents_have_the_covariance_of_their_equations() -> None:
    rng = np.random.default_rng(1006)
    errors = [rng.exponential(size=50_000) for _ in range(3)]
    z = linear_latents(CHAIN, errors, rng)
    slope = np.polyfit(z[:, 1], z[:, 2], 1)[0]
    rest = z[:, 2] - slope * z[:, 1]
    assert abs(np.corrcoef(rest, z[:, 0])[0, 1]) < 4 / np.sqrt(50_000)
    assert stats.skew(rest) == pytest.approx(2, abs=0.3) or stats.skew(rest) == pytest.approx(-2, abs=0.3)


def test_correlated_normals_are_normal_and_dependent() -> None:
    z = correlated_normals(20_000, 4, np.random.default_rng(1007))
    assert z.var(0) == pytest.approx(1, abs=0.06)
    assert np.abs(np.corrcoef(z.T)[np.triu_indices(4, 1)]).max() > 0.2
    assert np.abs(stats.kurtosis(z)).max() < 0.2


def test_the_noise_of_an_effect_is_smaller_than_the_noise_of_a_root() -> None:
    assert 0 < NOISE_OF_EFFECT < 1
