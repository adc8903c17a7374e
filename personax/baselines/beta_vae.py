"""BetaVAE: a variational autoencoder whose prior of independent latents is weighted by beta.

Higgins et al., "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", ICLR
2017, Eq. (4):

    L = -E_q[log p(x | z, eta)] + beta KL(q(z, eta | x) || N(0, I))

What we had to choose: the measurements of a modality are pooled as a product of Gaussian experts (the
multimodal VAE of Wu & Goodman, NeurIPS 2018). So each person has one set of latents, the objective is still
an evidence lower bound, and the pooling is the same as in our model. If each measurement had its own latents
instead, their axes could differ, and an average would make no sense. The weight of the KL term rises during
the first epochs, as in our own training.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import GaussianNetworks, Shapes
from personax.learning.batches import Batch
from personax.learning.losses import kl_to_standard_normal
from personax.runs.bounds import Share, Weight


@dataclass(frozen=True)
class BetaVAEConfig(BaselineConfig):
    """Options of BetaVAE."""

    beta: Weight = 4.0
    """Weight of the KL term; with 1 the method is the plain VAE."""
    kl_warm_up: Share = 0.4
    """Share of the epochs during which the weight of the KL term rises from 0."""


class BetaVAENetwork(BaselineNetwork):
    """Gaussian encoders with a standard normal prior."""

    def __init__(self, shapes: Shapes, config: BetaVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = GaussianNetworks(shapes, config)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """The two terms of Eq. (4)."""
        posteriors, noise = self.networks.posteriors(batch)
        drawn = {m: q.sample(generator) for m, q in posteriors.items()}
        error, kl = self.networks.explain(batch, drawn, noise, generator)
        for q in posteriors.values():
            kl = kl + kl_to_standard_normal(q.mean, -q.precision.log()).mean()
        return {"reconstruction": error, "kl": kl}

    def weights(self) -> dict[str, float]:
        """1 for the reconstruction, beta for the KL term."""
        return {"reconstruction": 1.0, "kl": self.config.beta}

    def warm_up(self) -> dict[str, float]:
        """The weight of the KL term rises."""
        return {"kl": self.config.kl_warm_up}

    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """Means of the pooled posteriors."""
        return torch.cat([q.mean for q in self.networks.posteriors(batch)[0].values()], 1)


class BetaVAE(Baseline[BetaVAEConfig]):
    """BetaVAE with `fit` and `transform`."""

    configuration = BetaVAEConfig

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return BetaVAENetwork(shapes, self.config)
