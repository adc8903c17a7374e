"""What counts as an error of a graph."""

from itertools import combinations, product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personax.graphs.graph import Graph, adjacency_from_marks, check_adjacency, marks_from_adjacency
from personax.graphs.graph_scores import (
    best_threshold_f1,
    cpdag_marks,
    edge_auc,
    graph_scores,
    mark_distance,
    scores_of_graphs,
)


def graph(d: int, *edges: tuple[int, int]) -> np.ndarray:
    adjacency = np.zeros((d, d), dtype=int)
    for i, j in edges:
        adjacency[i, j] = 1
    return adjacency


@st.composite
def adjacencies(draw: st.DrawFn, d: int = 5) -> np.ndarray:
    flat = draw(st.lists(st.booleans(), min_size=d * d, max_size=d * d))
    matrix = np.array(flat, dtype=int).reshape(d, d)
    np.fill_diagonal(matrix, 0)
    return matrix


TRUE = graph(4, (0, 1), (0, 2), (2, 3))


@pytest.mark.parametrize(
    ("estimated", "shd", "f1", "skeleton_f1", "orientation"),
    [
        (TRUE, 0, 1.0, 1.0, 1.0),
        (graph(4, (0, 1), (0, 2)), 1, 0.8, 0.8, 1.0),  # one missing
        (graph(4, (0, 1), (0, 2), (2, 3), (1, 3)), 1, 6 / 7, 6 / 7, 1.0),  # one extra
        (graph(4, (1, 0), (0, 2), (2, 3)), 1, 2 / 3, 1.0, 2 / 3),  # one reversed
        (graph(4, (0, 1), (1, 0), (0, 2), (2, 3)), 1, 6 / 7, 1.0, 2 / 3),  # one undirected
        (graph(4), 3, 0.0, 0.0, np.nan),
    ],
)
def test_each_kind_of_error_counts_once(
    estimated: np.ndarray, shd: int, f1: float, skeleton_f1: float, orientation: float
) -> None:
    scores = graph_scores(TRUE, estimated)
    assert scores["shd"] == shd
    assert scores["f1"] == pytest.approx(f1)
    assert scores["skeleton_f1"] == pytest.approx(skeleton_f1)
    assert scores["orientation_accuracy"] == pytest.approx(orientation, nan_ok=True)


def test_two_empty_graphs_agree() -> None:
    scores = graph_scores(graph(3), graph(3))
    assert (scores["shd"], scores["precision"], scores["recall"], scores["f1"]) == (0, 1, 1, 1)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(adjacencies(), adjacencies(), st.permutations(range(5)))
