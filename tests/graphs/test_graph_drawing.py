"""Pictures: nothing hidden, colours and marks where they belong, files whole."""

import numpy as np
import pytest

from personax.graphs import drawing
from personax.graphs.drawing import draw_graph, draw_side_by_side, edge_label, node_text, pretty_name
from personax.graphs.graph import Edge, Graph
from personax.graphs.layout import bezier, boxes_hit, part_of_bezier, place_nodes, route_edges
from personax.graphs.sources import published, published_names

BLOCKS = {"s": 3, "image": 10, "text": 5}


def random_graph(seed: int, share: float, sizes: dict[str, int] = BLOCKS) -> Graph:
    names = [f"{block}{i + 1}" for block, count in sizes.items() for i in range(count)]
    rng = np.random.default_rng(seed)
    adjacency = np.triu(rng.random((len(names), len(names))) < share, 1).astype(int)
    frequency = np.round(rng.uniform(0.2, 1, adjacency.shape), 2)
    return Graph(
        names,
        adjacency,
        frequency=(frequency + frequency.T) / 2,
        orientation=frequency,
        blocks={name: name.rstrip("0123456789") for name in names},
    )


def panel_of(graph: Graph, labels: dict[str, str]) -> drawing._Panel:
    panels, _ = drawing._panels([graph], [""], labels)
    return panels[0]


def assert_nothing_hidden(graph: Graph, labels: dict[str, str]) -> None:
    panel = panel_of(graph, labels)
    gaps = np.abs(panel.positions[:, None] - panel.positions[None])
    apart = (gaps >= (panel.sizes[:, None] + panel.sizes[None]) / 2).any(-1)
    assert (apart | np.eye(len(apart), dtype=bool)).all(), "two nodes overlap"
    for route in panel.routes:
        others = [i for i in range(len(graph.names)) if i not in route.edge[:2]]
        assert not boxes_hit(route.points(), panel.positions[others], panel.sizes[others], 0.02).any(), (
            f"{route.edge} runs over a node"
        )
        visible = np.hypot(*np.diff(route.points(), axis=0).T).sum()
        assert visible > 1.5 * drawing.HEAD_LENGTH, f"{route.edge} is too short to see"
    labels_placed = drawing._place_edge_labels(panel)
    assert len(labels_placed) == sum(bool(edge_label(graph, edge)) for edge in graph.edges())
    for k, (text, centre, size, _) in enumerate(labels_placed):
        assert not boxes_hit(centre[None], panel.positions, panel.sizes + size, -0.01).any(), (
            f"{text} is hidden"
        )
        rest = labels_placed[:k]
        if rest:
            centres, sizes = np.array([p[1] for p in rest]), np.array([p[2] for p in rest])
            assert not boxes_hit(centre[None], centres, sizes + size, -0.02).any(), f"{text} covers a label"


@pytest.mark.parametrize("name", published_names())
def test_nothing_is_hidden_in_the_published_graphs(name):
    graph, labels, _ = published(name)
    assert_nothing_hidden(graph, labels)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_hidden_at_18_nodes_with_frequencies(seed):
    assert_nothing_hidden(random_graph(seed, 0.16), {})


def test_nothing_is_hidden_with_five_modalities_and_no_shared_block():
    assert_nothing_hidden(random_graph(1, 0.2, {"a": 2, "b": 3, "c": 1, "d": 2, "e": 2}), {})


def test_blocks_stand_where_the_paper_has_them():
    graph, labels, _ = published("celeb")
    panel = panel_of(graph, labels)
    x, y = panel.positions.T
    shared, image, text = (graph.members(block) for block in ("s", "image", "text"))
    assert y[shared].min() > y[image + text].max()
    assert x[image].max() < x[text].min()
    colours = drawing._colours(graph)
    assert [colours[block] for block in ("s", "image", "text")] == [
        drawing.SHARED_COLOURS,
        *drawing.MODALITY_COLOURS[:2],
    ]


def test_an_edge_bends_around_a_node_in_its_way():
    positions, sizes = np.array([[0.0, 0], [1, 0], [2, 0]]), np.full((3, 2), 0.4)
    (route,) = route_edges([Edge(0, 2, "->")], positions, sizes)
    assert not boxes_hit(route.points(), positions[[1]], sizes[[1]], 0.05).any()
    (straight,) = route_edges([Edge(0, 1, "->")], positions, sizes)
    assert np.allclose(straight.points()[:, 1], 0)


def test_a_part_of_a_curve_lies_on_the_curve():
    control = np.array([[0.0, 0], [1, 2], [3, 0]])
    part = part_of_bezier(control, 0.2, 0.7)
    t = np.linspace(0, 1, 5)
    assert np.allclose(bezier(part, t), bezier(control, 0.2 + 0.5 * t))


def test_layout_is_deterministic():
    graph = random_graph(0, 0.15)
    sizes = np.full((len(graph.names), 2), 0.5)
    first, second = (place_nodes(graph, graph.edges(), sizes, steps=300) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("z12", "$z_{1{,}2}$"),
        ("z1_10", "$z_{1{,}10}$"),
        ("s3", "$s_{3}$"),
        ("height", "height"),
        ("$", r"\$"),
    ],
)
def test_names_are_typeset(name, text):
    assert pretty_name(name) == text


def test_labels_are_wrapped_between_words():
    assert node_text("z21", {"z21": "positive language use"}).split("\n")[1:] == ["positive", "language use"]
    assert node_text("z13", {"z13": "attractivenesses"}).split("\n")[1:] == ["attractivenesses"]


def test_edge_labels_say_frequency_else_weight():
    adjacency = np.array([[0, 1], [0, 0]])
    edge = Edge(0, 1, "->")
    weights, half = adjacency * -0.531, np.full((2, 2), 0.5)
    assert edge_label(Graph(["a", "b"], adjacency), edge) == ""
    assert edge_label(Graph(["a", "b"], adjacency, weights=weights), edge) == "−0.53"
    assert edge_label(Graph(["a", "b"], adjacency, weights, frequency=half), edge) == "50"
    assert edge_label(Graph(["a", "b"], adjacency, weights, half, orientation=half), edge) == "50/50"


def test_pictures_are_written_whole(tmp_path):
    graph, labels, title = published("athlete")
    paths = draw_graph(graph, tmp_path / "graph", title=title, labels=labels, formats=("png", "svg", "pdf"))
    assert [path.name for path in paths] == ["graph.png", "graph.svg", "graph.pdf"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.pdf", "graph.png", "graph.svg"]
    assert paths[0].read_bytes().startswith(b"\x89PNG")
    again = draw_graph(graph, tmp_path / "again", title=title, labels=labels)
    assert again[0].read_bytes() == paths[0].read_bytes()


def test_side_by_side_with_all_marks_and_with_other_nodes(tmp_path):
    names = ["z11", "z12", "z21"]
    marks = np.array([[0, 2, 1], [2, 0, 0], [2, 0, 0]])  # z11 <-> z12, z21 o-> z11
    left = Graph(names, np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0]]), marks=marks, simulated=True)
    right = Graph(names, np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]]))
    assert len(draw_side_by_side(left, right, ("a", "b"), tmp_path / "pair")) == 2
    panels, comparable = drawing._panels([left, right], ["a", "b"], {})
    assert comparable and np.array_equal(panels[0].positions, panels[1].positions)
    assert panels[0].different == {frozenset((0, 1)), frozenset((0, 2))}
    other = Graph(["a", "b"], np.zeros((2, 2)))
    assert len(draw_side_by_side(left, other, ("a", "b"), tmp_path / "strangers")) == 2
