"""CausalVAE: a variational autoencoder with a linear structural causal layer.

Yang et al., "CausalVAE: Disentangled Representation Learning via Neural Structural Causal Models", CVPR 2021
(arXiv 2004.08697). With eps ~ N(0, I) and A[i, j] the weight of i -> j:

    (1)  z = A^T z + eps = (I - A^T)^-1 eps                                          causal layer, their Eq. 1
    (2)  z_i <- g_i(A_i o z) + eps_i, g_i a mildly nonlinear function                  mask layer, their §3
    (3)  ELBO = E_q[log p(x | z)] - KL(q(eps | x) || N(0, I)) - KL(q(z | x) || p(z | u))
    (4)  p(z | u) = prod_i N(z_i; u_i, sd^2)                                          conditional prior
    (5)  H(A) = tr((I + A o A / d)^d) - d = 0 exactly for acyclic A                  (Yu et al. 2019)
    (6)  l_u = E |u - A^T u|^2,   l_m = E sum_i |z_i - g_i(A_i o z) - eps_i|^2
    (7)  L = -ELBO + alpha H(A) + beta_u l_u + gamma l_m

The published method needs labels u, the true latents themselves. UNSUPERVISED, the default here, is the
paper's own variant CausalVAE-unsup: without u there is no p(z | u) and no l_u, and the mask layer with its
l_m goes too. SUPERVISED takes the true latents as u on training and validation rows: its scores are
no recovery and must be marked beside others; latents of new people still come from x alone.

Ours to choose: one number a concept (the paper has several); u centred and divided by one common standard
deviation, so that the ratios of variances survive, by which a least-squares graph such as Eq. (6)'s is found;
no sigmoid around A^T u, which the paper has for labels in [0, 1]; eps_i in l_m, without which a latent that
has no parents would have to be constant; a large weight of H that rises during training, in place of an
augmented Lagrangian; each modality's eps pooled as a product of experts, and every measurement has its own
noise eta with KL to N(0, I).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

import networkx as nx
import numpy as np
import torch
from torch import Tensor, nn

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import GaussianNetworks, Shapes
from personax.learning.batches import Batch
from personax.learning.gaussians import Posterior
from personax.learning.latent_names import block_slices
from personax.learning.losses import kl_to_standard_normal
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split

MASK_HIDDEN = 16  # width of the functions g_i


@dataclass(frozen=True)
class CausalVAEConfig(BaselineConfig):
    """CausalVAE."""

    supervised: bool = False
    """Use the TRUE latents as labels u, as published; its scores are then no recovery."""
    beta: float = 1.0
    """Weight of the KL terms of Eq. (3)."""
    kl_warm_up: float = 0.4
    """Share of the epochs over which the weight of KL(q(eps | x) || N(0, I)) rises from 0."""
    acyclicity: float = 1e5
    """alpha, weight of H(A): large, so that little of a cycle is left over the threshold."""
    acyclicity_warm_up: float = 0.5
    """Share of the epochs over which alpha rises from 0; at once, it would settle the graph too early."""
    labels: float = 1e3
    """beta_u, weight of l_u; supervised only. Large, since the reconstruction is a sum over pixels."""
    mask: float = 1.0
    """gamma, weight of l_m; supervised only."""
    label_sd: float = 0.1
    """Standard deviation of p(z | u), of labels with 1; supervised only. As small as that of the
    observations, or reconstruction settles on axes of its own before the labels have a say."""
    threshold: float = 0.3
    """Smallest |A_ij| that counts as an edge of the graph, the usual value (Zheng et al. 2018)."""


@dataclass(frozen=True)
class LabelledBatch(Batch):
    """A batch with labels u (n, d)."""

    labels: Tensor = field(default_factory=lambda: torch.empty(0, 0))

    def rows(self, index: Tensor | slice) -> "LabelledBatch":
        """The given rows."""
        return labelled(super().rows(index), self.labels[index])


def labelled(batch: Batch, labels: Tensor) -> LabelledBatch:
    """`batch` with labels (n, d)."""
    return LabelledBatch(**{f.name: getattr(batch, f.name) for f in fields(Batch)}, labels=labels)


def acyclicity(weights: Tensor) -> Tensor:
    """Eq. (5): 0 exactly if the graph of the nonzero weights (d, d) has no cycle, else positive."""
    d = len(weights)
    walks: Tensor = torch.linalg.matrix_power(torch.eye(d, device=weights.device) + weights.square() / d, d)
    return walks.trace() - d


def acyclic_graph(weights: np.ndarray, threshold: float) -> np.ndarray:
    """(d, d) of 0 and 1: edges with |weight| >= threshold, without the weakest ones of cycles."""
    strength = np.abs(weights) * ~np.eye(len(weights), dtype=bool)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(weights)))
    ranking = sorted(
        np.argwhere((strength >= threshold) & (strength > 0)).tolist(), key=lambda e: -strength[*e]
    )
    for parent, child in ranking:  # strongest first, so what closes a cycle is its weakest edge
        if not nx.has_path(graph, child, parent):
            graph.add_edge(parent, child)
    return np.asarray(nx.to_numpy_array(graph, nodelist=list(range(len(weights)))), dtype=int)


def kl_to_labels(posterior: Posterior, transfer: Tensor, labels: Tensor, sd: float) -> Tensor:
    """KL(q(z | x) || p(z | u)) per row, (n,), for z = transfer eps with eps ~ posterior, Eq. (3) and (4).

    q(z | x) is normal with mean C m and covariance C S C^T, C = transfer (d, d).
    """
    variance = posterior.precision.reciprocal()
    spread = (variance @ transfer.square().T).sum(1)
    distance = (posterior.mean @ transfer.T - labels).square().sum(1)
    log_det: Tensor = variance.log().sum(1) + 2 * torch.linalg.slogdet(transfer)[1]
    d = labels.shape[1]
    divergence: Tensor = 0.5 * ((spread + distance) / sd**2 - d - log_det + 2 * d * math.log(sd))
    return divergence


class CausalVAENetwork(BaselineNetwork):
    """Gaussian encoders of eps, the causal layer, the mask layer and decoders of z."""

    def __init__(self, shapes: Shapes, config: CausalVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = GaussianNetworks(shapes, config)
        self.places = block_slices({m: config.latents[m] for m in shapes})
        d = sum(config.latents[m] for m in shapes)
        self.edges = nn.Parameter(0.1 * torch.randn(d, d))  # at 0 the gradient of Eq. (5) would vanish
        if config.supervised:
            self.inner = nn.Parameter(torch.randn(d, d, MASK_HIDDEN) / d**0.5)  # [child, parent, unit]
            self.inner_bias = nn.Parameter(torch.zeros(d, MASK_HIDDEN))
            self.outer = nn.Parameter(torch.randn(d, MASK_HIDDEN) / MASK_HIDDEN**0.5)

    def _weights(self) -> Tensor:
        """A (d, d), without edges from a latent to itself."""
        return self.edges * (1 - torch.eye(len(self.edges), device=self.edges.device))

    def _transfer(self) -> Tensor:
        """(I - A^T)^-1, Eq. (1)."""
        identity = torch.eye(len(self.edges), device=self.edges.device)
        transfer: Tensor = torch.linalg.inv(identity - self._weights().T)
        return transfer

    def _from_parents(self, z: Tensor) -> Tensor:
        """g_i(A_i o z) (n, d) of z (n, d), Eq. (2)."""
        seen = torch.einsum("np,pk,kph->nkh", z, self._weights(), self.inner)
        return (nn.functional.elu(seen + self.inner_bias) * self.outer).sum(2)

    def _posterior(self, batch: Batch) -> tuple[Posterior, dict[str, Any]]:
        """q(eps | x) over all modalities, and q(eta | x) of each measurement."""
        posteriors, noise = self.networks.posteriors(batch)
        parts = list(posteriors.values())
        return Posterior(
            torch.cat([q.mean for q in parts], 1), torch.cat([q.precision for q in parts], 1)
        ), noise

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Tensor]:
        """The terms of Eq. (7)."""
        posterior, noise = self._posterior(batch)
        eps, transfer = posterior.sample(generator), self._transfer()
        z = eps @ transfer.T
        decoded = self._from_parents(z) + eps if self.config.supervised else z
        error, kl = self.networks.explain(
            batch, {m: decoded[:, place] for m, place in self.places.items()}, noise, generator
        )
        kl = kl + kl_to_standard_normal(posterior.mean, -posterior.precision.log()).mean()
        found = {"reconstruction": error, "kl": kl, "acyclicity": acyclicity(self._weights())}
        if not self.config.supervised:
            return found
        assert isinstance(batch, LabelledBatch)
        u = batch.labels
        return found | {
            "prior": kl_to_labels(posterior, transfer, u, self.config.label_sd).mean(),
            "labels": (u - u @ self._weights()).square().sum(1).mean(),
            "mask": (z - decoded).square().sum(1).mean(),
        }

    def weights(self) -> dict[str, float]:
        """Eq. (7)'s."""
        config = self.config
        common = {"reconstruction": 1.0, "kl": config.beta, "acyclicity": config.acyclicity}
        only = {"prior": config.beta, "labels": config.labels, "mask": config.mask}
        return common | only if config.supervised else common

    def warm_up(self) -> dict[str, float]:
        """Those of the KL and of alpha; labels lead from the start, before latents settle elsewhere."""
        return {"kl": self.config.kl_warm_up, "acyclicity": self.config.acyclicity_warm_up}

    def latents(self, batch: Batch) -> Tensor:
        """z of Eq. (1) or, supervised, of Eq. (2), at the posterior mean of eps."""
        eps = self._posterior(batch)[0].mean
        z = eps @ self._transfer().T
        return self._from_parents(z) + eps if self.config.supervised else z

    def adjacency(self) -> np.ndarray:
        """The edges of A over the threshold."""
        return acyclic_graph(self._weights().detach().cpu().numpy(), self.config.threshold)


