"""How certain the edges of a graph are: graphs of resampled people or several seeds, and their consensus.

The consensus is one graph with the edges that are frequent among these graphs. A mark is what an edge has at
one of its ends: an arrowhead, a tail or a circle (graph.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import networkx as nx
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata

from personax.graphs.choices import Resample
from personax.graphs.discovery import Discovery, discover
from personax.graphs.graph import ARROW, CIRCLE, NONE, TAIL, block_of_names
from personax.runs.engines import in_order, mapped
from personax.runs.progress import tracked
from personax.runs.seeds import numpy_rng
from personax.runs.workers import HERE, Workers


@dataclass(frozen=True)
class Stability:
    """How often edges and their marks occur in several graphs.

    `orientation`, `heads` and `tails` are shares of those graphs in which i and j are adjacent; 0 if they are
    adjacent in none.

    Attributes:
        frequency: (d, d) symmetric; the share of graphs in which i and j are adjacent.
        orientation: (d, d) share with i -> j or i o-> j: a head at j and none at i.
        heads: (d, d) share with an arrowhead at j on the edge i - j.
        tails: (d, d) share with a tail at j on that edge.
        hidden: (d, d) symmetric bool; True if in some graph the edge i - j has a circle, or arrowheads at
            both ends. Only graphs that allow hidden common causes have these.
    """

    frequency: Float[np.ndarray, "d d"]
    orientation: Float[np.ndarray, "d d"]
    heads: Float[np.ndarray, "d d"]
    tails: Float[np.ndarray, "d d"]
    hidden: Bool[np.ndarray, "d d"]


class Consensus(NamedTuple):
    """What several graphs agree on.

    Attributes:
        marks: (d, d) endpoint marks.
        opened: edges (i, j) that lost their arrowhead at j, because they closed a directed cycle or because
            too few graphs have it.
    """

    marks: Int[np.ndarray, "d d"]
    opened: list[tuple[int, int]]


class LatentMatch(NamedTuple):
    """Which latents of two trainings belong together.

    Attributes:
        order: (d,) for each latent of the reference, the column of its partner.
        signs: (d,) of 1 and -1; the partner times its sign is positively correlated with the reference.
        similarity: mean |Spearman correlation| of the pairs, in [0, 1].
    """

    order: Int[np.ndarray, " d"]
    signs: Int[np.ndarray, " d"]
    similarity: float


def match_latents(
    reference: pd.DataFrame,
    other: pd.DataFrame,
    blocks: Mapping[str, Sequence[str]],
    other_blocks: Mapping[str, Sequence[str]],
) -> LatentMatch:
    """Pair the latents of two trainings. Both tables are (n, d), with the same people in the same order.

    Two trainings find the same latents in different order, on different scales and with different signs.
    Within each block, this takes the pairing with the largest sum of |Spearman| correlations (Hungarian
    algorithm). `blocks` and `other_blocks` (block -> column names) are those of the two tables; each block
    must have the same size in both.
    """
    ranks = [
        (lambda r: (r - r.mean(0)) / r.std(0))(rankdata(z.to_numpy(), axis=0)) for z in (reference, other)
    ]
    correlation = ranks[0].T @ ranks[1] / len(reference)
    similarity = np.abs(correlation)
    here, there = (
        np.array(list(block_of_names(list(table.columns), named).values()), dtype=object)
        for table, named in ((reference, blocks), (other, other_blocks))
    )
    order = np.arange(len(here))
    for block in dict.fromkeys(here):
        own, partners = np.flatnonzero(here == block), np.flatnonzero(there == block)
        rows, columns = linear_sum_assignment(-similarity[np.ix_(own, partners)])
        order[own[rows]] = partners[columns]
    pairs = np.arange(len(here)), order
    return LatentMatch(order, np.where(correlation[pairs] < 0, -1, 1), float(similarity[pairs].mean()))


def _resampled(
    runs: Sequence[Float[np.ndarray, "n d"]], how: Discovery, resample: Resample, seed: int, number: int
) -> Int[np.ndarray, "d d"]:
    """Endpoint marks of the graph of one resample, which has its own stream of random numbers."""
    rng = numpy_rng(seed, f"resample-{number}")
    data = runs[number % len(runs)]
    n = len(data)
    rows = rng.integers(n, size=n) if resample == "bootstrap" else rng.permutation(n)[: n // 2]
    return discover(data[rows], how, seed=int(rng.integers(2**31)))


def resampled_marks(
    runs: Sequence[Float[np.ndarray, "n d"]],
    how: Discovery,
    *,
    resamples: int,
    resample: Resample = "bootstrap",
    seed: int = 0,
    workers: Workers = HERE,
) -> Int[np.ndarray, "resamples d d"]:
    """Return the endpoint marks of graphs that are estimated on resampled people.

    Args:
        runs: the latents (n, d) of one or more trainings, with matched columns. Resample b takes run b
            modulo the number of runs.
        how: how each graph is estimated.
        resamples: the number of resamples.
        resample: "bootstrap" draws n people with replacement. The tests then reject too often, because they
            count the copies as people: at level 0.05, about 1 in 6 independent pairs becomes an edge.
            "half" draws n/2 people without replacement (Meinshausen & Bühlmann 2010). It keeps the level
            and has less power.
        seed: seed of the random numbers. Each resample has its own stream, so the result does not depend on
            `workers`.
        workers: where resamples are done and how many at a time, each with one thread.
    """
    found = mapped(partial(_resampled, runs, how, resample, seed), range(resamples), workers, threads=1)
    return np.array(in_order(tracked(found, resamples, "graphs", "resample"), resamples))


def stability(marks: Int[np.ndarray, "b d d"]) -> Stability:
    """Count how often each edge and each mark occurs in b >= 1 graphs, given as endpoint marks."""
    count = (marks != NONE).sum(0)
    head, tail = marks == ARROW, marks == TAIL
    directed = head & ~head.transpose(0, 2, 1)
    circle, both = marks == CIRCLE, head & head.transpose(0, 2, 1)

    def share(found: Bool[np.ndarray, "b d d"]) -> Float[np.ndarray, "d d"]:
        return np.asarray(np.divide(found.sum(0), count, out=np.zeros(count.shape), where=count > 0))

    return Stability(
        frequency=count / len(marks),
        orientation=share(directed),
        heads=share(head),
        tails=share(tail),
        hidden=(circle | circle.transpose(0, 2, 1) | both).any(0),
    )


def consensus(found: Stability, *, least: float) -> Consensus:
    """Return the endpoint marks of the graph with all edges that occur in at least the share `least`.

    Each end of an edge gets the mark that more than half of the graphs with this edge have there. Without
    such a majority the end is open: a circle if some of these graphs have a circle or <-> on this edge, else
    a tail, so that the edge is undirected. Edges that never occur are left out, also if `least` is 0.

    Even if no graph has a cycle, the majority can have a directed cycle. Then the least frequent direction on
    a cycle is removed (of equally frequent ones the first by source and target), until no cycle is left.
    """
    edge = (found.frequency >= least) & (found.frequency > 0)
    marks = np.where(edge, np.where(found.hidden, CIRCLE, TAIL), NONE)
    marks[edge & (found.tails > 0.5)] = TAIL
    marks[edge & (found.heads > 0.5)] = ARROW
    opened: list[tuple[int, int]] = []
    while (weakest := _weakest_edge_of_a_cycle(marks, found.frequency * found.orientation)) is not None:
        i, j = weakest
        marks[i, j] = marks[j, i] = CIRCLE if found.hidden[i, j] else TAIL
        opened.append(weakest)
    return Consensus(marks, opened)


def _weakest_edge_of_a_cycle(
    marks: Int[np.ndarray, "d d"], share: Float[np.ndarray, "d d"]
) -> tuple[int, int] | None:
    """The edge i -> j on a directed cycle with the smallest share of graphs; None if there is no cycle."""
    directed = nx.from_numpy_array((marks == ARROW) & (marks.T == TAIL), create_using=nx.DiGraph)
    edges = [
        (int(i), int(j))
        for part in nx.strongly_connected_components(directed)
        for i, j in directed.subgraph(part).edges
    ]
    return min(edges, key=lambda edge: (share[edge], edge), default=None)


def open_unsure(marks: Int[np.ndarray, "d d"], found: Stability, *, open_end: int = TAIL) -> Consensus:
    """Take arrowheads away that less than half of the graphs with the edge have.

    Args:
        marks: endpoint marks of a graph of all people.
        found: how often edges and marks occur in the graphs of resamples.
        open_end: the mark of an end without its head: a tail, so that the edge is undirected, or a circle in
            graphs that have circles.

    Returns:
        The marks, and as `opened` the edges (i, j) that lost their head at j.
    """
    unsure = (marks == ARROW) & (found.heads < 0.5)
    opened = [(int(i), int(j)) for i, j in np.argwhere(unsure)]
    return Consensus(np.where(unsure, open_end, marks), opened)


def drop_rare(
    marks: Int[np.ndarray, "d d"], frequency: Float[np.ndarray, "d d"], least: float
) -> Int[np.ndarray, "d d"]:
    """Return `marks` without the edges whose frequency is below `least`."""
    return np.where(frequency >= least, marks, NONE)
