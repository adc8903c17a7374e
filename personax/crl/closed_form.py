"""Latents and graph of embeddings in closed form: no training, and only the causal order is searched.

It is for coordinates in units of their noise (compression.py), of which the latents are nearly linear functions.
joint_sources.py reads the shared latents s and the independent sources of all others. order_search.py finds
candidates for the causal order and the coordinates that belong to it, turn_polish.py improves the best few, and
the parents of each latent, s among them, are then selected by what they save.

What identifies what: s is what all modalities tell alike; the sources are identified if their noises are not
normal (all but one: Comon 1994); the order of sources is identified by mechanisms that are bent. With lines
every order explains the data equally well, and with normal noise there are no sources. `Evidence` says whether
noises are far enough from normal and mechanisms bent enough. That latents of a modality are at right angles in
units of noise is a preference.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from personax.crl.joint_sources import (
    SharedReading,
    Sources,
    canonical_variates,
    find_sources,
    principal_axes,
    read_shared,
    rest_given,
)
from personax.crl.mechanism_cost import Given, Mechanisms
from personax.crl.order_search import ACROSS, WITHIN, Candidate, OrderSearch, causal_order, price
from personax.crl.turn_polish import polish
from personax.learning.batches import Batch

MOST_ROWS = 4000  # people on whom mechanisms are fitted
FINALISTS = 4  # candidates whose coordinates are polished


@dataclass(frozen=True)
class Evidence:
    """What the closed form rests on, computed without the truth.

    Attributes:
        correlations: correlations between the modalities' variates, the shared ones first.
        far_from_normal: the second smallest |excess kurtosis| of a latent's source, in standard errors.
        bend_gain: nats per row and edge by which bent mechanisms among own latents explain more than lines.
        runner_up: nats per row by which the best other set of parents is worse.
    """

    correlations: list[float]
    far_from_normal: float
    bend_gain: float
    runner_up: float


@dataclass(frozen=True)
class ClosedForm:
    """How latents are read from the mean measurement x_m of each modality, and their graph.

    The own latents of a modality are in the order of falling variance in units of noise.

    Attributes:
        shared: modality -> (r, k); s is the mean of (x_m - centre_m) times these.
        own: modality -> (r, width); the own latents are (x_m - centre_m) times these, with variance 1.
        centre: modality -> (r,).
        parents: (k + D, k + D) bool over s and the own latents of all modalities, [i, j] for i -> j.
        order: all latents, causes first.
        evidence: what it rests on.
    """

    shared: Mapping[str, Float[np.ndarray, "r k"]]
    own: Mapping[str, Float[np.ndarray, "r width"]]
    centre: Mapping[str, Float[np.ndarray, " r"]]
    parents: Bool[np.ndarray, "d d"]
    order: list[int]
    evidence: Evidence


def mean_measurements(people: Batch) -> dict[str, Float[np.ndarray, "n _"]]:
    """Modality -> (n, r) mean of the measurements that a person has, NaN for a person without any."""
    means = {}
    for modality, tensors in people.x.items():
        seen = people.observed[modality].cpu().numpy().astype(float)
        total = sum(x.cpu().numpy().astype(float) * seen[:, [i]] for i, x in enumerate(tensors))
        count = seen.sum(1, keepdims=True)
        means[modality] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def has_closed_form(people: Batch, shared: int, widths: Mapping[str, int]) -> bool:
    """Whether the modalities have enough numbers; latents that one modality alone has cannot be shared."""
    wide = all(
        x.ndim == 2 and x.shape[1] >= shared + widths[m] for m, tensors in people.x.items() for x in tensors
    )
    equal = all(len({x.shape[1] for x in tensors}) == 1 for tensors in people.x.values())
    return wide and equal and (shared == 0 or len(people.x) > 1)


def solve(
    people: Batch, shared: int, widths: Mapping[str, int], *, seed: int, causal: bool = True
) -> ClosedForm:
    """Read the latents of training people and find their graph.

    Args:
        people: measurements in units of noise; see `has_closed_form`.
        shared: number k of shared latents.
        widths: modality -> number of own coordinates.
        seed: seed of the starts of the search.
        causal: False finds independent latents, without a graph.
    """
    means = mean_measurements(people)
    complete = np.all([np.isfinite(mean).all(1) for mean in means.values()], axis=0)
    centre = {m: mean[complete].mean(0) for m, mean in means.items()}
    x = {m: mean[complete] - centre[m] for m, mean in means.items()}
    reading = read_shared(x, shared, seed)
    sources = find_sources(x, reading.s, widths, seed)
    rows = np.linspace(0, len(sources.v) - 1, min(MOST_ROWS, len(sources.v))).astype(int)
    fewer = Sources(
        sources.axes, sources.v[rows], sources.rest[rows], sources.mixing, sources.owner, sources.places
    )
    search = OrderSearch(fewer, Given(reading.s[rows]))
    ranked = _finalists(search, seed) if causal else [_without_graph(search)]
    best = ranked[0]
    graph = _select_parents(search, best) if causal else np.zeros((shared + len(best.turn),) * 2, dtype=bool)
    evidence = Evidence(
        correlations=[] if len(x) == 1 else canonical_variates(x)[0].round(4).tolist(),
        far_from_normal=_second_least_kurtosis(sources),
        bend_gain=_bend_gain(search, best, graph),
        runner_up=ranked[1].score - best.score if len(ranked) > 1 else float("inf"),
    )
    return _in_units(reading, sources, best, graph, search.effects(best.turn), centre, evidence)


def _finalists(search: OrderSearch, seed: int) -> list[Candidate]:
    """The best candidates of the search with polished coordinates, the best first."""
    polished = []
    for candidate in search.run(seed)[:FINALISTS]:
        turn, cost = polish(candidate.turn, candidate.parents, search.sources, search.given)
        polished.append(Candidate(turn, candidate.parents, cost + price(candidate.parents, search.same)))
    return sorted(polished, key=lambda candidate: candidate.score)


def _without_graph(search: OrderSearch) -> Candidate:
    """Latents that are as independent as possible: polished coordinates of no parents."""
    search.score(search.first_order())
    (start,) = search.candidates.values()
    none = np.zeros_like(start.parents)
    turn, cost = polish(start.turn, none, search.sources, search.given)
    return Candidate(turn, none, cost)


def _select_parents(search: OrderSearch, best: Candidate) -> Bool[np.ndarray, "d d"]:
    """(k + D, k + D) [i, j] for i -> j: of s and all earlier latents those that save more than their price."""
    mechanisms = Mechanisms(search.sources.v @ best.turn.T, search.given)
    k = mechanisms.shared
    order = causal_order(best.parents, search.effects(best.turn))
    graph = np.zeros((k + len(order),) * 2, dtype=bool)
    for place, child in enumerate(order):
        prices = dict.fromkeys(range(k), WITHIN)
        prices |= {k + j: WITHIN if search.same[child, j] else ACROSS for j in order[:place]}
        graph[_eliminate(mechanisms, child, prices), k + child] = True
    return graph


def _eliminate(mechanisms: Mechanisms, child: int, prices: Mapping[int, float]) -> list[int]:
    """The causes that are left when one after another is taken out, as long as that lowers cost and price."""
    kept = list(prices)

    def total(causes: list[int]) -> float:
        return mechanisms.cost(child, causes) + sum(prices[cause] for cause in causes)

    value = total(kept)
    while kept:
        fewer = [[cause for cause in kept if cause != out] for out in kept]
        values = [total(causes) for causes in fewer]
        if min(values) > value:
            break
        value = min(values)
        kept = fewer[values.index(value)]
    return kept


def _second_least_kurtosis(sources: Sources) -> float:
    """Second smallest |excess kurtosis| of the sources, in standard errors: one source may be normal."""
    noises = sources.rest @ np.linalg.inv(sources.mixing).T
    noises = noises / noises.std(0)
    excess = np.sort(np.abs((noises**4).mean(0) - 3)) / np.sqrt(24 / len(noises))
    return float(excess[min(1, len(excess) - 1)])


def _bend_gain(search: OrderSearch, best: Candidate, graph: Bool[np.ndarray, "d d"]) -> float:
    """Nats per row and edge among own latents that bends save; 0 without such edges."""
    mechanisms = Mechanisms(search.sources.v @ best.turn.T, search.given)
    k, edges, gain = mechanisms.shared, 0, 0.0
    for child in range(len(best.turn)):
        causes = np.flatnonzero(graph[:, k + child]).tolist()
        edges += sum(cause >= k for cause in causes)
        gain += mechanisms.cost(child, causes, bent=False) - mechanisms.cost(child, causes)
    return gain / max(edges, 1)


def _in_units(
    reading: SharedReading,
    sources: Sources,
    best: Candidate,
    graph: Bool[np.ndarray, "d d"],
    effects: Float[np.ndarray, "D D"],
    centre: Mapping[str, Float[np.ndarray, " r"]],
    evidence: Evidence,
) -> ClosedForm:
    """The result with latents of variance 1, block by block, those of a block by falling variance."""
    k, spread = reading.s.shape[1], (sources.v @ best.turn.T).std(0)
    own, columns = {}, list(range(k))
    for number, (modality, place) in enumerate(zip(sources.axes, sources.places, strict=True)):
        mine = np.flatnonzero(sources.owner == number)
        mine = mine[np.argsort(-spread[mine], kind="stable")]
        own[modality] = sources.axes[modality] @ best.turn[mine, place].T / spread[mine]
        columns += (k + mine).tolist()
    place_of = {column: number for number, column in enumerate(columns)}
    order = [*range(k), *(place_of[k + j] for j in causal_order(best.parents, effects))]
    return ClosedForm(reading.maps, own, centre, graph[np.ix_(columns, columns)], order, evidence)
