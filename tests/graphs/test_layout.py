"""Curves and placements: edges bend around nodes, and parts of curves lie on them."""

import numpy as np

from personax.graphs.graph import Edge, Graph
from personax.graphs.layout import bezier, boxes_hit, part_of_bezier, place_nodes, route_edges


def test_an_edge_bends_around_a_node_in_its_way() -> None:
    positions, sizes = np.array([[0.0, 0], [1, 0], [2, 0]]), np.full((3, 2), 0.4)
    (route,) = route_edges([Edge(0, 2, "->")], positions, sizes)
    assert not boxes_hit(route.points(), positions[[1]], sizes[[1]], 0.05).any()


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
