"""Beginnings of phase 1: of several short trainings, the networks that show the measurements best.

An autoencoder of vectors may begin folded: two values of a latent have one code. Training does not
take this back.
"""

from collections.abc import Sequence

import torch

from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch
from personax.learning.losses import reconstruction
from personax.views import SHARED

BEGINNING_EPOCHS = 6  # of a short training


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

    With shared latents, on whose codes modalities have to agree, all networks are from one model.
    """
    errors = [reconstruction_errors(vae, batch) for vae in found]
    if found[0].config.shared:
        return found[min(range(len(found)), key=lambda number: sum(errors[number].values()))]
    chosen = found[0]
    for modality in chosen.modalities:
        best = found[min(range(len(found)), key=lambda number: errors[number][modality])]
        chosen.measurements[modality].load_state_dict(best.measurements[modality].state_dict())
        chosen.comparison[modality].load_state_dict(best.comparison[modality].state_dict())
        chosen.log_scale[modality] = best.log_scale[modality]
    return chosen
