"""Pictures of graphs with matplotlib alone; Graphviz is not needed.

Shared latents are red and at the top. The first modality is blue and on the left, the second is green and on
its right; further modalities follow in other colours. i -> j is an arrow, i — j (undirected) a plain line,
i <-> j a line with an arrowhead at both ends; a circle is an unknown mark (FCI).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import BoxStyle, Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve

from personax.graphs.graph import ARROW, CIRCLE, Edge, Graph
from personax.graphs.layout import Route, bezier, part_of_bezier
from personax.graphs.panels import (
    EDGE_FONT,
    LINE_SPACING,
    MARGIN,
    NODE_FONT,
    TITLE_FONT,
    GraphPanel,
    arrange,
    place_edge_labels,
    side_by_side,
    text_size,
)
from personax.runs.figure_style import MODALITY_COLOURS, fonts_for, new_figure, save_figure
from personax.views import SHARED

SHARED_COLOUR = "#b3261e"
INK, DIFFERENT, FAINT = "#2b2b2b", "#d1571b", "#6b6b6b"
LABEL_FONT = 8.5
HEAD_LENGTH, HEAD_WIDTH, CIRCLE_RADIUS = 0.125, 0.105, 0.042  # of arrowheads and circle marks
NOTE_HEIGHT = 0.19  # from one line below the picture to the next

MARK_MEANINGS = {
    "---": "plain line: direction open",
    "<->": "two arrowheads: hidden common cause",
    "o->": "circle: unknown mark",
    "o-o": "circle: unknown mark",
    "o--": "circle: unknown mark",
}


class NodeColours(NamedTuple):
    """The colours of the nodes of one block."""

    fill: str
    border: str


def block_colours(graph: Graph) -> dict[str, NodeColours]:
    """Return block -> colours of its nodes: red for shared latents, one colour per modality."""
    modalities = [block for block in graph.block_names if block != SHARED]
    borders = {b: MODALITY_COLOURS[i % len(MODALITY_COLOURS)] for i, b in enumerate(modalities)}
    return {block: NodeColours(_tint(c), c) for block, c in ({SHARED: SHARED_COLOUR} | borders).items()}


def _tint(colour: str) -> str:
    """A light version of a colour."""
    red, green, blue = (0.2 * part + 0.8 for part in to_rgb(colour))
    return to_hex((red, green, blue))


def edge_width(graph: Graph, edge: Edge) -> float:
    """Line width in points: larger for a larger frequency, else for a larger weight, else constant."""
    i, j = edge.source, edge.target
    if graph.frequency is not None:
        return float(0.7 + 2.0 * graph.frequency[i, j])
    if graph.weights is not None:
        size = np.nan_to_num(np.abs(graph.weights))
        return float(0.8 + 1.6 * max(size[i, j], size[j, i]) / max(size.max(), 1e-12))
    return 1.4


def _draw_mark(
    axes: Axes, mark: int, tip: Float[np.ndarray, " 2"], direction: Float[np.ndarray, " 2"], colour: str
) -> None:
    """Draw an arrowhead or a circle that ends at `tip` and points along the unit vector `direction`."""
    if mark == ARROW:
        across = np.array([-direction[1], direction[0]])
        base = tip - HEAD_LENGTH * direction
        corners = [tip, base + across * HEAD_WIDTH / 2, base - across * HEAD_WIDTH / 2]
        axes.add_patch(Polygon(corners, closed=True, facecolor=colour, edgecolor=colour, lw=0.4, zorder=3))
    elif mark == CIRCLE:
        centre = tip - CIRCLE_RADIUS * direction
        axes.add_patch(
            Circle(tuple(centre), CIRCLE_RADIUS, facecolor="white", edgecolor=colour, lw=1.1, zorder=3)
        )


def _mark_length(mark: int) -> float:
    """By how many inches a line must be shorter, so that there is room for the mark at its end."""
    return {ARROW: HEAD_LENGTH * 0.85, CIRCLE: 2 * CIRCLE_RADIUS}.get(mark, 0.0)


def _draw_edge(axes: Axes, panel: GraphPanel, route: Route, width: float, colour: str) -> None:
    edge, marks = route.edge, panel.graph.endpoint_marks
    at_source, at_target = int(marks[edge.target, edge.source]), int(marks[edge.source, edge.target])
    t = np.linspace(0, 1, 401)
    points = bezier(route.control, t)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    start = float(np.interp(_mark_length(at_source), along, t))
    stop = float(np.interp(along[-1] - _mark_length(at_target), along, t))
    line = part_of_bezier(route.control, start, stop)
    curve = Curve(line, [Curve.MOVETO, Curve.CURVE3, Curve.CURVE3])
    axes.add_patch(PathPatch(curve, facecolor="none", edgecolor=colour, lw=width, capstyle="butt", zorder=2))
    for mark, tip, inner in ((at_source, points[0], line[0]), (at_target, points[-1], line[2])):
        if mark in (ARROW, CIRCLE):
            direction = (tip - inner) / max(float(np.hypot(*(tip - inner))), 1e-9)
            _draw_mark(axes, mark, tip, direction, colour)


def _draw_box(
    axes: Axes, centre: Float[np.ndarray, " 2"], size: Float[np.ndarray, " 2"], rounding: float, **style: Any
) -> None:
    shape = BoxStyle.Round(pad=0, rounding_size=rounding)
    axes.add_patch(FancyBboxPatch(tuple(centre - size / 2), size[0], size[1], boxstyle=shape, **style))


def _draw_panel(axes: Axes, panel: GraphPanel) -> None:
    for route in panel.routes:
        colour = DIFFERENT if panel.is_different(route.edge) else INK
        _draw_edge(axes, panel, route, edge_width(panel.graph, route.edge), colour)
    for text, centre, size, edge in place_edge_labels(panel):
        colour = DIFFERENT if panel.is_different(edge) else INK
        _draw_box(axes, centre, size, 0.03, zorder=4, facecolor="white", edgecolor="none")
        x, y = centre
        axes.text(x, y, text, fontsize=EDGE_FONT, ha="center", va="center_baseline", color=colour, zorder=5)
    colours, block_of = block_colours(panel.graph), panel.graph.block_of
    for name, text, centre, size in zip(
        panel.graph.names, panel.texts, panel.positions, panel.sizes, strict=True
    ):
        fill, border = colours[block_of[name]]
        _draw_box(axes, centre, size, 0.12, zorder=6, facecolor=fill, edgecolor=border, lw=1.3)
        x, y = centre
        axes.text(
            x, y, text, fontsize=NODE_FONT, ha="center", va="center", linespacing=LINE_SPACING, zorder=7
        )
    _draw_headings(axes, panel, colours)


def _draw_headings(axes: Axes, panel: GraphPanel, colours: Mapping[str, NodeColours]) -> None:
    """Write the name of each modality below its nodes and "shared" above the shared latents."""
    extent = panel.extent()
    for block in panel.graph.block_names:
        at = panel.positions[panel.graph.members(block), 0]
        y = extent.top + 0.2 if block == SHARED else extent.bottom - 0.2
        heading = "shared" if block == SHARED else block
        x, colour = (at.min() + at.max()) / 2, colours[block].border
        axes.text(x, y, heading, fontsize=LABEL_FONT, ha="center", va="center", color=colour)


def _shows_weights(panel: GraphPanel) -> bool:
    """Whether the edges of a panel are labelled with their weights."""
    graph = panel.graph
    return graph.frequency is None and graph.weights is not None and bool(panel.routes)


def _footnotes(panels: Sequence[GraphPanel], note: str) -> list[str]:
    """Lines below the picture that explain those marks and numbers that occur in it."""
    lines = [note] if note else []
    if any(panel.different for panel in panels):
        lines.append("orange: the edge is not the same in both graphs")
    if any(panel.graph.calibrated for panel in panels):
        lines.append("learned edge, in %: how sure it is that there is one / that its direction is right")
    counted = [panel.graph for panel in panels if panel.graph.frequency is not None]
    counted = [graph for graph in counted if not graph.calibrated]
    if counted:
        both = any(graph.orientation is not None for graph in counted)
        direction = " / how often it then has this direction" if both else ""
        lines.append(f"edge label, in %: how often the edge was found{direction}")
    if any(_shows_weights(panel) for panel in panels):
        mixed = any(panel.graph.frequency is not None for panel in panels)
        lines.append("edge label with decimals: weight" if mixed else "edge label: weight")
    marks = {route.edge.mark for panel in panels for route in panel.routes}
    meanings = list(dict.fromkeys(meaning for mark, meaning in MARK_MEANINGS.items() if mark in marks))
    if meanings:
        lines.append("; ".join(meanings))
    if any(panel.graph.simulated for panel in panels):
        lines.append("simulated people")
    return lines


def _draw_graphs(
    graphs: Sequence[Graph],
    titles: Sequence[str],
    labels: Mapping[str, str],
    stem: Path,
    note: str,
    formats: Sequence[str],
) -> list[Path]:
    """Arrange and draw graphs with fonts that have the characters of their names, labels and titles."""
    names = [name for graph in graphs for name in [*graph.names, *graph.block_names]]
    with fonts_for([*names, *titles, *labels.values(), note]):
        return _draw_panels(arrange(graphs, titles, labels), stem, note, formats)


def _draw_panels(panels: Sequence[GraphPanel], stem: Path, note: str, formats: Sequence[str]) -> list[Path]:
    """Draw the panels side by side. All coordinates are inches from the lower left corner of the picture."""
    lines = _footnotes(panels, note)
    below = 0.35 + NOTE_HEIGHT * len(lines)
    placed, width, top = side_by_side(panels, below)
    longest = max((text_size(line, LABEL_FONT).width for line in lines), default=0.0) + MARGIN
    if longest > width:
        shift = np.array([(longest - width) / 2, 0])
        placed, width = [panel.moved(shift) for panel in placed], longest
    height = top + (0.35 if any(panel.title for panel in panels) else 0)
    with matplotlib.rc_context({"pdf.fonttype": 42}):
        figure = new_figure(width, height)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
        for panel in placed:
            _draw_panel(axes, panel)
            extent = panel.extent()
            middle = (extent.left + extent.right) / 2
            axes.text(middle, height - 0.12, panel.title, fontsize=TITLE_FONT, ha="center", va="top")
        for number, line in enumerate(lines):
            y = below - 0.28 - NOTE_HEIGHT * number
            axes.text(width / 2, y, line, fontsize=LABEL_FONT, ha="center", va="center", color=FAINT)
        return save_figure(figure, stem, formats)


def draw_graph(
    graph: Graph,
    stem: Path,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    note: str = "",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Draw one graph to the files `stem`.png, `stem`.svg, ... and return their paths.

    `labels` maps node names to a second line of text in their box. The widths and labels of the edges show
    their frequency if the graph has frequencies, else their weight. `note` is written below the picture.
    """
    return _draw_graphs([graph], [title], labels or {}, stem, note, formats)


def draw_side_by_side(
    left: Graph,
    right: Graph,
    titles: tuple[str, str],
    stem: Path,
    *,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Draw two graphs beside each other; `draw_graph` explains the other arguments.

    If both have the same names in the same order, the nodes are at the same places, and edges that are not
    the same in both graphs are orange.
    """
    return _draw_graphs([left, right], titles, labels or {}, stem, note, formats)
