"""Starts for identification if latents are not Gaussian: independent sources, orders, additive mechanisms.

A block is the set of latents of one modality. A start is one of the models that phase 2 trains side by side,
with its own first guess of the coordinates.

Let v be coordinates in which a block's geometry is the identity (geometry.py). Given s, v = Q z with Q
orthogonal. To first order z = B z + e with B triangular in the causal order, so the independent sources (the
noises e of the latents) are

    e = (I - B) Q^T v = W v.

Independent component analysis finds W up to the order of its rows (Hyvärinen & Oja 2000; Shimizu et al.
2006). For each order the factorisation W = L Q^T, with L lower triangular and Q orthogonal, is unique up to
signs, and gives coordinates and mechanisms at once. Two properties show the right order. First, few entries
of its L differ from 0. Second, mechanisms that are additive and nonlinear, z_k = sum_j f_kj(z_j) + e_k, are
neither sparse nor additive in coordinates that mix latents, so the right order has the best penalised
likelihood. The first property is cheap to compute and shortens the list of orders for the second.
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.decomposition import FastICA
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from personax.crl.starts import symmetric_power
from personax.views import SHARED

RESTARTS = 30  # number of random orders from which the search for a sparse L begins
SHORT_LIST = 150  # orders whose mechanisms are fitted
CLEAR_EFFECT = 0.15  # size of an entry of L, in standard deviations, that counts as an edge
OTHER_CHOICES = 0.5  # probability that a start skips a candidate of a block and tries the next one


def source_starts(
    u: Mapping[str, Float[Tensor, "n _"]],
    inverse_metric: Mapping[str, Float[Tensor, "_ _"]],
    starts: int,
    generator: torch.Generator,
) -> dict[str, Float[Tensor, "R _ _"]]:
    """Block -> (R, d, d) linear maps, [.., i, j] the weight of u_i in z_j.

    Within a block the z_j are in causal order. The first start takes the best candidate of every block; every
    other start draws a candidate at random, a better one with a larger probability.

    Args:
        u: block -> standardised codes (n, d).
        inverse_metric: block -> (d, d) its usual inverse metric (`usual_shape` of geometry.py) in the same
            standardised coordinates.
        starts: R.
        generator: on the CPU.
    """
    given = u[SHARED].double().cpu().numpy() if SHARED in u else np.zeros((len(next(iter(u.values()))), 0))
    maps = {}
    for block, values in u.items():
        codes = values.double().cpu().numpy()
        root = symmetric_power(inverse_metric[block].double().cpu(), 0.5).numpy()
        seed = int(torch.randint(2**31 - 1, (), generator=generator))
        flat = np.linalg.inv(root)
        turns = candidate_turns(codes @ flat, given[:, :0] if block == SHARED else given, seed)
        chosen = [0] * starts
        for start in range(1, starts):
            while (
                chosen[start] + 1 < len(turns) and torch.rand((), generator=generator).item() < OTHER_CHOICES
            ):
                chosen[start] += 1
        both = np.stack([flat @ turns[choice] for choice in chosen])
        spread = (codes @ both).std(1, keepdims=True)
        maps[block] = torch.from_numpy(both / np.maximum(spread, 1e-9)).float()
    return maps


def candidate_turns(
    v: Float[np.ndarray, "n d"], given: Float[np.ndarray, "n g"], seed: int
) -> list[Float[np.ndarray, "d d"]]:
    """Orthogonal Q (d, d), best first, such that z = v Q may be the latents of a block in causal order.

    Args:
        v: (n, d) codes in coordinates where the block's geometry is the identity.
        given: (n, g) latents of other blocks that may cause these.
        seed: seed of the search.
    """
    v = v - v.mean(0)
    if v.shape[1] == 1:
        return [np.ones((1, 1))]
    causes = _polynomials(given)
    rest = v - causes @ np.linalg.lstsq(causes, v, rcond=None)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ica = FastICA(whiten="unit-variance", random_state=seed, max_iter=500).fit(rest)
    unmixing = ica.components_
    covariance = np.cov(rest.T)
    rng = np.random.default_rng(seed)
    listed = _sparse_orders(unmixing, covariance, rng)
    turns = _factor_unmixing(unmixing, np.array(listed))[0]
    scores = np.array([mechanism_score(v @ turn, causes) for turn in turns])
    order, score, turn = listed[int(scores.argmin())], scores.min(), turns[int(scores.argmin())]
    improved = True
    while improved:  # move to the best neighbour until no neighbour has a better score
        moves = np.array(_moves(order))
        near = _factor_unmixing(unmixing, moves)[0]
        values = np.array([mechanism_score(v @ q, causes) for q in near])
        improved = bool(values.min() < score - 1e-6)
        if improved:
            order, score, turn = moves[values.argmin()], values.min(), near[values.argmin()]
    return [turn, *(turns[i] for i in np.argsort(scores))]


def _polynomials(given: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n p"]:
    """(n, g) -> (n, 1 + 3 g + pairs): a constant, the first three powers, and products of two columns."""
    standard = (given - given.mean(0)) / np.maximum(given.std(0), 1e-9)
    products = [standard[:, i] * standard[:, j] for i in range(given.shape[1]) for j in range(i)]
    return np.column_stack([np.ones(len(given)), standard, standard**2, standard**3, *products])


def _factor_unmixing(
    unmixing: Float[np.ndarray, "d d"], orders: Int[np.ndarray, "m d"]
) -> tuple[Float[np.ndarray, "m d d"], Float[np.ndarray, "m d d"]]:
    """Q and L, (m, d, d) each, with unmixing[order] = L Q^T for each of the m orders (m, d)."""
    q, r = np.linalg.qr(np.swapaxes(unmixing[orders], 1, 2))
    return q, np.swapaxes(r, 1, 2)


def _clear_effects(
    unmixing: Float[np.ndarray, "d d"], covariance: Float[np.ndarray, "d d"], orders: Int[np.ndarray, "m d"]
) -> Float[np.ndarray, " m"]:
    """(m,) smooth count of the entries of L below the diagonal that are clearly not 0, for each order."""
    q, lower = _factor_unmixing(unmixing, orders)
    spread = np.sqrt(np.einsum("mij,ik,mkj->mj", q, covariance, q))
    effects = lower * spread[:, None, :] / CLEAR_EFFECT
    d = lower.shape[1]
    effects[:, range(d), range(d)] = 0
    return np.asarray((1 - np.exp(-(effects**2))).sum((1, 2)))


def _moves(order: Int[np.ndarray, " d"]) -> list[Int[np.ndarray, " d"]]:
    """All orders that differ from `order` by moving one entry to another place."""
    d = len(order)
    return [
        np.insert(np.delete(order, i), j, order[i]) for i in range(d) for j in range(d) if j not in (i, i - 1)
    ]


def _sparse_orders(
    unmixing: Float[np.ndarray, "d d"], covariance: Float[np.ndarray, "d d"], rng: np.random.Generator
) -> list[Int[np.ndarray, " d"]]:
    """The SHORT_LIST orders with the sparsest L, of all orders that local searches from random ones meet."""
    met: dict[tuple[int, ...], float] = {}
    for _ in range(RESTARTS):
        order = rng.permutation(len(unmixing))
        score = np.inf
        while True:
            moves = [order, *_moves(order)]
            scores = _clear_effects(unmixing, covariance, np.array(moves))
            met |= {tuple(move.tolist()): float(s) for move, s in zip(moves, scores, strict=True)}
            if not scores.min() < score - 1e-9:  # also for NaN
                break
            order, score = moves[int(scores.argmin())], scores.min()
    return [np.array(order) for order in sorted(met, key=lambda order: met[order])[:SHORT_LIST]]


def mechanism_score(z: Float[np.ndarray, "n d"], causes: Float[np.ndarray, "n g"]) -> float:
    """Description length per row, in nats, of z under additive mechanisms along the order of its columns.

    Each z_k is regressed on `causes` and on [z_j, tanh 2 z_j, z_j |z_j|] of those j < k that improve the
    Bayesian information criterion (backward elimination). A smaller score is better.
    """
    z = (z - z.mean(0)) / np.maximum(z.std(0), 1e-9)
    n, d = z.shape
    bent = np.stack([z, np.tanh(2 * z), z * np.abs(z)], 2).reshape(n, 3 * d)
    design = np.concatenate([causes, bent], 1)
    gram, moments = design.T @ design / n + 1e-6 * np.eye(design.shape[1]), design.T @ z / n
    price, c = 1.5 * np.log(n) / n, causes.shape[1]

    def cost(k: int, parents: Sequence[int]) -> float:
        columns = [*range(c), *(c + 3 * j + part for j in parents for part in range(3))]
        weights = np.linalg.solve(gram[np.ix_(columns, columns)], moments[columns, k])
        return float(0.5 * np.log(max(1 - weights @ moments[columns, k], 1e-9)) + price * len(parents))

    total = 0.0
    for k in range(d):
        parents = list(range(k))
        best = cost(k, parents)
        while parents:
            without = [cost(k, [j for j in parents if j != out]) for out in parents]
            if min(without) > best:
                break
            best = min(without)
            parents.pop(without.index(best))
        total += best
    return total
