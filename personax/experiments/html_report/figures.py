"""Graphs as the page draws them: the arrangement of the house's pictures, in pixels."""

from collections.abc import Mapping, Sequence
from textwrap import wrap

import numpy as np
from jaxtyping import Float

from personax.experiments.html_report.blocks import EdgeView, GraphRow, GraphView, NodeView
from personax.experiments.html_report.numbers import with_arrows
from personax.graphs.graph import ARROW, CIRCLE, Edge, Graph
from personax.graphs.panels import GraphPanel, arrange, edge_label

PIXELS = 105  # per inch of the arrangement
MARGIN_PIXELS = 18
STRENGTH = "absolute weight"
MARKS = {ARROW: "arrow", CIRCLE: "circle"}
PixelPoints = Float[np.ndarray, "points 2"]


def graph_row(
    graphs: Sequence[Graph],
    titles: Sequence[str],
    labels: Sequence[Mapping[str, str]],
    tips: Mapping[str, str],
    caption: str,
) -> GraphRow:
    """Graphs beside each other; those over the same nodes have them in the same places.

    Args:
        graphs: the graphs.
        titles: one for each graph.
        labels: for each graph, node -> label.
        tips: node -> what is known about it, for the nodes of the first graph.
        caption: above the row.
    """
    panels = arrange(graphs, titles, {name: text for own in reversed(labels) for name, text in own.items()})
    views = [
        view_of(panel, own, tips if number == 0 else {})
        for number, (panel, own) in enumerate(zip(panels, labels, strict=True))
    ]
    measure = measure_of(graphs[0])
    strongest = max((edge.sure or 0.0 for view in views for edge in view.edges), default=0.0)
    most = float(np.ceil(20 * strongest) / 20) if measure == STRENGTH else 1.0
    return GraphRow(caption, views, measure, most)


def measure_of(graph: Graph) -> str:
    """What says how sure the edges are: frequency, probability, else the weight; "" if nothing does."""
    if graph.frequency is not None:
        return "probability" if graph.calibrated else "frequency"
    return STRENGTH if graph.weights is not None else ""


def view_of(panel: GraphPanel, labels: Mapping[str, str], tips: Mapping[str, str]) -> GraphView:
    """One arranged graph in pixels, y downwards, from the top left corner."""
    borders = panel.extent()
    corner = np.array([borders.left, borders.top])
    size = np.array([borders.right - borders.left, borders.top - borders.bottom]) * PIXELS + 2 * MARGIN_PIXELS

    def placed(points: PixelPoints) -> PixelPoints:
        pixels: np.ndarray = (np.atleast_2d(points) - corner) * (PIXELS, -PIXELS) + MARGIN_PIXELS
        return pixels

    graph = panel.graph
    centres, sizes = placed(panel.positions), panel.sizes * PIXELS
    nodes = [
        NodeView(
            [name, *wrap(labels.get(name, ""), 14, break_long_words=False)],
            (_in_tenths(centres[i, 0]), _in_tenths(centres[i, 1])),
            (_in_tenths(sizes[i, 0]), _in_tenths(sizes[i, 1])),
            graph.block_names.index(graph.block_of[name]),
            node_tip(graph, name, labels.get(name, ""), tips.get(name, "")),
        )
        for i, name in enumerate(graph.names)
    ]
    edges = [edge_view(graph, route.edge, placed(route.control)) for route in panel.routes]
    names = [block or "other" for block in graph.block_names]
    return GraphView(panel.title, _in_tenths(size[0]), _in_tenths(size[1]), nodes, edges, names)


def edge_view(graph: Graph, edge: Edge, control: PixelPoints) -> EdgeView:
    """An edge in pixels; `control` are the three points of its curve."""
    marks = graph.endpoint_marks
    start, middle, stop = control
    span = stop - start
    length = max(float(span @ span), 1e-9)
    relative = middle - start
    lean = float(relative @ span) / length
    bend = float(span[0] * relative[1] - span[1] * relative[0]) / length
    text = edge_label(graph, edge)
    half_way = 0.25 * start + 0.5 * middle + 0.25 * stop
    return EdgeView(
        edge.source,
        edge.target,
        MARKS.get(int(marks[edge.target, edge.source]), "none"),
        MARKS.get(int(marks[edge.source, edge.target]), "none"),
        "M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}".format(*control.ravel()),
        round(bend, 4),
        round(lean, 4),
        sureness_of(graph, edge),
        (text, _in_tenths(half_way[0]), _in_tenths(half_way[1])),
        edge_tip(graph, edge),
    )


def sureness_of(graph: Graph, edge: Edge) -> float | None:
    """The frequency, the probability or else the absolute weight of an edge; None if it is unknown."""
    matrix = graph.weights if graph.frequency is None else graph.frequency
    if matrix is None:
        return None
    there, back = (float(matrix[ends]) for ends in ((edge.source, edge.target), (edge.target, edge.source)))
    value = abs(there) if edge.mark == "->" else max(abs(there), abs(back))
    return round(value, 4) if np.isfinite(value) else None


def edge_tip(graph: Graph, edge: Edge) -> str:
    """What is known about an edge, line by line."""
    i, j = edge.source, edge.target
    lines = [with_arrows(f"{graph.names[i]} {edge.mark} {graph.names[j]}")]
    sure = sureness_of(graph, edge)
    if sure is not None:
        lines.append(f"{measure_of(graph)} of the edge: {sure:.2f}")
    if graph.frequency is not None and graph.orientation is not None and edge.mark in ("->", "o->"):
        lines.append(f"of this direction, if there is an edge: {np.nan_to_num(graph.orientation[i, j]):.2f}")
    if graph.frequency is not None and graph.weights is not None and np.isfinite(graph.weights[i, j]):
        lines.append(f"weight: {graph.weights[i, j]:.2f}")
    return "\n".join(lines)


def node_tip(graph: Graph, name: str, label: str, associated: str) -> str:
    """What is known about a node, line by line."""
    block = graph.block_of[name]
    lines = [name + (f": {label}" if label else "")]
    if block:
        lines.append("shared by all modalities" if block == "s" else f"block: {block}")
    if associated:
        lines.append(f"depends on (effect): {associated}")
    return "\n".join(lines)


def _in_tenths(value: float) -> float:
    return round(float(value), 1)