class CausalVAE(Baseline[CausalVAEConfig]):
    """CausalVAE behind fit and transform; unsupervised unless told otherwise."""

    _label_mean: np.ndarray
    _label_sd: float

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return CausalVAENetwork(shapes, self.config)

    def _check(self, data: MultiViewData, split: Split) -> None:
        super()._check(data, split)
        if not self.config.label_sd > 0:
            raise InputError(f"label_sd: {self.config.label_sd}; must be positive")

    def fit(
        self,
        data: MultiViewData,
        split: Split,
        *,
        checkpoint: Path | None = None,
        on_progress: Callable[[list[dict[str, Any]]], None] | None = None,
    ) -> Self:
        """As `Baseline.fit`; supervised, the true latents of training and validation rows are used."""
        if self.config.supervised:
            truth = self._truth(data)[split.train]
            self._label_mean, self._label_sd = truth.mean(0), float(truth.std(0).mean())
        return super().fit(data, split, checkpoint=checkpoint, on_progress=on_progress)

    def _truth(self, data: MultiViewData) -> np.ndarray:
        """(n, d) true latents in the order of ours. Raises InputError."""
        if data.truth is None:
            raise InputError("supervised CausalVAE needs the true latents, which these data do not carry")
        for m in data.modalities:
            known, asked = len(data.known_truth.blocks.get(m, [])), self.config.latents.get(m)
            if known != asked:
                raise InputError(
                    f"supervised CausalVAE: {m} has {known} true latents, but latents says {asked}"
                )
        return data.true_latents[
            [name for m in data.modalities for name in data.known_truth.blocks[m]]
        ].to_numpy()

    def _people(self, data: MultiViewData) -> Batch:
        batch = super()._people(data)
        if not self.config.supervised:
            return batch
        labels = (self._truth(data) - self._label_mean) / self._label_sd
        return labelled(batch, torch.from_numpy(labels).float().to(self.device))
