"""The places of the nodes in a picture of a graph and the curves of its edges, in inches.

A block is the set of latents of one modality, or the set of shared latents. Shared latents stand in a row on
top, the modalities beside each other below it. Each block has staggered places, called slots. Simulated
annealing decides which node gets which slot: it avoids crossings, edges that run over nodes, and long edges.
Then each edge is bent until it keeps clear of all other nodes. No drawing library is needed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import ceil, sqrt

import numpy as np
from jaxtyping import Bool, Float

from personax.graphs.graph import Edge, Graph
from personax.views import SHARED

GAP = np.array([0.6, 0.55])  # between neighbouring nodes: horizontal, vertical
BLOCK_GAP = 0.75  # between modalities
CLEARANCE = 0.07  # between an edge and a node that is not one of its ends
BENDS = (0.0, *(sign * bend for bend in (0.08, 0.16, 0.25, 0.36, 0.5, 0.7, 0.95) for sign in (1, -1)))
LEANS = (0.5, 0.25, 0.75)  # where the bend of an edge is strongest: half way, or nearer to one end
SAMPLES = np.linspace(0, 1, 61)
ANNEALING_STEPS = 5000


@dataclass(frozen=True)
class Route:
    """The curve of an edge from the border of one node to that of another.

    `control` holds the three control points of a quadratic Bézier curve.
    """

    edge: Edge
    control: Float[np.ndarray, "3 2"]

    def points(self, t: Float[np.ndarray, " t"] = SAMPLES) -> Float[np.ndarray, "t 2"]:
        """Points on the curve, at parameters t in [0, 1]."""
        return bezier(self.control, t)


def bezier(control: Float[np.ndarray, "3 2"], t: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t 2"]:
    """Points of the quadratic Bézier curve with these control points, at parameters t.

    >>> bezier(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]]), np.array([0.0, 0.5]))
    array([[0., 0.],
           [1., 1.]])
    """
    u = t[:, None]
    points: np.ndarray = (1 - u) ** 2 * control[0] + 2 * u * (1 - u) * control[1] + u**2 * control[2]
    return points


def part_of_bezier(control: Float[np.ndarray, "3 2"], start: float, stop: float) -> Float[np.ndarray, "3 2"]:
    """Control points of the part of a quadratic Bézier curve between two parameters."""
    a, b, c = control
    middle = (1 - start) * (1 - stop) * a + ((1 - start) * stop + start * (1 - stop)) * b + start * stop * c
    ends = bezier(control, np.array([start, stop]))
    return np.array([ends[0], middle, ends[1]])


def _slots(count: int, cell: np.ndarray, *, in_a_row: bool) -> np.ndarray:
    """(>= count, 2) staggered slots for the nodes of one block; the top left one is (0, 0), y points up."""
    columns = count if in_a_row else max(1, min(4, round(sqrt(count * 0.9))))
    rows = ceil(count / columns)
    lift = 0.0 if columns == 1 or in_a_row else 0.5
    places = [
        (column * cell[0], -(row + lift * (column % 2)) * cell[1])
        for row in range(rows)
        for column in range(columns)
    ]
    if columns == 1 and count > 2:  # a single column zigzags, so that no three nodes are on one line
        places = [(x + 0.35 * cell[0] * (i % 2), y) for i, (x, y) in enumerate(places)]
    return np.array(places)


def _block_slots(graph: Graph, cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Slots of every block of the picture: shared latents centred on top, modalities from left to right."""
    below = [block for block in graph.block_names if block != SHARED]
    slots: dict[str, np.ndarray] = {}
    x, height = 0.0, 0.0
    raw = {block: _slots(len(graph.members(block)), cells[block], in_a_row=False) for block in below}
    tallest = max((np.ptp(places[:, 1]) for places in raw.values()), default=0.0)
    for block in below:
        places = raw[block] - [0, (tallest - np.ptp(raw[block][:, 1])) / 2]
        slots[block] = places + np.array([x, 0])
        x += np.ptp(places[:, 0]) + cells[block][0] + BLOCK_GAP
        height = max(height, cells[block][1])
    if SHARED in graph.block_names:
        row = _slots(len(graph.members(SHARED)), cells[SHARED], in_a_row=True)
        every = np.concatenate(list(slots.values())) if below else np.zeros((1, 2))
        centre = (every[:, 0].min() + every[:, 0].max()) / 2
        row[:, 0] += centre - row[:, 0].mean()
        row[:, 1] += 1.15 * max(height, cells[SHARED][1]) if below else 0.0
        slots[SHARED] = row
    return slots


