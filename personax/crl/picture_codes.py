"""Codes of single pictures: a plain variational autoencoder with more codes than a picture needs.

Its codes u hold latents and style alike. They are not what we look for, but smooth functions of them are, and
they say what a small change of the picture is: the metric of a picture,

    M(u) = J^T J / (beta sd^2) + 1,    J = d picture / d u

is in units of what the codes resolve. (M^-1 is about the covariance of their posterior; sd is the noise of
the pixels, and beta the weight of the KL term.)
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import jacfwd, vmap

from personax.crl.scalar_codes import one_measurement
from personax.learning.batches import Batch
from personax.learning.encoders import make_decoder, make_encoder
from personax.learning.gaussians import Gaussian
from personax.learning.losses import kl_to_standard_normal
from personax.learning.optimisation import OptimisationConfig
from personax.learning.training import Plan, SingleModel, Weights, minimise

CODES = 24  # more than a picture needs; those that it does not need stay near 0
BETA = 0.1  # weight of the KL term; from 1 on, codes of weak style are lost, which distorts the metric
# With 3e-3 the networks are not done after the passes that they get: on tuning seeds the second latent of a
# modality is found with a correlation that is 0.005 to 0.02 lower.
BATCH, LEARNING_RATE = 256, 1e-2
AT_ONCE = 500  # rows whose Jacobians are computed in one pass
PICTURE_PHASE = "codes of pictures"  # in the history


class PictureCodes(nn.Module):
    """Encoder and decoder of single pictures (n, channels, height, width) of one modality."""

    def __init__(self, shape: tuple[int, ...], hidden: int, sd: float) -> None:
        """Make the networks.

        Args:
            shape: of a picture.
            hidden: width of the networks.
            sd: standard deviation of a pixel's noise.
        """
        super().__init__()
        self.sd = sd
        self.encoder = make_encoder(shape, 2 * CODES, hidden)
        self.decoder = make_decoder(CODES, shape, hidden)

    def posterior(self, x: Float[Tensor, "n ..."]) -> Gaussian:
        """Distribution of the codes of pictures."""
        mean, log_variance = self.encoder(x).chunk(2, dim=1)
        return Gaussian(mean, log_variance.clamp(-10, 4))

    def means(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n codes"]:
        """The most probable codes of pictures."""
        return self.posterior(x).mean

    def bound(
        self, x: Float[Tensor, "n ..."], noise: Float[Tensor, "n codes"]
    ) -> dict[str, Float[Tensor, ""]]:
        """The terms of the evidence lower bound; noise is standard normal."""
        mean, log_variance = self.posterior(x)
        decoded = self.decoder(mean + noise * (0.5 * log_variance).exp())
        error = (decoded - x).square().flatten(1).sum(1).mean() / (2 * self.sd**2)
        return {"reconstruction": error, "kl": kl_to_standard_normal(mean, log_variance).mean()}

    @torch.no_grad()
    def metric(self, u: Float[Tensor, "n codes"]) -> Float[Tensor, "n codes codes"]:
        """M(u) of every row."""

        def picture(code: Float[Tensor, " codes"]) -> Float[Tensor, " pixels"]:
            shown: Tensor = self.decoder(code[None])[0].flatten()
            return shown

        slopes = vmap(jacfwd(picture))
        parts = []
        for chunk in u.split(AT_ONCE):
            jacobian = slopes(chunk)
            parts.append(jacobian.transpose(1, 2) @ jacobian / (BETA * self.sd**2))
        return torch.cat(parts) + torch.eye(u.shape[1], device=u.device)


def train_picture_codes(
    codes: PictureCodes, modality: str, train: Batch, validation: Batch, *, epochs: int, seed: int
) -> None:
    """Train the codes on pictures of one modality; leave them at their best epoch on `validation`."""

    def terms(batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        x = one_measurement(batch, modality, generator)
        noise = torch.randn(len(x), CODES, generator=generator, device=x.device)
        return codes.bound(x, noise)

    config = OptimisationConfig(
        epochs=epochs, batch_size=min(BATCH, len(train)), learning_rate=LEARNING_RATE, patience=epochs
    )
    plan = Plan(Weights({"reconstruction": 1.0, "kl": BETA}, {}, epochs), phase=PICTURE_PHASE)
    minimise(SingleModel(codes, terms), train, validation, config, plan, seeds=[seed])
