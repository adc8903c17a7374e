"""Latents drawn over a graph: A[i, j] = 1 for i -> j, and causes are drawn before their effects."""

from collections.abc import Callable, Sequence
from graphlib import TopologicalSorter

import numpy as np
from jaxtyping import Float, Int
from scipy.special import exprel

SLOPE_OF_EFFECT, SIZE_OF_EFFECT, NOISE_OF_EFFECT = 2.0, 1.2, 0.7  # of `additive_latents`; sd of the noise
PULL, BEND = 3.0, 0.8  # of `grouped_latents`: a parent z draws its child to -PULL tanh(BEND z)
LEAST_WEIGHT = 0.9  # of a parent in `grouped_latents`; the largest is 1

FromParents = Callable[[Float[np.ndarray, "n parents"]], Float[np.ndarray, " n"]]
"""Values of a latent's parents -> its values."""


def in_causal_order(graph: Int[np.ndarray, "d d"], n: int, value_of: FromParents) -> Float[np.ndarray, "n d"]:
    """(n, d) the latents, each drawn by `value_of` from its parents, and at the end standardised."""
    z = np.zeros((n, len(graph)))
    parents = {child: np.flatnonzero(graph[:, child]).tolist() for child in range(len(graph))}
    for child in TopologicalSorter(parents).static_order():
        z[:, child] = value_of(z[:, parents[child]])
    return of_variance_one(z)


def of_variance_one(z: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """Columns of mean 0 and variance 1."""
    standard: np.ndarray = (z - z.mean(0)) / z.std(0)
    return standard


def laplace(n: int, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
    """Laplace noise of variance 1."""
    return rng.laplace(scale=np.sqrt(0.5), size=n)


def additive_latents(
    graph: Int[np.ndarray, "d d"], n: int, rng: np.random.Generator
) -> Float[np.ndarray, "n d"]:
    """z_k = sum over parents j of +-1.2 tanh(2 z_j + c_jk) + 0.7 e_k; a root is e_k.

    e is Laplace noise of variance 1, c_jk is uniform on [-1, 1]. Sun et al. 2025 state independent noise with
    one distribution, but neither this distribution nor the functions: these are our choice.
    """

    def value_of(parents: Float[np.ndarray, "n parents"]) -> Float[np.ndarray, " n"]:
        count = parents.shape[1]
        shift, sign = rng.uniform(-1, 1, count), rng.choice([-1, 1], count)
        effect = (SIZE_OF_EFFECT * sign * np.tanh(SLOPE_OF_EFFECT * parents + shift)).sum(1)
        values: np.ndarray = effect + (NOISE_OF_EFFECT if count else 1.0) * laplace(n, rng)
        return values

    return in_causal_order(graph, n, value_of)


def grouped_latents(
    graph: Int[np.ndarray, "d d"], n: int, rng: np.random.Generator
) -> Float[np.ndarray, "n d"]:
    """The latents of Simulation 1 of Morioka & Hyvärinen 2024: products of Laplace densities.

    p(z_k | parents) ~ exp(-sum_j w_jk |z_k + 3 tanh(0.8 z_j)|), with w_jk uniform on [0.9, 1] divided by the
    number of parents. So noise is not additive: how widely z_k varies depends on how far its parents
    disagree. A root is a Laplace variable.
    """

    def value_of(parents: Float[np.ndarray, "n parents"]) -> Float[np.ndarray, " n"]:
        count = max(1, parents.shape[1])
        weights = rng.uniform(LEAST_WEIGHT, 1, count) / count
        anchors = -PULL * np.tanh(BEND * parents) if parents.shape[1] else np.zeros((n, 1))
        return laplace_products(anchors, weights, rng)

    return in_causal_order(graph, n, value_of)


def laplace_products(
    anchors: Float[np.ndarray, "n p"], weights: Float[np.ndarray, " p"], rng: np.random.Generator
) -> Float[np.ndarray, " n"]:
    """Draw each x from the density ~ exp(-sum_i w_i |x - a_i|) of its row of anchors a, exactly.

    Between neighbouring anchors the density is exponential: first such a segment is drawn, then x in it.
    """
    n, p = anchors.shape
    order = np.argsort(anchors, axis=1)
    a, w = np.take_along_axis(anchors, order, 1), weights[order]
    height = -(w[:, None] * np.abs(a[:, :, None] - a[:, None])).sum(2)  # log density at each anchor
    total = weights.sum()
    slope = total - 2 * np.cumsum(w, 1)[:, :-1]  # of the log density between anchors
    width = np.diff(a, axis=1)
    inner = np.log(np.maximum(width * exprel(slope * width), 1e-300)) + height[:, :-1]
    mass = np.column_stack([height[:, 0] - np.log(total), inner, height[:, -1] - np.log(total)])
    share = np.cumsum(np.exp(mass - mass.max(1, keepdims=True)), 1)
    segment = (rng.random((n, 1)) * share[:, -1:] > share).sum(1)
    rows = np.arange(n)
    u = np.asarray(1 - rng.random(n))  # never 0
    tail: np.ndarray = np.log(u) / total
    x: np.ndarray = np.where(segment == 0, a[:, 0] + tail, a[:, -1] - tail)
    middle = (segment > 0) & (segment < p)
    at = (rows[middle], segment[middle] - 1)
    x[middle] = a[at] + _in_segment(u[middle], slope[at], width[at])
    return x


def _in_segment(
    u: Float[np.ndarray, " n"], slope: Float[np.ndarray, " n"], width: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """Uniform u as distances from the left end of a segment with density ~ exp(slope distance)."""
    flat = np.abs(slope * width) < 1e-8
    steep = np.where(flat, 1.0, slope)
    found: np.ndarray = np.where(flat, u * width, np.log1p(u * np.expm1(steep * width)) / steep)
    return found


def linear_latents(
    graph: Int[np.ndarray, "d d"], errors: Sequence[Float[np.ndarray, " n"]], rng: np.random.Generator
) -> Float[np.ndarray, "n d"]:
    """z_k = sum_j +-w_jk z_j + error_k, w uniform on [0.25, 1] (Sturma et al. 2023), then standardised."""
    weights = graph * rng.uniform(0.25, 1, graph.shape) * rng.choice([-1, 1], graph.shape)
    return of_variance_one(np.column_stack(errors) @ np.linalg.inv(np.eye(len(graph)) - weights))


def correlated_normals(n: int, d: int, rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """Normal columns with a random covariance from a Wishart distribution, of variance 1 each.

    Daunhawer et al. 2023 draw statistical dependence in this way; the variances are our choice.
    """
    root = rng.standard_normal((d, d))
    z = rng.standard_normal((n, d)) @ root
    standard: np.ndarray = z / np.linalg.norm(root, axis=0)
    return standard
