"""The graph that explains latents best: against all orders, and against known graphs."""

from itertools import permutations

import numpy as np
import pytest

from personax.crl.graph_choice import HINGES, MANY, GraphChoice, graph_of_latents
from personax.crl.mechanism_cost import bends, standardise

PRICE = 0.02


def prices(d: int) -> np.ndarray:
    """The same price for all edges."""
    return np.full((d, d), PRICE) + np.diag(np.full(d, np.inf))


def chain(effect: str, n: int = 3000, seed: int = 0) -> np.ndarray:
    """z0 -> z1 -> z2 with effects of one kind, and z3 alone."""
    rng = np.random.default_rng(seed)
    function = {"line": lambda x: x, "sine": lambda x: np.sin(1.5 * x), "cosine": lambda x: np.cos(1.5 * x)}
    z = rng.normal(size=(n, 4))
    for child in (1, 2):
        cause = function[effect](z[:, child - 1] / z[:, child - 1].std())
        z[:, child] = cause / cause.std() + 0.7 * z[:, child]
    return z


CHAIN = np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize("effect", ["sine", "cosine"])
@pytest.mark.parametrize("start", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_bent_effects_show_the_graph_from_any_order(effect: str, start: list[int]) -> None:
    choice = GraphChoice(chain(effect), prices(4))
    np.testing.assert_array_equal(choice.graph(choice.climbed(start)), CHAIN)


def test_straight_effects_show_the_graph_without_its_directions() -> None:
    choice = GraphChoice(chain("line"), prices(4))
    graph = choice.graph(choice.climbed([3, 2, 1, 0]))
    np.testing.assert_array_equal(graph | graph.T, CHAIN | CHAIN.T)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_as_cheap_as_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(500, 5))
    for child in range(1, 5):
        z[:, child] += np.tanh(2 * z[:, rng.integers(child)]) + np.abs(z[:, rng.integers(child)])
    choice = GraphChoice(z[:, rng.permutation(5)], prices(5))
    best = min(choice.cost_of_order(order) for order in permutations(range(5)))
    found = min(choice.cost_of_order(choice.climbed(order)) for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0]))
    assert found == pytest.approx(best, abs=0.02)


def test_a_cost_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 3))
    z[:, 2] += 2 * z[:, 0]
    choice = GraphChoice(z, prices(3))
    assert choice.cost(2, []) == pytest.approx(0, abs=1e-4)
    # 4 of 5 parts of the variance are explained, and hardly more by the bends
    assert choice.cost(2, [0]) == pytest.approx(0.5 * np.log(1 / 5) + PRICE, abs=0.08)


def test_causes_are_taken_out_one_by_one_as_by_least_squares() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        z = rng.normal(size=(300, 5))
        z[:, 4] += np.abs(z[:, 0]) + 0.2 * z[:, 1] * rng.uniform(0, 2) + 0.1 * np.sin(2 * z[:, 2])
        choice = GraphChoice(z, prices(5))
        kept = [0, 1, 2, 3]
        while kept:
            fewer = [[cause for cause in kept if cause != out] for out in kept]
            best = min(fewer, key=lambda causes: choice.cost(4, causes))
            if choice.cost(4, best) > choice.cost(4, kept):
                break
            kept = best
        assert choice.causes(4, [0, 1, 2, 3])[1] == kept
        assert choice.causes(4, [0, 1, 2, 3])[0] == pytest.approx(choice.cost(4, kept))


def test_a_cost_with_trust_is_that_of_weighted_least_squares() -> None:
    z = standardise(chain("sine", n=600))
    trust = np.random.default_rng(0).uniform(0, 1, len(z))
    design = np.column_stack([np.ones(len(z)), bends(z[:, 1], HINGES)]) * np.sqrt(trust)[:, None]
    seen = z[:, 2] * np.sqrt(trust)
    left = seen - design @ np.linalg.lstsq(design, seen)[0]
    cost = GraphChoice(z, prices(4), trust).cost(2, [1])
    assert cost == pytest.approx(0.5 * np.log((left @ left) / trust.sum()) + PRICE, abs=1e-3)


