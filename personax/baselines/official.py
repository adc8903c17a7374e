"""The official PersonaX recipe, re-implemented from its description (github.com/lokali/PersonaX at 88025ec).

No code of that repository is used. This is the recipe, as released for Variant-MNIST:

- Every measurement has its own deterministic autoencoder, which encodes it into the latents of its modality
  and one number eta, the noise of that measurement.
- The latents of a modality are those of its first measurement. The other measurements are trained, but their
  latents are not used.
- eps_k, the exogenous noise of latent k, is the output of a small perceptron for z_k and the mean of its
  parents. The matrix A only says which latents are parents (|A| > 0.01; all entries start at 0.5). So only
  the L1 norm gives A a gradient, and the data have no influence on it: at the released learning rate the
  graph stays complete, in the order of the latents, and at larger rates it becomes empty.
- [eps, eta] go through a RealNVP without permutations.
- The loss is 2 MSE + 1e-2 (-log N - log det) + 1e-3 |A|_1.

What we had to choose: by default the recipe gets our encoders and decoders and our training (mini-batches,
schedule, early stopping); its scores are then better than as released. `published_networks` and
`published_training` give it the released networks and training: perceptrons of width 128 and 64, and full
batches with Adam at a constant rate of 2e-6, for which `training.epochs` should be 3000. A person who lacks
the first measurement of a modality gets the latents of the first measurement that he or she has; the released
code uses zeros.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes
from personax.learning.batches import Batch
from personax.learning.optimisation import OptimisationConfig
from personax.runs.bounds import Dimensions, Weight

LEARNING_RATE = 2e-6  # as released for Variant-MNIST
COUPLINGS, COUPLING_HIDDEN = 5, 16  # coupling layers of the RealNVP, and the width of their networks
PARENT = 0.01  # j is a parent of i where |A_ij| is larger


@dataclass(frozen=True)
class OfficialConfig(BaselineConfig):
    """Options of the official recipe."""

    noise: Dimensions = 1
    """Dimensions of eta, the noise of a single measurement; as released."""
    reconstruction: Weight = 2.0
    """Weight of the mean squared error, which is summed over the measurements; as released."""
    independence: Weight = 1e-2
    """Weight of the term that the released code calls KL; as released."""
    sparsity: Weight = 1e-3
    """Weight of |A|_1; as released."""
    published_networks: bool = False
    """Use the small perceptrons of the recipe instead of the encoders and decoders that all methods share."""
    published_training: bool = False
    """Use full batches, Adam at a constant rate of 2e-6 and no early stopping. Batch size, learning rate,
    weight decay and patience of `training` then have no effect."""


class OfficialNetwork(BaselineNetwork):
    """The released model."""

    def __init__(self, shapes: Shapes, config: OfficialConfig) -> None:
        super().__init__()
        self.config = config
        sizes = {m: config.latents[m] + config.noise for m in shapes}
        self.networks = Networks(shapes, config.hidden, sizes, sizes)
        if config.published_networks:
            for m, of_modality in shapes.items():
                encoders = nn.ModuleList(_published_encoder(shape, sizes[m]) for shape in of_modality)
                decoders = nn.ModuleList(_published_decoder(sizes[m], shape) for shape in of_modality)
                self.networks.encoders[m], self.networks.decoders[m] = encoders, decoders
        d = sum(config.latents[m] for m in shapes)
        self.edges = nn.Parameter(torch.full((d, d), 0.5))  # row = child, as released
        self.noise = nn.ModuleList(
            nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)) for _ in range(d)
        )
        total = d + config.noise * sum(len(of_modality) for of_modality in shapes.values())
        self.kept = total // 2  # every coupling leaves the same first numbers as they are
        self.couplings = nn.ModuleList(
            nn.Sequential(
                nn.Linear(self.kept, COUPLING_HIDDEN),
                nn.ReLU(),
                nn.Linear(COUPLING_HIDDEN, 2 * (total - self.kept)),
            )
            for _ in range(COUPLINGS)
        )

    def _first(self, outputs: dict[str, list[Float[Tensor, "n _"]]], batch: Batch) -> Float[Tensor, "n d"]:
        """(n, d) latents: for each modality those of the first measurement that a person has."""
        parts = []
        for m, of_modality in outputs.items():
            z = of_modality[0][:, : self.config.latents[m]]
            if not batch.complete:
                first = batch.observed[m].int().argmax(1)
                stacked = torch.stack([output[:, : self.config.latents[m]] for output in of_modality], 1)
                z = stacked[torch.arange(len(z), device=z.device), first]
            parts.append(z)
        return torch.cat(parts, 1)

    def _independence(self, z: Float[Tensor, "n d"], eta: Float[Tensor, "n noise"]) -> Float[Tensor, ""]:
        """-log N - log det of [eps, eta] after the RealNVP, as released, without constants."""
        parents = (self._lower().abs() > PARENT).float()
        mean_parent = z @ parents.T / parents.sum(1).clamp_min(1)
        eps = [net(torch.stack([z[:, k], mean_parent[:, k]], 1)) for k, net in enumerate(self.noise)]
        flow = torch.cat([*eps, eta], 1)
        log_det = flow.new_zeros(len(flow))
        for coupling in self.couplings:
            shift, scale = coupling(flow[:, : self.kept]).chunk(2, dim=1)
            scale = torch.sigmoid(scale + 2)
            flow = torch.cat([flow[:, : self.kept], flow[:, self.kept :] * scale + shift], 1)
            log_det = log_det + scale.log().sum(1)
        return (0.5 * flow.square().sum(1) - log_det).mean()

    def _lower(self) -> Float[Tensor, "d d"]:
        return torch.tril(self.edges, -1)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """The terms of the released loss. Nothing is random."""
        outputs = self.networks.encode(batch)
        error, eta = self.edges.new_zeros(()), []
        for m, of_modality in outputs.items():
            for number, output in enumerate(of_modality):
                wrong = (self.networks.decode(m, number, output) - batch.x[m][number]).square()
                observed = batch.observed[m][:, number]
                error = error + torch.where(observed, wrong.flatten(1).mean(1), 0.0).mean()
                eta.append(output[:, self.config.latents[m] :])
        z = self._first(outputs, batch)
        return {
            "reconstruction": error,
            "kl": self._independence(z, torch.cat(eta, 1)),
            "sparsity": self._lower().abs().sum(),
        }

    def weights(self) -> dict[str, float]:
        """The weights of the configuration."""
        config = self.config
        return {
            "reconstruction": config.reconstruction,
            "kl": config.independence,
            "sparsity": config.sparsity,
        }

    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """The latents of the first measurements."""
        return self._first(self.networks.encode(batch), batch)

    def adjacency(self) -> Int[np.ndarray, "d d"]:
        """The graph as released: the entries of A above the threshold. The data have no influence on A."""
        return (self._lower().detach().T.abs() > PARENT).cpu().numpy().astype(int)


def _published_encoder(shape: Sequence[int], outputs: int) -> nn.Module:
    d = int(np.prod(shape))
    return nn.Sequential(
        nn.Flatten(), nn.Linear(d, 128), nn.ELU(), nn.Linear(128, 64), nn.ELU(), nn.Linear(64, outputs)
    )


def _published_decoder(inputs: int, shape: Sequence[int]) -> nn.Module:
    d = int(np.prod(shape))
    return nn.Sequential(
        nn.Linear(inputs, 64),
        nn.LeakyReLU(),
        nn.Linear(64, 128),
        nn.LeakyReLU(),
        nn.Linear(128, d),
        nn.Unflatten(1, torch.Size(shape)),
    )


class Official(Baseline[OfficialConfig]):
    """The official recipe with `fit` and `transform`."""

    configuration = OfficialConfig

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return OfficialNetwork(shapes, self.config)

    def _training(self, rows: int) -> tuple[OptimisationConfig, Callable[[int, int], float]]:
        if not self.config.published_training:
            return super()._training(rows)
        training = self.config.training
        published = replace(
            training,
            batch_size=rows,
            learning_rate=LEARNING_RATE,
            weight_decay=0.0,
            patience=training.passes,
        )
        return published, lambda step, steps: 1.0