def test_shd_is_a_distance_that_does_not_depend_on_the_order_of_the_nodes(
    a: np.ndarray, b: np.ndarray, order: list[int]
) -> None:
    shd = graph_scores(a, b)["shd"]
    assert shd == graph_scores(b, a)["shd"]
    assert (shd == 0) == np.array_equal(a, b)
    assert shd == graph_scores(a[np.ix_(order, order)], b[np.ix_(order, order)])["shd"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((3, 4)), "^graph: shape .* is not square"),
        (np.full((4, 4), 0.5), "^graph: holds values other than 0 and 1"),
        (np.eye(4), "^graph: has an edge from a node to itself"),
    ],
)
def test_matrices_that_are_no_adjacency_are_refused(bad: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_adjacency(bad, "graph")


def test_graphs_of_different_size_are_refused() -> None:
    with pytest.raises(ValueError, match="4 nodes, the estimated one 3"):
        graph_scores(TRUE, graph(3))
    with pytest.raises(ValueError, match="the frequencies"):
        edge_auc(TRUE, np.zeros((3, 3)))


def test_auc_of_frequencies() -> None:
    separating = np.where(TRUE | TRUE.T, 0.9, 0.1)
    assert edge_auc(TRUE, separating) == 1.0
    assert edge_auc(TRUE, 1 - separating) == 0.0
    assert edge_auc(TRUE, np.full((4, 4), 0.3)) == 0.5
    assert np.isnan(edge_auc(graph(4), separating))


CHAIN = graph(3, (0, 1), (1, 2))
COLLIDER = graph(3, (0, 1), (2, 1))
NODES = ["a", "b", "c"]


def with_marks(marks: list[list[int]]) -> Graph:
    return Graph(NODES, adjacency_from_marks(np.array(marks)), marks=np.array(marks))


def test_marks_count_in_the_distance() -> None:
    both, plain = with_marks([[0, 2, 0], [2, 0, 0], [0, 0, 0]]), with_marks([[0, 3, 0], [3, 0, 0], [0, 0, 0]])
    assert np.array_equal(both.adjacency, plain.adjacency)
    assert mark_distance(both.endpoint_marks, plain.endpoint_marks) == 1
    assert mark_distance(both.endpoint_marks, both.endpoint_marks) == 0


@pytest.mark.parametrize(
    ("true", "estimated", "shd", "of_class"),
    [
        (CHAIN, CHAIN | CHAIN.T, 2, 0),  # a perfect PC: the chain cannot be directed
        (CHAIN, CHAIN.T, 2, 0),  # the reversed chain is equivalent
        (CHAIN, COLLIDER, 1, 2),
        (COLLIDER, COLLIDER, 0, 0),
        (COLLIDER, COLLIDER | COLLIDER.T, 2, 2),
    ],
)
def test_what_independences_cannot_tell_is_no_error_in_the_distance_of_classes(
    true: np.ndarray, estimated: np.ndarray, shd: int, of_class: int
) -> None:
    scores = scores_of_graphs(Graph(NODES, true), Graph(NODES, estimated))
    assert (scores["shd"], scores["shd_cpdag"]) == (shd, of_class)


def test_a_perfect_pag_has_distance_zero_to_the_pag_of_the_truth() -> None:
    perfect = with_marks([[0, 2, 0], [1, 0, 1], [0, 2, 0]])  # a o-> b <-o c
    scores = scores_of_graphs(Graph(NODES, COLLIDER), perfect)
    assert (scores["shd"], scores["shd_pag"]) == (2, 0)
    assert "shd_cpdag" not in scores


def test_the_class_of_a_dag_is_what_all_equivalent_dags_agree_on() -> None:
    """Brute force: all DAGs of four nodes with the same skeleton and colliders."""
    classes: dict[bytes, list[np.ndarray]] = {}
    for kinds in product(range(3), repeat=6):
        dag = np.zeros((4, 4), dtype=int)
        for (i, j), kind in zip(combinations(range(4), 2), kinds, strict=True):
            dag[i, j], dag[j, i] = kind == 1, kind == 2
        if nx.is_directed_acyclic_graph(nx.from_numpy_array(dag, create_using=nx.DiGraph)):
            joined = dag | dag.T
            colliders = [
                (i, k, j)
                for k in range(4)
                for i, j in combinations(np.flatnonzero(dag[:, k]), 2)
                if not joined[i, j]
            ]
            classes.setdefault(joined.tobytes() + repr(colliders).encode(), []).append(dag)
    assert len(classes) == 185
    for members in classes.values():
        union = np.bitwise_or.reduce(members)
        for dag in members:
            assert np.array_equal(adjacency_from_marks(cpdag_marks(marks_from_adjacency(dag))), union)
        assert np.array_equal(adjacency_from_marks(cpdag_marks(marks_from_adjacency(union))), union)


def test_the_best_threshold_is_never_worse_than_none() -> None:
    """It finds a threshold that tells true from false edges, and with none it takes the best compromise."""
    true = np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    told = np.array([[0, 0.9, 0.8], [0.3, 0, 0.2], [0, 0, 0]])
    assert best_threshold_f1(true, told) == 1
    untold = np.array([[0, 0.9, 0.1], [0.3, 0, 0], [0, 0, 0]])
    assert best_threshold_f1(true, untold) == pytest.approx(0.8)  # all three: 2 hits of 3, none missed
    assert best_threshold_f1(true, np.zeros((3, 3))) == 0
