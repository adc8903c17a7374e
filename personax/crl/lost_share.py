"""How much of what the measurements of a modality have in common its codes lose.

Latents are what measurements have in common, so codes should hold all of it. But phase 1 can end with codes
that are twisted: where a latent z_1 is 0, say, all values of z_2 have one code, and beyond it the code of z_2
has the other sign. Few people are read badly, so the loss hardly shows it, but no bend of the coordinates,
which phase 2 learns, takes the twist back.

What the last layer of an encoder sees is wider than the codes. If such features of two measurements still
vary together after a regression on the codes, the codes have lost something.
"""

from collections.abc import Sequence
from itertools import combinations

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.regression import FourierBasis
from personax.learning.batches import Batch
from personax.learning.encoders import features_before_codes
from personax.views import SHARED

ROWS = 1000, 8000  # with fewer, a regression on so many cosines says nothing; more are not needed
COSINES = 512  # of the regression
SMOOTHNESS = 0.35  # of the regression, in root mean square distances of the codes from their mean
COMMON = 0.5  # correlation between measurements from which a direction of the features is in common
FAINT_FEATURES = 1e-4  # variance of directions of the features that are left out, in that of the widest
# Share from which phase 1 is made again. Codes that are not twisted lost up to 0.031 on seeds from 1000 on;
# three that are (the truth shows it, on seeds 0 to 5) lose 0.040, 0.066 and 0.091.
TWISTED = 0.035
LATENTS_LOST = (
    "latents uncertain: measurements have more in common than the codes hold, so some latents are read "
    "badly, or there are more of them"
)


@torch.no_grad()
def lost_shares(vae: MultiViewVAE, people: Batch, generator: torch.Generator) -> dict[str, float]:
    """Modality -> share, about 0 to 1, of what its measurements have in common that its codes lose.

    It is of people who have all measurements; with fewer than 1,000 it is not known. A modality with one
    measurement has nothing in common, and is left out.

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
        if observed.shape[1] > 1:
            features = [
                torch.cat([features_before_codes(net.encoder, part.x[modality][number]) for part in parts])
                for number, net in enumerate(vae.of(modality))
            ]
            own = torch.cat([u[block] for block in (SHARED, modality) if block in u], 1)
            shares[modality] = lost_share(own.double().cpu(), [h.double().cpu() for h in features], generator)
    return shares


def people_with_everything(people: Batch) -> Batch:
    """The first 8,000 of those who have all measurements."""
    everything = torch.stack([observed.all(1) for observed in people.observed.values()]).all(0)
    return people.rows(everything.nonzero()[: ROWS[1], 0])


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
