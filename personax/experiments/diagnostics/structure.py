"""Checks of what identifies z: alignment, orthogonality, sufficient variability, and the graph."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import ceil
from typing import Any

import networkx as nx
import numpy as np
import torch

from personax.crl.geometry import Geometry
from personax.crl.objective import evenness, gradient_products, orthogonality
from personax.experiments.diagnostics.dependence import Dependence, Regression, conditional_dependence
from personax.experiments.diagnostics.findings import (
    CHANCE_QUANTILE,
    CLEAR,
    DOUBTFUL,
    HOLDS,
    NEGLIGIBLE,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Finding,
    Verdict,
    all_hold,
    as_row,
    holm,
    worst,
)
from personax.learning.batches import Batch
from personax.runs.seeds import numpy_rng, torch_rng

GOOD_AGREEMENT, POOR_AGREEMENT = 0.75, 0.5  # Koo & Li (2016), of the intraclass correlation
WEAKEST_DIRECTION, LOST_DIRECTION = 0.5, 0.3  # of the least canonical correlation
ROTATIONS, ROTATED_ROWS = 200, 500
RIGHT_ANGLES = 0.05  # mean squared cosine: 13 degrees off
ROUND = 0.02  # of the median rotation: then the geometry prefers no coordinates
EVEN, UNEVEN = 0.2, 1.0  # variance of log squared lengths: the pace varies by a quarter, by two thirds
SHUFFLES = 200
LEAST_RESAMPLES = 199
UNDECIDED = (0.25, 0.75)
SHOWN = 4  # latents or edges named in a line; the JSON has all


def alignment_gap(evidence: Evidence) -> Finding:
    """Encodings of one person by two measurements lie together (Yao et al. 2023, Thm 3.2).

    Agreement is 1 - (mean squared distance within people) / (between people), an intraclass correlation; the
    weakest direction is the least canonical correlation of the two encodings, which a collapsed coordinate
    would bring to 0. Retrieval and InfoNCE count in units of the within-person covariance of training rows.
    """
    pairs: dict[str, dict[str, Any]] = {}
    curves: dict[str, Any] = {}
    for modality, views in evidence.test.content.items():
        for i, j in combinations(range(len(views)), 2):
            name = f"{modality} {i + 1}, {j + 1}"
            train = evidence.train.content[modality]
            scores, distances = gap(views[i], views[j], train[i] - train[j])
            pairs[name] = scores | {"verdict": alignment_verdict(scores)}
            curves[name] = distances
    text = "measurements of a person are encoded alike"
    if not pairs:
        return Finding("alignment", text, UNKNOWN, "every modality is seen once")
    least = min(pairs, key=lambda name: min(pairs[name]["weakest"], pairs[name]["agreement"]))
    low = pairs[least]
    return Finding(
        "alignment",
        text,
        worst([pair["verdict"] for pair in pairs.values()]),
        f"worst pair {least}: agreement {low['agreement']:.2f}, weakest direction {low['weakest']:.2f}, "
        f"retrieval {low['retrieval']:.0%} among {low['people']:.0f}, InfoNCE {low['info_nce']:.2f} nats",
        f"chance: 0, 0, {1 / low['people']:.1%}, {np.log(low['people']):.2f} nats",
        details=pairs,
        curves=curves,
    )


def gap(
    a: np.ndarray, b: np.ndarray, differences: np.ndarray
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Scores of one pair of measurements, and its distances within and between people for the figure.

    a, b: (n, d) encodings of the same test people, NaN where missing; differences: (m, d) of training people.
    """
    both = np.isfinite(a).all(1) & np.isfinite(b).all(1)
    a, b = a[both], b[both]
    n = len(a)
    same, other = ((a - b) ** 2).sum(1), _squared_distances(a, b)
    between = other[~np.eye(n, dtype=bool)]
    known = differences[np.isfinite(differences).all(1)]
    within = np.atleast_2d(np.cov(known.T)) + 1e-9 * np.eye(a.shape[1])
    root = np.linalg.cholesky(np.linalg.inv(within))
    energy = 0.5 * _squared_distances(a @ root, b @ root)
    partner = np.arange(n)
    hits = [(energy.argmin(axis) == partner).mean() for axis in (0, 1)]
    nats = [np.mean(_log_sum_exp(-energy, axis) + np.diag(energy)) for axis in (0, 1)]
    scores = {
        "agreement": 1 - float(same.mean() / between.mean()),
        "weakest": _weakest_correlation(a, b),
        "distance_ratio": float(np.sqrt(np.median(same) / np.median(between))),
        "retrieval": float(np.mean(hits)),
        "info_nce": float(np.mean(nats)),
        "people": float(n),
    }
    some = between[:: max(1, len(between) // 5000)]
    return scores, {"same": np.sqrt(same), "other": np.sqrt(some)}


def alignment_verdict(scores: Mapping[str, float]) -> Verdict:
    """`holds` if agreement is good in every direction, "violated" if it is poor or a direction is lost."""
    if scores["agreement"] < POOR_AGREEMENT or scores["weakest"] < LOST_DIRECTION:
        return VIOLATED
    good = scores["agreement"] >= GOOD_AGREEMENT and scores["weakest"] >= WEAKEST_DIRECTION
    return HOLDS if good else DOUBTFUL


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a.astype(float), b.astype(float)
    return np.asarray(np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0))


def _log_sum_exp(values: np.ndarray, axis: int) -> np.ndarray:
    top = values.max(axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).sum(axis)) + top.squeeze(axis))


