"""Check of alignment: measurements of one person have similar encodings."""

from collections.abc import Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Finding,
    Verdict,
    worst,
)

GOOD_AGREEMENT, POOR_AGREEMENT = 0.75, 0.5  # limits of Koo & Li (2016) for the intraclass correlation
WEAKEST_DIRECTION, LOST_DIRECTION = 0.5, 0.3  # limits for the smallest canonical correlation
SHOWN_DISTANCES = 5000  # about how many distances between people are kept for the figure

FEWEST_WITH_BOTH = 5  # who have both measurements, of the test rows and of the training rows


class Gap(NamedTuple):
    """Scores of a pair of measurements, and distances between their encodings.

    Attributes:
        scores: the scores of `alignment_gap`, the number of people, and the ratio of the median distances
            within and between people.
        same: (n,) distances between the two encodings of one person.
        other: some of the distances between encodings of two different people.
    """

    scores: dict[str, float]
    same: Float[np.ndarray, " n"]
    other: Float[np.ndarray, " pairs"]


def alignment_gap(evidence: Evidence) -> Finding:
    """The encodings of one person by two measurements are close to each other (Yao et al. 2023, Thm 3.2).

    - agreement: 1 - (mean squared distance within people) / (between people), an intraclass correlation.
    - weakest: the smallest canonical correlation of the two encodings. It is 0 if a coordinate has collapsed.
    - retrieval: how often the nearest encoding by the other measurement belongs to the same person, in [0,
    1].
    - info_nce: the InfoNCE loss for finding the same person, in nats; 0 is best.

    For the last two, distances are in units of the covariance within people on training rows.
    """
    pairs: dict[str, dict[str, Any]] = {}
    curves: dict[str, Any] = {}
    for modality, content in evidence.test.content.items():
        for i, j in combinations(range(len(content)), 2):
            name = f"{modality} {i + 1}, {j + 1}"
            train = evidence.train.content[modality]
            differences = train[i] - train[j]
            if min(_complete(content[i] - content[j]).sum(), _complete(differences).sum()) < FEWEST_WITH_BOTH:
                continue
            found = gap(content[i], content[j], differences)
            pairs[name] = found.scores | {"verdict": alignment_verdict(found.scores)}
            curves[name] = {"same": found.same, "other": found.other}
    text = "measurements of one person have similar encodings"
    if not pairs:
        return Finding(
            "alignment", text, UNKNOWN, "no two measurements of a modality that some people have both"
        )
    least = min(pairs, key=lambda name: min(pairs[name]["weakest"], pairs[name]["agreement"]))
    low = pairs[least]
    return Finding(
        "alignment",
        text,
        worst([pair["verdict"] for pair in pairs.values()]),
        f"worst pair {least}: agreement {low['agreement']:.2f}, weakest direction {low['weakest']:.2f}, "
        f"retrieval {low['retrieval']:.0%} among {low['people']:.0f}, InfoNCE {low['info_nce']:.2f} nats",
        f"by chance: 0, 0, {1 / low['people']:.1%}, {np.log(low['people']):.2f} nats",
        details=pairs,
        curves=curves,
    )


def gap(
    a: Shaped[np.ndarray, "n d"], b: Shaped[np.ndarray, "n d"], differences: Shaped[np.ndarray, "m d"]
) -> Gap:
    """Compare two measurements.

    Args:
        a: (n, d) encodings of test people by the first measurement; NaN where it is missing.
        b: (n, d) encodings of the same people by the second measurement.
        differences: (m, d) first minus second encoding of training people.

    At least two people must have both, in either part.
    """
    both = _complete(a - b)
    a, b = a[both].astype(float), b[both].astype(float)
    n = len(a)
    same, other = ((a - b) ** 2).sum(1), cdist(a, b, "sqeuclidean")
    between = other[~np.eye(n, dtype=bool)]
    known = differences[_complete(differences)]
    within = np.atleast_2d(np.cov(known.T)) + 1e-9 * np.eye(a.shape[1])
    root = np.linalg.cholesky(np.linalg.inv(within))
    energy = 0.5 * cdist(a @ root, b @ root, "sqeuclidean")
    hits = [(energy.argmin(axis) == np.arange(n)).mean() for axis in (0, 1)]
    nats = [np.mean(logsumexp(-energy, axis) + np.diag(energy)) for axis in (0, 1)]
    scores = {
        "agreement": 1 - float(same.mean() / between.mean()),
        "weakest": weakest_correlation(a, b),
        "distance_ratio": float(np.sqrt(np.median(same) / np.median(between))),
        "retrieval": float(np.mean(hits)),
        "info_nce": float(np.mean(nats)),
        "people": float(n),
    }
    some = between[:: max(1, len(between) // SHOWN_DISTANCES)]
    return Gap(scores, np.sqrt(same), np.sqrt(some))


def _complete(rows: Shaped[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
    return np.asarray(np.isfinite(rows).all(1))


def alignment_verdict(scores: Mapping[str, float]) -> Verdict:
    """Return "holds" if all directions agree well, "violated" if agreement is poor or a direction is lost."""
    if scores["agreement"] < POOR_AGREEMENT or scores["weakest"] < LOST_DIRECTION:
        return VIOLATED
    good = scores["agreement"] >= GOOD_AGREEMENT and scores["weakest"] >= WEAKEST_DIRECTION
    return HOLDS if good else DOUBTFUL


def inverse_root(matrix: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """M^(-1/2) of a covariance matrix M; directions without variance become 0."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > 1e-9 * max(values.max(), 1e-30)
    return np.asarray((vectors * np.where(kept, np.maximum(values, 1e-300), np.inf) ** -0.5) @ vectors.T)


def weakest_correlation(a: Float[np.ndarray, "n d"], b: Float[np.ndarray, "n d"]) -> float:
    """The smallest canonical correlation of a and b."""
    d = a.shape[1]
    joint = np.cov(np.concatenate([a, b], 1).T)
    middle = inverse_root(joint[:d, :d]) @ joint[:d, d:] @ inverse_root(joint[d:, d:])
    return float(np.linalg.svd(middle, compute_uv=False).min())
