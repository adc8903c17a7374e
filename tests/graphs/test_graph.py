"""The Graph type: writing and reading, and its texts for edges and blocks."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs.five_latents import BLOCKS, NAMES, TRUE
from hypothesis import given, settings
from hypothesis import strategies as st

from personax.graphs.graph import ARROW, CIRCLE, Graph, adjacency_from_marks, marks_from_adjacency
from personax.runs.errors import InputError


@st.composite
def adjacencies(draw: st.DrawFn, d: int = 5) -> np.ndarray:
    flat = draw(st.lists(st.booleans(), min_size=d * d, max_size=d * d))
    matrix = np.array(flat, dtype=int).reshape(d, d)
    np.fill_diagonal(matrix, 0)
    return matrix


@settings(deadline=None, derandomize=True, max_examples=40)
@given(adjacencies())
def test_marks_keep_the_adjacency(adjacency: np.ndarray) -> None:
    assert np.array_equal(adjacency_from_marks(marks_from_adjacency(adjacency)), adjacency)


@pytest.fixture
def full_graph() -> Graph:
    """A graph with all optional fields; one of its edges has a circle mark."""
    adjacency = np.zeros((4, 4), dtype=int)
    for i, j in ((0, 1), (0, 2), (2, 3), (3, 2)):
        adjacency[i, j] = 1
    marks = marks_from_adjacency(adjacency)
    marks[2, 3], marks[3, 2] = ARROW, CIRCLE
    return Graph(
        ["s1", "z11", "z21", "z22"],
        adjacency_from_marks(marks),
        weights=adjacency * 0.5,
        frequency=np.full((4, 4), 0.25),
        blocks={"s": ["s1"], "image": ["z11"], "text": ["z21", "z22"]},
        marks=marks,
        orientation=adjacency * 1.0,
        simulated=True,
    )


def test_json_keeps_everything(full_graph: Graph, tmp_path: Path) -> None:
    full_graph.to_json(tmp_path / "graph.json")
    after = Graph.from_json(tmp_path / "graph.json")
    assert json.loads((tmp_path / "graph.json").read_text())["blocks"]["text"] == ["z21", "z22"]
    assert (after.names, after.blocks, after.simulated) == (full_graph.names, full_graph.blocks, True)
    for key in ("adjacency", "weights", "frequency", "marks", "orientation"):
        assert np.array_equal(getattr(after, key), getattr(full_graph, key))


def test_edges_table_and_dot_name_the_same_edges(full_graph: Graph) -> None:
    assert full_graph.edge_texts() == ["s1 -> z11", "s1 -> z21", "z21 o-> z22"]
    table = full_graph.table()
    assert (table["from"] + " " + table["mark"] + " " + table["to"]).tolist() == full_graph.edge_texts()
    dot = full_graph.to_dot({"z11": "skin tone"})
    assert dot.count("dir=both") == 3
    assert '"z21" -> "z22" [dir=both, arrowhead=normal, arrowtail=odot];' in dot
    assert r'"z11" [label="z11\nskin tone"];' in dot


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('say "hi"', r'"say \"hi\""'),
        ("a\\N", r'"a\\N"'),
        ("ends with \\", r'"ends with \\"'),
        ("two\r\nlines", r'"two\nlines"'),
        ("tab\tand bell\a", '"tab and bell "'),
        ("&lt;b&gt;", '"&amp;lt;b&amp;gt;"'),
        ("half \ud800", '"half ?"'),
        ("身高", '"身高"'),
    ],
)
def test_graphviz_shows_what_a_person_has_written(written: str, shown: str) -> None:
    dot = Graph([written, "b"], np.array([[0, 1], [0, 0]])).to_dot({"b": written})
    dot.encode()
    assert f"  {shown} [label={shown}];" in dot
    assert f'  {shown} -> "b" [' in dot
    assert f'  "b" [label="b\\n{shown[1:]}];' in dot


@pytest.mark.parametrize("marks", [[[0, ARROW], [0, 0]], [[ARROW, ARROW], [ARROW, 0]]])
def test_marks_at_one_end_and_of_a_node_with_itself_are_refused(marks: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="marks: an edge has a mark at both of its ends"):
        Graph(["a", "b"], np.zeros((2, 2)), marks=np.array(marks))


def test_arrowheads_at_both_ends_are_one_edge() -> None:
    marks = np.array([[0, ARROW], [ARROW, 0]])
    graph = Graph(["a", "b"], np.array([[0, 1], [1, 0]]), marks=marks)
    assert graph.edge_texts() == ["a <-> b"]


def test_a_permuted_graph_is_the_same_graph(full_graph: Graph) -> None:
    moved = full_graph.permuted([2, 0, 3, 1])
    assert moved.names == ["z21", "s1", "z22", "z11"]
    assert set(moved.edge_texts()) == set(full_graph.edge_texts())
    assert moved.block_of == full_graph.block_of


def test_blocks_have_the_order_of_the_nodes_with_shared_latents_first() -> None:
    names = ["z22", "z11", "s1", "z21"]
    graph = Graph(names, np.zeros((4, 4)), blocks={"s": ["s1"], "text": ["z21", "z22"]})
    assert graph.blocks == {"text": ["z22", "z21"], "": ["z11"], "s": ["s1"]}
    assert graph.block_names == ["s", "text", ""]
    assert graph.members("text") == [0, 3]
    assert graph.block_of == {"z22": "text", "z11": "", "s1": "s", "z21": "text"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["a", "a", "b", "c", "d"]}, "some name occurs twice"),
        ({"blocks": {"image": ["z99"]}}, "'z99' is not a node"),
        ({"blocks": {"image": ["z11"], "text": ["z11"]}}, "'z11' occurs twice"),
        ({"names": ["a", "b"]}, r"adjacency: shape \(5, 5\), but there are 2 names"),
        ({"marks": np.full((5, 5), 7)}, "marks: holds values other than 0, 1, 2 and 3"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    graph = Graph(NAMES, TRUE, blocks=BLOCKS)
    with pytest.raises(ValueError, match=message):
        replace(graph, **({"blocks": {}} | change))  # type: ignore[arg-type]  # each is wrong in its own way


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ('{"names": ["a"]}', "adjacency"),
        ('{"names": ["a", "b"], "adjacency": [[0, 1]]}', "square"),
        ('{"names": ["a", "b", "c"], "adjacency": [[0, 1], [0, 0]]}', "3 names"),
        ('{"names": ["a", "a"], "adjacency": [[0, 1], [0, 0]]}', "twice"),
        ('{"names": ["a", "b"], "adjacency": [[0, 2], [0, 0]]}', "other than 0 and 1"),
        ('{"names": ["a", "b"], "adjacency": [[0, 1], [0, 0]], "blocks": {"s": ["c"]}}', "'c' is not a node"),
    ],
)
def test_a_bad_graph_file_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "graph.json").write_text(content)
    with pytest.raises(InputError, match=f"graph.json.*{message}"):
        Graph.from_json(tmp_path / "graph.json")