def misread(n: int = 6000) -> tuple[np.ndarray, np.ndarray]:
    """z0 -> z1 and z0 -> z2, where z0 is read badly if it is far out; and the trust in each row."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 3))
    z[:, 1] = np.abs(z[:, 0]) / 0.6 + 0.6 * z[:, 1]
    z[:, 2] = np.maximum(z[:, 0], 0) / 0.58 - 0.3 * z[:, 0] + 0.5 * z[:, 2]
    far = np.abs(z[:, 0])
    z[:, 0] = np.where(far > 1.8, np.sign(z[:, 0]) * rng.uniform(0.5, 1.8, n), z[:, 0])
    return z, np.where(far > 1.8, 0.05, 1.0)


def test_rows_that_are_not_trusted_make_no_edges() -> None:
    z, trust = misread()
    order = [0, 1, 2]
    assert GraphChoice(z, prices(3)).graph(order)[1, 2] == 1  # not in the model
    np.testing.assert_array_equal(
        GraphChoice(z, prices(3), trust).graph(order), [[0, 1, 1], [0, 0, 0], [0, 0, 0]]
    )


def test_an_edge_that_gains_less_than_its_price_is_left_out() -> None:
    z = chain("sine")
    cheap, dear = (GraphChoice(z, np.full((4, 4), price)) for price in (0.001, 5.0))
    order = [0, 1, 2, 3]
    assert cheap.graph(order)[0, 1] == 1
    assert dear.graph(order).sum() == 0


def test_an_edge_that_must_not_be_is_not_chosen() -> None:
    forbidden = prices(4)
    forbidden[0, 1] = np.inf
    choice = GraphChoice(chain("sine"), forbidden)
    for start in permutations(range(4)):
        assert choice.graph(choice.climbed(start))[0, 1] == 0


def test_a_constant_latent_has_no_edge_and_a_copy_has_a_finite_cost() -> None:
    z = chain("sine")
    z[:, 3] = 1.0
    choice = GraphChoice(z, prices(4))
    graph = choice.graph(choice.climbed([3, 0, 1, 2]))
    assert graph[3].sum() + graph[:, 3].sum() == 0
    copied = GraphChoice(np.c_[z[:, 0], z[:, 0]], prices(2))
    assert np.isfinite(copied.cost(1, [0]))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_rows_have_a_graph_without_a_circle(n: int) -> None:
    choice = GraphChoice(np.random.default_rng(0).normal(size=(n, 3)), prices(3))
    order = choice.climbed([0, 1, 2])
    graph = choice.graph(order)
    assert not np.linalg.matrix_power(graph, 3).any()


def test_of_many_latents_causes_are_sought_among_those_that_depend() -> None:
    d = MANY + 2
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1500, d))
    for child in range(1, d):
        z[:, child] = np.sin(2 * z[:, child - 1]) + 0.5 * z[:, child]
    choice = GraphChoice(z, prices(d))
    assert max(map(len, choice.candidates)) <= 3  # parents, children and their other parents
    start = rng.permutation(d).tolist()
    graph = choice.graph(choice.climbed(start))
    np.testing.assert_array_equal(graph, np.eye(d, k=1, dtype=int))


def test_one_latent_has_no_edge() -> None:
    choice = GraphChoice(np.random.default_rng(0).normal(size=(50, 1)), prices(1))
    assert choice.climbed([0]) == [0]
    assert choice.graph([0]).tolist() == [[0]]


def test_the_graph_of_latents_is_found_from_random_orders() -> None:
    z = chain("sine")
    graph, order = graph_of_latents(z, prices(4), seed=0)
    np.testing.assert_array_equal(graph, CHAIN.astype(bool))
    assert all(order.index(int(i)) < order.index(int(j)) for i, j in np.argwhere(graph))
    assert not graph_of_latents(z, np.full((4, 4), np.inf), seed=0)[0].any()
