"""Scores and the Graph type: what counts as an error, and what survives a trip to disk."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personax.graphs.graph import ARROW, CIRCLE, Graph, adjacency_from_marks, marks_from_adjacency
from personax.graphs.scores import edge_auc, graph_scores
from personax.runs.errors import InputError


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
        (graph(4), 3, 0.0, 0.0, None),
    ],
)
def test_each_kind_of_error_counts_once(estimated, shd, f1, skeleton_f1, orientation):
    scores = graph_scores(TRUE, estimated)
    assert scores["shd"] == shd
    assert scores["f1"] == pytest.approx(f1)
    assert scores["skeleton_f1"] == pytest.approx(skeleton_f1)
    if orientation is None:
        assert np.isnan(scores["orientation_accuracy"])
    else:
        assert scores["orientation_accuracy"] == pytest.approx(orientation)


def test_two_empty_graphs_agree():
    scores = graph_scores(graph(3), graph(3))
    assert (scores["shd"], scores["precision"], scores["recall"], scores["f1"]) == (0, 1, 1, 1)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(adjacencies(), adjacencies(), st.permutations(range(5)))
def test_shd_is_a_distance_that_ignores_names(a, b, order):
    shd = graph_scores(a, b)["shd"]
    assert shd == graph_scores(b, a)["shd"]
    assert (shd == 0) == np.array_equal(a, b)
    assert shd == graph_scores(a[np.ix_(order, order)], b[np.ix_(order, order)])["shd"]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.zeros((3, 4)), "not square"),
        (np.full((4, 4), 0.5), "other than 0 and 1"),
        (np.eye(4), "itself"),
        (np.zeros((3, 3)), "4 nodes"),
    ],
)
def test_what_is_no_graph_is_refused(bad, said):
    with pytest.raises(ValueError, match=said):
        graph_scores(TRUE, bad)


def test_auc_of_frequencies():
    separating = np.where(TRUE | TRUE.T, 0.9, 0.1)
    assert edge_auc(TRUE, separating) == 1.0
    assert edge_auc(TRUE, 1 - separating) == 0.0
    assert edge_auc(TRUE, np.full((4, 4), 0.3)) == 0.5
    assert np.isnan(edge_auc(graph(4), separating))


@settings(deadline=None, derandomize=True, max_examples=40)
@given(adjacencies())
def test_marks_carry_the_adjacency(adjacency):
    assert np.array_equal(adjacency_from_marks(marks_from_adjacency(adjacency)), adjacency)


def full_graph() -> Graph:
    adjacency = graph(4, (0, 1), (0, 2), (2, 3), (3, 2))
    marks = marks_from_adjacency(adjacency)
    marks[2, 3], marks[3, 2] = ARROW, CIRCLE
    return Graph(
        ["s1", "z11", "z21", "z22"],
        adjacency_from_marks(marks),
        weights=adjacency * 0.5,
        frequency=np.full((4, 4), 0.25),
        blocks={"s1": "s", "z11": "image", "z21": "text", "z22": "text"},
        marks=marks,
        orientation=adjacency * 1.0,
        simulated=True,
    )


def test_json_keeps_everything(tmp_path):
    before = full_graph()
    before.to_json(tmp_path / "graph.json")
    after = Graph.from_json(tmp_path / "graph.json")
    assert json.loads((tmp_path / "graph.json").read_text())["blocks"]["text"] == ["z21", "z22"]
    assert (after.names, after.blocks, after.simulated) == (before.names, before.blocks, True)
    for key in ("adjacency", "weights", "frequency", "marks", "orientation"):
        assert np.array_equal(getattr(after, key), getattr(before, key))


def test_edges_tables_and_dot_speak_of_the_same_edges():
    which = full_graph()
    assert [(which.names[e.source], e.mark, which.names[e.target]) for e in which.edges()] == [
        ("s1", "->", "z11"),
        ("s1", "->", "z21"),
        ("z21", "o->", "z22"),
    ]
    assert which.table()["mark"].tolist() == ["->", "->", "o->"]
    assert '"z21" -> "z22" [dir=both, arrowhead=normal, arrowtail=odot];' in which.to_dot({})


def test_a_permuted_graph_is_the_same_graph():
    which = full_graph()
    moved = which.permuted([2, 0, 3, 1])
    edges = [{(g.names[e.source], e.mark, g.names[e.target]) for e in g.edges()} for g in (which, moved)]
    assert edges[0] == edges[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not valid JSON"),
        ('{"names": ["a"]}', "adjacency"),
        ('{"names": ["a", "b"], "adjacency": [[0, 1]]}', "square"),
        ('{"names": ["a", "b", "c"], "adjacency": [[0, 1], [0, 0]]}', "3 names"),
        ('{"names": ["a", "a"], "adjacency": [[0, 1], [0, 0]]}', "twice"),
        ('{"names": ["a", "b"], "adjacency": [[0, 2], [0, 0]]}', "other than 0 and 1"),
    ],
)
def test_a_bad_graph_file_is_named(tmp_path, content, said):
    (tmp_path / "graph.json").write_text(content)
    with pytest.raises(InputError, match=said) as error:
        Graph.from_json(tmp_path / "graph.json")
    assert "graph.json" in str(error.value)
