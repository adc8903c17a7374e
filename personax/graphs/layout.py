"""The places of the nodes in a picture of a graph and the curves of its edges, in inches.

A block is the set of latents of one modality, or the set of shared latents. Shared latents are in a row at
the top, the modalities next to each other below this row. Each block has staggered places, called slots.
Simulated annealing decides which node gets which slot: it avoids crossings, edges that run over nodes, and
long edges. Then each edge is bent until it keeps clear of all other nodes. No drawing library is needed here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import ceil, sqrt

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from personax.graphs.graph import Edge, Graph
from personax.views import SHARED

GAP = np.array([0.6, 0.55])  # between neighbouring nodes: horizontal, vertical
BLOCK_GAP = 0.75  # between modalities
# Most columns of a modality, and a factor for horizontal gaps; the first with which a graph fits on a page.
WIDTHS = ((4, 1.0), (4, 0.65), (3, 0.65), (2, 0.65))
CLEARANCE = 0.07  # between an edge and a node that is not one of its ends
BENDS = (0.0, *(sign * bend for bend in (0.08, 0.16, 0.25, 0.36, 0.5, 0.7, 0.95) for sign in (1, -1)))
LEANS = (0.5, 0.25, 0.75)  # where the bend of an edge is largest: half way, or nearer to one end
# The shapes of a curve that are tried, (bend, lean); a straight line has no lean.
SHAPES = np.array([(bend, lean) for bend, lean in product(BENDS, LEANS) if bend or lean == 0.5])
# Those for an edge that would run over a node with each of them.
MORE_SHAPES = np.array(list(product(np.linspace(-1.5, 1.5, 61), np.linspace(-0.4, 1.4, 19))))
CROWDED = 0.11  # two edges that are closer than this are hard to distinguish
SAMPLES = np.linspace(0, 1, 61)  # parameters at which curves are checked
ANNEALING_STEPS = 5000  # steps of the search for the best places of the nodes


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


def bezier(
    control: Float[np.ndarray, "*curves 3 2"], t: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "*curves t 2"]:
    """Points at parameters t of one or many quadratic Bézier curves with these control points.

    >>> bezier(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]]), np.array([0.0, 0.5]))
    array([[0., 0.],
           [1., 1.]])
    """
    u = t[:, None]
    first, middle, last = (control[..., [k], :] for k in range(3))
    points: np.ndarray = (1 - u) ** 2 * first + 2 * u * (1 - u) * middle + u**2 * last
    return points


def part_of_bezier(control: Float[np.ndarray, "3 2"], start: float, stop: float) -> Float[np.ndarray, "3 2"]:
    """Control points of the part of a quadratic Bézier curve between two parameters."""
    a, b, c = control
    middle = (1 - start) * (1 - stop) * a + ((1 - start) * stop + start * (1 - stop)) * b + start * stop * c
    ends = bezier(control, np.array([start, stop]))
    return np.array([ends[0], middle, ends[1]])


def _slots(
    count: int, cell: Float[np.ndarray, " 2"], *, in_a_row: bool = False, most: int = 4
) -> Float[np.ndarray, "slots 2"]:
    """(>= count, 2) staggered slots for the nodes of one block; the top left one is (0, 0), y points up.

    There are at most `most` columns, unless all slots are in a row.
    """
    columns = count if in_a_row else max(1, min(most, round(sqrt(count * 0.9))))
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


def _slots_within(
    graph: Graph, boxes: dict[str, Float[np.ndarray, " 2"]], room: float, width: float
) -> dict[str, Float[np.ndarray, "_ 2"]]:
    """Slots of every block such that the picture is at most so wide, or as narrow as it can be.

    `boxes` holds the size of the nodes of every block, and `room` is added to the gaps between them.
    """
    slots: dict[str, np.ndarray] = {}
    for most, tightness in WIDTHS:
        cells = {block: box + GAP * (tightness, 1) + room for block, box in boxes.items()}
        slots = _block_slots(graph, cells, most, tightness * BLOCK_GAP)
        ends = [
            (at[:, 0].min() - boxes[b][0] / 2, at[:, 0].max() + boxes[b][0] / 2) for b, at in slots.items()
        ]
        if max(right for _, right in ends) - min(left for left, _ in ends) <= width:
            break
    return slots


def _block_slots(
    graph: Graph, cells: dict[str, Float[np.ndarray, " 2"]], most: int, block_gap: float
) -> dict[str, Float[np.ndarray, "_ 2"]]:
    """Slots of every block of the picture: shared latents centred on top, modalities from left to right."""
    below = [block for block in graph.block_names if block != SHARED]
    slots: dict[str, np.ndarray] = {}
    x, height = 0.0, 0.0
    raw = {block: _slots(len(graph.members(block)), cells[block], most=most) for block in below}
    tallest = max((np.ptp(places[:, 1]) for places in raw.values()), default=0.0)
    for block in below:
        places = raw[block] - [0, (tallest - np.ptp(raw[block][:, 1])) / 2]
        slots[block] = places + np.array([x, 0])
        x += np.ptp(places[:, 0]) + cells[block][0] + block_gap
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
class Wiring:
    """What the cost of a placement depends on, apart from the positions.

    Attributes:
        ends: (e, 2) the two nodes of each edge.
        directed: (e,) bool, True for an arrow.
        half_sizes: (d, 2) half the width and height of each node's box.
        disjoint: (e, e) bool, True for two edges without a common node.
        forks: (k, 3) for two edges with a common node: this node and their other ends.
        edges_at: (d, e) bool, True where the node is an end of the edge.
        forks_at: (d, k) bool, True where the node belongs to the fork.
        scale: the typical distance of neighbours.
    """

    ends: Int[np.ndarray, "e 2"]
    directed: Bool[np.ndarray, " e"]
    half_sizes: Float[np.ndarray, "d 2"]
    disjoint: Bool[np.ndarray, "e e"]
    forks: Int[np.ndarray, "k 3"]
    edges_at: Bool[np.ndarray, "d e"]
    forks_at: Bool[np.ndarray, "d k"]
    scale: float


def wire(edges: Sequence[Edge], sizes: Float[np.ndarray, "d 2"], scale: float) -> Wiring:
    """Return the wiring of these edges between nodes with boxes of these sizes."""
    pairs = sorted({(edge.source, edge.target) for edge in edges})
    ends = np.array(pairs, dtype=int).reshape(-1, 2)
    found = [
        (common.pop(), *(set(a) ^ set(b)))
        for a, b in combinations(pairs, 2)
        if len(common := set(a) & set(b)) == 1
    ]
    forks = np.array(found, dtype=int).reshape(-1, 3)
    arrows = {(edge.source, edge.target) for edge in edges if edge.mark == "->"}
    nodes = np.arange(len(sizes))[:, None, None]
    return Wiring(
        ends=ends,
        directed=np.array([pair in arrows for pair in pairs], dtype=bool),
        half_sizes=sizes / 2,
        disjoint=(ends[:, None, :, None] != ends[None, :, None, :]).all((-1, -2)),
        forks=forks,
        edges_at=(ends == nodes).any(-1),
        forks_at=(forks == nodes).any(-1),
        scale=scale,
    )


def placement_faults(
    positions: Float[np.ndarray, "p d 2"], wiring: Wiring, moved: Int[np.ndarray, " m"]
) -> Float[np.ndarray, "p 4"]:
    """Count the faults of p placements that involve the nodes `moved`.

    The columns: straight edges that run over a node, crossings of two edges without a common node, pairs of
    edges that leave a node in nearly the same direction, and arrows that point up. Faults between nodes that
    keep their places are the same in all placements, so they are not counted.
    """
    at_moved = wiring.edges_at[moved].any(0)
    changed, rest = np.flatnonzero(at_moved), np.flatnonzero(~at_moved)
    everything = np.arange(positions.shape[1])
    over = _edges_over_nodes(positions, wiring, changed, everything)
    over = over + _edges_over_nodes(positions, wiring, rest, moved)
    crossings = _crossings(positions, wiring, changed)
    narrow = _narrow_forks(positions, wiring.forks[wiring.forks_at[moved].any(0)])
    ends = wiring.ends[changed]
    rise = positions[:, ends[:, 1], 1] - positions[:, ends[:, 0], 1]
    upwards = (wiring.directed[changed] & (rise > 0.1)).sum(-1)
    return np.stack([over, crossings, narrow, upwards], axis=-1).astype(float)


def _edges_over_nodes(
    positions: Float[np.ndarray, "p d 2"],
    wiring: Wiring,
    edges: Int[np.ndarray, " some"],
    nodes: Int[np.ndarray, " m"],
) -> Int[np.ndarray, " p"]:
    """(p,) how many times a straight edge runs over a node: its point nearest to the centre is in the box."""
    ends = wiring.ends[edges]
    (x, y), (start_x, start_y) = (
        _coordinates(positions[:, None, nodes]),
        _coordinates(positions[:, ends[:, 0], None]),
    )
    stop_x, stop_y = _coordinates(positions[:, ends[:, 1], None])
    span_x, span_y = stop_x - start_x, stop_y - start_y
    along = ((x - start_x) * span_x + (y - start_y) * span_y) / np.hypot(span_x, span_y) ** 2
    along = np.clip(along, 0, 1)
    half_x, half_y = wiring.half_sizes[nodes].T
    inside = np.abs(x - (start_x + along * span_x)) < half_x + CLEARANCE
    inside &= np.abs(y - (start_y + along * span_y)) < half_y + CLEARANCE
    inside &= ~wiring.edges_at[np.ix_(nodes, edges)].T
    count: np.ndarray = inside.sum((-1, -2))
    return count


def _coordinates(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The x and the y of points, which are the last axis."""
    return points[..., 0], points[..., 1]


