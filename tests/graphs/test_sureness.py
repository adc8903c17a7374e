"""Probabilities of learned edges, and the gains that they come from."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pictures import words_in

from personax.graphs.direction import support_of_directions
from personax.graphs.drawing import draw_graph
from personax.graphs.graph import Graph
from personax.graphs.sureness import Sureness, edge_gains, edge_sureness, pooled_sureness, with_sureness

PAIR = np.array([[0, 1], [0, 0]])


def pair(effect: Callable[[np.ndarray], np.ndarray], n: int = 800, seed: int = 0) -> np.ndarray:
    cause, noise = np.random.default_rng(seed).normal(size=(2, n))
    return np.asarray(np.column_stack([cause, effect(cause) + 0.5 * noise]))


def linear(x: np.ndarray) -> np.ndarray:
    return 0.8 * x


def bent(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.tanh(2 * x))


def sureness_of(latents: np.ndarray, given: Sequence[int] = ()) -> Sureness:
    """That of an edge from the first of two latents (n, 2) to the second."""
    support = support_of_directions(latents, PAIR, given=given, compelled=True)
    return edge_sureness(edge_gains(latents, PAIR), support, PAIR)


def test_the_gain_of_a_linear_gaussian_edge_is_its_mutual_information() -> None:
    latents = pair(linear, n=20_000)
    r = np.corrcoef(latents.T)[0, 1]
    assert edge_gains(latents, PAIR)[0, 1] == pytest.approx(-0.5 * np.log(1 - r**2), abs=0.01)


def test_the_gain_is_what_other_parents_do_not_say() -> None:
    rng = np.random.default_rng(0)
    x, e = rng.normal(size=(2, 2000))
    copy = x + 0.01 * rng.normal(size=2000)
    latents = np.column_stack([x, copy, x + e])
    graph = np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    gains = edge_gains(latents, graph)
    assert max(gains[0, 2], gains[1, 2]) < 0.01
    assert np.isnan(gains[graph == 0]).all()


def test_a_constant_latent_gains_nothing() -> None:
    latents = np.column_stack([np.ones(50), np.arange(50.0)])
    assert edge_gains(latents, PAIR)[0, 1] == 0
    assert sureness_of(latents).adjacent[0, 1] < 0.5


def test_a_strong_bent_effect_is_sure_and_a_linear_one_has_no_sure_direction() -> None:
    sure, unsure = sureness_of(pair(bent)), sureness_of(pair(linear))
    assert min(sure.adjacent[0, 1], sure.direction[0, 1]) > 0.85
    assert unsure.adjacent[0, 1] > 0.85
    assert unsure.direction[0, 1] < 0.85
    for found in (sure, unsure):
        assert np.array_equal(found.adjacent, found.adjacent.T)
        assert found.direction[0, 1] + found.direction[1, 0] == pytest.approx(1)


def test_the_wrong_direction_is_hardly_likely() -> None:
    assert sureness_of(pair(bent)[:, ::-1]).direction[0, 1] < 0.4


def test_several_fits_are_as_sure_together_as_on_average() -> None:
    has = Sureness(np.array([[0, 0.9], [0.9, 0]]), np.array([[0, 0.8], [0.2, 0]]))
    turned = Sureness(np.array([[0, 0.6], [0.6, 0]]), np.array([[0, 0.1], [0.9, 0]]))
    without = Sureness(np.zeros((2, 2)), np.zeros((2, 2)))
    for fit, again in zip(has, pooled_sureness([has, has]), strict=True):
        np.testing.assert_allclose(again, fit)
    found = pooled_sureness([has, turned, without])
    assert found.adjacent[0, 1] == pytest.approx(0.5)
    assert found.direction[0, 1] == pytest.approx((0.9 * 0.8 + 0.6 * 0.1) / 1.5)
    assert found.direction[0, 1] + found.direction[1, 0] == pytest.approx(1)
    assert not np.any(pooled_sureness([without, without]))


def test_an_assumed_direction_is_certain() -> None:
    found = sureness_of(pair(linear), given=[0])
    assert found.direction.tolist() == [[0, 1], [0, 0]]


def test_the_picture_says_how_sure_an_edge_is(tmp_path: Path) -> None:
    graph = Graph(["z11", "z21"], PAIR, blocks={"a": ["z11"], "b": ["z21"]})
    latents = pd.DataFrame(pair(bent), columns=list(graph.names))
    sure = with_sureness(graph, latents, where="here")
    sure.to_json(tmp_path / "graph.json")
    again = Graph.from_json(tmp_path / "graph.json")
    assert again.calibrated
    for found, kept in ((again.frequency, sure.frequency), (again.orientation, sure.orientation)):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(kept))
    draw_graph(again, tmp_path / "picture")
    words = words_in(tmp_path / "picture.svg")
    assert "learned edge, in %: how sure it is that there is one / that its direction is right" in words
    percents = [100 * matrix[0, 1] for matrix in (sure.frequency, sure.orientation) if matrix is not None]
    assert "/".join(f"{percent:.0f}" for percent in percents) in words
