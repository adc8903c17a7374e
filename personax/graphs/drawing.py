"""Pictures of graphs with matplotlib alone; no Graphviz is needed.

Shared latents are red and stand on top; the first modality is blue, on the left; the second green, on its
right; further ones follow in other colours. Marks: i -> j an arrow, i — j a plain line (undirected), i <-> j
an arrow at both ends, a circle where the mark is unknown (FCI).
"""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, Circle, FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path as Curve

from personax.graphs.graph import ARROW, CIRCLE, SHARED, Edge, Graph
from personax.graphs.layout import Route, bezier, part_of_bezier, place_nodes, route_edges
from personax.runs.files import atomic_path

__all__ = ["Graph", "draw_graph", "draw_side_by_side"]

# (fill, border) of the shared latents, and of the modalities in order.
SHARED_COLOURS = ("#f9d0cb", "#b3261e")
MODALITY_COLOURS = (
    ("#d3e4f8", "#1d5a9e"),
    ("#d5edd3", "#2b7532"),
    ("#fde2bd", "#b06a00"),
    ("#e6d8f2", "#6a3d9a"),
    ("#cfeeee", "#147a7a"),
    ("#ecdccf", "#7a4a22"),
)
INK, DIFFERENT, FAINT = "#2b2b2b", "#d1571b", "#6b6b6b"
NODE_FONT, LABEL_FONT, EDGE_FONT, TITLE_FONT = 9.5, 8.5, 7.0, 11.0
HEAD_LENGTH, HEAD_WIDTH, CIRCLE_RADIUS = 0.125, 0.105, 0.042
MARGIN, LINE = 0.3, 0.19  # around a graph; from one line of notes to the next


@dataclass(frozen=True)
class _Panel:
    """One graph with the place it gets: text of its nodes, their centres and sizes, and its curves."""

    graph: Graph
    texts: list[str]
    positions: np.ndarray
    sizes: np.ndarray
    routes: list[Route]
    title: str
    different: frozenset[frozenset[int]]


def pretty_name(name: str) -> str:
    """`z12` as z with subscript 1,2; `z1_10` as z with subscript 1,10; `s1` likewise; others unchanged."""
    if match := re.fullmatch(r"z(\d)(\d)|z(\d+)[_,](\d+)", name):
        modality, number = match[1] or match[3], match[2] or match[4]
        return f"$z_{{{modality}{{,}}{number}}}$"
    if match := re.fullmatch(r"s_?(\d+)", name):
        return f"$s_{{{match[1]}}}$"
    return name.replace("$", r"\$")


def node_text(name: str, labels: Mapping[str, str]) -> str:
    """What is written in a node: its name and, below it, its label, wrapped."""
    label = labels.get(name, "")
    if not label:
        return pretty_name(name)
    return "\n".join(
        [pretty_name(name), *textwrap.wrap(label.replace("$", r"\$"), 14, break_long_words=False)]
    )


@lru_cache(maxsize=1)
def _canvas() -> FigureCanvasAgg:
    return FigureCanvasAgg(Figure(figsize=(4, 4), dpi=200))


@lru_cache(maxsize=4096)
def _text_size(text: str, font: float) -> tuple[float, float]:
    """Width and height of `text` in inches."""
    canvas = _canvas()
    drawn = canvas.figure.text(0.5, 0.5, text, fontsize=font, linespacing=1.15)
    extent = drawn.get_window_extent(canvas.get_renderer())
    drawn.remove()
    return extent.width / 200, extent.height / 200


def _node_sizes(graph: Graph, texts: Sequence[str]) -> np.ndarray:
    """(d, 2) box sizes: one size a block, so that columns and rows line up."""
    padding, least = np.array([0.24, 0.2]), np.array([0.55, 0.4])
    raw = np.array([_text_size(text, NODE_FONT) for text in texts]).reshape(-1, 2)
    sizes = np.maximum(raw + padding, least)
    for block in graph.block_names:
        members = graph.members(block)
        sizes[members] = sizes[members].max(0)
    return sizes


