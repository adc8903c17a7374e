"""The arrangement of a picture of graphs: the texts, boxes, curves and edge labels of each graph.

Each graph gets one panel of the picture. All coordinates are in inches, y upwards. matplotlib is used only to
measure texts; `drawing` draws what is arranged here.
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from personax.graphs.graph import Edge, Graph
from personax.graphs.layout import Route, place_nodes, route_edges
from personax.runs.figure_style import CELL_TEXT_SIZE, PAGE_WIDTH, TEXT_SIZE
from personax.runs.text_sizes import text_size

NODE_FONT, EDGE_FONT, TITLE_FONT = TEXT_SIZE, CELL_TEXT_SIZE, TEXT_SIZE
MARGIN = 0.3  # around each graph
HEADING_HEIGHT = 0.35  # of the title above a graph
# Where an edge label may stand along its curve, best places first.
LABEL_PLACES = (0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.26, 0.74, 0.2, 0.8)


class Extent(NamedTuple):
    """The borders of the area that a panel covers."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True)
class GraphPanel:
    """One graph and its place in the picture.

    Attributes:
        graph: the graph.
        texts: what is written in each node.
        positions: centres of the nodes.
        sizes: widths and heights of the nodes' boxes.
        routes: the curves of the edges.
        title: the heading.
        different: pairs of nodes whose edge is not the same in all graphs of the picture.
    """

    graph: Graph
    texts: list[str]
    positions: Float[np.ndarray, "d 2"]
    sizes: Float[np.ndarray, "d 2"]
    routes: list[Route]
    title: str
    different: frozenset[frozenset[int]]

    def extent(self) -> Extent:
        """The area that all nodes and curves cover."""
        corners = [self.positions - self.sizes / 2, self.positions + self.sizes / 2]
        points = np.concatenate([*corners, *(route.points() for route in self.routes)])
        (left, bottom), (right, top) = points.min(0), points.max(0)
        return Extent(float(left), float(bottom), float(right), float(top))

    def moved(self, offset: Float[np.ndarray, " 2"]) -> "GraphPanel":
        """The same panel at another place."""
        routes = [replace(route, control=route.control + offset) for route in self.routes]
        return replace(self, positions=self.positions + offset, routes=routes)

    def is_different(self, edge: Edge) -> bool:
        """True if the edge between these two nodes is not the same in all graphs of the picture."""
        return frozenset((edge.source, edge.target)) in self.different


class EdgeLabel(NamedTuple):
    """The text beside or on an edge, and the centre and size of its box."""

    text: str
    centre: Float[np.ndarray, " 2"]
    size: Float[np.ndarray, " 2"]
    edge: Edge


class LabelSpot(NamedTuple):
    """A possible centre of an edge label and its cost."""

    centre: Float[np.ndarray, " 2"]
    cost: float


class Row(NamedTuple):
    """Panels beside or below each other: the width of all, their upper border, the heights of the titles."""

    panels: list[GraphPanel]
    width: float
    top: float
    titles: list[float]


def pretty_name(name: str) -> str:
    """Write the name of a latent with a subscript, in matplotlib's notation; other names stay as they are.

    >>> pretty_name("s1"), pretty_name("z1_10"), pretty_name("height")
    ('$s_{1}$', '$z_{1{,}10}$', 'height')
    """
    if match := re.fullmatch(r"z(\d)(\d)|z(\d+)[_,](\d+)", name, re.ASCII):
        modality, number = match[1] or match[3], match[2] or match[4]
        return f"$z_{{{modality}{{,}}{number}}}$"
    if match := re.fullmatch(r"s_?(\d+)", name, re.ASCII):
        return f"$s_{{{match[1]}}}$"
    return name.replace("$", r"\$")


def node_text(name: str, labels: Mapping[str, str]) -> str:
    """What is written in a node: its name and below it its label, if it has one, in short lines."""
    label = labels.get(name, "").replace("$", r"\$")
    return "\n".join([pretty_name(name), *textwrap.wrap(label, 14, break_long_words=False)])


