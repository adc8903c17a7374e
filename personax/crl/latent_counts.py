"""How many latents there are, shared ones and those of each modality, from embeddings in units of noise.

Shared latents are the pairs of variates (joint_sources.py) whose correlation would be near 1 without the
noise of the measurements, whose variance is 1 by construction (compression.py). A modality's own coordinates
are those before the cliff of the variances of what s leaves. If a modality has one measurement, coordinates
of its style are among them; those that no edge of the closed form joins to anything do not count.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from personax.crl.closed_form import centred_means, solve
from personax.crl.joint_sources import canonical_variates, principal_axes, read_shared, rest_given
from personax.crl.model_config import Phase2Config
from personax.learning.batches import Batch

NEAR_ONE = 0.9  # least correlation of a shared latent, without noise


class LatentCounts(NamedTuple):
    """Numbers of latents.

    Attributes:
        shared: of all modalities.
        own: modality -> its own.
    """

    shared: int
    own: dict[str, int]


def count_latents(people: Batch, config: Phase2Config, *, seed: int) -> LatentCounts:
    """The numbers of latents of people whose measurements are in units of noise."""
    x = centred_means(people)[0]
    count = {m: people.observed[m].float().sum(1).clamp_min(1).reciprocal().mean().item() for m in x}
    shared = _count_shared(x, count) if len(x) > 1 else 0
    s = read_shared(x, shared, seed).s
    widths = {m: cliff(principal_axes(rest_given(values, s))[0]) for m, values in x.items()}
    return LatentCounts(shared, _without_style(people, LatentCounts(shared, widths), config, seed))


def _count_shared(x: Mapping[str, Float[np.ndarray, "n _"]], noise: Mapping[str, float]) -> int:
    """The variates whose correlation is at least NEAR_ONE once noise of these variances is taken out."""
    rho, maps = canonical_variates(x)
    reliable = [1 - (maps[m] ** 2).sum(0) * noise[m] for m in x]
    true = rho / np.clip(np.exp(np.mean(np.log(np.clip(reliable, 1e-3, 1)), axis=0)), 1e-3, 1)
    return int(np.argmin([*(true >= NEAR_ONE), False]))


def cliff(variances: Float[np.ndarray, " r"]) -> int:
    """How many of the falling variances come before the largest ratio of one to the next.

    >>> cliff(np.array([40.0, 5.0, 3.0, 0.3, 0.2]))
    3
    """
    if len(variances) == 1:
        return 1
    return int(np.argmax(variances[:-1] / np.maximum(variances[1:], 1e-12))) + 1


def _without_style(
    people: Batch, coordinates: LatentCounts, config: Phase2Config, seed: int
) -> dict[str, int]:
    """Modality -> number of its coordinates; with one measurement only of those that have an edge."""
    shared, widths = coordinates
    seen_once = [m for m, tensors in people.x.items() if len(tensors) == 1]
    if not seen_once:
        return dict(widths)
    parents = solve(people, shared, widths, config=config, seed=seed).parents
    linked = (parents | parents.T).any(0)
    ends = np.cumsum([shared, *widths.values()])
    joined = {m: int(linked[a:b].sum()) for m, a, b in zip(widths, ends[:-1], ends[1:], strict=True)}
    return {m: max(1, joined[m]) if m in seen_once else width for m, width in widths.items()}
