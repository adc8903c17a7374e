"""Checks of the coordinates of a block: they are orthogonal, and x changes evenly along each (Eq. 7, 8)."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from personax.crl.geometry import Geometry
from personax.crl.objective import evenness, gradient_products, orthogonality
from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Finding,
    Verdict,
    all_hold,
    worst,
)
from personax.learning.batches import Batch
from personax.learning.standardisation import Standardisation
from personax.runs.seeds import numpy_rng, torch_rng

ROTATIONS, ROTATED_ROWS = 200, 500  # number of random rotations; about how many rows are used
RIGHT_ANGLES = 0.05  # mean squared cosine; that of 77 degrees, which is 13 degrees less than a right angle
ROUND = 0.02  # if the median over rotations is below this, the geometry prefers no coordinates
EVEN, UNEVEN = 0.2, 1.0  # variance of log squared lengths: the speed varies by a quarter, by two thirds


class RotationTest(NamedTuple):
    """Mean squared cosine between the coordinates of a block, and those of random rotations of them."""

    value: float
    rotations: Float[np.ndarray, " r"]


def shape_of_coordinates(evidence: Evidence) -> list[Finding]:
    """The latents of a block change the pictures in orthogonal directions, and each at an even speed.

    Both are measured on test rows, in the geometry of E[x | z], which is fitted on training rows.

    - Orthogonality (Gresele et al. 2021): the squared cosine between the recovered coordinates, compared with
      random rotations of the same block. If all rotations are equally orthogonal, orthogonality does not
      identify the latents.
    - Evenness (Horan et al. 2021): the variance over people of the logarithm of the squared length of each
      coordinate's gradient, mean over the coordinates of the block.

    Training optimises both, so they are not independent evidence.
    """
    train = {block: torch.from_numpy(v).double() for block, v in evidence.train.coordinates.items()}
    people = evidence.train_data
    batch = Batch.of(Standardisation.fit(people, np.arange(len(people)))(people))
    geometry = Geometry.fit(train, batch, torch_rng(evidence.seed, "diagnostics/geometry"))
    step = max(1, len(evidence.test.z) // ROTATED_ROWS)
    test = {b: torch.from_numpy(v[::step]).double() for b, v in evidence.test.coordinates.items()}
    inverse_metric, trust = geometry.inverse_metric(test), geometry.trust(test)
    return [
        orthogonality_finding(evidence, inverse_metric, trust),
        evenness_finding(inverse_metric, trust),
    ]


def orthogonality_finding(
    evidence: Evidence,
    inverse_metric: Mapping[str, Float[torch.Tensor, "n _ _"]],
    trust: Mapping[str, Float[torch.Tensor, " n"]],
) -> Finding:
    """Are the coordinates of every block more orthogonal than random rotations of them?"""
    text = "latents of a block act orthogonally on x"
    blocks: dict[str, dict[str, Any]] = {}
    curves = {}
    for block, inverse in inverse_metric.items():
        if inverse.shape[-1] > 1:
            rng = numpy_rng(evidence.seed, f"diagnostics/rotations/{block}")
            value, rotations = rotation_test(inverse, trust[block], rng)
            blocks[block] = {
                "squared_cosine": value,
                "rotations_median": float(np.median(rotations)),
                "rotations_as_orthogonal": float(np.mean(rotations <= value)),
                "verdict": orthogonality_verdict(value, rotations),
            }
            curves[block] = {"value": value, "rotations": rotations}
    if not blocks:
        return Finding("orthogonality", text, UNKNOWN, "no block has two latents")
    unclear = [block for block, found in blocks.items() if found["verdict"] == UNKNOWN]
    rotated = ", ".join(
        f"{b} {found['rotations_median']:.2f}, {found['rotations_as_orthogonal']:.0%} as orthogonal"
        for b, found in blocks.items()
    )
    return Finding(
        "orthogonality",
        text,
        all_hold([found["verdict"] for found in blocks.values()]),
        "mean squared cosine " + ", ".join(f"{b} {f['squared_cosine']:.3f}" for b, f in blocks.items()),
        f"random rotations: {rotated}" + (f"; no conclusion about {', '.join(unclear)}" if unclear else ""),
        details=blocks,
        curves=curves,
    )


def evenness_finding(
    inverse_metric: Mapping[str, Float[torch.Tensor, "n _ _"]], trust: Mapping[str, Float[torch.Tensor, " n"]]
) -> Finding:
    """Does x change at about the same speed everywhere along every latent?"""
    blocks: dict[str, dict[str, Any]] = {}
    for block, inverse in inverse_metric.items():
        # The gradients of coordinates with respect to themselves are unit vectors: products = inverse metric.
        value = float(evenness(inverse[None], trust[block])[0]) / 2
        verdict = HOLDS if value <= EVEN else DOUBTFUL if value <= UNEVEN else VIOLATED
        blocks[block] = {"variance": value, "verdict": verdict}
    speeds = ", ".join(f"{block} {variation(found['variance']):.0%}" for block, found in blocks.items())
    return Finding(
        "evenness",
        "x changes evenly along each latent",
        worst([found["verdict"] for found in blocks.values()]),
        f"the speed varies by {speeds}",
        f"{variation(EVEN):.0%} counts as even, {variation(UNEVEN):.0%} as uneven",
        details=blocks,
    )


def variation(variance: float) -> float:
    """Relative standard deviation of lengths whose log squares have this variance.

    >>> round(variation(0.2), 2), round(variation(1.0), 2)
    (0.25, 0.65)
    """
    return float(np.exp(0.5 * np.sqrt(variance)) - 1)


def rotation_test(
    inverse_metric: Float[torch.Tensor, "n d d"], trust: Float[torch.Tensor, " n"], rng: np.random.Generator
) -> RotationTest:
    """Compare the coordinates of a block with ROTATIONS random rotations of them.

    Args:
        inverse_metric: (n, d, d) in these coordinates.
        trust: (n,) weights of the rows.
        rng: generator of the rotations.
    """
    n, d = inverse_metric.shape[:2]
    pairs = d * (d - 1) / 2
    turns = np.linalg.qr(rng.standard_normal((ROTATIONS, d, d)))[0]

    def cosines(jacobians: Float[np.ndarray, "some d d"]) -> Float[np.ndarray, " some"]:
        jacobian = torch.from_numpy(jacobians).to(inverse_metric)[:, None].expand(-1, n, -1, -1)
        products = gradient_products(jacobian, inverse_metric)
        return np.asarray(orthogonality(products, trust).numpy()) / pairs

    # A few at a time: all at once would need ROTATIONS x n x d x d numbers.
    turned = np.concatenate([cosines(some) for some in np.array_split(turns, max(1, ROTATIONS // 10))])
    return RotationTest(float(cosines(np.eye(d)[None])[0]), turned)


def orthogonality_verdict(value: float, rotations: Float[np.ndarray, " r"]) -> Verdict:
    """Verdict from the mean squared cosine of a block and those of random rotations of it."""
    usual = float(np.median(rotations))
    if usual < ROUND:
        return UNKNOWN if value < RIGHT_ANGLES else DOUBTFUL
    if value <= RIGHT_ANGLES and value < np.quantile(rotations, 0.1):
        return HOLDS
    return VIOLATED if value >= usual else DOUBTFUL
