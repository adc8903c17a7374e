"""What counts as an error of a graph."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personax.graphs.graph_scores import check_adjacency, edge_auc, graph_scores


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
