"""Search for the causal order of sources, and with it the coordinates and the parents of the latents.

The own latents of all modalities are z = R v, with R orthogonal within each modality, and sources e:
v = A e + what s explains. In a causal order z_k = its mechanism + a multiple of e_k, so to first order
W = (R A)^-1 has the noise of z_k in row k, and entries of it beside the diagonal are effects. For a given
order of the sources of each modality two ways to R are used:

QR      latent k is the direction of source k that is orthogonal to the sources after it. It is exact if the
        sources are, and takes a millisecond. Parents are the clear entries of W.
sparse  with these parents kept, L with entries for them only and R such that L R is closest to A^-1, by turns
        of least squares and Procrustes rotations. It weighs all sources, and takes 50 milliseconds.

An order's score is the sum of what its mechanisms cost (mechanism_cost.py) and a price for each parent, which
is higher across modalities (few edges join modalities: Sun et al. 2025, Cond. 4.3). The search moves one
source at a time to a better place, at first by QR from several starts, then by sparse turns from the best.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from personax.crl.joint_sources import Sources
from personax.crl.mechanism_cost import Mechanisms, SharedGiven, bends, standardise
from personax.runs.seeds import numpy_rng

CLEAR_ENTRY = 0.25  # size of an entry of W, in standard deviations, that counts as an edge
WITHIN, ACROSS = 0.015, 0.03  # price of a parent, in nats per row, within a modality and across modalities
RESTARTS, SPARSE_RESTARTS = 4, 2  # for each start, times that it goes on after a few random moves: QR, sparse
SHORT_LIST = 30  # orders by QR whose sparse turn is computed
CLIMBS = 3  # of these, from how many the search by sparse turns begins
TURNS = 8  # rounds of least squares and rotation
SLIGHT = 1e-6  # less improvement than this, in nats, is none

State = TypeVar("State")
Orders = tuple[tuple[int, ...], ...]
"""For each modality the numbers of its sources in causal order."""


class Candidate(NamedTuple):
    """Coordinates and parents of all own latents; row k belongs to source k.

    Attributes:
        turn: R (D, D), z = R v, orthogonal within each modality.
        parents: (D, D) bool, [k, j] for j -> k; has no cycle.
        score: nats per row, lower is better.
    """

    turn: Float[np.ndarray, "D D"]
    parents: Bool[np.ndarray, "D D"]
    score: float


def price(parents: Bool[np.ndarray, "D D"], same: Bool[np.ndarray, "D D"]) -> float:
    """Price of the parents; `same` is True for pairs of one modality."""
    return float(WITHIN * (parents & same).sum() + ACROSS * (parents & ~same).sum())


def moves(orders: Orders) -> Iterator[Orders]:
    """All orders with one source at another place of its modality."""
    for number, order in enumerate(orders):
        for i, source in enumerate(order):
            rest = order[:i] + order[i + 1 :]
            for j in range(len(order)):
                if j not in (i, i - 1):
                    yield (*orders[:number], (*rest[:j], source, *rest[j:]), *orders[number + 1 :])


def climb(
    score: Callable[[State], float], start: State, neighbours: Callable[[State], Iterator[State]]
) -> State:
    """The best neighbour, again and again, until no neighbour is better."""
    best, value = start, score(start)
    while True:
        near = min(neighbours(best), key=score, default=best)
        if not score(near) < value - SLIGHT:
            return best
        best, value = near, score(near)


def shaken(orders: Orders, rng: np.random.Generator) -> Orders:
    """Two to four sources moved to random places."""
    for _ in range(int(rng.integers(2, 5))):
        number = int(rng.integers(len(orders)))
        order = list(orders[number])
        if order:
            source = order.pop(int(rng.integers(len(order))))
            order.insert(int(rng.integers(len(order) + 1)), source)
        orders = (*orders[:number], tuple(order), *orders[number + 1 :])
    return orders


@dataclass(frozen=True)
class _Oriented:
    """A latent by QR: its source, and the sources of its modality that come later."""

    source: int
    later: frozenset[int]


class OrderSearch:
    """Scores of orders, remembered.

    Attributes:
        sources: what is to be ordered.
        given: the shared latents of the same people.
        same: (D, D) bool, True for sources of one modality.
        candidates: the candidate of every set of parents whose sparse turn was computed.
    """

    def __init__(self, sources: Sources, given: SharedGiven) -> None:
        self.sources, self.given = sources, given
        self.same = sources.owner[:, None] == sources.owner[None]
        self.candidates: dict[bytes, Candidate] = {}
        self._direction, self._latent = cache(self._find_direction), cache(self._find_latent)
        self._cost = cache(self._find_cost)
        self._quick: dict[Orders, float] = {}
        self._unmixing = np.linalg.inv(sources.mixing)
        self._covariance_of_rest = np.atleast_2d(np.cov(sources.rest.T))
        self._covariance_of_v = np.atleast_2d(np.cov(sources.v.T, ddof=0))  # as std(0) of the latents

    def first_order(self) -> Orders:
        """The sources of each modality, in the order of their numbers."""
        owner = self.sources.owner
        return tuple(
            tuple(int(k) for k in np.flatnonzero(owner == number))
            for number in range(len(self.sources.places))
        )

    def run(self, seed: int, starts: int) -> list[Candidate]:
        """All candidates that were met from `starts` random orders, the best first."""
        rng = numpy_rng(seed, "orders")
        best = self.first_order()
        for _ in range(starts):
            start = tuple(tuple(rng.permutation(order).tolist()) for order in best)
            best = min(best, climb(self.quick_score, start, moves), key=self.quick_score)
        best = self._shake_and_climb(self.quick_score, best, starts * RESTARTS, rng)
        for start in sorted(self._short_list(), key=self.score)[:CLIMBS]:
            best = min(best, climb(self.score, start, moves), key=self.score)
        self._shake_and_climb(self.score, best, starts * SPARSE_RESTARTS, rng)
        return sorted(self.candidates.values(), key=lambda candidate: candidate.score)

    @staticmethod
    def _shake_and_climb(
        score: Callable[[Orders], float], best: Orders, times: int, rng: np.random.Generator
    ) -> Orders:
        """The best end of climbs from shaken states of the best so far."""
        for _ in range(times):
            best = min(best, climb(score, shaken(best, rng), moves), key=score)
        return best

    def _short_list(self) -> list[Orders]:
        """The best orders by QR that have been met, each with other parents."""
        listed: dict[bytes, Orders] = {}
        for orders in sorted(self._quick, key=self.quick_score):
            listed.setdefault(self._oriented(orders)[2].tobytes(), orders)
            if len(listed) == SHORT_LIST:
                break
        return list(listed.values())

    def quick_score(self, orders: Orders) -> float:
        """Score of the QR coordinates of an order."""
        if orders not in self._quick:
            latents, _, parents = self._oriented(orders)
            total = price(parents, self.same)
            for k, latent in enumerate(latents):
                total += self._cost(latent, tuple(latents[j] for j in np.flatnonzero(parents[k]).tolist()))
            self._quick[orders] = total
        return self._quick[orders]

    def score(self, orders: Orders) -> float:
        """Score of the sparse turn of an order; it depends on the parents only."""
        _, turn, parents = self._oriented(orders)
        key = parents.tobytes()
        if key not in self.candidates:
            turn = self._sparse_turn(turn, parents)
            self.candidates[key] = Candidate(turn, parents, self.score_of(turn, parents))
        return self.candidates[key].score

    def score_of(self, turn: Float[np.ndarray, "D D"], parents: Bool[np.ndarray, "D D"]) -> float:
        """Score of any coordinates and parents; all shared latents are causes of everything."""
        mechanisms = Mechanisms(self.sources.v @ turn.T, self.given)
        shared = list(range(mechanisms.shared))
        costs = (
            mechanisms.cost(k, [*shared, *(len(shared) + np.flatnonzero(causes)).tolist()])
            for k, causes in enumerate(parents)
        )
        return float(sum(costs)) + price(parents, self.same)

    def effects(self, turn: Float[np.ndarray, "D D"]) -> Float[np.ndarray, "D D"]:
        """(D, D) [k, j]: linear effect of latent j on latent k in standard deviations, from W = (R A)^-1."""
        inverse = np.linalg.inv(turn @ self.sources.mixing)
        spread = np.sqrt(np.diag(turn @ self._covariance_of_v @ turn.T))  # of z = R v
        effects: np.ndarray = -inverse / np.diag(inverse)[:, None] * spread / spread[:, None]
        np.fill_diagonal(effects, 0)
        return effects

    def _oriented(
        self, orders: Orders
    ) -> tuple[list[_Oriented], Float[np.ndarray, "D D"], Bool[np.ndarray, "D D"]]:
        """The QR latents of an order, their turn and their parents."""
        d = len(self.sources.owner)
        turn, precedes = np.zeros((d, d)), ~self.same
        latents: dict[int, _Oriented] = {}
        for place, order in zip(self.sources.places, orders, strict=True):
            for i, source in enumerate(order):
                latents[source] = _Oriented(source, frozenset(order[i + 1 :]))
                turn[source, place] = self._direction(latents[source])
                precedes[source, list(order[:i])] = True
        parents = (np.abs(self.effects(turn)) > CLEAR_ENTRY) & precedes
        return [latents[k] for k in range(d)], turn, parents

    def _find_direction(self, latent: _Oriented) -> Float[np.ndarray, " width"]:
        """Unit direction of the latent in the own coordinates of its modality."""
        mixing = self.sources.mixing[self.sources.places[self.sources.owner[latent.source]]]
        direction = mixing[:, latent.source]
        if latent.later:
            others = np.linalg.qr(mixing[:, sorted(latent.later)])[0]
            direction = direction - others @ (others.T @ direction)
        unit: np.ndarray = direction / np.linalg.norm(direction)
        return unit

    def _find_latent(self, latent: _Oriented) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n parts"]]:
        """Values of a QR latent, and the functions of it that are causes."""
        place = self.sources.places[self.sources.owner[latent.source]]
        values = self.sources.v[:, place] @ self._direction(latent)
        return values, bends(standardise(values))

    def _find_cost(self, latent: _Oriented, causes: tuple[_Oriented, ...]) -> float:
        return self.given.cost(self._latent(latent)[0], [self._latent(cause)[1] for cause in causes])

    def _sparse_turn(
        self, turn: Float[np.ndarray, "D D"], parents: Bool[np.ndarray, "D D"]
    ) -> Float[np.ndarray, "D D"]:
        """R, starting at `turn`, and L with entries for parents only, such that L R is close to A^-1."""
        kept = parents | np.eye(len(parents), dtype=bool)
        for _ in range(TURNS):
            weighted = turn @ self._covariance_of_rest
            gram = weighted @ turn.T
            lower = np.zeros_like(turn)
            for k, row in enumerate(kept):
                j = np.flatnonzero(row)
                lower[k, j] = np.linalg.solve(gram[np.ix_(j, j)], weighted[j] @ self._unmixing[k])
            turn = np.zeros_like(turn)
            for number, place in enumerate(self.sources.places):
                own = np.flatnonzero(self.sources.owner == number)
                left, _, right = np.linalg.svd(lower[:, own].T @ self._unmixing[:, place])
                turn[np.ix_(own, np.arange(place.start, place.stop))] = left @ right
        return turn


def causal_order(parents: Bool[np.ndarray, "D D"], effects: Float[np.ndarray, "D D"]) -> list[int]:
    """All latents, causes first: each time the one with the weakest effects from those that are left."""
    strength = np.abs(effects) * parents
    left, order = set(range(len(parents))), []
    while left:
        nearest = min(sorted(left), key=lambda k: sum(strength[k, j] for j in left))
        order.append(nearest)
        left.remove(nearest)
    return order
