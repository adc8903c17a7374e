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
from jaxtyping import Float, Int
from sklearn.preprocessing import SplineTransformer

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
SPLINES = SplineTransformer(n_knots=6, degree=3, knots="quantile")
SPLINE_PENALTY = 1e-3
MOST_PEOPLE = 1000  # most people in a half; with more the comparison is slower and hardly more certain


def support_of_directions(
    latents: Float[np.ndarray, "n d"],
    adjacency: Int[np.ndarray, "d d"],
    *,
    given: Sequence[int] = (),
    seed: int = 0,
) -> Float[np.ndarray, "d d"]:
    """How often each arrow of a DAG fits the latents better than its reverse; NaN for all other pairs.

    A DAG is a directed graph without cycles. Only those arrows are examined that the equivalence class of the
    graph (all DAGs with the same independences) leaves without a direction.

    For i -> j, j is regressed on all its parents with additive splines, and i on j and the parents of i. In
    each of `HALVES` random halves of the people, the direction fits better if the residual of j
    depends less on i than the residual of i on j (HSIC). 0.5 means that both fit equally well.

    Args:
        latents: n people's latents.
        adjacency: the graph, a DAG.
        given: nodes whose outgoing arrows are assumptions and are not examined, such as shared latents.
        seed: seed of the random halves.

    Returns:
        [i, j] = share of the halves in which i -> j fits better than j -> i, in [0, 1]; or NaN. It is 0 if
        one of the two latents is constant, which can happen after a failed fit.
    """
    varies = ~constant_columns(latents)
    n, d = latents.shape
    data = np.zeros((n, d))
    data[:, varies] = standardised(latents[:, varies])
    curves = [SPLINES.fit_transform(data[:, [k]]) if varies[k] else data[:, []] for k in range(d)]
    marks = cpdag_marks(marks_from_adjacency(adjacency))
    support = np.full(adjacency.shape, np.nan)
    for i, j in np.argwhere((adjacency == 1) & (marks == TAIL) & (marks.T == TAIL)).tolist():
        if i in given:
            continue
        if not (varies[i] and varies[j]):
            support[i, j] = 0.0
            continue
        of_child, of_cause = (np.flatnonzero(adjacency[:, k] & varies).tolist() for k in (j, i))
        forward = np.concatenate([curves[k] for k in of_child], 1)
        backward = np.concatenate([curves[k] for k in (j, *of_cause)], 1)
        rng = numpy_rng(seed, f"direction-{i}-{j}")
        better = 0
        for _ in range(HALVES):
            half = rng.permutation(len(data))[: min(len(data) // 2, MOST_PEOPLE)]
            cause, child = data[half, i], data[half, j]
            better += _dependence(forward[half], child, cause) < _dependence(backward[half], cause, child)
        support[i, j] = better / HALVES
    return support


def with_decided_directions(graph: Graph, latents: pd.DataFrame, *, where: str) -> Graph:
    """Remove the directions of a learned DAG that the latents do not support; those edges become undirected.

    Each such edge is reported in a warning that begins with `where`. Arrows out of shared latents are an
    assumption of the model, so they stay. `latents` are (n, d), in the order of the graph's names.
    """
    shared = graph.members(SHARED) if SHARED in graph.blocks else []
    support = support_of_directions(latents.to_numpy(dtype=float), graph.adjacency, given=shared)
    undecided = (graph.adjacency == 1) & (support < SURE)
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
    curves: Float[np.ndarray, "n p"], child: Float[np.ndarray, " n"], cause: Float[np.ndarray, " n"]
) -> float:
    """HSIC, times n, of `cause` and the residual of the child's ridge regression on its parents' splines."""
    centred, target = curves - curves.mean(0), child - child.mean()
    penalised = centred.T @ centred + SPLINE_PENALTY * np.eye(centred.shape[1])
    residual = target - centred @ np.linalg.solve(penalised, centred.T @ target)
    return hsic(residual, cause, null="gamma").statistic * len(child)