def _panels(
    graphs: Sequence[Graph], titles: Sequence[str], labels: Mapping[str, str]
) -> tuple[list[_Panel], bool]:
    """Lay out the graphs; those over the same nodes share one placement. Also: whether they do."""
    comparable = len(graphs) > 1 and all(graph.names == graphs[0].names for graph in graphs)
    different = _different_pairs(graphs) if comparable else frozenset()
    panels: list[_Panel] = []
    for graph, title in zip(graphs, titles, strict=True):
        texts = [node_text(name, labels) for name in graph.names]
        sizes = _node_sizes(graph, texts)
        if comparable and panels:
            positions = panels[0].positions
        else:
            drawn_here = graphs if comparable else [graph]
            room = max(_label_room(each) for each in drawn_here)
            positions = place_nodes(graph, _all_edges(drawn_here), sizes, room=room)
        routes = route_edges(graph.edges(), positions, sizes)
        panels.append(_Panel(graph, texts, positions, sizes, routes, title, different))
    return panels, comparable


def _label_room(graph: Graph) -> float:
    """Inches to add between nodes for the longest edge label."""
    widths = [_text_size(text, EDGE_FONT)[0] for edge in graph.edges() if (text := edge_label(graph, edge))]
    return 0.6 * max(widths, default=0.0)


def _all_edges(graphs: Sequence[Graph]) -> list[Edge]:
    return sorted({edge for graph in graphs for edge in graph.edges()})


def _different_pairs(graphs: Sequence[Graph]) -> frozenset[frozenset[int]]:
    """Pairs of nodes whose edge is not the same in all graphs."""
    edges = [set(graph.edges()) for graph in graphs]
    unequal = edges[0].union(*edges) - edges[0].intersection(*edges)
    return frozenset(frozenset((edge.source, edge.target)) for edge in unequal)


def edge_label(graph: Graph, edge: Edge) -> str:
    """Frequency and orientation frequency in percent where known, else the weight, else nothing."""
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


def _edge_width(graph: Graph, edge: Edge) -> float:
    """Line width in points: by frequency, else by weight relative to the largest, else constant."""
    i, j = edge.source, edge.target
    if graph.frequency is not None:
        return float(0.7 + 2.0 * graph.frequency[i, j])
    if graph.weights is not None:
        size = np.nan_to_num(np.abs(graph.weights))
        return float(0.8 + 1.6 * max(size[i, j], size[j, i]) / max(size.max(), 1e-12))
    return 1.4


def _colours(graph: Graph) -> dict[str, tuple[str, str]]:
    modalities = [block for block in graph.block_names if block != SHARED]
    cycle = {b: MODALITY_COLOURS[i % len(MODALITY_COLOURS)] for i, b in enumerate(modalities)}
    return {SHARED: SHARED_COLOURS} | cycle


def _draw_mark(axes: Axes, mark: int, tip: np.ndarray, direction: np.ndarray, colour: str) -> None:
    """An arrowhead or a circle whose outer end is at `tip`, pointing along the unit vector `direction`."""
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
    return {ARROW: HEAD_LENGTH * 0.85, CIRCLE: 2 * CIRCLE_RADIUS}.get(mark, 0.0)


def _draw_edge(axes: Axes, panel: _Panel, route: Route, width: float, colour: str) -> None:
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


def _overlap(centre: np.ndarray, size: np.ndarray, centres: np.ndarray, sizes: np.ndarray) -> float:
    """Total area that a box shares with others (k, 2)."""
    if not len(centres):
        return 0.0
    common = (size + sizes) / 2 - np.abs(centre - centres)
    return float((np.minimum(common, size).clip(0)).prod(1).sum())