def edge_label(graph: Graph, edge: Edge) -> str:
    """The text at an edge: frequency and orientation frequency in percent, else the weight, else no text."""
    i, j = edge.source, edge.target
    if graph.frequency is not None:
        text = f"{100 * graph.frequency[i, j]:.0f}"
        if graph.orientation is not None and edge.mark in ("->", "o->"):
            text += f"/{100 * np.nan_to_num(graph.orientation[i, j]):.0f}"
        return text
    if graph.weights is not None:
        weight = graph.weights[i, j] if edge.mark == "->" else max(graph.weights[[i, j], [j, i]], key=abs)
        return f"{weight:.2f}".replace("-", "−") if np.isfinite(weight) else ""
    return ""


def _node_sizes(graph: Graph, texts: Sequence[str]) -> Float[np.ndarray, "d 2"]:
    """(d, 2) sizes of the boxes. All nodes of a block get the same size, to align rows and columns."""
    padding, smallest = np.array([0.24, 0.2]), np.array([0.55, 0.4])
    raw = np.array([text_size(text, NODE_FONT) for text in texts]).reshape(-1, 2)
    sizes: np.ndarray = np.maximum(raw + padding, smallest)
    for block in graph.block_names:
        members = graph.members(block)
        sizes[members] = sizes[members].max(0)
    return sizes


def arrange(graphs: Sequence[Graph], titles: Sequence[str], labels: Mapping[str, str]) -> list[GraphPanel]:
    """Make a panel for each graph. Graphs over the same names have their nodes in the same places.

    `labels` maps node names to a text that is written below the name. The panels still overlap;
    `side_by_side` moves them.
    """
    comparable = len(graphs) > 1 and all(graph.names == graphs[0].names for graph in graphs)
    different = _different_pairs(graphs) if comparable else frozenset()
    panels: list[GraphPanel] = []
    for graph, title in zip(graphs, titles, strict=True):
        texts = [node_text(name, labels) for name in graph.names]
        sizes = _node_sizes(graph, texts)
        if comparable and panels:
            positions = panels[0].positions
        else:
            drawn_here = graphs if comparable else [graph]
            edges = sorted({edge for each in drawn_here for edge in each.edges()})
            room = max(_label_room(each) for each in drawn_here)
            # With labels, an edge in a narrow place could only be drawn over a node.
            width = np.inf if room else PAGE_WIDTH - 2 * MARGIN
            positions = place_nodes(graph, edges, sizes, room=room, width=width)
        routes = route_edges(graph.edges(), positions, sizes)
        panels.append(GraphPanel(graph, texts, positions, sizes, routes, title, different))
    return panels


def _label_room(graph: Graph) -> float:
    """Inches to add between nodes for the longest edge label."""
    widths = [text_size(text, EDGE_FONT).width for edge in graph.edges() if (text := edge_label(graph, edge))]
    return 0.6 * max(widths, default=0.0)


def _different_pairs(graphs: Sequence[Graph]) -> frozenset[frozenset[int]]:
    """Pairs of nodes whose edge is not the same in all graphs."""
    edges = [set(graph.edges()) for graph in graphs]
    unequal = edges[0].union(*edges) - edges[0].intersection(*edges)
    return frozenset(frozenset((edge.source, edge.target)) for edge in unequal)


def _overlap(
    centre: Float[np.ndarray, " 2"],
    size: Float[np.ndarray, " 2"],
    centres: Float[np.ndarray, "k 2"],
    sizes: Float[np.ndarray, "k 2"],
) -> float:
    """Total area that a box has in common with k others, whose centres and sizes are (k, 2)."""
    common = (size + sizes) / 2 - np.abs(centre - centres)
    return float((np.minimum(common, size).clip(0)).prod(1).sum())


def _label_spots(route: Route, size: Float[np.ndarray, " 2"]) -> list[LabelSpot]:
    """Spots for an edge label of this size: on the curve, or just beside it."""
    points = route.points()
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    spots: list[LabelSpot] = []
    for at in LABEL_PLACES:
        before, on, after = route.points(np.array([at - 0.02, at, at + 0.02]))
        direction = (after - before) / max(float(np.hypot(*(after - before))), 1e-9)
        across = np.array([-direction[1], direction[0]])
        covered = min(1.0, float(np.abs(direction) @ size) / length)
        spots.append(LabelSpot(on, abs(at - 0.5) + (3 * covered if covered > 0.35 else 0)))
        beside = float(np.abs(across) @ size) / 2 + 0.035
        spots += [LabelSpot(on + sign * beside * across, abs(at - 0.5) + 0.35) for sign in (1, -1)]
    return spots


