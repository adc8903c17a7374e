"""BetaVAE: a variational autoencoder whose prior of independent latents is weighted by beta.

Higgins et al., "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", ICLR
2017, Eq. (4):

    L = -E_q[log p(x | z, eta)] + beta KL(q(z, eta | x) || N(0, I))

Ours to choose: the measurements of a modality are pooled as a product of Gaussian experts (the multimodal VAE
of Wu & Goodman, NeurIPS 2018), the closest to "one code a person" that the ELBO itself allows, and the same
pooling as our model's. Averaging per-measurement codes instead would hand BetaVAE codes whose axes differ.
The KL's weight warms up as in our own training.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import GaussianNetworks, Shapes
from personax.learning.batches import Batch
from personax.learning.losses import kl_to_standard_normal


@dataclass(frozen=True)
class BetaVAEConfig(BaselineConfig):
    """BetaVAE."""

    beta: float = 4.0
    """Weight of the KL term; 1 is the plain VAE."""
    kl_warm_up: float = 0.4
    """Share of the epochs over which the KL's weight rises from 0."""


class BetaVAENetwork(BaselineNetwork):
    """Gaussian encoders with a standard normal prior."""

    def __init__(self, shapes: Shapes, config: BetaVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = GaussianNetworks(shapes, config)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The two terms of Eq. (4)."""
        posteriors, noise = self.networks.posteriors(batch)
        drawn = {m: q.sample(generator) for m, q in posteriors.items()}
        error, kl = self.networks.explain(batch, drawn, noise, generator)
        for q in posteriors.values():
            kl = kl + kl_to_standard_normal(q.mean, -q.precision.log()).mean()
        return {"reconstruction": error, "kl": kl}

    def weights(self) -> dict[str, float]:
        """1 and beta."""
        return {"reconstruction": 1.0, "kl": self.config.beta}

    def warm_up(self) -> dict[str, float]:
        """The KL's."""
        return {"kl": self.config.kl_warm_up}

    def latents(self, batch: Batch) -> Tensor:
        """Means of the pooled posteriors."""
        return torch.cat([q.mean for q in self.networks.posteriors(batch)[0].values()], 1)


class BetaVAE(Baseline[BetaVAEConfig]):
    """BetaVAE behind fit and transform."""

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return BetaVAENetwork(shapes, self.config)
