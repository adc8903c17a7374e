"""How certain the edges of a graph are: resampled people, several seeds, and what these graphs share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from joblib import Parallel, delayed, parallel_config
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from tqdm import tqdm

from personax.graphs.discovery import Discovery, discover
from personax.graphs.graph import ARROW, NONE, TAIL, adjacency_from_marks, block_of_names
from personax.runs.seeds import numpy_rng

Resample = Literal["bootstrap", "half"]


@dataclass(frozen=True)
class Stability:
    """Edge frequencies over resamples.

    Attributes:
        frequency: (d, d) symmetric; the share of resamples in which i and j are adjacent.
        orientation: (d, d) share of i -> j (or i o-> j) among the resamples in which i and j are adjacent;
            0 if they never are.
    """

    frequency: Float[np.ndarray, "d d"]
    orientation: Float[np.ndarray, "d d"]


class LatentMatch(NamedTuple):
    """Which latents of two trainings belong together.

    Attributes:
        order: (d,) for each latent of the reference, the column of its partner.
        similarity: mean |Spearman correlation| of the pairs, in [0, 1].
    """

    order: np.ndarray
    similarity: float


def match_latents(
    reference: pd.DataFrame,
    other: pd.DataFrame,
    blocks: Mapping[str, Sequence[str]],
    other_blocks: Mapping[str, Sequence[str]],
) -> LatentMatch:
    """Pair the latents of two trainings, (n, d) each with a row per person and the people in the same order.

    Two trainings find the same latents in different order and on different scales. Within each block, this
    takes the pairing with the largest sum of |Spearman| correlations (Hungarian algorithm). `blocks` and
    `other_blocks` (block -> column names) are those of the two tables; each block must be as large in both.
    """
    ranks = [
        (lambda r: (r - r.mean(0)) / r.std(0))(rankdata(z.to_numpy(), axis=0)) for z in (reference, other)
    ]
    similarity = np.abs(ranks[0].T @ ranks[1]) / len(reference)
    here, there = (
        np.array(list(block_of_names(list(table.columns), named).values()), dtype=object)
        for table, named in ((reference, blocks), (other, other_blocks))
    )
    order = np.arange(len(here))
    for block in dict.fromkeys(here):
        own, partners = np.flatnonzero(here == block), np.flatnonzero(there == block)
        rows, columns = linear_sum_assignment(-similarity[np.ix_(own, partners)])
        order[own[rows]] = partners[columns]
    return LatentMatch(order, float(similarity[np.arange(len(here)), order].mean()))


def _resampled(data: np.ndarray, how: Discovery, resample: Resample, seed: int, number: int) -> np.ndarray:
    """Endpoint marks of the graph of one resample, which has its own stream of random numbers."""
    rng = numpy_rng(seed, f"resample-{number}")
    n = len(data)
    rows = rng.integers(n, size=n) if resample == "bootstrap" else rng.permutation(n)[: n // 2]
    return discover(data[rows], how, seed=int(rng.integers(2**31)))


def resampled_marks(
    runs: Sequence[np.ndarray],
    how: Discovery,
    *,
    resamples: int,
    resample: Resample = "bootstrap",
    seed: int = 0,
    jobs: int = 1,
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
        seed: of the random numbers. Each resample has its own stream, so the result does not depend on
            `jobs`.
        jobs: the number of processes, of one thread each; -1: one per core.
    """
    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=jobs, return_as="generator")
        found = pool(
            delayed(_resampled)(runs[b % len(runs)], how, resample, seed, b) for b in range(resamples)
        )
        return np.array(list(tqdm(found, total=resamples, desc="resamples", disable=None)))


def stability(marks: Int[np.ndarray, "b d d"]) -> Stability:
    """Compute how often each edge occurs in b >= 1 graphs, given as endpoint marks."""
    adjacent = marks != NONE
    adjacency = np.array([adjacency_from_marks(each) for each in marks], dtype=bool)
    directed = (adjacency & ~adjacency.transpose(0, 2, 1)).sum(0)
    count = adjacent.sum(0)
    orientation = np.divide(directed, count, out=np.zeros(count.shape), where=count > 0)
    return Stability(count / len(marks), orientation)


def consensus(found: Stability, *, least: float) -> Int[np.ndarray, "d d"]:
    """Return the endpoint marks of the graph with all edges that occur in at least the share `least`.

    An edge is directed if more than half of the graphs with this edge agree on its direction, else
    undirected. Edges that never occur are left out, also if `least` is 0.
    """
    edge = (found.frequency >= least) & (found.frequency > 0)
    forward = edge & (found.orientation > 0.5)
    marks = np.where(edge, TAIL, NONE)
    marks[forward] = ARROW
    return marks


def drop_rare(
    marks: Int[np.ndarray, "d d"], frequency: Float[np.ndarray, "d d"], least: float
) -> Int[np.ndarray, "d d"]:
    """Return `marks` without the edges whose frequency is below `least`."""
    return np.where(frequency >= least, marks, NONE)
