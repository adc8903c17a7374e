"""The official PersonaX recipe, re-implemented from its description (github.com/lokali/PersonaX at 88025ec).

Nothing of that repository's code is used. The recipe, as released for Variant-MNIST:

- a deterministic autoencoder of every measurement by itself, into its modality's latents and one eta;
- the latents of a modality are those of its first measurement; the others are trained and not used;
- eps_k is a small perceptron of z_k and the mean of its parents, A only telling who is a parent (|A| > 0.01,
  starting at 0.5), so that only the L1 norm gives A a gradient: at the released learning rate the graph stays
  complete in the order of the latents, at larger ones it empties, whatever the data;
- a RealNVP without permutations on [eps, eta];
- loss 2 MSE + 1e-2 (-log N - log det) + 1e-3 |A|_1.

Ours to choose: by default it gets our encoders and decoders and our training (mini-batches, schedule, early
stopping), which makes it better than as released; `published_networks` and `published_training` give it its
own: perceptrons of width 128 and 64, and full batches with Adam at a constant 2e-6, for which
`training.epochs` should be 3000. A person without a modality's first measurement gets the latents of the
first one there is; the release fills in zeros.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import Networks, Shapes
from personax.learning.batches import Batch
from personax.learning.optimisation import OptimisationConfig, warm_up_then_cosine

LEARNING_RATE = 2e-6  # as released for Variant-MNIST
COUPLINGS, COUPLING_HIDDEN = 5, 16
PARENT = 0.01  # |A_ij| from which on j is a parent of i


@dataclass(frozen=True)
class OfficialConfig(BaselineConfig):
    """The official recipe."""

    noise: int = 1
    """Dimensions of each measurement's own noise eta, as released."""
    reconstruction: float = 2.0
    """Weight of the mean squared error, summed over measurements; as released."""
    independence: float = 1e-2
    """Weight of the term that is named a KL; as released."""
    sparsity: float = 1e-3
    """Weight of |A|_1; as released."""
    published_networks: bool = False
    """Its own small perceptrons instead of the encoders and decoders that all methods here share."""
    published_training: bool = False
    """Full batches, Adam at a constant 2e-6 and no early stopping, whatever `training` says of these."""


class OfficialNetwork(BaselineNetwork):
    """The released model."""

    def __init__(self, shapes: Shapes, config: OfficialConfig) -> None:
        super().__init__()
        self.config = config
        sizes = {m: config.latents[m] + config.noise for m in shapes}
        self.networks = Networks(shapes, config.hidden, sizes, sizes)
        if config.published_networks:
            for m, its in shapes.items():
                self.networks.encoders[m] = nn.ModuleList(_published_encoder(s, sizes[m]) for s in its)
                self.networks.decoders[m] = nn.ModuleList(_published_decoder(sizes[m], s) for s in its)
        d = sum(config.latents[m] for m in shapes)
        self.edges = nn.Parameter(torch.full((d, d), 0.5))  # row = child, as released
        self.noise = nn.ModuleList(
            nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)) for _ in range(d)
        )
        total = d + config.noise * sum(len(its) for its in shapes.values())
        self.kept = total // 2  # numbers that a coupling leaves as they are, the same in every one
        self.couplings = nn.ModuleList(
            nn.Sequential(
                nn.Linear(self.kept, COUPLING_HIDDEN),
                nn.ReLU(),
                nn.Linear(COUPLING_HIDDEN, 2 * (total - self.kept)),
            )
            for _ in range(COUPLINGS)
        )

    def _first(self, codes: dict[str, list[Tensor]], batch: Batch) -> Tensor:
        """(n, d): the latents of each modality from the first measurement that a person has."""
        parts = []
        for m, its in codes.items():
            z = its[0][:, : self.config.latents[m]]
            if not batch.complete:
                first = batch.observed[m].int().argmax(1)
                stacked = torch.stack([code[:, : self.config.latents[m]] for code in its], 1)
                z = stacked[torch.arange(len(z), device=z.device), first]
            parts.append(z)
        return torch.cat(parts, 1)

    def _independence(self, z: Tensor, eta: Tensor) -> Tensor:
        """The released -log N([eps, eta]) - log det through perceptrons and RealNVP, without constants."""
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

    def _lower(self) -> Tensor:
        return torch.tril(self.edges, -1)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The released loss's terms; nothing is drawn."""
        codes = self.networks.encode(batch)
        error, eta = self.edges.new_zeros(()), []
        for m, its in codes.items():
            for number, code in enumerate(its):
                wrong = (self.networks.decode(m, number, code) - batch.x[m][number]).square()
                observed = batch.observed[m][:, number]
                error = error + torch.where(observed, wrong.flatten(1).mean(1), 0.0).mean()
                eta.append(code[:, self.config.latents[m] :])
        z = self._first(codes, batch)
        return {
            "reconstruction": error,
            "kl": self._independence(z, torch.cat(eta, 1)),
            "sparsity": self._lower().abs().sum(),
        }

    def weights(self) -> dict[str, float]:
        """As released."""
        config = self.config
        return {
            "reconstruction": config.reconstruction,
            "kl": config.independence,
            "sparsity": config.sparsity,
        }

    def latents(self, batch: Batch) -> Tensor:
        """Those of the first measurements."""
        return self._first(self.networks.encode(batch), batch)

    def adjacency(self) -> np.ndarray:
        """The released graph: the entries of A over its threshold, which the data do not reach."""
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
    """The official recipe behind fit and transform."""

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return OfficialNetwork(shapes, self.config)

    def _training(self, rows: int) -> tuple[OptimisationConfig, Callable[[int, int], float]]:
        training = self.config.training
        if not self.config.published_training:
            return training, warm_up_then_cosine
        published = replace(
            training,
            batch_size=rows,
            learning_rate=LEARNING_RATE,
            weight_decay=0.0,
            patience=training.epochs,
        )
        return published, lambda step, steps: 1.0
