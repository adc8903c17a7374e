"""Where the nodes of a picture stand and how its edges run, in inches; no drawing library involved.

Shared latents stand in a row on top, the modalities beside each other below it. Nodes are put on staggered
slots by simulated annealing over crossings, edges through nodes and lengths; edges are then bent until they
clear every other node.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np

from personax.graphs.graph import SHARED, Edge, Graph

GAP_X, GAP_Y = 0.55, 0.62  # between neighbouring nodes
BLOCK_GAP = 0.75  # between modalities
CLEARANCE = 0.07  # between an edge and a node it does not belong to
BENDS = tuple(sign * bend for bend in (0.0, 0.1, 0.18, 0.27, 0.38, 0.5, 0.65, 0.85) for sign in (1, -1))
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


def _cost(
    positions: np.ndarray, ends: np.ndarray, half_sizes: np.ndarray, directed: np.ndarray, scale: float
) -> float:
    """What a placement costs: nodes run over, crossings, edges that point upwards, length."""
    if not len(ends):
        return 0.0
    start, stop = positions[ends[:, 0]], positions[ends[:, 1]]
    span = stop - start
    length = np.hypot(*span.T)
    # Nodes that a straight edge would run over.
    to_node = positions[None] - start[:, None]
    along = (to_node * span[:, None]).sum(-1) / (length**2)[:, None]
    nearest = start[:, None] + np.clip(along, 0, 1)[..., None] * span[:, None]
    inside = (np.abs(positions[None] - nearest) < half_sizes[None] * 0.95 + CLEARANCE).all(-1)
    inside[np.arange(len(ends))[:, None], ends] = False
    # Crossings of two edges without a common node.
    a, b = start[:, None], stop[:, None]
    side = _turn(a, b, start[None]) * _turn(a, b, stop[None])
    strangers = (ends[:, None, :, None] != ends[None, :, None, :]).all((-1, -2))
    crossings = ((side < 0) & (side.T < 0) & strangers).sum() / 2
    upwards = (directed & (span[:, 1] > 0.1)).sum()
    return float(2.5 * inside.sum() + 1.2 * crossings + 0.25 * upwards + 0.35 * (length / scale).sum())


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Positive where a -> b -> c turns left, over the last axis of size 2."""
    return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (
        c[..., 0] - a[..., 0]
    )


def place_nodes(
    graph: Graph, edges: Sequence[Edge], sizes: np.ndarray, *, steps: int = 4000, seed: int = 0
) -> np.ndarray:
    """(d, 2) centres of the nodes, in inches, y upwards.

    `sizes` is (d, 2), width and height of each node's box. `edges` need not be those of the graph: two
    graphs drawn side by side share a placement made for all their edges. Deterministic in `seed`.
    """
    gaps = np.array([GAP_X, GAP_Y])
    cells = {block: sizes[graph.members(block)].max(0) + gaps for block in graph.block_names}
    slots = _block_slots(graph, cells)
    order = {block: np.arange(len(places)) for block, places in slots.items()}
    ends = np.array([(edge.source, edge.target) for edge in edges], dtype=int).reshape(-1, 2)
    directed = np.array([edge.mark == "->" for edge in edges], dtype=bool)
    scale = float(np.mean(list(cells.values())))

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
    best_cost = current_cost = _cost(current, ends, sizes / 2, directed, scale)
    for step in range(steps if movable and len(ends) else 0):
        block = movable[rng.choice(len(movable), p=chances / chances.sum())]
        i = rng.integers(len(graph.members(block)))
        j = rng.integers(len(slots[block]))
        if i == j:
            continue
        order[block][[i, j]] = order[block][[j, i]]
        tried = positions()
        cost = _cost(tried, ends, sizes / 2, directed, scale)
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
        candidates = [_curve(positions[edge.source], positions[edge.target], bend) for bend in BENDS]
        costs = [
            _route_cost(bezier(control, SAMPLES), edge, positions, sizes, drawn) + 6 * abs(bend)
            for control, bend in zip(candidates, BENDS, strict=True)
        ]
        control = _between_borders(candidates[int(np.argmin(costs))], edge, positions, sizes)
        routes[edge] = Route(edge, control)
        drawn.append(routes[edge].points())
    return [routes[edge] for edge in edges]


def _curve(start: np.ndarray, stop: np.ndarray, bend: float) -> np.ndarray:
    span = stop - start
    return np.array([start, (start + stop) / 2 + bend * np.array([-span[1], span[0]]), stop])


def boxes_hit(points: np.ndarray, positions: np.ndarray, sizes: np.ndarray, margin: float) -> np.ndarray:
    """(points, d) bool: which points (p, 2) lie in which boxes, grown by `margin`."""
    return (np.abs(points[:, None] - positions[None]) < sizes[None] / 2 + margin).all(-1)


def _route_cost(
    points: np.ndarray, edge: Edge, positions: np.ndarray, sizes: np.ndarray, drawn: Sequence[np.ndarray]
) -> float:
    hit = boxes_hit(points, positions, sizes, CLEARANCE)
    own = hit[:, [edge.source, edge.target]].any(1)
    hit[:, [edge.source, edge.target]] = False
    cost = 40.0 * hit.any(0).sum() + 2.0 * hit.sum()
    free = points[~own]
    if drawn and len(free):
        others = np.concatenate(drawn)
        distance = np.sqrt(((free[:, None] - others[None]) ** 2).sum(-1))
        close = (distance < 0.1).any(1).sum()
        cost += 0.25 * max(0, close - 4)  # a plain crossing is short; running alongside is not
    return float(cost)


def _between_borders(control: np.ndarray, edge: Edge, positions: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The part of a centre-to-centre curve outside the boxes of its two nodes."""
    t = np.linspace(0, 1, 801)
    points = bezier(control, t)
    ends = [edge.source, edge.target]
    inside = boxes_hit(points, positions[ends], sizes[ends], 0.02)
    start = t[inside[:, 0].nonzero()[0].max(initial=0)]
    stop = t[inside[:, 1].nonzero()[0].min(initial=len(t) - 1)]
    return part_of_bezier(control, float(start), float(max(stop, start + 0.02)))
