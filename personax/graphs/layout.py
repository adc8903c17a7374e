"""Where the nodes of a picture stand and how its edges run, in inches; no drawing library involved.

Shared latents stand in a row on top, the modalities beside each other below it. Nodes are put on staggered
slots by simulated annealing over crossings, edges through nodes and lengths; edges are then bent until they
clear every other node.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import ceil, sqrt

import numpy as np

from personax.graphs.graph import SHARED, Edge, Graph

GAP = np.array([0.6, 0.55])  # between neighbouring nodes, sideways and downwards
BLOCK_GAP = 0.75  # between modalities
CLEARANCE = 0.07  # between an edge and a node it does not belong to
BENDS = (0.0, *(sign * bend for bend in (0.08, 0.16, 0.25, 0.36, 0.5, 0.7, 0.95) for sign in (1, -1)))
LEANS = (0.5, 0.25, 0.75)  # where along an edge its bend is strongest
SAMPLES = np.linspace(0, 1, 61)


@dataclass(frozen=True)
class Route:
    """A quadratic Bézier curve (3 control points, each (2,)) from the border of one node to another's."""

    edge: Edge
    control: np.ndarray

    def points(self, t: np.ndarray = SAMPLES) -> np.ndarray:
        """(len(t), 2) points on the curve."""
        return bezier(self.control, t)


def bezier(control: np.ndarray, t: np.ndarray) -> np.ndarray:
    """(len(t), 2) points at parameters t of the quadratic Bézier curve with (3, 2) control points."""
    t = np.asarray(t)[:, None]
    return (1 - t) ** 2 * control[0] + 2 * t * (1 - t) * control[1] + t**2 * control[2]


def part_of_bezier(control: np.ndarray, start: float, stop: float) -> np.ndarray:
    """(3, 2) control points of the part of a quadratic Bézier curve between two parameters."""
    a, b, c = control
    middle = (1 - start) * (1 - stop) * a + ((1 - start) * stop + start * (1 - stop)) * b + start * stop * c
    ends = bezier(control, np.array([start, stop]))
    return np.array([ends[0], middle, ends[1]])


def _slots(count: int, cell: np.ndarray, *, in_a_row: bool) -> np.ndarray:
    """(>= count, 2) staggered places for the nodes of one block, top left at (0, 0), y downwards negative."""
    columns = count if in_a_row else max(1, min(4, round(sqrt(count * 0.9))))
    rows = ceil(count / columns)
    lift = 0.0 if columns == 1 or in_a_row else 0.5
    places = [
        (column * cell[0], -(row + lift * (column % 2)) * cell[1])
        for row in range(rows)
        for column in range(columns)
    ]
    if columns == 1 and count > 2:  # a lone column leans from side to side, so that no three nodes align
        places = [(x + 0.35 * cell[0] * (i % 2), y) for i, (x, y) in enumerate(places)]
    return np.array(places)


