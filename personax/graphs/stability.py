"""How sure a graph is: resampled people, several seeds, and what they have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from joblib import Parallel, delayed, parallel_config
from scipy.optimize import linear_sum_assignment
from scipy.stats import rankdata
from tqdm import tqdm

from personax.graphs.discovery import Discovery, discover
from personax.graphs.graph import ARROW, NONE, TAIL, adjacency_from_marks
from personax.runs.seeds import numpy_rng

Resample = Literal["bootstrap", "half"]


@dataclass(frozen=True)
class Stability:
    """Edge frequencies over resamples.

    Attributes:
        frequency: (d, d) symmetric share of resamples in which i and j are adjacent.
        orientation: (d, d) share of i -> j (or i o-> j) among the resamples where i and j are adjacent;
            0 where they never are.
        resamples: how many.
    """

    frequency: np.ndarray
    orientation: np.ndarray
    resamples: int


def match_latents(
    reference: np.ndarray, other: np.ndarray, blocks: Sequence[str], other_blocks: Sequence[str]
) -> tuple[np.ndarray, float]:
    """(d,) permutation with `other[:, permutation]` in the order of `reference`; both (n, d), same people.

    Also the mean |Spearman| of the pairs, in [0, 1]. Two trainings find the same latents in different order
    and on different scales. Within each block, the pairing with the largest sum of |Spearman| correlations
    is taken (Hungarian algorithm). `blocks` and `other_blocks` hold the block of each column; each block
    must be as large in both.
    """
    ranks = [(lambda r: (r - r.mean(0)) / r.std(0))(rankdata(z, axis=0)) for z in (reference, other)]
    similarity = np.abs(ranks[0].T @ ranks[1]) / len(reference)
    permutation = np.arange(len(blocks))
    for block in dict.fromkeys(blocks):
        here = np.flatnonzero(np.array(blocks, dtype=object) == block)
        there = np.flatnonzero(np.array(other_blocks, dtype=object) == block)
        rows, columns = linear_sum_assignment(-similarity[np.ix_(here, there)])
        permutation[here[rows]] = there[columns]
    return permutation, float(similarity[np.arange(len(blocks)), permutation].mean())


def _one(data: np.ndarray, how: Discovery, resample: Resample, seed: int, number: int) -> np.ndarray:
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
) -> np.ndarray:
    """(resamples, d, d) endpoint marks of graphs estimated on resampled people.

    `runs` holds the latents (n, d) of one or more trainings, columns matched; resample b takes run
    b mod len(runs). "bootstrap" draws n people with replacement. This makes tests too eager, because the
    copies count as people: at level 0.05 about 1 in 6 independent pairs comes out as an edge. "half" draws
    n/2 people without replacement (Meinshausen & Bühlmann 2010) and keeps the level, with less power.
    Each resample has its own stream of `seed`: the result is the same for any number of `jobs`, which are
    processes of one thread each (-1: one a core).
    """
    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=jobs, return_as="generator")
        found = pool(delayed(_one)(runs[b % len(runs)], how, resample, seed, b) for b in range(resamples))
        return np.array(list(tqdm(found, total=resamples, desc="resamples", disable=None)))


def stability(marks: np.ndarray) -> Stability:
    """Frequencies over a stack (b, d, d) of endpoint marks, b >= 1."""
    adjacent = marks != NONE
    adjacency = np.array([adjacency_from_marks(each) for each in marks], dtype=bool)
    directed = (adjacency & ~adjacency.transpose(0, 2, 1)).sum(0)
    count = adjacent.sum(0)
    orientation = np.divide(directed, count, out=np.zeros(count.shape), where=count > 0)
    return Stability(count / len(marks), orientation, len(marks))


def consensus(found: Stability, *, least: float = 0.5) -> np.ndarray:
    """(d, d) endpoint marks: edges in at least the share `least` (> 0) of resamples.

    Directed where more than half of the resamples with the edge agree on a direction, else undirected.
    """
    edge = (found.frequency >= least) & (found.frequency > 0)
    forward = edge & (found.orientation > 0.5)
    marks = np.where(edge, TAIL, NONE)
    marks[forward] = ARROW
    return marks


def drop_rare(marks: np.ndarray, frequency: np.ndarray, least: float) -> np.ndarray:
    """`marks` (d, d) without the edges whose frequency is below `least`."""
    return np.where(frequency >= least, marks, NONE)
