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

The published method needs labels u, which are the true latents themselves. There are two variants here:

- UNSUPERVISED, the default, is the paper's own variant CausalVAE-unsup. Without u there is no p(z | u) and no
  l_u, and the mask layer and its l_m are also left out.
- SUPERVISED uses the true latents of the training and validation rows as u. Its scores do not measure
  recovery, and must be marked as such in tables. The latents of new people are still computed from x alone.

What we had to choose:

- A concept is one number; in the paper it has several.
- u is centred and divided by one standard deviation that all labels share. So the ratios of their variances
  stay as they are: a graph that is found by least squares, as in Eq. (6), depends on them.
- There is no sigmoid around A^T u. The paper needs it because its labels are in [0, 1].
- l_m contains eps_i. Without it, a latent that has no parents would have to be constant.
- H gets a large weight that rises during training. The paper uses an augmented Lagrangian.
- The eps of each modality are pooled as a product of Gaussian experts, and every measurement has its own
  noise eta, with a KL term to N(0, I).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import networkx as nx
import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import GaussianNetworks, Shapes
from personax.learning.batches import Batch
from personax.learning.gaussians import Posterior
from personax.learning.latent_names import block_slices
from personax.learning.losses import kl_to_standard_normal
from personax.runs.bounds import Share, Spread, Weight
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split

MASK_HIDDEN = 16  # width of the functions g_i


@dataclass(frozen=True)
class CausalVAEConfig(BaselineConfig):
    """Options of CausalVAE."""

    supervised: bool = False
    """Use the TRUE latents as labels u, as published. The scores then do not measure recovery."""
    beta: Weight = 1.0
    """Weight of the KL terms of Eq. (3)."""
    kl_warm_up: Share = 0.4
    """Share of the epochs during which the weight of KL(q(eps | x) || N(0, I)) rises from 0."""
    acyclicity: Weight = 1e5
    """alpha, the weight of H(A). It is large, so that few cycles remain above the threshold."""
    acyclicity_warm_up: Share = 0.5
    """Share of the epochs during which alpha rises from 0. A full weight from the start would decide the
    graph too early."""
    labels: Weight = 1e3
    """beta_u, the weight of l_u (supervised only). It is large because the reconstruction is a sum over
    pixels."""
    mask: Weight = 1.0
    """gamma, the weight of l_m (supervised only)."""
    label_sd: Spread = 0.1
    """Standard deviation of p(z | u), in units of the labels' mean standard deviation (supervised only). It
    is as small as that of the observations; otherwise the reconstruction would choose other axes before the
    labels have an effect."""
    threshold: Weight = 0.3
    """Smallest |A_ij| that counts as an edge of the graph; the usual value (Zheng et al. 2018)."""


@dataclass(frozen=True)
class LabelledBatch(Batch):
    """A batch with labels u (n, d)."""

    labels: Float[Tensor, "n d"] = field(default_factory=lambda: torch.empty(0, 0))

    def tensors(self) -> Iterator[Shaped[Tensor, "n ..."]]:
        """All tensors of a Batch, then the labels."""
        yield from super().tensors()
        yield self.labels

    def rows(self, index: Int[Tensor, " rows"] | slice) -> "LabelledBatch":
        """The rows with these numbers."""
        return labelled(super().rows(index), self.labels[index])


def labelled(batch: Batch, labels: Float[Tensor, "n d"]) -> LabelledBatch:
    """`batch` with labels (n, d)."""
    return LabelledBatch(**{f.name: getattr(batch, f.name) for f in fields(Batch)}, labels=labels)


def acyclicity(weights: Float[Tensor, "d d"]) -> Float[Tensor, ""]:
    """H(A) of Eq. (5): exactly 0 if the graph of the nonzero weights has no cycle, else positive."""
    d = len(weights)
    walks: Tensor = torch.linalg.matrix_power(torch.eye(d, device=weights.device) + weights.square() / d, d)
    return walks.trace() - d


def acyclic_graph(weights: Float[np.ndarray, "d d"], threshold: float) -> Int[np.ndarray, "d d"]:
    """(d, d) of 0 and 1: the edges with |weight| >= threshold, without the weakest edge of each cycle.

    >>> weights = np.array([[0.0, 2.0], [0.5, 0.0]])  # 1 -> 2 and, weaker, 2 -> 1
    >>> acyclic_graph(weights, 0.3).tolist()
    [[0, 1], [0, 0]]
    """
    strength = np.abs(weights) * ~np.eye(len(weights), dtype=bool)
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(weights)))
    ranking = sorted(
        np.argwhere((strength >= threshold) & (strength > 0)).tolist(), key=lambda e: -strength[*e]
    )
    for parent, child in ranking:  # strongest first, so the edge that closes a cycle is its weakest one
        if not nx.has_path(graph, child, parent):
            graph.add_edge(parent, child)
    return np.asarray(nx.to_numpy_array(graph, nodelist=list(range(len(weights)))), dtype=int)


