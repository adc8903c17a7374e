"""The graph of one or several trainings, learned or estimated, with its edge frequencies."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from personax.graphs.discovery import Discovery, discover, linear_weights
from personax.graphs.graph import Graph, adjacency_from_marks
from personax.graphs.knowledge import against
from personax.graphs.sources import Latents
from personax.graphs.stability import (
    Resample,
    Stability,
    consensus,
    drop_rare,
    match_latents,
    resampled_marks,
    stability,
)
from personax.runs.errors import InputError

log = logging.getLogger(__name__)

DOUBTFUL = 0.5  # mean |Spearman| of paired latents below which two seeds hardly found the same


def match_runs(runs: Sequence[Latents]) -> list[Latents]:
    """Several seeds with the latents of each in the order and under the names of the first.

    Latents are paired within their block by |Spearman| over the people that both runs have; a pairing that
    is no better than `DOUBTFUL` on average is logged. Raises InputError for runs that don't belong together.
    """
    return [*runs[:1], *(_matched(run, runs[0]) for run in runs[1:])]


def _matched(run: Latents, first: Latents) -> Latents:
    counts = [Counter(each.blocks.values()) for each in (first, run)]
    for block in counts[0] | counts[1]:
        if counts[0][block] != counts[1][block]:
            raise InputError(
                f"{run.path}: {counts[1][block]} latents in block {block!r}, {first.path} has "
                f"{counts[0][block]}; seeds of one experiment have the same"
            )
    people = first.table.index.intersection(run.table.index)
    if len(people) < 10:
        raise InputError(
            f"{run.path}: has {len(people)} people in common with {first.path}; at least 10 are needed"
        )
    order, similarity = match_latents(
        first.table.loc[people].to_numpy(),
        run.table.loc[people].to_numpy(),
        [first.blocks[name] for name in first.names],
        [run.blocks[name] for name in run.names],
    )
    if similarity < DOUBTFUL:
        log.warning("%s: its latents pair with the first run's at |Spearman| %.2f only", run.path, similarity)
    learned = run.learned.permuted(order.tolist()) if run.learned else None
    return replace(
        run,
        table=run.table.iloc[:, order].set_axis(first.names, axis=1),
        blocks=first.blocks,
        learned=replace(learned, names=first.names, blocks=first.blocks) if learned else None,
    )


def learned_graph(runs: Sequence[Latents], least: float) -> Graph:
    """The models' own graph: of one run as it is, of several what at least the share `least` has.

    Raises InputError for a run without one.
    """
    graphs: list[Graph] = []
    for run in runs:
        if run.learned is None:
            raise InputError(f"{run.path}: no learned graph (graph.json); choose --method pc, fci or ges")
        graphs.append(replace(run.learned, blocks=runs[0].blocks, simulated=runs[0].simulated))
    if len(graphs) == 1:
        return graphs[0]
    found = stability(np.array([graph.endpoint_marks for graph in graphs]))
    marks = consensus(found, least=least)
    weights = [graph.weights for graph in graphs if graph.weights is not None]
    return replace(
        graphs[0],
        adjacency=adjacency_from_marks(marks),
        marks=marks,
        weights=np.mean(weights, axis=0) if len(weights) == len(graphs) else None,
        frequency=found.frequency,
        orientation=found.orientation,
    )


def estimated_graph(
    runs: Sequence[Latents],
    how: Discovery,
    *,
    least: float,
    resamples: int,
    resample: Resample = "bootstrap",
    seed: int = 0,
    jobs: int = 1,
) -> Graph:
    """The graph behind the latents of matched runs, with edge frequencies over resampled people and seeds.

    One run: estimated on its people, edges rarer than `least` left out. Several: the consensus of the
    resamples (of the runs' own graphs if `resamples` is 0) with at least the share `least`. Weights are
    standardised linear coefficients, averaged over the runs. See `resampled_marks` for the rest.
    """
    tables = [run.table.to_numpy() for run in runs]
    found: Stability | None = None
    if resamples:
        count = max(resamples, len(runs))
        found = stability(
            resampled_marks(tables, how, resamples=count, resample=resample, seed=seed, jobs=jobs)
        )
    elif len(runs) > 1:
        found = stability(np.array([discover(table, how, seed=seed) for table in tables]))
    if found and len(runs) > 1:
        marks = consensus(found, least=least)
    else:
        marks = discover(tables[0], how, seed=seed)
        marks = drop_rare(marks, found.frequency, least) if found else marks
    wrong = against(marks, how.forbidden) if how.forbidden is not None else 0
    if wrong:
        log.warning("%d arrows found by %s go against the background knowledge", wrong, how.method)
    adjacency = adjacency_from_marks(marks)
    return Graph(
        runs[0].names,
        adjacency,
        weights=np.mean([linear_weights(table, adjacency) for table in tables], axis=0),
        frequency=found.frequency if found else None,
        orientation=found.orientation if found else None,
        blocks=runs[0].blocks,
        marks=marks,
        simulated=runs[0].simulated,
    )
