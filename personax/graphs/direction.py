"""Which directions of a learned graph the latents themselves support.

Independences alone leave some edges of a graph without a direction. A model that learns a direction for such
an edge uses the shape of the dependence: with additive noise, the residual of the child is independent of its
parents, while in the wrong direction the residual depends on the supposed cause (Hoyer et al. 2009). If the
dependence is linear and Gaussian, both directions fit equally well, and the learned direction is an accident
of the fit.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from personax.graphs.additive_splines import residual, side_by_side_splines, spline_columns
from personax.graphs.discovery import constant_columns, standardised
from personax.graphs.graph import TAIL, Graph, marks_from_adjacency
from personax.graphs.graph_scores import cpdag_marks
from personax.independence import hsic
from personax.runs.seeds import numpy_rng
from personax.views import SHARED

log = logging.getLogger(__name__)

HALVES = 40  # number of random halves of the people in which the two directions are compared
# A direction is decided if it fits better in at least this share of the halves. Linear Gaussian pairs have no
# direction; 0 to 2 % of them are decided by mistake (60 pairs each of 400, 1,500 and 4,000 people).
SURE = 0.95
OPEN_LINES = "undirected: the latents do not decide the direction; SHD counts the arrow of the model"
MOST_PEOPLE = 1000  # most people in a half; with more the comparison is slower and hardly more certain


def support_of_directions(
    latents: Float[np.ndarray, "n d"],
    adjacency: Int[np.ndarray, "d d"],
    *,
    given: Sequence[int] = (),
    compelled: bool = False,
    seed: int = 0,
) -> Float[np.ndarray, "d d"]:
    """How often each arrow of a DAG fits the latents better than its reverse; NaN for all other pairs.

    A DAG is a directed graph without cycles. For i -> j, j is regressed on all its parents with additive
    splines, and i on j and the parents of i. In each of `HALVES` random halves of the people, the direction
    fits better if the residual of j depends less on i than the residual of i on j (HSIC). 0.5 means that both
    fit equally well.

    Args:
        latents: n people's latents.
        adjacency: the graph, a DAG.
        given: nodes whose outgoing arrows are assumptions and are not examined, such as shared latents.
        compelled: also examine arrows whose direction follows from the independences. Without it, only those
            are examined that the equivalence class of the graph (all DAGs with the same independences) leaves
            without a direction.
        seed: seed of the random halves.

    Returns:
        [i, j] = share of the halves in which i -> j fits better than j -> i, in [0, 1]; or NaN. It is 0 if
        one of the two latents is constant, which can happen after a failed fit.
    """
    varies = ~constant_columns(latents)
    n, d = latents.shape
    data = np.zeros((n, d))
    data[:, varies] = standardised(latents[:, varies])
    splines = spline_columns(latents)
    examined = adjacency == 1 if compelled else left_open(adjacency)
    support = np.full((d, d), np.nan)
    for i, j in np.argwhere(examined).tolist():
        if i in given:
            continue
        if not (varies[i] and varies[j]):
            support[i, j] = 0.0
            continue
        of_child, of_cause = (np.flatnonzero(adjacency[:, k] & varies).tolist() for k in (j, i))
        forward = side_by_side_splines(splines, of_child)
        backward = side_by_side_splines(splines, [j, *of_cause])
        rng = numpy_rng(seed, f"direction-{i}-{j}")
        better = 0
        for _ in range(HALVES):
            half = rng.permutation(n)[: min(n // 2, MOST_PEOPLE)]
            cause, child = data[half, i], data[half, j]
            better += _dependence(forward[half], child, cause) < _dependence(backward[half], cause, child)
        support[i, j] = better / HALVES
    return support


def left_open(adjacency: Int[np.ndarray, "d d"]) -> Bool[np.ndarray, "d d"]:
    """The arrows of a DAG whose direction its independences leave open; none for a graph with a cycle."""
    marks = cpdag_marks(marks_from_adjacency(adjacency))
    return np.asarray((adjacency == 1) & (marks == TAIL) & (marks.T == TAIL))


def with_decided_directions(graph: Graph, latents: pd.DataFrame, *, where: str) -> Graph:
    """Remove the directions of a learned DAG that the latents do not support; those edges become undirected.

    Each such edge is reported in a warning that begins with `where`. Arrows out of shared latents are an
    assumption of the model, so they stay. `latents` are (n, d), in the order of the graph's names.
    """
    support = support_of_directions(
        latents.to_numpy(dtype=float), graph.adjacency, given=assumed_causes(graph)
    )
    return without_undecided(graph, support, where=where)


def assumed_causes(graph: Graph) -> list[int]:
    """The nodes whose outgoing arrows are assumptions of the model: the shared latents."""
    return graph.members(SHARED) if SHARED in graph.blocks else []


def without_undecided(graph: Graph, support: Float[np.ndarray, "d d"], *, where: str) -> Graph:
    """The graph, in which arrows that independences leave open and with `support` below SURE have no head.

    Each is reported in a warning that begins with `where`.
    """
    undecided = left_open(graph.adjacency) & (support < SURE)
    for i, j in np.argwhere(undecided).tolist():
        log.warning(
            "%s: the latents do not decide between %s -> %s and its reverse (%.2f); it gets no direction",
            where,
            graph.names[i],
            graph.names[j],
            support[i, j],
        )
    weights = None if graph.weights is None else np.where(undecided.T, graph.weights.T, graph.weights)
    return replace(graph, adjacency=graph.adjacency | undecided.T.astype(int), weights=weights)


def _dependence(
    columns: Float[np.ndarray, "n p"], child: Float[np.ndarray, " n"], cause: Float[np.ndarray, " n"]
) -> float:
    """HSIC, times n, of `cause` and the residual of the child, given the splines of its parents."""
    return hsic(residual(columns, child), cause, null="gamma").statistic * len(child)