def _crossings(
    positions: Float[np.ndarray, "p d 2"], wiring: Wiring, edges: Int[np.ndarray, " some"]
) -> Float[np.ndarray, " p"]:
    """(p,) the number of crossings of these edges, drawn straight, with each other and with all others."""
    start, stop = positions[:, wiring.ends[:, 0]], positions[:, wiring.ends[:, 1]]
    some = start[:, edges, None], stop[:, edges, None]
    every = start[:, None], stop[:, None]
    cross = _on_two_sides(*some, *every) & _on_two_sides(*every, *some) & wiring.disjoint[edges]
    count: np.ndarray = cross.sum((-1, -2)) - cross[..., edges].sum((-1, -2)) / 2
    return count


def _on_two_sides(a: np.ndarray, b: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """True where two points lie on different sides of the straight line through a and b."""
    product: np.ndarray = _turn(a, b, start) * _turn(a, b, stop)
    return product < 0


def _turn(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Positive where a -> b -> c turns left, over the last axis of size 2."""
    ab, ac = b - a, c - a
    turn: np.ndarray = ab[..., 0] * ac[..., 1] - ab[..., 1] * ac[..., 0]
    return turn


def _narrow_forks(
    positions: Float[np.ndarray, "p d 2"], forks: Int[np.ndarray, "some 3"]
) -> Int[np.ndarray, " p"]:
    """(p,) how many of these pairs of edges leave their common node in nearly the same direction."""
    root, *tips = (positions[:, node] for node in forks.T)
    (x, y), (other_x, other_y) = (_coordinates(tip - root) for tip in tips)
    cosine = (x * other_x + y * other_y) / np.maximum(np.hypot(x, y) * np.hypot(other_x, other_y), 1e-9)
    narrow: np.ndarray = (cosine > 0.95).sum(-1)
    return narrow


def _cost(faults: Float[np.ndarray, " 4"], positions: Float[np.ndarray, "d 2"], wiring: Wiring) -> float:
    """Cost of a placement: a weighted sum of its faults and of the length of its edges."""
    over, crossings, narrow, upwards = faults
    start, stop = positions[wiring.ends.T]
    length = (np.hypot(*(stop - start).T) / wiring.scale).sum()
    return float(2.5 * over + 1.2 * crossings + 0.6 * narrow + 0.3 * upwards + 0.35 * length)


def place_nodes(
    graph: Graph,
    edges: Sequence[Edge],
    sizes: Float[np.ndarray, "d 2"],
    *,
    room: float = 0.0,
    width: float = np.inf,
) -> Float[np.ndarray, "d 2"]:
    """Return the centres of the nodes, in inches, y upwards. The same arguments give the same result.

    `sizes` holds the width and height of each node's box; `room` is added to the gaps between the boxes.
    A graph that would be wider than `width` gets smaller gaps and fewer columns.
    `edges` may differ from the edges of the graph: two graphs that are drawn side by side share one
    placement, which is made for the edges of both.
    """
    boxes = {block: sizes[graph.members(block)].max(0) for block in graph.block_names}
    slots = _slots_within(graph, boxes, room, width)
    wiring = wire(edges, sizes, float(np.mean([box + GAP + room for box in boxes.values()])))
    return _annealed(graph, slots, wiring)


def _annealed(
    graph: Graph, slots: dict[str, Float[np.ndarray, "_ 2"]], wiring: Wiring
) -> Float[np.ndarray, "d 2"]:
    """The best placement that is met by moving nodes to other slots of their block, two at a time."""
    members = {block: graph.members(block) for block in slots}
    order = {block: np.arange(len(places)) for block, places in slots.items()}
    current = np.zeros((len(graph.names), 2))
    for block, places in slots.items():
        current[members[block]] = places[: len(members[block])]
    faults = placement_faults(current[None], wiring, np.arange(len(current)))[0]
    best, best_cost = current, _cost(faults, current, wiring)
    current_cost = best_cost
    examined = {current.tobytes(): (faults, best_cost)}  # few placements differ, if the graph is small

    rng = np.random.default_rng(0)
    movable = [block for block, places in slots.items() if len(places) > 1]
    counts = np.array([len(slots[block]) for block in movable], dtype=float)
    chances = counts / counts.sum()
    for step in range(ANNEALING_STEPS if movable and len(wiring.ends) else 0):
        block = movable[rng.choice(len(movable), p=chances)]
        i = rng.integers(len(members[block]))
        j = rng.integers(len(slots[block]))
        if i == j:
            continue
        swapped = order[block].copy()
        swapped[[i, j]] = swapped[[j, i]]
        moved = np.array([members[block][k] for k in (i, j) if k < len(members[block])])
        tried = current.copy()
        tried[members[block]] = slots[block][swapped[: len(members[block])]]
        key = tried.tobytes()
        if key not in examined:
            before, after = placement_faults(np.stack([current, tried]), wiring, moved)
            examined[key] = faults - before + after, _cost(faults - before + after, tried, wiring)
        tried_faults, cost = examined[key]
        temperature = 1.5 * (1 - step / ANNEALING_STEPS) ** 2 + 1e-6
        if cost <= current_cost or rng.random() < np.exp((current_cost - cost) / temperature):
            current, current_cost, faults = tried, cost, tried_faults
            order[block] = swapped
            if cost < best_cost:
                best, best_cost = tried, cost
    return best


def route_edges(
    edges: Sequence[Edge], positions: Float[np.ndarray, "d 2"], sizes: Float[np.ndarray, "d 2"]
) -> list[Route]:
    """Return a curve for every edge: straight if no node is in its way, else bent as little as necessary.

    Among bends that are equally good, it takes one that keeps away from the curves of earlier edges (short
    edges come first). Curves run from the border of one box to that of the other.
    """
    by_length = sorted(edges, key=lambda edge: float(np.hypot(*(positions[edge[0]] - positions[edge[1]]))))
    drawn = np.zeros((0, 2))
    routes: dict[Edge, Route] = {}
    for edge in by_length:
        curves, costs = _curves_with_costs(edge, positions, sizes)
        best = np.argsort(costs, kind="stable")[:12]
        visible = _between_borders(curves[best], edge, positions, sizes)
        chosen = int(np.argmin(costs[best] + _crowding(visible, drawn)))
        routes[edge] = Route(edge, visible[chosen])
        drawn = np.concatenate([drawn, routes[edge].points()])
    return [routes[edge] for edge in edges]


def _curves_with_costs(
    edge: Edge, positions: Float[np.ndarray, "d 2"], sizes: Float[np.ndarray, "d 2"]
) -> tuple[Float[np.ndarray, "k 3 2"], Float[np.ndarray, " k"]]:
    """(k, 3, 2) control points of possible curves of an edge, and (k,) what each costs.

    Their shapes are `SHAPES`, or `MORE_SHAPES` if all of those run over a node.
    """
    for shapes in (SHAPES, MORE_SHAPES):
        curves = _curves(positions[edge.source], positions[edge.target], shapes)
        hits = _clearance_costs(curves, edge, positions, sizes)
        if hits.min() == 0:
            break
    return curves, hits + (4 * np.abs(shapes[:, 0]) + 0.3 * (shapes[:, 1] != 0.5))


def _curves(
    start: Float[np.ndarray, " 2"], stop: Float[np.ndarray, " 2"], shapes: Float[np.ndarray, "k 2"]
) -> Float[np.ndarray, "k 3 2"]:
    """(k, 3, 2) control points of curves from centre to centre, one for each (bend, lean)."""
    span = stop - start
    lean, bend = shapes[:, 1:], shapes[:, :1]
    middle = start + lean * span + bend * np.array([-span[1], span[0]])
    return np.stack(
        [np.broadcast_to(start, middle.shape), middle, np.broadcast_to(stop, middle.shape)], axis=1
    )


def boxes_hit(
    points: Float[np.ndarray, "p 2"],
    positions: Float[np.ndarray, "d 2"],
    sizes: Float[np.ndarray, "d 2"],
    margin: float,
) -> Bool[np.ndarray, "p d"]:
    """Which points are in which boxes, with `margin` added on each side of a box."""
    reach = sizes / 2 + margin
    hit: np.ndarray = np.abs(points[:, :1] - positions[:, 0]) < reach[:, 0]
    hit &= np.abs(points[:, 1:] - positions[:, 1]) < reach[:, 1]
    return hit


def _clearance_costs(
    controls: Float[np.ndarray, "k 3 2"],
    edge: Edge,
    positions: Float[np.ndarray, "d 2"],
    sizes: Float[np.ndarray, "d 2"],
) -> Float[np.ndarray, " k"]:
    """(k,) 40 for every node that a curve runs over, and 2 for each sampled point inside a node."""
    others = np.delete(np.arange(len(positions)), [edge.source, edge.target])
    points = bezier(controls, SAMPLES)
    hit = boxes_hit(points.reshape(-1, 2), positions[others], sizes[others], CLEARANCE)
    hit = hit.reshape(*points.shape[:2], len(others))
    costs: np.ndarray = 40.0 * hit.any(1).sum(-1) + 2.0 * hit.sum((1, 2))
    return costs


def _crowding(
    controls: Float[np.ndarray, "k 3 2"], drawn: Float[np.ndarray, "points 2"]
) -> Float[np.ndarray, " k"]:
    """(k,) costs of curves that run close to the points drawn so far; a crossing is short and costs nothing.

    Points close to another curve cost most near the two ends of the curve, where the arrowheads are.
    """
    if not len(drawn):
        return np.zeros(len(controls))
    points = bezier(controls, SAMPLES)
    distance, _ = cKDTree(drawn, balanced_tree=False).query(points, distance_upper_bound=CROWDED)
    close = np.isfinite(distance)  # infinite: nothing within the bound
    step = np.hypot(*_coordinates(np.diff(points, axis=1))).sum(-1) / len(SAMPLES)
    at_tips = close[:, [0, 1, 2, 3, -4, -3, -2, -1]].sum(-1)
    costs: np.ndarray = 4 * np.maximum(0.0, step * close.sum(-1) - 0.25) + 0.4 * at_tips
    return costs


def _between_borders(
    controls: Float[np.ndarray, "k 3 2"],
    edge: Edge,
    positions: Float[np.ndarray, "d 2"],
    sizes: Float[np.ndarray, "d 2"],
) -> Float[np.ndarray, "k 3 2"]:
    """(k, 3, 2) the parts of centre-to-centre curves outside the boxes of their two nodes."""
    t = np.linspace(0, 1, 801)
    ends = [edge.source, edge.target]
    hit = boxes_hit(bezier(controls, t).reshape(-1, 2), positions[ends], sizes[ends], 0.02)
    parts: list[np.ndarray] = []
    for control, inside in zip(controls, hit.reshape(-1, len(t), 2), strict=True):
        start = t[inside[:, 0].nonzero()[0].max(initial=0)]
        stop = t[inside[:, 1].nonzero()[0].min(initial=len(t) - 1)]
        parts.append(part_of_bezier(control, float(start), float(max(stop, start + 0.02))))
    return np.array(parts)
