"""Latents and graph of embeddings in closed form: no training, and only the causal order is searched.

It is for coordinates in units of their noise (compression.py) of which the latents are nearly linear
functions. joint_sources.py reads the shared latents s, and independent sources of the other latents.
order_search.py finds candidates for the causal order and the coordinates that belong to it, turn_polish.py
improves the best few, and the parents of each latent, s among them, are then selected by what they save.

What identifies what: s is what all modalities have in common; the sources are identified if their noises are
not normal (all but one: Comon 1994); the order of sources is identified by mechanisms that are bent. With
lines every order explains the data equally well, and with normal noise there are no sources.
`ClosedFormEvidence` says whether noises are far enough from normal and mechanisms bent enough, and whether a
random half of the people gives the same latents. That latents of a modality are at right angles in units of
noise is a preference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import comb

import numpy as np
import torch
from jaxtyping import Bool, Float

from personax.crl.joint_sources import (
    DEGREE,
    SharedReading,
    Sources,
    canonical_variates,
    find_sources,
    read_shared,
)
from personax.crl.mechanism_cost import FUNCTIONS, Mechanisms, SharedGiven, eliminate
from personax.crl.model_config import Phase2Config
from personax.crl.order_search import ACROSS, WITHIN, Candidate, OrderSearch, causal_order, price
from personax.crl.trust import IDENTIFIED, LATENTS_UNKNOWN, LATENTS_UNSTABLE, ORDER_UNKNOWN
from personax.crl.turn_polish import polish
from personax.independence.threads import by_one_blas_thread
from personax.learning.batches import Batch
from personax.learning.metrics import match
from personax.runs.errors import InputError
from personax.runs.seeds import numpy_rng

ROWS_TO_FIT = 4000  # people on whom mechanisms are fitted
CLEAR_BEND = 0.0015  # bend_gain from which mechanisms are bent enough to tell their order
CLEARLY_NOT_NORMAL = 5.0  # standard errors of the kurtosis
STABLE = 0.97  # mean correlation with the latents of half of the people, for the verdict "identified"
LEAST_HALF = 3  # people for each coordinate that the half must have
FIRST_STEPS = 12  # iterations by which each finalist is polished
WINNERS, STEPS = 3, 40  # of these, how many are polished further


@dataclass(frozen=True)
class ClosedFormEvidence:
    """What the closed form rests on, computed without the truth.

    Attributes:
        correlations: correlations between the modalities' variates, the shared ones first.
        kurtosis: excess kurtosis of the source of each own latent, in standard errors: 0 if it is normal.
        bend_gain: nats per row and edge that bent mechanisms between own latents save beside lines, minus
            what they would save by chance; NaN without such edges.
        runner_up: nats per row by which the best other set of parents is worse.
        agreement: |correlation| of each own latent with the same latent that a random half of the people
            gives; empty if there are too few people.
    """

    correlations: list[float]
    kurtosis: list[float]
    bend_gain: float
    runner_up: float
    agreement: list[float] = field(default_factory=list)

    def verdict(self, latents: Sequence[int]) -> str:
        """IDENTIFIED, or a text that says what is not: the order, or the latents themselves.

        If there are too few people for halves, it is LATENTS_UNSTABLE.

        latents: numbers of the own coordinates that count as latents; nuisance may be normal.
        """
        clear = np.sort(np.abs([self.kurtosis[k] for k in latents]))
        if len(clear) > 1 and clear[1] < CLEARLY_NOT_NORMAL:  # one source may be normal
            return LATENTS_UNKNOWN
        if self.bend_gain < CLEAR_BEND:
            return ORDER_UNKNOWN
        agreement = np.mean([self.agreement[k] for k in latents]) if self.agreement else 0.0
        return IDENTIFIED if agreement >= STABLE else LATENTS_UNSTABLE


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
        evidence: what latents and graph rest on.
    """

    shared: Mapping[str, Float[np.ndarray, "r k"]]
    own: Mapping[str, Float[np.ndarray, "r width"]]
    centre: Mapping[str, Float[np.ndarray, " r"]]
    parents: Bool[np.ndarray, "d d"]
    order: list[int]
    evidence: ClosedFormEvidence


def mean_measurements(people: Batch) -> dict[str, Float[np.ndarray, "n _"]]:
    """Modality -> (n, r) mean of the measurements that a person has, NaN for a person without any."""
    means = {}
    for modality, tensors in people.x.items():
        seen = people.observed[modality].cpu().numpy().astype(float)
        total = sum(x.cpu().numpy().astype(float) * seen[:, [i]] for i, x in enumerate(tensors))
        count = seen.sum(1, keepdims=True)
        means[modality] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def _has_all(means: Mapping[str, Float[np.ndarray, "n _"]]) -> Bool[np.ndarray, " n"]:
    """Who has every modality."""
    return np.asarray(np.all([np.isfinite(mean).all(1) for mean in means.values()], axis=0))