def kl_to_labels(
    posterior: Posterior, transfer: Float[Tensor, "d d"], labels: Float[Tensor, "n d"], sd: float
) -> Float[Tensor, " n"]:
    """KL(q(z | x) || p(z | u)) of Eq. (3) and (4) per row, for z = C eps with eps ~ posterior, C = transfer.

    If the posterior has mean m and variances S, q(z | x) is normal with mean C m and covariance C S C^T. `sd`
    is the standard deviation of p(z | u).
    """
    variance = posterior.precision.reciprocal()
    spread = (variance @ transfer.square().T).sum(1)
    distance = (posterior.mean @ transfer.T - labels).square().sum(1)
    log_det: Tensor = variance.log().sum(1) + 2 * torch.linalg.slogdet(transfer)[1]
    d = labels.shape[1]
    divergence: Tensor = 0.5 * ((spread + distance) / sd**2 - d - log_det + 2 * d * math.log(sd))
    return divergence


class CausalVAENetwork(BaselineNetwork):
    """Gaussian encoders of eps, the causal layer, the mask layer, and decoders of z."""

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

    def _weights(self) -> Float[Tensor, "d d"]:
        """A (d, d), with a diagonal of zeros: no latent causes itself."""
        return self.edges * (1 - torch.eye(len(self.edges), device=self.edges.device))

    def _transfer(self) -> Float[Tensor, "d d"]:
        """(I - A^T)^-1, Eq. (1)."""
        identity = torch.eye(len(self.edges), device=self.edges.device)
        transfer: Tensor = torch.linalg.inv(identity - self._weights().T)
        return transfer

    def _from_parents(self, z: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """g_i(A_i o z) of Eq. (2) for latents z, both (n, d)."""
        seen = torch.einsum("np,pk,kph->nkh", z, self._weights(), self.inner)
        return (nn.functional.elu(seen + self.inner_bias) * self.outer).sum(2)

    def _posterior(self, batch: Batch) -> tuple[Posterior, dict[str, Any]]:
        """q(eps | x) of all modalities together, and q(eta | x) of each measurement."""
        posteriors, noise = self.networks.posteriors(batch)
        parts = list(posteriors.values())
        return Posterior(
            torch.cat([q.mean for q in parts], 1), torch.cat([q.precision for q in parts], 1)
        ), noise

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
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
        """The weights of Eq. (7)."""
        config = self.config
        common = {"reconstruction": 1.0, "kl": config.beta, "acyclicity": config.acyclicity}
        only = {"prior": config.beta, "labels": config.labels, "mask": config.mask}
        return common | only if config.supervised else common

    def warm_up(self) -> dict[str, float]:
        """The weights of the KL term and of H rise; the others are full at once, so labels fix the axes."""
        return {"kl": self.config.kl_warm_up, "acyclicity": self.config.acyclicity_warm_up}

    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """z of Eq. (1), or of Eq. (2) if supervised, at the posterior mean of eps."""
        eps = self._posterior(batch)[0].mean
        z = eps @ self._transfer().T
        return self._from_parents(z) + eps if self.config.supervised else z

    def adjacency(self) -> Int[np.ndarray, "d d"]:
        """The edges of A above the threshold; see `acyclic_graph`."""
        return acyclic_graph(self._weights().detach().cpu().numpy(), self.config.threshold)


class CausalVAE(Baseline[CausalVAEConfig]):
    """CausalVAE with `fit` and `transform`. With `supervised`, `fit` uses the true latents."""

    configuration = CausalVAEConfig

    _label_mean: Float[np.ndarray, " d"]
    _label_sd: float

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return CausalVAENetwork(shapes, self.config)

    def _check(self, data: MultiViewData, split: Split) -> None:
        super()._check(data, split)
        if not self.config.label_sd > 0:
            raise InputError(f"label_sd: {self.config.label_sd}; must be positive")

    def _prepare(self, data: MultiViewData, split: Split) -> tuple[Batch, Batch]:
        if self.config.supervised:
            labels = self._ordered_truth(data)[split.train]
            self._label_mean, self._label_sd = labels.mean(0), float(labels.std(0).mean())
        return super()._prepare(data, split)

    def _ordered_truth(self, data: MultiViewData) -> Float[np.ndarray, "n d"]:
        """(n, d) true latents, in the order of the recovered ones. Raises InputError if they do not fit."""
        if data.truth is None:
            raise InputError("supervised CausalVAE needs the true latents, which are unknown for these data")
        names: list[str] = []
        for m in data.modalities:
            of_block, expected = list(data.truth.blocks.get(m, [])), self.config.latents.get(m)
            if len(of_block) != expected:
                raise InputError(
                    f"supervised CausalVAE: {m} has {len(of_block)} true latents, not the {expected} given"
                )
            names += of_block
        return data.truth.latents[names].to_numpy()

    def _people(self, data: MultiViewData) -> Batch:
        batch = super()._people(data)
        if not self.config.supervised:
            return batch
        labels = (self._ordered_truth(data) - self._label_mean) / self._label_sd
        return labelled(batch, torch.from_numpy(labels).float().to(self.device))
