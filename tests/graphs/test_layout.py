"""Curves and placements: edges bend around nodes, and parts of curves lie on them."""

from itertools import combinations

import numpy as np
from graphs.counted_array import CountedArray, counted

from personax.graphs.graph import Edge, Graph
from personax.graphs.layout import (
    CLEARANCE,
    bezier,
    boxes_hit,
    part_of_bezier,
    place_nodes,
    placement_faults,
    route_edges,
    wire,
)


def random_edges(rng: np.random.Generator, nodes: int, count: int) -> list[Edge]:
    pairs = list(combinations(range(nodes), 2))
    chosen = [pairs[k] for k in rng.choice(len(pairs), count, replace=False)]
    return [Edge(source, target, "->") for source, target in chosen]


def faults_one_by_one(positions: np.ndarray, sizes: np.ndarray, edges: list[Edge]) -> list[int]:
    """What `placement_faults` counts for all nodes, edge by edge; crossings by solving for the point."""
    over = crossings = narrow = upwards = 0
    for edge in edges:
        start, span = positions[edge.source], positions[edge.target] - positions[edge.source]
        for node in set(range(len(positions))) - set(edge[:2]):
            along = min(1.0, max(0.0, (positions[node] - start) @ span / (span @ span)))
            nearest = np.abs(positions[node] - (start + along * span))
            over += bool((nearest < sizes[node] / 2 + CLEARANCE).all())
        upwards += bool(positions[edge.target, 1] > positions[edge.source, 1] + 0.1)
    for one, two in combinations(edges, 2):
        common = set(one[:2]) & set(two[:2])
        if common:
            arms = [positions[sum(edge[:2]) - min(common)] - positions[min(common)] for edge in (one, two)]
            narrow += bool(arms[0] @ arms[1] > 0.95 * np.hypot(*arms[0]) * np.hypot(*arms[1]))
        else:
            spans = np.array([positions[edge.target] - positions[edge.source] for edge in (one, two)])
            apart = positions[two.source] - positions[one.source]
            at = np.linalg.solve(np.column_stack([spans[0], -spans[1]]), apart)
            crossings += bool(((at > 0) & (at < 1)).all())
    return [over, crossings, narrow, upwards]


def test_the_faults_of_a_placement_are_those_that_are_found_one_by_one() -> None:
    rng = np.random.default_rng(0)
    sizes = np.full((12, 2), 0.5)
    for _ in range(5):
        edges, positions = random_edges(rng, 12, 30), rng.uniform(0, 5, (12, 2))
        wiring = wire(edges, sizes, 1.0)
        found = placement_faults(positions[None], wiring, np.arange(12))[0]
        assert found.tolist() == faults_one_by_one(positions, sizes, edges)


def test_a_move_examines_a_small_part_of_a_large_graph() -> None:
    """The search makes thousands of moves; a graph of 60 nodes and 250 edges must not take minutes."""
    rng = np.random.default_rng(0)
    edges, positions = random_edges(rng, 60, 250), rng.uniform(0, 9, (1, 60, 2)).view(CountedArray)
    wiring = wire(edges, np.full((60, 2), 0.5), 1.0)
    with counted() as all_nodes:
        placement_faults(positions, wiring, np.arange(60))
    with counted() as two_nodes:
        placement_faults(positions, wiring, np.array([3, 41]))
    assert two_nodes.elements < all_nodes.elements / 8


def test_moved_nodes_explain_the_whole_difference_between_two_placements() -> None:
    rng = np.random.default_rng(1)
    sizes = rng.uniform(0.3, 0.8, (15, 2))
    for moved in ([3], [2, 9], [0, 7, 14]):
        before, after = placements = np.repeat(rng.uniform(0, 6, (1, 15, 2)), 2, axis=0)
        after[moved] = rng.uniform(0, 6, (len(moved), 2))
        wiring = wire(random_edges(rng, 15, 40), sizes, 1.0)
        everything = placement_faults(placements, wiring, np.arange(15))
        part = placement_faults(placements, wiring, np.array(moved))
        assert not np.array_equal(before, after)
        assert np.array_equal(part[1] - part[0], everything[1] - everything[0])


def test_many_curves_at_once_are_the_curves_one_by_one() -> None:
    controls, t = np.random.default_rng(2).normal(size=(4, 3, 2)), np.linspace(0, 1, 7)
    assert np.array_equal(bezier(controls, t), np.array([bezier(control, t) for control in controls]))


def test_an_edge_bends_around_a_node_in_its_way() -> None:
    positions, sizes = np.array([[0.0, 0], [1, 0], [2, 0]]), np.full((3, 2), 0.4)
    (route,) = route_edges([Edge(0, 2, "->")], positions, sizes)
    assert not boxes_hit(route.points(), positions[[1]], sizes[[1]], 0.05).any()


def test_an_edge_for_which_all_usual_bends_are_too_narrow_bends_otherwise() -> None:
    """As in the published graph of CelebPersona, if its texts are a little wider than usual."""
    positions = np.array([[1.3, 1.4], [3.9, -2.4], [1.7, -1.8], [1.7, -0.6], [3.9, -1.2]])
    sizes = np.array([[1.1, 0.6], *[[1.3, 0.6]] * 4])
    (route,) = route_edges([Edge(0, 1, "->")], positions, sizes)
    assert not boxes_hit(route.points(), positions[2:], sizes[2:], 0.05).any()


def test_an_edge_with_no_node_in_its_way_is_straight() -> None:
    positions, sizes = np.array([[0.0, 0], [1, 0], [2, 0]]), np.full((3, 2), 0.4)
    (route,) = route_edges([Edge(0, 1, "->")], positions, sizes)
    assert np.allclose(route.points()[:, 1], 0)


def test_an_edge_runs_from_border_to_border() -> None:
    positions, sizes = np.array([[0.0, 0], [2, 0]]), np.full((2, 2), 0.4)
    (route,) = route_edges([Edge(0, 1, "->")], positions, sizes)
    assert np.allclose(route.points()[[0, -1], 0], [0.2, 1.8], atol=0.03)


def test_a_part_of_a_curve_lies_on_the_curve() -> None:
    control = np.array([[0.0, 0], [1, 2], [3, 0]])
    part = part_of_bezier(control, 0.2, 0.7)
    t = np.linspace(0, 1, 5)
    assert np.allclose(bezier(part, t), bezier(control, 0.2 + 0.5 * t))


def test_the_placement_is_always_the_same_and_has_no_crossing_where_none_is_needed() -> None:
    # Two columns of two nodes and the edges a1 -> b2, a2 -> b1: one swap avoids the crossing.
    names = ["a1", "a2", "b1", "b2"]
    adjacency = np.zeros((4, 4), dtype=int)
    adjacency[0, 3] = adjacency[1, 2] = 1
    graph = Graph(names, adjacency, blocks={"a": names[:2], "b": names[2:]})
    sizes = np.full((4, 2), 0.5)
    first, second = (place_nodes(graph, graph.edges(), sizes) for _ in range(2))
    assert np.array_equal(first, second)
    assert (first[0, 1] > first[1, 1]) == (first[3, 1] > first[2, 1])
    assert first[:2, 0].max() < first[2:, 0].min()