def _block_slots(graph: Graph, cells: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Slots of every block in the common frame: shared latents centred on top, modalities left to right."""
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
    """What a placement is judged by, apart from the positions.

    ends (e, 2) nodes of each edge; directed (e,) bool; half_sizes (d, 2) of the boxes; strangers (e, e) True
    for edges without a common node; forks (k, 3) common node and other ends of edge pairs that have one;
    scale: the typical distance of neighbours.
    """

    ends: np.ndarray
    directed: np.ndarray
    half_sizes: np.ndarray
    strangers: np.ndarray
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
        strangers=(ends[:, None, :, None] != ends[None, :, None, :]).all((-1, -2)),
        forks=np.array(forks, dtype=int).reshape(-1, 3),
        scale=scale,
    )


def _cost(positions: np.ndarray, wiring: _Wiring) -> float:
    """What a placement costs: nodes run over, crossings, narrow forks, edges that point upwards, length."""
    ends = wiring.ends
    if not len(ends):
        return 0.0
    start, stop = positions[ends[:, 0]], positions[ends[:, 1]]
    span = stop - start
    length = np.hypot(*span.T)
    # Nodes that a straight edge would run over.
    to_node = positions[None] - start[:, None]
    along = (to_node * span[:, None]).sum(-1) / (length**2)[:, None]
    nearest = start[:, None] + np.clip(along, 0, 1)[..., None] * span[:, None]
    inside = (np.abs(positions[None] - nearest) < wiring.half_sizes[None] + CLEARANCE).all(-1)
    inside[np.arange(len(ends))[:, None], ends] = False
    # Crossings of two edges without a common node.
    a, b = start[:, None], stop[:, None]
    side = _turn(a, b, start[None]) * _turn(a, b, stop[None])
    crossings = ((side < 0) & (side.T < 0) & wiring.strangers).sum() / 2
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
    return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
        c[..., 0] - a[..., 0]
    )


def place_nodes(
    graph: Graph,
    edges: Sequence[Edge],
    sizes: np.ndarray,
    *,
    room: float = 0.0,
    steps: int = 5000,
    seed: int = 0,
) -> np.ndarray:
    """(d, 2) centres of the nodes, in inches, y upwards.

    `sizes` is (d, 2), width and height of each node's box; `room` is added to the gaps between them. `edges`
    need not be those of the graph: two graphs drawn side by side share a placement made for all their edges.
    Deterministic in `seed`.
    """
    cells = {block: sizes[graph.members(block)].max(0) + GAP + room for block in graph.block_names}
    slots = _block_slots(graph, cells)
    order = {block: np.arange(len(places)) for block, places in slots.items()}
    wiring = _wiring(edges, sizes, float(np.mean(list(cells.values()))))

    def positions() -> np.ndarray:
        placed = np.zeros((len(graph.names), 2))
        for block, places in slots.items():
            members = graph.members(block)
            placed[members] = places[order[block][: len(members)]]
        return placed

    rng = np.random.default_rng(seed)
    movable = [block for block, places in slots.items() if len(places) > 1]
    chances = np.array([len(slots[block]) for block in movable], dtype=float)
    best = current = positions()
    best_cost = current_cost = _cost(current, wiring)
    for step in range(steps if movable and edges else 0):
        block = movable[rng.choice(len(movable), p=chances / chances.sum())]
        i = rng.integers(len(graph.members(block)))
        j = rng.integers(len(slots[block]))
        if i == j:
            continue
        order[block][[i, j]] = order[block][[j, i]]
        tried = positions()
        cost = _cost(tried, wiring)
        temperature = 1.5 * (1 - step / steps) ** 2 + 1e-6
        if cost <= current_cost or rng.random() < np.exp((current_cost - cost) / temperature):
            current, current_cost = tried, cost
            if cost < best_cost:
                best, best_cost = tried, cost
        else:
            order[block][[i, j]] = order[block][[j, i]]
    return best


def route_edges(edges: Sequence[Edge], positions: np.ndarray, sizes: np.ndarray) -> list[Route]:
    """A curve for every edge: straight where that is free, else with the least bend that clears all nodes.

    Among bends that are as free, one that keeps away from the edges routed before it is taken. Curves run
    from border to border of the two boxes. `positions` and `sizes` are (d, 2).
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
    span = stop - start
    return np.array([start, start + lean * span + bend * np.array([-span[1], span[0]]), stop])


def boxes_hit(points: np.ndarray, positions: np.ndarray, sizes: np.ndarray, margin: float) -> np.ndarray:
    """(points, d) bool: which points (p, 2) lie in which boxes, grown by `margin`."""
    return (np.abs(points[:, None] - positions[None]) < sizes[None] / 2 + margin).all(-1)


def _clearance_cost(control: np.ndarray, edge: Edge, positions: np.ndarray, sizes: np.ndarray) -> float:
    """40 for every node that a curve runs over, and more the longer it does."""
    hit = boxes_hit(bezier(control, SAMPLES), positions, sizes, CLEARANCE)
    hit[:, [edge.source, edge.target]] = False
    return float(40 * hit.any(0).sum() + 2 * hit.sum())


def _crowding(control: np.ndarray, drawn: Sequence[np.ndarray]) -> float:
    """How far a curve runs alongside others: a crossing is short and free; merging at the tips is worst."""
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
