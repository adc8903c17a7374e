"""The search over causal orders, and the polish of coordinates."""

import numpy as np
from bent_people import bent_people

from personax.crl.closed_form import centred_means
from personax.crl.joint_sources import find_sources, read_shared
from personax.crl.mechanism_cost import SharedGiven
from personax.crl.order_search import Orders, OrderSearch, causal_order, climb, moves, price, shaken
from personax.crl.turn_polish import polish


def search_of(n: int = 1200) -> OrderSearch:
    x = centred_means(bent_people(n).people)[0]
    reading = read_shared(x, 1, seed=0)
    return OrderSearch(find_sources(x, reading.s, {"a": 3, "b": 2}, seed=0), SharedGiven(reading.s))


def test_moves_are_all_orders_with_one_source_elsewhere() -> None:
    found = list(moves(((0, 1, 2), (3,))))
    assert len(found) == len(set(found)) == 4
    assert ((1, 2, 0), (3,)) in found
    assert all(sorted(first) == [0, 1, 2] for first, _ in found)


def test_a_climb_sorts() -> None:
    def inversions(orders: tuple[tuple[int, ...], ...]) -> float:
        return sum(a > b for order in orders for i, a in enumerate(order) for b in order[i:])

    start: Orders = ((3, 0, 2, 1), (5, 4))
    assert climb(inversions, start, moves) == ((0, 1, 2, 3), (4, 5))


def test_shaking_keeps_sources_in_their_modality() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert [sorted(order) for order in shaken(((0, 1, 2), (3, 4)), rng)] == [[0, 1, 2], [3, 4]]


def test_causes_come_first() -> None:
    parents = np.zeros((3, 3), dtype=bool)
    parents[0, 2] = parents[1, 0] = True  # 2 -> 0 -> 1
    assert causal_order(parents, parents.astype(float)) == [2, 0, 1]


def test_candidates_are_orthogonal_within_modalities_and_best_first() -> None:
    found = search_of().run(0, 1)
    assert [c.score for c in found] == sorted(c.score for c in found)
    for candidate in found:
        np.testing.assert_allclose(candidate.turn @ candidate.turn.T, np.eye(5), atol=1e-9)


def test_effects_are_slopes_in_standard_deviations() -> None:
    """With z = R v = W^-1 e the noise of latent k is z_k minus its effects, each times z_j."""
    search = search_of()
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    spread = (search.sources.v @ turn.T).std(0)
    unmixed = np.linalg.inv(turn @ search.sources.mixing)
    expected = [
        [0 if j == k else -unmixed[k, j] / unmixed[k, k] * spread[j] / spread[k] for j in range(5)]
        for k in range(5)
    ]
    np.testing.assert_allclose(search.effects(turn), expected, rtol=1e-9)


def test_the_polish_lowers_the_cost_that_the_search_computes() -> None:
    search = search_of()
    best = search.run(0, 1)[0]
    turn, cost = polish(best.turn, best.parents, search.sources, search.given, steps=10)
    assert cost + price(best.parents, search.same) < best.score
    assert abs(search.score_of(turn, best.parents) - price(best.parents, search.same) - cost) < 1e-6
    np.testing.assert_allclose(turn @ turn.T, np.eye(5), atol=1e-9)
