"""The random causal models of the light tunnel: their conditions, and what they draw."""

import numpy as np
import pytest

from personax.graphs.graph import Graph
from personax.light_tunnel.tunnel_scm import (
    BLOCKS,
    REACH,
    SETTINGS,
    Influence,
    TunnelModel,
    is_telling,
    random_tunnel_model,
)
from personax.runs.seeds import numpy_rng


def graph_of(*edges: str) -> np.ndarray:
    """(5, 5) matrix of edges such as "red>blue"."""
    graph = np.zeros((5, 5), dtype=int)
    for edge in edges:
        cause, effect = edge.split(">")
        graph[SETTINGS.index(cause), SETTINGS.index(effect)] = 1
    return graph


@pytest.mark.parametrize(
    ("edges", "telling"),
    [
        (("red>green", "green>pol_1", "pol_1>blue"), False),  # pol_2 has no neighbour
        (("red>green", "green>pol_1", "pol_1>pol_2", "red>blue"), True),
        (("red>green", "green>blue", "pol_1>pol_2"), False),  # nothing joins the modalities
        (("red>pol_1", "green>pol_2", "blue>green", "pol_1>pol_2"), True),
        (("red>pol_1", "green>pol_1", "blue>pol_1", "pol_1>pol_2"), False),  # three causes
        (("red>pol_1", "green>pol_1", "blue>red", "blue>green", "pol_1>pol_2"), False),  # red is like green
        (("red>pol_1", "green>pol_2", "blue>pol_1", "red>green"), False),  # three edges across
    ],
)
def test_graphs_that_tell_the_settings_apart_are_recognised(edges: tuple[str, ...], telling: bool) -> None:
    assert is_telling(graph_of(*edges)) is telling


@pytest.mark.parametrize("seed", range(30))
def test_random_models_fulfil_the_conditions_and_have_no_cycle(seed: int) -> None:
    model = random_tunnel_model(numpy_rng(seed, "tunnel model"))
    assert is_telling(model.graph)
    for cause, effect in model.effects:
        assert model.order.index(cause) < model.order.index(effect)
    Graph(SETTINGS, model.graph, blocks=BLOCKS)


def test_a_seed_gives_one_model_and_seeds_give_many() -> None:
    def drawn(seed: int) -> TunnelModel:
        return random_tunnel_model(numpy_rng(seed, "tunnel model"))

    assert drawn(3) == drawn(3)
    assert len({tuple(drawn(seed).graph.ravel()) for seed in range(20)}) > 12


def bent(sign: float, z: np.ndarray, place: float) -> np.ndarray:
    """The influence of a cause by its definition."""
    values = sign * (z + 0.5 * np.tanh(2 * (z - place)))
    return np.asarray((values - values.mean()) / values.std())


def test_settings_follow_the_equations_in_physical_units() -> None:
    order = ["pol_1", "red", "green", "blue", "pol_2"]
    up, down = Influence(1.0, 0.4), Influence(-1.0, -0.2)
    model = TunnelModel(order, {("pol_1", "red"): up, ("pol_1", "blue"): up, ("red", "blue"): down})
    drawn = model.sample(500, np.random.default_rng(7), angle_range=30)
    eps = np.random.default_rng(7).laplace(scale=np.sqrt(0.5), size=(5, 500))
    angle = eps[3]
    red = 0.65 * bent(1, angle, 0.4) + 0.75 * eps[0]
    blue = 0.65 * (bent(1, angle, 0.4) + bent(-1, red, -0.2)) / np.sqrt(2) + 0.75 * eps[2]
    for name, z in {"red": red, "blue": blue, "green": eps[1]}.items():
        np.testing.assert_allclose(drawn[name], 128 + 120 * np.clip(z, -3, 3) / 3, atol=1e-9)
    np.testing.assert_allclose(drawn["pol_1"], 30 * np.clip(angle, -3, 3) / 3, atol=1e-12)
    assert list(drawn) == SETTINGS


@pytest.mark.parametrize("seed", range(5))
def test_settings_stay_within_what_the_tunnel_has(seed: int) -> None:
    model = random_tunnel_model(numpy_rng(seed, "tunnel model"))
    drawn = model.sample(3000, np.random.default_rng(seed), angle_range=20)
    assert drawn[BLOCKS["image"]].to_numpy().min() >= 8
    assert drawn[BLOCKS["image"]].to_numpy().max() <= 248
    assert np.abs(drawn[BLOCKS["sensors"]].to_numpy()).max() <= 20
    assert (drawn.std() > 0.2 * np.array([REACH] * 3 + [20] * 2)).all()
