"""How sure the edges of a learned graph are: probabilities that hold on simulated models.

A fit has an edge or not; how often such edges are right it does not say. Here two questions are answered
apart.

adjacent: are the two latents adjacent at all? The more an edge improves the prediction of its child, the more
    often they are.
direction: if they are, is the direction right? It is the more often, the more halves of the people support it
    (direction.py).

Two logistic curves turn these measures into probabilities. benchmarks/sureness.py has fitted them to models
with known truth, and has checked them on other ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.special import expit

from personax.graphs.additive_splines import residual, side_by_side_splines, spline_columns
from personax.graphs.direction import assumed_causes, support_of_directions, without_undecided
from personax.graphs.discovery import standardised
from personax.graphs.graph import Graph


class LogisticCurve(NamedTuple):
    """p = 1 / (1 + exp(-(intercept + slope x)))."""

    intercept: float
    slope: float

    def at(self, x: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """p at x."""
        return np.asarray(expit(self.intercept + self.slope * x))


# From the edges of the first 36 models of benchmarks/sureness.py.
ADJACENT = LogisticCurve(2.80, 0.71)  # of the logarithm of the gain
DIRECTED = LogisticCurve(-0.97, 4.36)  # of the support
LEAST_GAIN = 1e-4  # nats; smaller gains count as this


class Sureness(NamedTuple):
    """How sure the edges of a graph with d nodes are.

    Attributes:
        adjacent: (d, d) symmetric; the probability that i and j are adjacent, 0 where the graph has no edge.
        direction: (d, d) the probability of i -> j if i and j are adjacent; 0 without an edge. [i, j] and
            [j, i] add up to 1. It is 1 for arrows that are assumptions.
    """

    adjacent: Float[np.ndarray, "d d"]
    direction: Float[np.ndarray, "d d"]


def edge_gains(
    latents: Float[np.ndarray, "n d"], adjacency: Int[np.ndarray, "d d"]
) -> Float[np.ndarray, "d d"]:
    """How much each edge of a DAG improves the prediction of its child, in nats a person; NaN elsewhere.

    Half the logarithm of the residual variance without the parent, divided by that with it, in additive
    regressions on splines of all other parents. A constant latent has no gains.
    """
    splines = spline_columns(latents)
    gains = np.full(adjacency.shape, np.nan)
    varies = [columns.shape[1] > 0 for columns in splines]
    for i, j in np.argwhere(adjacency == 1).tolist():
        gains[i, j] = 0.0
        if varies[i] and varies[j]:
            child = standardised(latents[:, [j]])[:, 0]
            parents = np.flatnonzero(adjacency[:, j]).tolist()
            others = [k for k in parents if k != i]
            left, more = (
                residual(side_by_side_splines(splines, members), child).var() for members in (parents, others)
            )
            gains[i, j] = 0.5 * np.log(more / left)
    return gains


def edge_sureness(
    gains: Float[np.ndarray, "d d"], support: Float[np.ndarray, "d d"], adjacency: Int[np.ndarray, "d d"]
) -> Sureness:
    """How sure the edges of a learned DAG are, given what `edge_gains` and `support_of_directions` say of it.

    An arrow without support (NaN) is an assumption: its direction is certain.
    """
    edge = adjacency == 1
    adjacent = np.where(edge, ADJACENT.at(np.log(np.fmax(gains, LEAST_GAIN))), 0.0)
    forward = np.where(np.isnan(support), 1.0, DIRECTED.at(support))
    direction = np.where(edge, forward, 0.0) + np.where(edge, 1.0 - forward, 0.0).T
    return Sureness(np.maximum(adjacent, adjacent.T), direction)


def pooled_sureness(fits: Sequence[Sureness]) -> Sureness:
    """What several fits say of the edges among the same d latents together.

    An edge is as sure as it is on average over the fits; one that has no such edge says 0. Directions are
    averaged with these probabilities as weights, so a fit without the edge says nothing of its direction.
    Where the fits agree, this is what each of them says; where they do not, it is less.
    """
    adjacent = np.mean([fit.adjacent for fit in fits], axis=0)
    directed = np.mean([fit.adjacent * fit.direction for fit in fits], axis=0)
    return Sureness(adjacent, np.divide(directed, adjacent, out=np.zeros_like(directed), where=adjacent > 0))


def with_sureness(graph: Graph, latents: pd.DataFrame, *, where: str) -> Graph:
    """A learned DAG with the sureness of its edges, and without the directions that the latents leave open.

    `latents` are (n, d), in the order of the graph's names. Each direction that is left out is reported in a
    warning that begins with `where`.
    """
    values, given = latents.to_numpy(dtype=float), assumed_causes(graph)
    support = support_of_directions(values, graph.adjacency, given=given, compelled=True)
    sure = edge_sureness(edge_gains(values, graph.adjacency), support, graph.adjacency)
    decided = without_undecided(graph, support, where=where)
    return replace(decided, frequency=sure.adjacent, orientation=sure.direction, calibrated=True)
