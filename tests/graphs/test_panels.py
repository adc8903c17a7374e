"""The arrangement of a picture: no node, edge or label is hidden, and texts are typeset."""

from functools import cache

import numpy as np
import pytest
from graphs.counted_array import CountedArray, counted

from personax.graphs.drawing import HEAD_LENGTH
from personax.graphs.graph import Edge, Graph
from personax.graphs.graph_files import published, published_names
from personax.graphs.layout import boxes_hit
from personax.graphs.panels import (
    Crowd,
    GraphPanel,
    arrange,
    edge_label,
    node_text,
    on_a_page,
    place_edge_labels,
    pretty_name,
    side_by_side,
)
from personax.runs.figure_style import PAGE_WIDTH

BLOCK_SIZES = {"s": 3, "image": 10, "text": 5}


def random_graph(seed: int, share: float, block_sizes: dict[str, int]) -> Graph:
    blocks = {block: [f"{block}{i + 1}" for i in range(count)] for block, count in block_sizes.items()}
    names = [name for members in blocks.values() for name in members]
    rng = np.random.default_rng(seed)
    adjacency = np.triu(rng.random((len(names), len(names))) < share, 1).astype(int)
    frequency = np.round(rng.uniform(0.2, 1, adjacency.shape), 2)
    return Graph(
        names, adjacency, frequency=(frequency + frequency.T) / 2, orientation=frequency, blocks=blocks
    )


@cache
def published_panel(name: str) -> GraphPanel:
    graph, labels, title = published(name)
    return arrange([graph], [title], labels)[0]


def assert_nothing_hidden(panel: GraphPanel) -> None:
    graph = panel.graph
    gaps = np.abs(panel.positions[:, None] - panel.positions[None])
    apart = (gaps >= (panel.sizes[:, None] + panel.sizes[None]) / 2).any(-1)
    assert (apart | np.eye(len(apart), dtype=bool)).all(), "two nodes overlap"
    for route in panel.routes:
        others = [i for i in range(len(graph.names)) if i not in route.edge[:2]]
        hit = boxes_hit(route.points(), panel.positions[others], panel.sizes[others], 0.02)
        assert not hit.any(), f"{route.edge} runs over a node"
        visible = np.hypot(*np.diff(route.points(), axis=0).T).sum()
        assert visible > 1.5 * HEAD_LENGTH, f"{route.edge} is too short to see"
    labels = place_edge_labels(panel)
    assert len(labels) == sum(bool(edge_label(graph, edge)) for edge in graph.edges())
    for k, label in enumerate(labels):
        centre = label.centre[None]
        hit = boxes_hit(centre, panel.positions, panel.sizes + label.size, -0.01)
        assert not hit.any(), f"{label.text} is hidden by a node"
        for before in labels[:k]:
            hit = boxes_hit(centre, before.centre[None], before.size[None] + label.size, -0.02)
            assert not hit.any(), f"{label.text} covers {before.text}"


@pytest.mark.parametrize("name", published_names())
def test_nothing_is_hidden_in_the_published_graphs(name: str) -> None:
    assert_nothing_hidden(published_panel(name))


@pytest.mark.parametrize(
    ("seed", "share", "block_sizes"),
    [
        (0, 0.16, BLOCK_SIZES),
        (1, 0.16, BLOCK_SIZES),
        (2, 0.16, BLOCK_SIZES),
        (1, 0.2, {"a": 2, "b": 3, "c": 1, "d": 2, "e": 2}),  # no shared block
    ],
)
def test_nothing_is_hidden_with_many_edge_labels(
    seed: int, share: float, block_sizes: dict[str, int]
) -> None:
    (panel,) = arrange([random_graph(seed, share, block_sizes)], [""], {})
    assert_nothing_hidden(panel)


def test_points_in_a_box_are_counted_as_one_by_one() -> None:
    points = np.random.default_rng(0).integers(0, 20, (400, 2)) / 4  # many are on the border of a box
    crowd = Crowd(points)
    for half in np.array([[0.5, 0.25], [2.0, 0.1], [0.3, 9.0]]):
        for centre in points[:50]:
            one_by_one = sum(bool((np.abs(point - centre) < half).all()) for point in points)
            assert crowd.count(centre, half) == one_by_one


