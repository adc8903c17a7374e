"""Plain autoencoder: reconstruction and nothing else (Rumelhart, Hinton & Williams 1986).

The yardstick for every further term. Each measurement is encoded without noise into its modality's d latents
and its own eta; the latents are averaged over the measurements a person has, and every measurement is
decoded from that average and its own eta:

    L = sum_{m,i} |x_{m,i} - f_{m,i}(mean_j z_{m,j}, eta_{m,i})|^2 / (2 sd^2)

Averaging before decoding is our choice: latents of autoencoders trained apart have nothing in common that
could be averaged afterwards. How much fits into eta decides what is left to the latents, so it is tuned.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes, average
from personax.learning.batches import Batch
from personax.learning.losses import reconstruction


@dataclass(frozen=True)
class AutoencoderConfig(BaselineConfig):
    """The plain autoencoder."""


class AutoencoderNetwork(BaselineNetwork):
    """Deterministic encoders and decoders."""

    def __init__(self, shapes: Shapes, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        sizes = {m: config.latents[m] + config.noise for m in shapes}
        self.networks = Networks(shapes, config.hidden, sizes, sizes)

    def _codes(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, list[Tensor]]]:
        """Modality -> averaged latents (n, d), and the eta (n, noise) of each measurement."""
        z, eta = {}, {}
        for m, codes in self.networks.encode(batch).items():
            d = self.config.latents[m]
            z[m] = average([code[:, :d] for code in codes], batch.observed[m])
            eta[m] = [code[:, d:] for code in codes]
        return z, eta

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The reconstruction error; nothing is drawn."""
        z, eta = self._codes(batch)
        error = next(iter(z.values())).new_zeros(())
        for m, its_eta in eta.items():
            for number, own in enumerate(its_eta):
                decoded = self.networks.decode(m, number, torch.cat([z[m], own], 1))
                observed = batch.observed[m][:, number]
                error = error + reconstruction(
                    batch.x[m][number], decoded, self.config.observation_sd, observed
                )
        return {"reconstruction": error}

    def weights(self) -> dict[str, float]:
        """One."""
        return {"reconstruction": 1.0}

    def latents(self, batch: Batch) -> Tensor:
        """The averaged codes."""
        return torch.cat(list(self._codes(batch)[0].values()), 1)


class Autoencoder(Baseline[AutoencoderConfig]):
    """The plain autoencoder behind fit and transform."""

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return AutoencoderNetwork(shapes, self.config)