def centred_means(
    people: Batch,
) -> tuple[dict[str, Float[np.ndarray, "n _"]], dict[str, Float[np.ndarray, " _"]]]:
    """Mean measurements (n, r) of the people who have every modality, minus their means, and these (r,)."""
    means = mean_measurements(people)
    complete = _has_all(means)
    centre = {m: mean[complete].mean(0) for m, mean in means.items()}
    return {m: mean[complete] - centre[m] for m, mean in means.items()}, centre


def has_closed_form(
    shapes: Mapping[str, Sequence[Sequence[int]]], shared: int, widths: Mapping[str, int]
) -> bool:
    """Whether the measurements of a modality are vectors of one length, with enough numbers for its latents.

    Latents can only be shared by two modalities or more.

    Args:
        shapes: modality -> shape of each of its measurements.
        shared: number of shared latents.
        widths: modality -> number of own coordinates.
    """
    equal = all(len({tuple(shape) for shape in of_modality}) == 1 for of_modality in shapes.values())
    wide = all(len(of_m[0]) == 1 and of_m[0][0] >= shared + widths[m] for m, of_m in shapes.items())
    return equal and wide and (shared == 0 or len(shapes) > 1)


@by_one_blas_thread  # its rounding can decide between two orders that explain the data almost equally well
def solve(
    people: Batch,
    shared: int,
    widths: Mapping[str, int],
    *,
    config: Phase2Config,
    seed: int,
    causal: bool = True,
) -> ClosedForm:
    """Read the latents of training people and find their graph.

    The evidence says how similar the latents of a random half of the people are. The half is drawn from those
    who have every modality, since the others are not used.

    Args:
        people: measurements in units of noise; see `has_closed_form`.
        shared: number k of shared latents.
        widths: modality -> number of own coordinates.
        config: the options of phase 2, of which the numbers of starts and finalists are used.
        seed: seed of the starts of the search.
        causal: False finds independent latents, without a graph.

    Raises InputError for fewer people with every modality than `least_people`.
    """
    complete = np.flatnonzero(_has_all(mean_measurements(people)))
    coordinates, least = shared + sum(widths.values()), least_people(shared, widths)
    if len(complete) < least:
        raise InputError(
            f"{len(complete)} training people with every modality are too few for {coordinates} coordinates "
            f"(latents and nuisance) in closed form; at least {least}, or fewer latents"
        )
    form, half = _solved(people, shared, widths, config, seed, causal), len(complete) // 2
    if half < max(least, LEAST_HALF * coordinates):
        return form
    chosen = complete[numpy_rng(seed, "half").permutation(len(complete))[:half]]
    some = people.rows(torch.from_numpy(np.sort(chosen)))
    other = _solved(some, shared, widths, config, seed, causal)
    x, _ = centred_means(people)
    agreement = [
        float(abs(correlation))
        for m in x
        for correlation in match(x[m] @ other.own[m], x[m] @ form.own[m])[1]
    ]
    return replace(form, evidence=replace(form.evidence, agreement=agreement))


def least_people(shared: int, widths: Mapping[str, int]) -> int:
    """The fewest people with every modality that determine a closed form.

    That is one for each polynomial of s, which is regressed out, and one for each own coordinate.

    >>> least_people(2, {"image": 8, "text": 8})
    26
    """
    return comb(shared + DEGREE, DEGREE) + sum(widths.values())


def _solved(
    people: Batch, shared: int, widths: Mapping[str, int], config: Phase2Config, seed: int, causal: bool
) -> ClosedForm:
    """`solve` without the check by half of the people."""
    x, centre = centred_means(people)
    reading = read_shared(x, shared, seed)
    sources = find_sources(x, reading.s, widths, seed)
    rows = np.linspace(0, len(sources.v) - 1, min(ROWS_TO_FIT, len(sources.v))).astype(int)
    fewer = Sources(
        sources.axes, sources.v[rows], sources.rest[rows], sources.mixing, sources.owner, sources.places
    )
    search = OrderSearch(fewer, SharedGiven(reading.s[rows]))
    ranked = _finalists(search, config, seed) if causal else [_without_graph(search)]
    best = ranked[0]
    graph = _select_parents(search, best) if causal else np.zeros((shared + len(best.turn),) * 2, dtype=bool)
    mechanisms = Mechanisms(search.sources.v @ best.turn.T, search.given)
    evidence = ClosedFormEvidence(
        correlations=[] if len(x) == 1 else canonical_variates(x)[0].round(4).tolist(),
        kurtosis=_kurtosis(sources),
        bend_gain=_bend_gain(mechanisms, len(search.sources.v), graph),
        runner_up=ranked[1].score - best.score if len(ranked) > 1 else float("inf"),
    )
    return _in_units(reading, sources, best, graph, search.effects(best.turn), centre, evidence)