@dataclass(frozen=True)
class _Wiring:
    """What the cost of a placement depends on, apart from the positions.

    Attributes:
        ends: (e, 2) the two nodes of each edge.
        directed: (e,) bool, True for an arrow.
        half_sizes: (d, 2) half the width and height of each node's box.
        disjoint: (e, e) bool, True for two edges without a common node.
        forks: (k, 3) for two edges with a common node: this node and their other ends.
        scale: the typical distance of neighbours.
    """

    ends: np.ndarray
    directed: np.ndarray
    half_sizes: np.ndarray
    disjoint: np.ndarray
    forks: np.ndarray
    scale: float


def _wiring(edges: Sequence[Edge], sizes: np.ndarray, scale: float) -> _Wiring:
    pairs = sorted({(edge.source, edge.target) for edge in edges})
    ends = np.array(pairs, dtype=int).reshape(-1, 2)
    forks = [
        (common.pop(), *(set(a) ^ set(b)))
        for a, b in combinations(pairs, 2)
        if len(common := set(a) & set(b)) == 1
    ]
    arrows = {(edge.source, edge.target) for edge in edges if edge.mark == "->"}
    return _Wiring(
        ends=ends,
        directed=np.array([pair in arrows for pair in pairs], dtype=bool),
        half_sizes=sizes / 2,
        disjoint=(ends[:, None, :, None] != ends[None, :, None, :]).all((-1, -2)),
        forks=np.array(forks, dtype=int).reshape(-1, 3),
        scale=scale,
    )