def test_only_the_points_above_and_below_a_box_are_looked_at() -> None:
    points = np.random.default_rng(0).uniform(0, 10, (1000, 2))
    crowd = Crowd(points.view(CountedArray))
    with counted() as work:
        crowd.count(np.array([5.0, 5.0]), np.array([0.5, 0.5]))
    assert 0 < work.elements < 10 * 150  # some 100 of the points, and few operations on each


def test_blocks_stand_where_the_paper_has_them() -> None:
    panel = published_panel("celeb")
    x, y = panel.positions.T
    shared, image, text = (panel.graph.members(block) for block in ("s", "image", "text"))
    assert y[shared].min() > y[image + text].max()
    assert x[image].max() < x[text].min()


def test_graphs_over_the_same_names_share_the_places_of_their_nodes() -> None:
    names = ["z11", "z12", "z21"]
    marks = np.array([[0, 2, 1], [2, 0, 0], [2, 0, 0]])  # z11 <-> z12, z21 o-> z11
    left = Graph(names, np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0]]), marks=marks)
    right = Graph(names, np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]]))
    panels = arrange([left, right], ["a", "b"], {})
    assert np.array_equal(panels[0].positions, panels[1].positions)
    assert panels[0].different == panels[1].different == {frozenset((0, 1)), frozenset((0, 2))}
    assert panels[0].is_different(Edge(1, 0, "->"))
    assert not panels[0].is_different(Edge(1, 2, "->"))


def test_edges_of_graphs_over_other_names_are_not_compared() -> None:
    left = Graph(["a", "b"], np.array([[0, 1], [0, 0]]))
    right = Graph(["c", "d"], np.zeros((2, 2)))
    assert not any(panel.different for panel in arrange([left, right], ["", ""], {}))


def test_panels_side_by_side_do_not_overlap() -> None:
    panel = published_panel("celeb")
    row = side_by_side([panel, panel, panel], below=1.0)
    extents = [moved.extent() for moved in row.panels]
    borders = [border for extent in extents for border in (extent.left, extent.right)]
    assert borders == sorted(borders)
    assert borders[0] > 0
    assert borders[-1] < row.width
    assert all(1 < extent.bottom < extent.top < row.top for extent in extents)


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
def test_names_are_typeset(name: str, text: str) -> None:
    assert pretty_name(name) == text


def test_labels_are_wrapped_between_words() -> None:
    assert node_text("z21", {"z21": "positive language use"}).split("\n")[1:] == ["positive", "language use"]
    assert node_text("z13", {"z13": "attractivenesses"}).split("\n")[1:] == ["attractivenesses"]
    assert node_text("height", {"z13": "attractivenesses"}) == "height"


def test_edge_labels_show_the_frequency_or_else_the_weight() -> None:
    adjacency = np.array([[0, 1], [0, 0]])
    edge = Edge(0, 1, "->")
    weights, half = adjacency * -0.531, np.full((2, 2), 0.5)
    assert edge_label(Graph(["a", "b"], adjacency), edge) == ""
    assert edge_label(Graph(["a", "b"], adjacency, weights=weights), edge) == "−0.53"
    assert edge_label(Graph(["a", "b"], adjacency, weights, frequency=half), edge) == "50"
    assert edge_label(Graph(["a", "b"], adjacency, weights, half, orientation=half), edge) == "50/50"


def test_graphs_that_do_not_fit_beside_each_other_stand_below_each_other() -> None:
    panel = published_panel("celeb")
    row = on_a_page([panel, panel], below=1.0)
    upper, lower = (each.extent() for each in row.panels)
    assert lower.top < upper.bottom
    assert upper.left >= 0
    assert row.top > row.titles[0] - 0.5 > lower.top
    narrow = arrange([random_graph(0, 0.5, {"s": 1, "image": 2})] * 2, ["a", "b"], {})
    assert on_a_page(narrow, below=1.0).width == side_by_side(narrow, below=1.0).width


@pytest.mark.parametrize("name", ["athlete", "celeb"])
def test_a_published_graph_fits_on_a_page(name: str) -> None:
    assert on_a_page([published_panel(name)], below=0.0).width <= PAGE_WIDTH
