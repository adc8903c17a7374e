"""Beginnings of phase 1: of several short trainings, the networks that reconstruct the measurements best.

An autoencoder of vectors may begin folded: two values of a latent have one code. Training does not
take this back.
"""

import logging
from collections.abc import Sequence

import torch

from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch
from personax.learning.losses import reconstruction
from personax.views import SHARED

# In trainings of 60 epochs the error of folded autoencoders was larger than all others from the fifth on.
BEGINNING_EPOCHS = 6
log = logging.getLogger(__name__)


@torch.no_grad()
def reconstruction_errors(vae: MultiViewVAE, batch: Batch) -> dict[str, float]:
    """Modality -> Eq. (2) of the posterior means, summed over its measurements."""
    errors = dict.fromkeys(vae.modalities, 0.0)
    for part in batch.in_chunks():
        codes = vae.encode(part)
        means = {block: posterior.mean for block, posterior in vae.posteriors(codes, part).items()}
        for modality in vae.modalities:
            own, x, observed = means[modality], part.x[modality], part.observed[modality]
            shared = means.get(SHARED, own[:, :0])
            for number, (net, code) in enumerate(zip(vae.of(modality), codes[modality], strict=True)):
                decoded = net.decode(shared, own, code.noise.mean)
                error = reconstruction(x[number], decoded, vae.config.observation_sd, observed[:, number])
                errors[modality] += float(error) * len(part) / len(batch)
    return errors


def best_beginning(found: Sequence[MultiViewVAE], batch: Batch) -> MultiViewVAE:
    """The networks of each modality from the model whose reconstruction error of `batch` is smallest.

    They are put into the first model. With shared latents, on whose codes modalities have to agree, or a term
    between modalities' codes, the error is the sum over modalities, and all networks are from one model.
    """
    errors = [reconstruction_errors(vae, batch) for vae in found]
    log.info("reconstruction errors of the beginnings: %s", errors)
    config = found[0].config
    if config.shared or config.phase1.cross:
        return found[min(range(len(found)), key=lambda number: sum(errors[number].values()))]
    for modality in found[0].modalities:
        best = min(range(len(found)), key=lambda number: errors[number][modality])
        if best:
            found[0].take(modality, found[best])
    return found[0]
