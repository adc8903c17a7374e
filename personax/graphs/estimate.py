"""The graph of one or several trainings, learned or estimated, with the frequencies of its edges.

A learned graph is the graph of the model itself; an estimated one is found in the latents by PC, FCI or GES.
A consensus is the graph that most of several graphs agree on (stability.py).
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Int

from personax.graphs.choices import Resample
from personax.graphs.discovery import Discovery, discover, linear_weights
from personax.graphs.graph import CIRCLE, TAIL, Graph, adjacency_from_marks
from personax.graphs.graph_files import Latents
from personax.graphs.knowledge import forbidden_arrows_found
from personax.graphs.stability import (
    Stability,
    consensus,
    drop_rare,
    match_latents,
    open_unsure,
    resampled_marks,
    stability,
)
from personax.graphs.sureness import Sureness, pooled_sureness, with_sureness
from personax.runs.errors import InputError
from personax.runs.workers import HERE, Workers

log = logging.getLogger(__name__)

# If the mean |Spearman correlation| of the pairs is below this, the two seeds hardly found the same latents.
WEAK_MATCH = 0.5


def match_runs(runs: Sequence[Latents]) -> list[Latents]:
    """Give the latents of all runs (seeds of one experiment) the order, names and signs of the first run.

    Latents are paired within their block (the latents of one modality, or the shared ones) by their |Spearman
    correlation| over the people that both runs have. If the mean of the pairs is below `WEAK_MATCH`, a
    warning is logged. Raises InputError for runs with other blocks or fewer than 10 people in common.
    """
    return [*runs[:1], *(_matched(run, runs[0]) for run in runs[1:])]


def _matched(run: Latents, first: Latents) -> Latents:
    for block in {**first.blocks, **run.blocks}:
        expected, count = (len(each.blocks.get(block, ())) for each in (first, run))
        if count != expected:
            raise InputError(
                f"{run.path}: {count} latents in block {block!r}, {first.path} has {expected}; "
                "seeds of one experiment have the same number"
            )
    people = first.table.index.intersection(run.table.index)
    if len(people) < 10:
        raise InputError(
            f"{run.path}: has {len(people)} people in common with {first.path}; at least 10 are needed"
        )
    order, signs, similarity = match_latents(
        first.table.loc[people], run.table.loc[people], first.blocks, run.blocks
    )
    if similarity < WEAK_MATCH:
        log.warning(
            "%s: |Spearman| of its latents with those of the first run is only %.2f on average",
            run.path,
            similarity,
        )
    return replace(
        run,
        table=run.table.iloc[:, order].set_axis(first.names, axis=1) * signs,
        blocks=first.blocks,
        learned=_renamed(run.learned.permuted(order.tolist()), first, signs) if run.learned else None,
    )


def _renamed(graph: Graph, first: Latents, signs: Int[np.ndarray, " d"]) -> Graph:
    """The graph with the names of the first run; a latent with sign -1 changes the sign of its weights."""
    weights = None if graph.weights is None else graph.weights * np.outer(signs, signs)
    return replace(graph, names=first.names, blocks=first.blocks, weights=weights)


def _agreed_marks(found: Stability, names: Sequence[str], least: float) -> Int[np.ndarray, "d d"]:
    """Endpoint marks of the consensus; edges that lost their direction because of a cycle are reported."""
    marks, opened = consensus(found, least=least)
    for i, j in opened:
        log.warning(
            "the majority of the graphs has a directed cycle; its least frequent direction, %s -> %s "
            "(%.0f %% of the graphs), is left open",
            names[i],
            names[j],
            100 * found.frequency[i, j] * found.orientation[i, j],
        )
    return marks


def _sure_marks(
    marks: Int[np.ndarray, "d d"], found: Stability, names: Sequence[str], how: Discovery
) -> Int[np.ndarray, "d d"]:
    """Marks without the arrowheads that few resamples have; each is reported."""
    sure, opened = open_unsure(marks, found, open_end=CIRCLE if how.method == "fci" else TAIL)
    for i, j in opened:
        log.warning(
            "%s -> %s: only %.0f %% of the resamples with this edge have this arrowhead; it is left open",
            names[i],
            names[j],
            100 * found.heads[i, j],
        )
    return sure


def _learned_graph(run: Latents, first: Latents) -> Graph:
    """The graph of a run with the sureness of its edges and the blocks of the first one."""
    if run.learned is None:
        raise InputError(f"{run.path}: no learned graph (graph.json); choose --method pc, fci or ges")
    learned = replace(run.learned, blocks=first.blocks, simulated=first.simulated)
    return with_sureness(learned, run.table, where=str(run.path))


def learned_consensus(runs: Sequence[Latents], least: float) -> Graph:
    """Return the graph that the models themselves learned, with the directions that their latents support.

    A direction that independences leave open, and that does not fit the latents better than its reverse, is
    left out (direction.py) and reported. Arrows out of shared latents are an assumption of the model, so they
    stay. For several matched runs, the graph has the edges and directions that occur in at least the share
    `least` of them. Its frequency and orientation are the sureness of the edges (sureness.py), that of
    several runs together.
    Raises InputError for a run without a learned graph.
    """
    graphs = [_learned_graph(run, runs[0]) for run in runs]
    if len(graphs) == 1:
        return graphs[0]
    sure = pooled_sureness(
        [Sureness(np.asarray(graph.frequency), np.asarray(graph.orientation)) for graph in graphs]
    )
    found = stability(np.array([graph.endpoint_marks for graph in graphs]))
    marks = _agreed_marks(found, graphs[0].names, least)
    weights = [graph.weights for graph in graphs if graph.weights is not None]
    return replace(
        graphs[0],
        adjacency=adjacency_from_marks(marks),
        marks=marks,
        weights=np.mean(weights, axis=0) if len(weights) == len(graphs) else None,
        frequency=sure.adjacent,
        orientation=sure.direction,
    )


def estimated_graph(
    runs: Sequence[Latents],
    how: Discovery,
    *,
    least: float,
    resamples: int,
    resample: Resample = "bootstrap",
    seed: int = 0,
    workers: Workers = HERE,
) -> Graph:
    """Estimate the graph behind the latents of matched runs, with edge frequencies over resampled people.

    With one run, the graph is estimated on all its people; edges with a frequency below `least` are left out,
    and so are arrowheads that less than half of the resamples with the edge have. With several, it has the
    edges that occur in at least the share `least` of the resamples (of the graphs of the runs, if `resamples`
    is 0). The weights are standardised linear coefficients, averaged over the runs. `resampled_marks`
    explains the other arguments.
    """
    tables = [run.table.to_numpy() for run in runs]
    found: Stability | None = None
    if resamples:
        count = max(resamples, len(runs))
        found = stability(
            resampled_marks(tables, how, resamples=count, resample=resample, seed=seed, workers=workers)
        )
    elif len(runs) > 1:
        found = stability(np.array([discover(table, how, seed=seed) for table in tables]))
    if found and len(runs) > 1:
        marks = _agreed_marks(found, runs[0].names, least)
    else:
        marks = discover(tables[0], how, seed=seed)
        if found:
            marks = _sure_marks(drop_rare(marks, found.frequency, least), found, runs[0].names, how)
    wrong = forbidden_arrows_found(marks, how.forbidden) if how.forbidden is not None else 0
    if wrong:
        log.warning("%d arrows that %s found contradict the background knowledge", wrong, how.method)
    return Graph(
        runs[0].names,
        adjacency_from_marks(marks),
        weights=np.mean([linear_weights(table, marks) for table in tables], axis=0),
        frequency=found.frequency if found else None,
        orientation=found.orientation if found else None,
        blocks=runs[0].blocks,
        marks=marks,
        simulated=runs[0].simulated,
    )