def _finalists(search: OrderSearch, config: Phase2Config, seed: int) -> list[Candidate]:
    """The best candidates of the search with polished coordinates, the best first."""
    found = search.run(seed, config.starts)[: config.finalists]
    finalists = [_polished(search, candidate, FIRST_STEPS) for candidate in found]
    finalists.sort(key=lambda candidate: candidate.score)
    winners = [_polished(search, candidate, STEPS) for candidate in finalists[:WINNERS]]
    return sorted(winners, key=lambda candidate: candidate.score)


def _polished(search: OrderSearch, candidate: Candidate, steps: int) -> Candidate:
    """The candidate with better coordinates, and their score."""
    turn, cost = polish(candidate.turn, candidate.parents, search.sources, search.given, steps=steps)
    return Candidate(turn, candidate.parents, cost + price(candidate.parents, search.same))


def _without_graph(search: OrderSearch) -> Candidate:
    """Latents that are as independent as possible: polished coordinates of no parents."""
    search.score(search.first_order())
    (start,) = search.candidates.values()
    return _polished(search, Candidate(start.turn, np.zeros_like(start.parents), start.score), STEPS)


def _select_parents(search: OrderSearch, best: Candidate) -> Bool[np.ndarray, "d d"]:
    """(k + D, k + D) [i, j] for i -> j: those of s and earlier latents that are worth their price."""
    mechanisms = Mechanisms(search.sources.v @ best.turn.T, search.given)
    k = mechanisms.shared
    order = causal_order(best.parents, search.effects(best.turn))
    graph = np.zeros((k + len(order),) * 2, dtype=bool)
    for place, child in enumerate(order):
        prices = dict.fromkeys(range(k), WITHIN)
        prices |= {k + j: WITHIN if search.same[child, j] else ACROSS for j in order[:place]}
        graph[eliminate(mechanisms, child, prices), k + child] = True
    return graph


def _kurtosis(sources: Sources) -> list[float]:
    """Excess kurtosis of each source in standard errors."""
    noises = sources.rest @ np.linalg.inv(sources.mixing).T
    excess = ((noises / noises.std(0)) ** 4).mean(0) - 3
    found: list[float] = (excess / np.sqrt(24 / len(noises))).round(2).tolist()
    return found


def _bend_gain(mechanisms: Mechanisms, n: int, graph: Bool[np.ndarray, "d d"]) -> float:
    """See `ClosedFormEvidence.bend_gain`; n is the number of rows that the mechanisms were fitted on."""
    k, edges, gain = mechanisms.shared, 0, 0.0
    for child in range(len(graph) - k):
        causes = np.flatnonzero(graph[:, k + child]).tolist()
        edges += sum(cause >= k for cause in causes)
        gain += mechanisms.cost(child, causes, bent=False) - mechanisms.cost(child, causes)
    return gain / edges - (FUNCTIONS - 1) / (2 * n) if edges else float("nan")


def _in_units(
    reading: SharedReading,
    sources: Sources,
    best: Candidate,
    graph: Bool[np.ndarray, "d d"],
    effects: Float[np.ndarray, "D D"],
    centre: Mapping[str, Float[np.ndarray, " r"]],
    evidence: ClosedFormEvidence,
) -> ClosedForm:
    """The result with latents of variance 1, block by block, those of a block by falling variance."""
    k, spread = reading.s.shape[1], (sources.v @ best.turn.T).std(0)
    own, columns = {}, list(range(k))
    for number, (modality, place) in enumerate(zip(sources.axes, sources.places, strict=True)):
        mine = np.flatnonzero(sources.owner == number)
        mine = mine[np.argsort(-spread[mine], kind="stable")]
        own[modality] = sources.axes[modality] @ best.turn[mine, place].T / spread[mine]
        columns += (k + mine).tolist()
    evidence = replace(evidence, kurtosis=[evidence.kurtosis[c - k] for c in columns[k:]])
    place_of = {column: number for number, column in enumerate(columns)}
    order = [*range(k), *(place_of[k + j] for j in causal_order(best.parents, effects))]
    return ClosedForm(reading.maps, own, centre, graph[np.ix_(columns, columns)], order, evidence)