def _power(matrix: np.ndarray, power: float) -> np.ndarray:
    """A power of a symmetric matrix; directions without variance count as 0."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9 * max(values.max(), 1e-30)
    return np.asarray((vectors * np.where(kept, np.maximum(values, 1e-300), np.inf) ** power) @ vectors.T)


def _weakest_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Smallest canonical correlation of a and b (n, d)."""
    d = a.shape[1]
    joint = np.cov(np.concatenate([a, b], 1).T)
    middle = _power(joint[:d, :d], -0.5) @ joint[:d, d:] @ _power(joint[d:, d:], -0.5)
    return float(np.linalg.svd(middle, compute_uv=False).min())


def shape_of_coordinates(evidence: Evidence) -> list[Finding]:
    """Latents of a block move the pictures in orthogonal directions, each at an even pace (Eq. 7, 8).

    Both in the geometry of E[x | z], fitted on training rows and measured on test rows.

    - Orthogonality (Gresele et al. 2021): cos^2 between the recovered coordinates, against random rotations
      of the same block. Where all rotations are as orthogonal, the condition identifies nothing.
    - Evenness (Horan et al. 2021): the variance over people of the logarithm of the squared length of each
      coordinate's gradient, mean over the block's coordinates.

    Training asks for both, so they are no independent evidence.
    """
    train = {block: torch.from_numpy(v).double() for block, v in evidence.train.coordinates.items()}
    batch = Batch.of(evidence.train_data)
    geometry = Geometry.fit(train, batch, torch_rng(evidence.seed, "diagnostics/geometry"))
    step = max(1, len(evidence.test.z) // ROTATED_ROWS)
    test = {b: torch.from_numpy(v[::step]).double() for b, v in evidence.test.coordinates.items()}
    inverse_metric, trust = geometry.inverse_metric(test), geometry.trust(test)
    return [_orthogonal(evidence, inverse_metric, trust), _even(inverse_metric, trust)]


def _orthogonal(
    evidence: Evidence, inverse_metric: Mapping[str, torch.Tensor], trust: Mapping[str, torch.Tensor]
) -> Finding:
    text = "latents of a block act orthogonally on x"
    blocks: dict[str, dict[str, Any]] = {}
    curves = {}
    for block, inverse in inverse_metric.items():
        if inverse.shape[-1] > 1:
            rng = numpy_rng(evidence.seed, f"diagnostics/rotations/{block}")
            value, turned = rotation_test(inverse, trust[block], rng)
            blocks[block] = {
                "squared_cosine": value,
                "rotations_median": float(np.median(turned)),
                "rotations_as_orthogonal": float(np.mean(turned <= value)),
                "verdict": orthogonality_verdict(value, turned),
            }
            curves[block] = {"value": value, "rotations": turned}
    if not blocks:
        return Finding("orthogonality", text, UNKNOWN, "no block has two latents")
    return Finding(
        "orthogonality",
        text,
        all_hold([its["verdict"] for its in blocks.values()]),
        "mean squared cosine " + ", ".join(f"{b} {its['squared_cosine']:.3f}" for b, its in blocks.items()),
        "random rotations: "
        + ", ".join(
            f"{b} {its['rotations_median']:.2f}, {its['rotations_as_orthogonal']:.0%} as orthogonal"
            for b, its in blocks.items()
        )
        + "".join(f"; tells nothing of {b}" for b, its in blocks.items() if its["verdict"] == UNKNOWN),
        details=blocks,
        curves=curves,
    )


def _even(inverse_metric: Mapping[str, torch.Tensor], trust: Mapping[str, torch.Tensor]) -> Finding:
    blocks: dict[str, dict[str, Any]] = {}
    for block, inverse in inverse_metric.items():
        # the coordinates' gradients in themselves are unit vectors: their products are the inverse metric
        value = float(evenness(inverse[None], trust[block])[0]) / 2
        verdict = HOLDS if value <= EVEN else DOUBTFUL if value <= UNEVEN else VIOLATED
        blocks[block] = {"variance": value, "verdict": verdict}
    return Finding(
        "evenness",
        "x changes evenly along each latent",
        worst([its["verdict"] for its in blocks.values()]),
        "the pace varies by " + ", ".join(f"{b} {_pace(its['variance']):.0%}" for b, its in blocks.items()),
        f"{_pace(EVEN):.0%} counts as even, {_pace(UNEVEN):.0%} as uneven",
        details=blocks,
    )


def _pace(variance: float) -> float:
    """By how much lengths vary (one standard deviation) whose squares' logarithms have this variance."""
    return float(np.exp(0.5 * np.sqrt(variance)) - 1)


def rotation_test(
    inverse_metric: torch.Tensor, trust: torch.Tensor, rng: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Weighted mean squared cosine between coordinates, and that of ROTATIONS random rotations of them.

    inverse_metric: (n, d, d) in these coordinates. trust: (n,) weights of the rows.
    """
    d = inverse_metric.shape[-1]
    pairs = d * (d - 1) / 2
    turns = np.linalg.qr(rng.standard_normal((ROTATIONS, d, d)))[0]

    def cosines(jacobians: np.ndarray) -> np.ndarray:
        jacobian = torch.from_numpy(jacobians).to(inverse_metric)[:, None]
        products = gradient_products(jacobian, inverse_metric)
        return np.asarray(orthogonality(products, trust).numpy()) / pairs

    # A few at a time: all of them would be ROTATIONS x n x d x d numbers.
    turned = np.concatenate([cosines(some) for some in np.array_split(turns, max(1, ROTATIONS // 10))])
    return float(cosines(np.eye(d)[None])[0]), turned


def orthogonality_verdict(value: float, turned: np.ndarray) -> Verdict:
    """From a block's mean squared cosine and those of random rotations of it."""
    usual = float(np.median(turned))
    if usual < ROUND:
        return UNKNOWN if value < RIGHT_ANGLES else DOUBTFUL
    if value <= RIGHT_ANGLES and value < np.quantile(turned, 0.1):
        return HOLDS
    return VIOLATED if value >= usual else DOUBTFUL


def sufficient_variability(evidence: Evidence) -> list[Finding]:
    """Whether the other blocks move a block's latents enough to tell them from their mixtures.

    Two conditions of the literature, each in the form that a sample allows:

    - Sufficient changes (Zhang et al. 2024, Thm 3.4, A2; s or other blocks as the domain): the derivatives of
      log p(z_m | rest) must span 2 d dimensions as the rest varies. For a location-scale family they are
      linear in the conditional means and precisions, so the means of d directions and the log-variances of
      d directions must vary over people, none a linear function of the others. `responses` counts them, by
      their share of z_m's variance on test rows. Their sample covariance is full rank for d directions
      even where a single number drives them all, if it does so by different nonlinear functions.
    - Linear independence (Sun et al. 2025, Cond. 4.1 A2; Yao et al. 2023, Def. 2.3 of content): the columns
      of the Jacobian of the other modalities by z_m must be linearly independent, at almost every z. A
      column is 0 exactly if a latent reaches the others through its block-mates only. `reach` tests each
      latent against all other blocks given its block-mates. A latent that fails it, such as a sink, is
      fixed neither by other modalities nor by sparsity across them: only orthogonality speaks for it.
    """
    changes = "other blocks move every direction of a block"
    reaching = "every latent reaches another block itself"
    if len(evidence.blocks) < 2:
        why = "a single block"
        return [
            Finding("variability", changes, UNKNOWN, why),
            Finding("reach", reaching, UNKNOWN, why),
        ]
    blocks = {block: responses(evidence, block) for block in evidence.blocks}
    first = Finding(
        "variability",
        changes,
        all_hold([its["verdict"] for its in blocks.values()]),
        "; ".join(
            f"{block} {its['means']} of {its['latents']} means, {its['variances']} variances respond "
            f"(means' shares {its['mean_shares'][0]:.0%} to {its['mean_shares'][-1]:.1%})"
            for block, its in blocks.items()
        ),
        "chance for the weakest "
        + ", ".join(f"{block} < {its['mean_chance'][-1]:.1%}" for block, its in blocks.items()),
        details=blocks,
    )
    return [first, _reach(evidence, reaching)]


def responses(evidence: Evidence, block: str) -> dict[str, Any]:
    """How many directions of a block's means and log-variances vary with the other blocks, and how far.

    Shares are of the variance of z_m (of log squared residuals) along the directions in which the prediction
    from the rest explains most to least, all on test rows: eigenvalues of the covariance of prediction and
    truth, the singular values that the rank condition is about. `chance`: see `predicted_shares`.
    """
    rng = numpy_rng(evidence.seed, f"diagnostics/responses/{block}")
    generator = torch_rng(evidence.seed, f"diagnostics/responses/{block}")
    own, rest = _own_and_rest(evidence, block)
    z, v = evidence.train.z[own].to_numpy(), evidence.train.z[rest].to_numpy()
    z_test, v_test = evidence.test.z[own].to_numpy(), evidence.test.z[rest].to_numpy()
    mean = Regression.fit(v, z, generator)
    log_square = np.log((z - mean(v)) ** 2 + 1e-6)
    log_square_test = np.log((z_test - mean(v_test)) ** 2 + 1e-6)
    spread = Regression.fit(v, log_square, generator)
    shares, chance = predicted_shares(z_test, mean(v_test), rng)
    spread_shares, spread_chance = predicted_shares(log_square_test, spread(v_test), rng)
    found: dict[str, Any] = {
        "latents": len(own),
        "means": leading(shares > chance),
        "variances": leading(spread_shares > spread_chance),
        "mean_shares": shares.tolist(),
        "mean_chance": chance.tolist(),
        "variance_shares": spread_shares.tolist(),
        "variance_chance": spread_chance.tolist(),
    }
    return found | {"verdict": _variability_verdict(found)}


def _variability_verdict(found: Mapping[str, Any]) -> Verdict:
    if found["means"] == found["latents"]:
        return HOLDS
    if found["mean_chance"][found["means"]] > CLEAR**2:
        return UNKNOWN
    return DOUBTFUL if found["means"] + found["variances"] >= found["latents"] else VIOLATED


def leading(passed: np.ndarray) -> int:
    """How many pass before the first that does not."""
    return int(np.cumprod(passed).sum())


def predicted_shares(
    actual: np.ndarray, predicted: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Shares of variance by direction (d,), falling, and what chance makes of each (95 %).

    Chance for the k-th is the largest share after shuffling, in what the first k - 1 directions leave.
    """
    whitening = _power(np.atleast_2d(np.cov(actual.T)), -0.5)
    y, p = (actual - actual.mean(0)) @ whitening, (predicted - predicted.mean(0)) @ whitening

    def product(order: np.ndarray) -> np.ndarray:
        both = y.T @ p[order] / len(y)
        return np.asarray((both + both.T) / 2)

    values, vectors = np.linalg.eigh(product(np.arange(len(y))))
    shares, vectors = values[::-1], vectors[:, ::-1]
    shuffled = np.array([vectors.T @ product(rng.permutation(len(y))) @ vectors for _ in range(SHUFFLES)])
    largest = [np.linalg.eigvalsh(shuffled[:, k:, k:])[:, -1] for k in range(len(shares))]
    return shares, np.quantile(largest, CHANCE_QUANTILE, axis=1)


def _own_and_rest(evidence: Evidence, block: str) -> tuple[list[str], list[str]]:
    own = list(evidence.blocks[block])
    return own, [name for other, names in evidence.blocks.items() if other != block for name in names]


def resamples_for(tests: int, alpha: float) -> int:
    """Permutations that let the smallest p of so many tests pass Holm's first step with room to spare."""
    return max(LEAST_RESAMPLES, ceil(2 * tests / alpha))


def _reach(evidence: Evidence, text: str) -> Finding:
    """The second condition of `sufficient_variability`."""
    resamples = resamples_for(evidence.test.z.shape[1], evidence.alpha)
    found: dict[str, Dependence | None] = {}
    for block in evidence.blocks:
        own, rest = _own_and_rest(evidence, block)
        for name in own:
            mates = [other for other in own if other != name]
            found[name] = touched(evidence, name, rest, mates, resamples)
    tested = {name: each for name, each in found.items() if each}
    if not tested:
        return Finding("reach", text, UNKNOWN, "the latents do not vary")
    corrected = {name: 10**each.log10_p for name, each in zip(tested, holm([*tested.values()]), strict=True)}
    reaching = [
        name
        for name, each in tested.items()
        if corrected[name] < evidence.alpha and each.effect >= NEGLIGIBLE
    ]
    silent = [name for name in found if name not in reaching]
    chance = max(float(np.quantile(each.chance, CHANCE_QUANTILE)) for each in tested.values())
    ascending = sorted(tested, key=lambda name: tested[name].effect)
    shown = ", ".join(f"{name} {tested[name].effect:.2f}" for name in ascending[:SHOWN])
    more = f"; the others up to {tested[ascending[-1]].effect:.2f}" if len(tested) > SHOWN else ""
    verdict = HOLDS if not silent else UNKNOWN if chance >= CLEAR else VIOLATED
    only = f"; only orthogonality speaks for {', '.join(silent)}" if silent else ""
    return Finding(
        "reach",
        text,
        verdict,
        f"{len(reaching)} of {len(found)} do; HSIC effect given its block {shown}{more}{only}",
        f"chance < {chance:.2f}",
        details={
            "latents": {name: as_row(each) | {"holm_p": corrected[name]} for name, each in tested.items()},
            "not_reaching": silent,
        },
        curves={
            "effects": {name: each.effect for name, each in tested.items()},
            "chance": chance,
            "silent": silent,
        },
    )


def touched(
    evidence: Evidence, name: str, rest: Sequence[str], mates: Sequence[str], resamples: int
) -> Dependence | None:
    """Test a latent against those of the other blocks given its block-mates, on test rows."""
    targets = [name, *rest]
    regression = Regression.fit(
        evidence.train.z[list(mates)].to_numpy(),
        evidence.train.z[targets].to_numpy(),
        torch_rng(evidence.seed, f"diagnostics/reach/{name}"),
    )
    given = evidence.test.z[list(mates)].to_numpy()
    left = evidence.test.z[targets].to_numpy() - regression(given)
    rng = numpy_rng(evidence.seed, f"diagnostics/reach/{name}")
    return conditional_dependence(name, left[:, :1], left[:, 1:], given, rng, resamples)


def graph_facts(evidence: Evidence) -> Finding:
    """The recovered graph is acyclic and sparse, and no edge is undecided."""
    names, graph, probability = list(evidence.test.z.columns), evidence.graph, evidence.edge_probability
    acyclic = nx.is_directed_acyclic_graph(nx.from_numpy_array(graph, create_using=nx.DiGraph))
    edges, d = int(graph.sum()), len(names)
    most = d * (d - 1) // 2
    low, high = UNDECIDED
    places = zip(*np.nonzero((probability > low) & (probability < high)), strict=True)
    open_questions = [
        f"{names[i]} -> {names[j]} ({probability[i, j]:.2f})"
        for i, j in sorted(places, key=lambda place: abs(probability[place] - 0.5))
    ]
    verdict = VIOLATED if not acyclic else DOUBTFUL if open_questions or edges > most / 2 else HOLDS
    undecided = f"undecided: {', '.join(open_questions[:SHOWN])}" if open_questions else "none undecided"
    if len(open_questions) > SHOWN:
        undecided += f" and {len(open_questions) - SHOWN} more"
    return Finding(
        "graph",
        "the graph is acyclic and sparse",
        verdict,
        f"{'acyclic' if acyclic else 'has a cycle'}, {edges} edges ({probability.sum():.1f} expected), "
        f"{undecided}",
        f"at most {most} in a graph without cycles; undecided is a probability of {low:g} to {high:g}",
        details={"acyclic": acyclic, "edges": edges, "most": most, "undecided": open_questions},
    )