def _cost(positions: np.ndarray, wiring: _Wiring) -> float:
    """Cost of a placement: edges over nodes, crossings, narrow forks, edges that point up, and length."""
    ends = wiring.ends
    if not len(ends):
        return 0.0
    start, stop = positions[ends[:, 0]], positions[ends[:, 1]]
    span = stop - start
    length = np.hypot(*span.T)
    # Nodes that a straight edge would cross.
    to_node = positions[None] - start[:, None]
    along = (to_node * span[:, None]).sum(-1) / (length**2)[:, None]
    nearest = start[:, None] + np.clip(along, 0, 1)[..., None] * span[:, None]
    inside = (np.abs(positions[None] - nearest) < wiring.half_sizes[None] + CLEARANCE).all(-1)
    inside[np.arange(len(ends))[:, None], ends] = False
    # Crossings of two edges without a common node.
    a, b = start[:, None], stop[:, None]
    side = _turn(a, b, start[None]) * _turn(a, b, stop[None])
    crossings = ((side < 0) & (side.T < 0) & wiring.disjoint).sum() / 2
    # Pairs of edges that leave a node in nearly the same direction.
    root, *tips = positions[wiring.forks.T]
    arms = [tip - root for tip in tips]
    cosine = (arms[0] * arms[1]).sum(1) / np.maximum(np.hypot(*arms[0].T) * np.hypot(*arms[1].T), 1e-9)
    narrow = (cosine > 0.95).sum()
    upwards = (wiring.directed & (span[:, 1] > 0.1)).sum()
    relative_length = (length / wiring.scale).sum()
    return float(2.5 * inside.sum() + 1.2 * crossings + 0.6 * narrow + 0.3 * upwards + 0.35 * relative_length)


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Positive where a -> b -> c turns left, over the last axis of size 2."""
    ab, ac = b - a, c - a
    turn: np.ndarray = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
    return turn


def place_nodes(
    graph: Graph, edges: Sequence[Edge], sizes: Float[np.ndarray, "d 2"], *, room: float = 0.0
) -> Float[np.ndarray, "d 2"]:
    """Return the centres of the nodes, in inches, y upwards. The result is always the same.

    `sizes` holds the width and height of each node's box; `room` is added to the gaps between them. `edges`
    may be other edges than those of the graph: two graphs that are drawn side by side share one placement,
    which is made for all their edges.
    """
    members = {block: graph.members(block) for block in graph.block_names}
    cells = {block: sizes[nodes].max(0) + GAP + room for block, nodes in members.items()}
    slots = _block_slots(graph, cells)
    order = {block: np.arange(len(places)) for block, places in slots.items()}
    wiring = _wiring(edges, sizes, float(np.mean(list(cells.values()))))

    def positions() -> np.ndarray:
        placed = np.zeros((len(graph.names), 2))
        for block, places in slots.items():
            placed[members[block]] = places[order[block][: len(members[block])]]
        return placed

    rng = np.random.default_rng(0)
    movable = [block for block, places in slots.items() if len(places) > 1]
    counts = np.array([len(slots[block]) for block in movable], dtype=float)
    chances = counts / counts.sum()
    best = current = positions()
    best_cost = current_cost = _cost(current, wiring)
    for step in range(ANNEALING_STEPS if movable and edges else 0):
        block = movable[rng.choice(len(movable), p=chances)]
        i = rng.integers(len(members[block]))
        j = rng.integers(len(slots[block]))
        if i == j:
            continue
        order[block][[i, j]] = order[block][[j, i]]
        tried = positions()
        cost = _cost(tried, wiring)
        temperature = 1.5 * (1 - step / ANNEALING_STEPS) ** 2 + 1e-6
        if cost <= current_cost or rng.random() < np.exp((current_cost - cost) / temperature):
            current, current_cost = tried, cost
            if cost < best_cost:
                best, best_cost = tried, cost
        else:
            order[block][[i, j]] = order[block][[j, i]]
    return best


def route_edges(
    edges: Sequence[Edge], positions: Float[np.ndarray, "d 2"], sizes: Float[np.ndarray, "d 2"]
) -> list[Route]:
    """Return a curve for every edge: straight if no node is in its way, else bent as little as necessary.

    Among bends that are equally good, it takes one that keeps away from the curves of earlier edges (short
    edges come first). Curves run from the border of one box to that of the other.
    """
    by_length = sorted(edges, key=lambda edge: float(np.hypot(*(positions[edge[0]] - positions[edge[1]]))))
    drawn: list[np.ndarray] = []
    routes: dict[Edge, Route] = {}
    for edge in by_length:
        options = [
            (_clearance_cost(control, edge, positions, sizes) + 4 * abs(bend) + 0.3 * (lean != 0.5), control)
            for bend, lean in product(BENDS, LEANS)
            if bend or lean == 0.5
            for control in [_curve(positions[edge.source], positions[edge.target], bend, lean)]
        ]
        best = sorted(options, key=lambda option: option[0])[:12]
        curves = [_between_borders(control, edge, positions, sizes) for _, control in best]
        costs = [cost + _crowding(curve, drawn) for (cost, _), curve in zip(best, curves, strict=True)]
        routes[edge] = Route(edge, curves[int(np.argmin(costs))])
        drawn.append(routes[edge].points())
    return [routes[edge] for edge in edges]


def _curve(start: np.ndarray, stop: np.ndarray, bend: float, lean: float) -> np.ndarray:
    """Control points of a curve from centre to centre; `bend` is relative to the distance."""
    span = stop - start
    return np.array([start, start + lean * span + bend * np.array([-span[1], span[0]]), stop])


def boxes_hit(
    points: Float[np.ndarray, "p 2"],
    positions: Float[np.ndarray, "d 2"],
    sizes: Float[np.ndarray, "d 2"],
    margin: float,
) -> Bool[np.ndarray, "p d"]:
    """Which points lie in which boxes, with `margin` added on each side of a box."""
    hit: np.ndarray = (np.abs(points[:, None] - positions[None]) < sizes[None] / 2 + margin).all(-1)
    return hit


def _clearance_cost(control: np.ndarray, edge: Edge, positions: np.ndarray, sizes: np.ndarray) -> float:
    """40 for every node that a curve runs over, and 2 for each sampled point inside a node."""
    hit = boxes_hit(bezier(control, SAMPLES), positions, sizes, CLEARANCE)
    hit[:, [edge.source, edge.target]] = False
    return float(40 * hit.any(0).sum() + 2 * hit.sum())


def _crowding(control: np.ndarray, drawn: Sequence[np.ndarray]) -> float:
    """Cost of running close to the curves drawn so far; a crossing is short and costs nothing.

    Points close to another curve cost most near the two ends, where the arrowheads are.
    """
    if not drawn:
        return 0.0
    points, others = bezier(control, SAMPLES), np.concatenate(drawn)
    close = (((points[:, None] - others[None]) ** 2).sum(-1) < 0.11**2).any(1)
    step = float(np.hypot(*np.diff(points, axis=0).T).sum()) / len(points)
    at_tips = close[[0, 1, 2, 3, -4, -3, -2, -1]].sum()
    return float(4 * max(0.0, step * close.sum() - 0.25) + 0.4 * at_tips)


def _between_borders(control: np.ndarray, edge: Edge, positions: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The part of a centre-to-centre curve outside the boxes of its two nodes."""
    t = np.linspace(0, 1, 801)
    points = bezier(control, t)
    ends = [edge.source, edge.target]
    inside = boxes_hit(points, positions[ends], sizes[ends], 0.02)
    start = t[inside[:, 0].nonzero()[0].max(initial=0)]
    stop = t[inside[:, 1].nonzero()[0].min(initial=len(t) - 1)]
    return part_of_bezier(control, float(start), float(max(stop, start + 0.02)))