class Crowd:
    """Many points, sorted so that those in a box can be counted quickly."""

    def __init__(self, points: Float[np.ndarray, "p 2"]) -> None:
        self.points = points[np.argsort(points[:, 0], kind="stable")]

    def count(self, centre: Float[np.ndarray, " 2"], half: Float[np.ndarray, " 2"]) -> int:
        """The number of points that are nearer to `centre` than `half`, in x and in y."""
        left, right = centre[0] - half[0], centre[0] + half[0]
        # 1e-9: near the border rounding may matter, and the comparison below decides
        first, last = np.searchsorted(self.points[:, 0], [left - 1e-9, right + 1e-9])
        return int((np.abs(self.points[first:last] - centre) < half).all(1).sum())


def place_edge_labels(panel: GraphPanel) -> list[EdgeLabel]:
    """Place the label of every edge that has one: by its curve, away from nodes, curves and other labels."""
    placed: list[EdgeLabel] = []
    crowd = Crowd(np.concatenate([np.zeros((0, 2)), *(route.points() for route in panel.routes)]))
    shortest_first = sorted(panel.routes, key=lambda r: float(np.hypot(*(r.control[2] - r.control[0]))))
    for route in shortest_first:
        text = edge_label(panel.graph, route.edge)
        if not text:
            continue
        size = np.array(text_size(text, EDGE_FONT)) + 0.03
        own = Crowd(route.points())
        centres = np.concatenate([panel.positions, *(label.centre[None] for label in placed)])
        sizes = np.concatenate([panel.sizes, *(label.size[None] for label in placed)])
        best, least = panel.positions[0], np.inf
        for spot, price in _label_spots(route, size):
            half = size / 2 + 0.02
            crossed = crowd.count(spot, half) - own.count(spot, half)
            cost = price + 300 * _overlap(spot, size, centres, sizes) + 0.5 * float(min(crossed, 6))
            if cost < least:
                best, least = spot, cost
        placed.append(EdgeLabel(text, best, size, route.edge))
    return placed


def on_a_page(panels: Sequence[GraphPanel], below: float) -> Row:
    """Move the panels next to each other, or below each other where the page is too narrow for that."""
    row = side_by_side(panels, below)
    if row.width <= PAGE_WIDTH or len(panels) == 1:
        return row
    rows: list[Row] = []  # from the lowest one upwards
    for panel in reversed(panels):
        rows.append(side_by_side([panel], rows[-1].top + HEADING_HEIGHT if rows else below))
    width = max(row.width for row in rows)
    stacked = [_in_the_middle(row.panels[0], width) for row in reversed(rows)]
    return Row(stacked, width, rows[-1].top, [row.titles[0] for row in reversed(rows)])


def _in_the_middle(panel: GraphPanel, width: float) -> GraphPanel:
    """The panel, moved to the middle of a picture of this width."""
    extent = panel.extent()
    return panel.moved(np.array([(width - extent.left - extent.right) / 2, 0]))


def side_by_side(panels: Sequence[GraphPanel], below: float) -> Row:
    """Move the panels next to each other, centred on one horizontal line; they begin at height `below`."""
    extents = [panel.extent() for panel in panels]
    height = max(extent.top - extent.bottom for extent in extents) + 2 * MARGIN
    moved: list[GraphPanel] = []
    x = 0.0
    for panel, extent in zip(panels, extents, strict=True):
        width = max(extent.right - extent.left, text_size(panel.title, TITLE_FONT).width) + 2 * MARGIN
        middle = np.array([(extent.left + extent.right) / 2, (extent.bottom + extent.top) / 2])
        moved.append(panel.moved(np.array([x + width / 2, below + height / 2]) - middle))
        x += width
    top = below + height
    return Row(moved, x, top, [top + HEADING_HEIGHT - 0.12] * len(moved))
