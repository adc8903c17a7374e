"""Directions that the latents support, and those that they leave open."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from personax.graphs.direction import SURE, support_of_directions

PAIR = np.array([[0, 1], [0, 0]])


def pair(effect: Callable[[np.ndarray], np.ndarray], seed: int, noise: str = "normal") -> np.ndarray:
    """Cause and effect for 400 people, both with some noise, like recovered latents."""
    rng = np.random.default_rng(seed)
    draw = rng.normal if noise == "normal" else rng.laplace
    x = draw(size=400)
    latents = np.column_stack([x, effect(x) + 0.6 * draw(size=400)])
    return np.asarray(latents + 0.1 * rng.normal(size=(400, 2)))


@pytest.mark.parametrize(
    ("effect", "noise"),
    [
        (lambda x: np.sin(1.5 * x), "normal"),
        (lambda x: np.tanh(2 * x), "normal"),
        (lambda x: x + 0.3 * x**2, "normal"),
        (lambda x: 0.7 * x, "laplace"),
    ],
)
def test_what_is_bent_or_not_gaussian_has_a_direction(
    effect: Callable[[np.ndarray], np.ndarray], noise: str
) -> None:
    latents = pair(effect, 0, noise)
    assert support_of_directions(latents, PAIR)[0, 1] >= SURE
    assert support_of_directions(latents[:, ::-1], PAIR)[0, 1] < 0.1  # the wrong direction


@pytest.mark.slow
def test_linear_gaussian_pairs_have_none() -> None:
    decided = sum(
        bool(support_of_directions(pair(lambda x: 0.7 * x, seed), PAIR)[0, 1] >= SURE) for seed in range(12)
    )
    assert decided <= binom(12, 0.05).ppf(0.99)


def test_what_independences_decide_and_what_is_given_is_not_asked() -> None:
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(300, 3))
    collider = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    assert np.isnan(support_of_directions(latents, collider)).all()
    assert np.isnan(support_of_directions(latents[:, :2], PAIR, given=[0])).all()
    chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    asked = ~np.isnan(support_of_directions(latents, chain))
    assert np.argwhere(asked).tolist() == [[0, 1], [1, 2]]


def test_the_same_seed_gives_the_same_support() -> None:
    latents = pair(np.tanh, 0)
    first, again = (support_of_directions(latents, PAIR, seed=3) for _ in range(2))
    assert np.array_equal(first, again, equal_nan=True)


def test_constant_latents_support_no_direction() -> None:
    latents = np.column_stack([np.full(50, 3.0), np.random.default_rng(0).normal(size=50)])
    assert support_of_directions(latents, PAIR)[0, 1] == 0.0


def test_a_cyclic_graph_is_taken_as_it_is() -> None:
    cycle = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    assert np.isnan(support_of_directions(np.random.default_rng(0).normal(size=(50, 3)), cycle)).all()
