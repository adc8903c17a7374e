"""Plain autoencoder: reconstruction and nothing else (Rumelhart, Hinton & Williams 1986).

The comparison with it shows what the additional terms of the other methods bring. Each measurement is encoded
into the d latents of its modality and into its own noise eta. The latents are averaged over the measurements
that a person has, and every measurement is decoded from that average and its own eta:

    L = sum_{m,i} |x_{m,i} - f_{m,i}(mean_j z_{m,j}, eta_{m,i})|^2 / (2 sd^2)

Averaging before decoding is our choice: separately trained autoencoders have latents in different
coordinates, which cannot be averaged afterwards. The size of eta decides how much information is left for the
latents, so it is tuned.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes, average
from personax.learning.batches import Batch
from personax.learning.losses import reconstruction


@dataclass(frozen=True)
class AutoencoderConfig(BaselineConfig):
    """Options of the plain autoencoder: only those that all baselines have."""


class AutoencoderNetwork(BaselineNetwork):
    """Deterministic encoders and decoders."""

    def __init__(self, shapes: Shapes, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        sizes = {m: config.latents[m] + config.noise for m in shapes}
        self.networks = Networks(shapes, config.hidden, sizes, sizes)

    def _encode(
        self, batch: Batch
    ) -> tuple[dict[str, Float[Tensor, "n _"]], dict[str, list[Float[Tensor, "n noise"]]]]:
        """Modality -> averaged latents (n, d), and the eta (n, noise) of each measurement."""
        z, noises = {}, {}
        for m, outputs in self.networks.encode(batch).items():
            d = self.config.latents[m]
            z[m] = average([output[:, :d] for output in outputs], batch.observed[m])
            noises[m] = [output[:, d:] for output in outputs]
        return z, noises

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """The reconstruction error. Nothing is random."""
        z, noises = self._encode(batch)
        error = next(iter(z.values())).new_zeros(())
        for m, noise in noises.items():
            for number, eta in enumerate(noise):
                decoded = self.networks.decode(m, number, torch.cat([z[m], eta], 1))
                observed = batch.observed[m][:, number]
                error = error + reconstruction(
                    batch.x[m][number], decoded, self.config.observation_sd, observed
                )
        return {"reconstruction": error}

    def weights(self) -> dict[str, float]:
        """The reconstruction is the only term; its weight is 1."""
        return {"reconstruction": 1.0}

    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """The averaged latents."""
        return torch.cat(list(self._encode(batch)[0].values()), 1)


class Autoencoder(Baseline[AutoencoderConfig]):
    """The plain autoencoder with `fit` and `transform`."""

    configuration = AutoencoderConfig

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return AutoencoderNetwork(shapes, self.config)
