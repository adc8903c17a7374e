"""Coordinates at any angle, and their causal order: order_search.py where right angles say nothing.

Readings u of all modalities side by side (linked_reading.py) have no units of noise, so no angle within a
modality is preferred. The latents are z = B u, with B any invertible matrix for each modality. Given a graph,

    cost = sum over k of the entropy of z_k given its causes (mechanism_cost.py) - log |det B|

is the negative log-likelihood of u up to a constant. From one start, three steps are repeated:

order    with B fixed, the best order by moving one latent at a time, all earlier latents being causes;
parents  causes are taken out as long as that lowers cost and price, which is higher across modalities;
polish   B is changed by L-BFGS, with these parents.

If z_j causes z_k along a straight line and both are of one modality, z_k - c z_j explains u as well with one
edge less, for the right c. No small step leads there, so at the end such shears are tried one by one, with
the edge taken out and B polished, as long as cost and price fall.

The first start has the independent sources of u as latents (no edges within modalities); others are random
mixtures within modalities. The start whose cost and price end lowest wins.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from personax.crl.joint_sources import find_owners, independent_components
from personax.crl.mechanism_cost import Mechanisms, SharedGiven, bends, eliminate
from personax.crl.order_search import ACROSS, WITHIN, price
from personax.crl.turn_polish import total_cost
from personax.runs.seeds import numpy_rng

OBLIQUE_STARTS = 4  # the independent sources, and random mixtures
ROUNDS_OF_STEPS = 3  # of order, parents and polish from each start
ORDERS = 3  # random orders that each search for an order begins with
STEPS_OF_POLISH = 25  # iterations of L-BFGS
SHEARED = 2  # how many of the starts' ends are sheared
ROWS_TO_SEARCH = 2500


class Oblique(NamedTuple):
    """Coordinates and graph.

    Attributes:
        turn: B (D, D), z = u B^T, with entries within modalities only.
        parents: (D, D) bool, [k, j] for j -> k; has no cycle.
        order: all latents, causes first.
        score: nats per row, lower is better.
    """

    turn: Float[np.ndarray, "D D"]
    parents: Bool[np.ndarray, "D D"]
    order: list[int]
    score: float


def search_obliquely(u: Float[np.ndarray, "n D"], owner: Int[np.ndarray, " D"], seed: int) -> Oblique:
    """The best coordinates, parents and order from all starts.

    Args:
        u: centred readings of all modalities, side by side.
        owner: (D,) the modality of each column, 0, 0, 1, ... in rising order.
        seed: seed of the starts.
    """
    rng = numpy_rng(seed, "oblique")
    some = u[:: max(1, len(u) // ROWS_TO_SEARCH)]
    same = owner[:, None] == owner[None]
    starts = [_independent(some, owner, seed)]
    starts += [same * rng.standard_normal(same.shape) for _ in range(OBLIQUE_STARTS - 1)]
    ends = [_descended(some, start, same, rng) for start in starts]
    ends.sort(key=_score_of)
    return min((_sheared(some, end, same) for end in ends[:SHEARED]), key=_score_of)


def _independent(
    u: Float[np.ndarray, "n D"], owner: Int[np.ndarray, " D"], seed: int
) -> Float[np.ndarray, "D D"]:
    """B for which the latents of a modality are the independent sources that load on it."""
    mixing = np.linalg.inv(independent_components(u - u.mean(0), seed % 2**32, "logcosh"))
    ends = np.searchsorted(owner, np.arange(owner.max() + 2))
    places = [slice(int(a), int(b)) for a, b in pairwise(ends)]
    of_source = find_owners(mixing, u, places)
    turn = np.zeros_like(mixing)
    for number, place in enumerate(places):
        turn[place, place] = np.linalg.inv(mixing[place][:, of_source == number])
    return turn


def _descended(
    u: Float[np.ndarray, "n D"],
    turn: Float[np.ndarray, "D D"],
    same: Bool[np.ndarray, "D D"],
    rng: np.random.Generator,
) -> Oblique:
    """The best that the three steps find from a start."""
    nothing = SharedGiven(np.zeros((len(u), 0)))
    found: list[Oblique] = []
    for _ in range(ROUNDS_OF_STEPS):
        turn = turn / (u @ turn.T).std(0)[:, None]
        mechanisms = Mechanisms(u @ turn.T, nothing)
        order = _best_order(mechanisms, len(turn), rng)
        parents = np.zeros_like(same)
        for place, child in enumerate(order):
            prices = {j: WITHIN if same[child, j] else ACROSS for j in order[:place]}
            parents[child, eliminate(mechanisms, child, prices)] = True
        turn, cost = polish_obliquely(u, turn, parents, same)
        found.append(Oblique(turn, parents, order, cost + price(parents, same)))
    return min(found, key=_score_of)


def _sheared(u: Float[np.ndarray, "n D"], best: Oblique, same: Bool[np.ndarray, "D D"]) -> Oblique:
    """The best that shears find, each of which takes out an edge within a modality."""
    while True:
        inside = [(int(k), int(j)) for k, j in np.argwhere(best.parents & same)]
        near = min((_without_edge(u, best, k, j, same) for k, j in inside), key=_score_of, default=best)
        if near.score >= best.score:
            return best
        best = near


def _score_of(candidate: Oblique) -> float:
    return candidate.score


def _without_edge(
    u: Float[np.ndarray, "n D"], best: Oblique, child: int, cause: int, same: Bool[np.ndarray, "D D"]
) -> Oblique:
    """The candidate with z_child - c z_cause in place of z_child, without the edge between them."""
    z = u @ best.turn.T
    others = [j for j in np.flatnonzero(best.parents[child]) if j != cause]
    design = np.column_stack(
        [z[:, cause], np.ones(len(z)), *(bends(z[:, j] / z[:, j].std()) for j in others)]
    )
    turn, parents = best.turn.copy(), best.parents.copy()
    turn[child] -= np.linalg.lstsq(design, z[:, child], rcond=None)[0][0] * turn[cause]
    parents[child, cause] = False
    turn, cost = polish_obliquely(u, turn, parents, same)
    return Oblique(turn, parents, best.order, cost + price(parents, same))


def _best_order(mechanisms: Mechanisms, size: int, rng: np.random.Generator) -> list[int]:
    """The order that costs least if every latent may depend on all earlier ones."""
    cost = cache(lambda child, earlier: mechanisms.cost(child, sorted(earlier)))

    def total(order: Sequence[int]) -> float:
        return float(sum(cost(child, frozenset(order[:i])) for i, child in enumerate(order)))

    def climbed(order: list[int]) -> list[int]:
        while True:
            near = [
                [*rest[:j], latent, *rest[j:]]
                for i, latent in enumerate(order)
                for rest in [order[:i] + order[i + 1 :]]
                for j in range(size)
            ]
            best = min(near, key=total)
            if total(best) >= total(order) - 1e-6:
                return order
            order = best

    return min((climbed(rng.permutation(size).tolist()) for _ in range(ORDERS)), key=total)


def polish_obliquely(
    u: Float[np.ndarray, "n D"],
    turn: Float[np.ndarray, "D D"],
    parents: Bool[np.ndarray, "D D"],
    same: Bool[np.ndarray, "D D"],
) -> tuple[Float[np.ndarray, "D D"], float]:
    """B near `turn` with the least cost, without prices, given the parents; and this cost."""
    rows, mask = torch.from_numpy(np.ascontiguousarray(u)), torch.from_numpy(same.astype(float))
    nothing = SharedGiven(np.zeros((len(u), 0)))
    fixed = (torch.from_numpy(nothing.design), torch.from_numpy(nothing.smoother))
    causes = [np.flatnonzero(row).tolist() for row in parents]
    free = torch.from_numpy(turn.copy()).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [free],
        max_iter=STEPS_OF_POLISH,
        history_size=10,
        line_search_fn="strong_wolfe",
        tolerance_change=1e-6,
    )

    def cost() -> Float[Tensor, ""]:
        matrix = free * mask
        loss: Tensor = total_cost(rows @ matrix.T, causes, *fixed) - torch.linalg.slogdet(matrix)[1]
        return loss

    def closure() -> Float[Tensor, ""]:
        optimiser.zero_grad()
        loss = cost()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        return (free * mask).numpy().copy(), float(cost())
