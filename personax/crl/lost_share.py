"""How much of what the measurements of a modality have in common its codes lose.

Latents are what measurements have in common, so codes should hold all of it. But phase 1 can end with codes
that are twisted: where a latent z_1 is 0, say, all values of z_2 have one code, and beyond it the code of z_2
has the other sign. Few people are read badly, so the loss hardly shows it, but no bend of the coordinates,
which phase 2 learns, takes the twist back.

What the last layer of an encoder sees is wider than the codes. If such features of two measurements still
vary together after a regression on the codes, the codes have lost something.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.regression import FourierBasis
from personax.learning.batches import Batch
from personax.learning.encoders import features_before_codes
from personax.views import SHARED

ROWS = 2000, 8000  # with fewer, chance looks like what measurements have in common; more are not needed
MOST_CODES = 4  # most of a block with the shared ones; functions of more need more cosines than these
COSINES = 512  # of the regression
SMOOTHNESS = 0.35  # width of its kernel is this, times the square root of the number of codes
COMMON = 0.5  # correlation between measurements from which a direction of the features is in common
FAINT_FEATURES = 1e-4  # directions of features with less than this share of the largest variance do not count
# From the first share on, phase 1 is made again, without the twist of its codes (untwist.py) or, if none is
# found, from new weights. From the second one on codes are not trusted, and it is made a third time. On
# tuning seeds (1000 to 1003) of other scenes, four twisted blocks lost 0.034 to 0.049, eleven others up to
# 0.032; of Variant-MNIST, others up to 0.016. Three runs of Variant-MNIST on seeds 0 to 5 in which the truth
# shows a fault lose 0.040, 0.066 and 0.091; they were looked at, too. Seed 13 of `backwards`, with a fault
# and no mirror, lost 0.0201; since it was seen, new weights are tried from the first share on.
LITTLE_LOST, MOST_LOST = 0.02, 0.035


@torch.no_grad()
def lost_shares(vae: MultiViewVAE, people: Batch, generator: torch.Generator) -> dict[str, float]:
    """Modality -> share, about 0 to 1, of what its measurements have in common that its codes lose.

    It is of people who have all measurements; with fewer than 2,000 it is not known, nor with more than four
    latents. A modality with one measurement has nothing in common, and is left out.

    Args:
        vae: trained networks.
        people: rows they were trained on.
        generator: on the CPU, draws the cosines.
    """
    everybody = people_with_everything(people)
    if len(everybody) < ROWS[0]:
        return {}
    parts = list(everybody.in_chunks())
    u = vae.pooled_means(everybody)
    shares = {}
    for modality, observed in people.observed.items():
        own = torch.cat([u[block] for block in (SHARED, modality) if block in u], 1)
        if observed.shape[1] > 1 and own.shape[1] <= MOST_CODES:
            features = [
                torch.cat([features_before_codes(net.encoder, part.x[modality][number]) for part in parts])
                for number, net in enumerate(vae.of(modality))
            ]
            shares[modality] = lost_share(own.double().cpu(), [h.double().cpu() for h in features], generator)
    return shares


def largest_share(shares: Mapping[str, float]) -> float:
    """The largest of the shares, 0 if there are none."""
    return max(shares.values(), default=0.0)


def people_with_everything(people: Batch) -> Batch:
    """At most 8,000 of those who have all measurements, at equal distances in the table."""
    everything = torch.stack([observed.all(1) for observed in people.observed.values()]).all(0)
    rows = everything.nonzero()[:, 0]
    chosen = torch.linspace(0, max(0, len(rows) - 1), min(len(rows), ROWS[1]), dtype=torch.float64)
    return people.rows(rows[chosen.round().long().to(rows.device)])


def lost_share(
    codes: Float[Tensor, "n d"], features: Sequence[Float[Tensor, "n _"]], generator: torch.Generator
) -> float:
    """Share of the covariance of measurements' features that a regression on the codes does not explain.

    Args:
        codes: of all measurements together.
        features: of each of two or more measurements.
        generator: on the CPU, draws the cosines.
    """
    u = _whitened(codes)
    common, correlations = [], []
    for a, b in combinations([_whitened(h) for h in features], 2):
        left, correlation, right = torch.linalg.svd(a.T @ b / len(u), full_matrices=False)
        shared = correlation > COMMON
        common += [a @ left[:, shared], b @ right.T[:, shared]]
        correlations.append(correlation[shared])
    basis = FourierBasis.draw(u.shape[1], generator, COSINES, SMOOTHNESS * u.shape[1] ** 0.5)
    functions, told = basis(u), torch.cat(common, 1)
    rest = told - (functions - functions.mean(0)) @ basis.fit(u, told)
    parts = rest.split([part.shape[1] for part in common], 1)
    lost = sum(float((a * b).mean(0).sum()) for a, b in zip(parts[::2], parts[1::2], strict=True))
    total = float(torch.cat(correlations).sum())
    return lost / total if total else 0.0


def _whitened(values: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
    """The values turned and scaled to uncorrelated columns of mean 0 and variance 1, without faint ones."""
    centred = values - values.mean(0)
    variance, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    clear = variance > FAINT_FEATURES * variance[-1]
    whitened: Tensor = centred @ (axes[:, clear] / variance[clear].sqrt())
    return whitened
