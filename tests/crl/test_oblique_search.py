"""Coordinates at any angle: latents, graph and order of readings that are mixed within modalities."""

import numpy as np
import pytest

from personax.crl.oblique_search import polish_obliquely, search_obliquely
from personax.learning.metrics import match

OWNER = np.array([0, 0, 1, 1])
GRAPH = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]], dtype=bool)


def latents(n: int, seed: int) -> np.ndarray:
    """z11 -> z12, z11 -> z21, z12 -> z22 with bent effects and Laplace noise."""
    rng = np.random.default_rng(seed)
    noise = rng.laplace(size=(n, 4)) / np.sqrt(2)
    z = noise.copy()
    z[:, 1] = 1.2 * np.tanh(2 * z[:, 0]) + 0.7 * noise[:, 1]
    z[:, 2] = -1.2 * np.tanh(2 * z[:, 0] + 0.5) + 0.7 * noise[:, 2]
    z[:, 3] = 1.2 * np.tanh(2 * z[:, 1] - 0.5) + 0.7 * noise[:, 3]
    return np.asarray(z - z.mean(0))


def oblique_mixture(seed: int) -> np.ndarray:
    """(4, 4) a mixture within modalities whose directions are far from right angles."""
    rng = np.random.default_rng(seed)
    mixture = np.zeros((4, 4))
    for start in (0, 2):
        angles = rng.uniform(0, np.pi) + np.array([0, np.pi / 4])
        mixture[start : start + 2, start : start + 2] = np.column_stack([np.cos(angles), np.sin(angles)])
    return mixture


def test_latents_and_graph_are_found_at_any_angle() -> None:
    """With seed 1000 the straight edge z22 -> z21 + c z22 must be sheared away."""
    seed = 1000
    z = latents(2000, seed)
    found = search_obliquely(z @ oblique_mixture(seed), OWNER, seed)
    columns, correlations = match(z @ oblique_mixture(seed) @ found.turn.T, z)
    assert np.abs(correlations).min() > 0.97
    assert (found.parents.T[np.ix_(columns, columns)] == GRAPH).all()
    place = np.argsort(found.order)
    assert all(place[cause] < place[child] for child, cause in np.argwhere(found.parents))
    assert not found.turn[OWNER[:, None] != OWNER[None]].any()


def test_its_cost_does_not_depend_on_how_readings_are_mixed() -> None:
    """The log-likelihood changes by the log determinant only."""
    z, mixture = latents(1500, 1002), oblique_mixture(1002)
    same = OWNER[:, None] == OWNER[None]
    plain = polish_obliquely(z, np.eye(4), GRAPH.T, same)[1]
    mixed = polish_obliquely(z @ mixture, np.linalg.inv(mixture).T, GRAPH.T, same)[1]
    assert mixed - np.linalg.slogdet(mixture)[1] == pytest.approx(plain, abs=1e-3)


def test_the_true_coordinates_cost_less_than_mixtures() -> None:
    z = latents(1500, 1003)
    same = OWNER[:, None] == OWNER[None]
    nothing = np.zeros((4, 4), dtype=bool)
    assert (
        polish_obliquely(z, np.eye(4), GRAPH.T, same)[1]
        < polish_obliquely(z, np.eye(4), nothing, same)[1] - 0.1
    )