def _label_spots(route: Route, size: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Places for an edge label of the given size with what they cost: on the curve, or just beside it."""
    points = route.points()
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    spots: list[tuple[np.ndarray, float]] = []
    for at in (0.5, 0.44, 0.56, 0.38, 0.62, 0.32, 0.68, 0.26, 0.74, 0.2, 0.8):
        before, on, after = route.points(np.array([at - 0.02, at, at + 0.02]))
        direction = (after - before) / max(float(np.hypot(*(after - before))), 1e-9)
        across = np.array([-direction[1], direction[0]])
        covered = min(1.0, float(np.abs(direction) @ size) / length)
        spots.append((on, abs(at - 0.5) + (3 * covered if covered > 0.35 else 0)))
        beside = float(np.abs(across) @ size) / 2 + 0.035
        spots += [(on + sign * beside * across, abs(at - 0.5) + 0.35) for sign in (1, -1)]
    return spots


def _place_edge_labels(panel: _Panel) -> list[tuple[str, np.ndarray, np.ndarray, Route]]:
    """(text, centre, size, route) of every edge label: by its curve, clear of nodes, curves and labels."""
    placed: list[tuple[str, np.ndarray, np.ndarray, Route]] = []
    curves = {route.edge: route.points() for route in panel.routes}
    shortest_first = sorted(panel.routes, key=lambda r: float(np.hypot(*(r.control[2] - r.control[0]))))
    for route in shortest_first:
        text = edge_label(panel.graph, route.edge)
        if not text:
            continue
        size = np.array(_text_size(text, EDGE_FONT)) + 0.03
        others = [points for edge, points in curves.items() if edge != route.edge]
        crowd = np.concatenate(others) if others else np.zeros((0, 2))
        centres = np.concatenate([panel.positions, *(centre[None] for _, centre, _, _ in placed)])
        sizes = np.concatenate([panel.sizes, *(taken[None] for _, _, taken, _ in placed)])
        best, least = panel.positions[0], np.inf
        for spot, price in _label_spots(route, size):
            crossed = (np.abs(crowd - spot) < size / 2 + 0.02).all(1).sum()
            cost = price + 300 * _overlap(spot, size, centres, sizes) + 0.5 * float(min(crossed, 6))
            if cost < least:
                best, least = spot, cost
        placed.append((text, best, size, route))
    return placed


def _pair(route: Route) -> frozenset[int]:
    return frozenset((route.edge.source, route.edge.target))


def _draw_box(axes: Axes, centre: np.ndarray, size: np.ndarray, rounding: float, **style: Any) -> None:
    shape = BoxStyle.Round(pad=0, rounding_size=rounding)
    axes.add_patch(FancyBboxPatch(tuple(centre - size / 2), size[0], size[1], boxstyle=shape, **style))


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    graph, colours = panel.graph, _colours(panel.graph)
    for route in panel.routes:
        colour = DIFFERENT if _pair(route) in panel.different else INK
        _draw_edge(axes, panel, route, _edge_width(graph, route.edge), colour)
    for text, centre, size, route in _place_edge_labels(panel):
        colour = DIFFERENT if _pair(route) in panel.different else INK
        _draw_box(axes, centre, size, 0.03, zorder=4, facecolor="white", edgecolor="none")
        x, y = centre
        axes.text(x, y, text, fontsize=EDGE_FONT, ha="center", va="center_baseline", color=colour, zorder=5)
    for name, text, centre, size in zip(graph.names, panel.texts, panel.positions, panel.sizes, strict=True):
        fill, border = colours[graph.blocks[name]]
        _draw_box(axes, centre, size, 0.12, zorder=6, facecolor=fill, edgecolor=border, lw=1.3)
        x, y = centre
        axes.text(x, y, text, fontsize=NODE_FONT, ha="center", va="center", linespacing=1.15, zorder=7)
    _draw_headings(axes, panel, colours)


def _draw_headings(axes: Axes, panel: _Panel, colours: Mapping[str, tuple[str, str]]) -> None:
    """The name of each modality under its nodes, of the shared latents above theirs."""
    _, low, _, high = _extent(panel)
    for block in panel.graph.block_names:
        at = panel.positions[panel.graph.members(block), 0]
        y = high + 0.2 if block == SHARED else low - 0.2
        heading = "shared" if block == SHARED else block
        x, colour = (at.min() + at.max()) / 2, colours[block][1]
        axes.text(x, y, heading, fontsize=LABEL_FONT, ha="center", va="center", color=colour)


def _extent(panel: _Panel) -> tuple[float, float, float, float]:
    """Left, bottom, right, top of all nodes and curves, in inches."""
    points = np.concatenate(
        [
            panel.positions - panel.sizes / 2,
            panel.positions + panel.sizes / 2,
            *[r.points() for r in panel.routes],
        ]
    )
    (left, bottom), (right, top) = points.min(0), points.max(0)
    return float(left), float(bottom), float(right), float(top)


def _footnotes(panels: Sequence[_Panel], comparable: bool, note: str) -> list[str]:
    """Lines under the picture that say what its marks and numbers mean, where there are any."""
    lines = [note] if note else []
    if comparable and panels[0].different:
        lines.append("orange: the edge is not the same in both graphs")
    if any(panel.graph.frequency is not None for panel in panels):
        both = any(panel.graph.orientation is not None for panel in panels)
        direction = " / how often it then has this direction" if both else ""
        lines.append(f"edge label, in %: how often the edge was found{direction}")
    elif any(panel.graph.weights is not None and panel.routes for panel in panels):
        lines.append("edge label: weight")
    marks = {route.edge.mark for panel in panels for route in panel.routes}
    meanings = {
        "---": "plain line: undirected",
        "<->": "two arrowheads: hidden common cause",
        "o->": "circle: unknown mark",
        "o-o": "circle: unknown mark",
        "o--": "circle: unknown mark",
    }
    known = list(dict.fromkeys(meaning for mark, meaning in meanings.items() if mark in marks))
    if known:
        lines.append("; ".join(known))
    if any(panel.graph.simulated for panel in panels):
        lines.append("simulated people")
    return lines


def _moved(panel: _Panel, offset: np.ndarray) -> _Panel:
    routes = [replace(route, control=route.control + offset) for route in panel.routes]
    return replace(panel, positions=panel.positions + offset, routes=routes)


def _side_by_side(panels: Sequence[_Panel], below: float) -> tuple[list[_Panel], float, float]:
    """The panels moved beside each other above `below`, centred on one line; width and top of the whole."""
    extents = np.array([_extent(panel) for panel in panels])
    height = float((extents[:, 3] - extents[:, 1]).max()) + 2 * MARGIN
    moved: list[_Panel] = []
    x = 0.0
    for panel, (left, bottom, right, top) in zip(panels, extents, strict=True):
        width = max(right - left, _text_size(panel.title, TITLE_FONT)[0]) + 2 * MARGIN
        middle = np.array([(left + right) / 2, (bottom + top) / 2])
        moved.append(_moved(panel, np.array([x + width / 2, below + height / 2]) - middle))
        x += width
    return moved, x, below + height


def _draw(
    graphs: Sequence[Graph],
    titles: Sequence[str],
    path_stem: Path | str,
    labels: Mapping[str, str],
    note: str,
    formats: Sequence[str],
) -> list[Path]:
    """All coordinates are inches from the lower left corner of the picture."""
    with matplotlib.rc_context({"svg.hashsalt": "personax", "pdf.fonttype": 42}):
        laid_out, comparable = _panels(graphs, titles, labels)
        lines = _footnotes(laid_out, comparable, note)
        below = 0.35 + LINE * len(lines)
        panels, width, top = _side_by_side(laid_out, below)
        longest = max((_text_size(line, LABEL_FONT)[0] for line in lines), default=0) + MARGIN
        if longest > width:
            shift = np.array([(longest - width) / 2, 0])
            panels, width = [_moved(panel, shift) for panel in panels], longest
        height = top + (0.35 if any(titles) else 0)
        figure = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, height))
        axes.set_axis_off()
        for panel in panels:
            _draw_panel(axes, panel)
            left, _, right, _ = _extent(panel)
            middle = (left + right) / 2
            axes.text(middle, height - 0.12, panel.title, fontsize=TITLE_FONT, ha="center", va="top")
        for number, line in enumerate(lines):
            y = below - 0.28 - LINE * number
            axes.text(width / 2, y, line, fontsize=LABEL_FONT, ha="center", va="center", color=FAINT)
        return [_save(figure, Path(path_stem), suffix) for suffix in formats]


def _save(figure: Figure, stem: Path, suffix: str) -> Path:
    path = stem.with_name(f"{stem.name}.{suffix}")
    undated = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=suffix, dpi=200, metadata=undated.get(suffix))
    return path


def draw_graph(
    graph: Graph,
    path_stem: Path | str,
    *,
    title: str = "",
    labels: Mapping[str, str] | None = None,
    note: str = "",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Draw one graph to `path_stem`.png, .svg, ... and return the paths; each file is written atomically.

    `labels` maps node names to a second line in their box. Edge width and label show the frequency where
    the graph has one, else the weight. `note` is printed below the picture.
    """
    return _draw([graph], [title], path_stem, labels or {}, note, formats)


def draw_side_by_side(
    left: Graph,
    right: Graph,
    titles: tuple[str, str],
    path_stem: Path | str,
    *,
    labels: Mapping[str, str] | None = None,
    note: str = "",
    formats: Sequence[str] = ("png", "svg"),
) -> list[Path]:
    """Draw two graphs beside each other; see `draw_graph`.

    Over the same names (in the same order) the nodes stand in the same places, and edges that are not the
    same in both graphs are orange.
    """
    return _draw([left, right], titles, path_stem, labels or {}, note, formats)
