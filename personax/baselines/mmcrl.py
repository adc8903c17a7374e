"""MMCRL: modality blocks with independent noise and a sparse graph across modalities.

Sun et al., "Causal Representation Learning from Multimodal Biomedical Observations", ICLR 2025 (arXiv
2411.06518), §5:

    (1)  L = a_recon L_recon + a_ind L_ind + a_sp L_sp
    (2)  L_recon = sum_m |x_m - f_m(z_m, eta_m)|^2
    (3)  L_ind = KL(p([eta, eps]) || N(0, I)),   eps_k = flow(z_k; its parents)
    (4)  L_sp = |A|_1, A learned, strictly triangular in the order of modalities and latents

Here z_m are the latents of modality m, eta_m is the noise of its measurement, and eps_k is the exogenous
noise of latent k. Eq. (3) covers both of the paper's conditions: the eta of different modalities are
independent of each other, which means that x_m and x_n are independent given z_m (Prop. 5.1); and eta is
independent of z, which means that eta is independent of eps (Prop. 5.2). Measurements are not compared with
each other.

What we had to choose:

- With encoders that give one point, Eq. (3) can be lowered by shrinking the latents, because their own
  density does not count. Here encoders give Gaussians, and Eq. (2) with Eq. (3) is the evidence lower bound
  under the flow's prior: L_ind = E_q[log q(z, eta | x) - log p(z, eta)], with
  log p(z) = sum_k log N(eps_k) + log |d eps_k / d z_k|.
- The flow is eps_k = (z_k - mean_k) exp(-scale_k). Mean and scale are functions W_k tanh(V_k (A_k o z) + b_k)
  with a real matrix A, which is learned from the data by gradients. The columns of V have unit length.
  Eq. (4) and the threshold use |A_jk| times the length of W_k, because A could shrink while W grows and no
  mechanism would change.
- The weights of Eq. (3) and Eq. (4) rise together, so their ratio is always that of the paper.
- The paper has one measurement per modality. If there are several, z_m is pooled as a product of Gaussian
  experts, and every measurement has its own eta.
- The order of the modalities is that of the data, as in the paper. Edges can only point forwards in this
  order.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from personax.baselines.baseline import Baseline, BaselineNetwork
from personax.baselines.baseline_config import BaselineConfig
from personax.baselines.networks import GaussianNetworks, Shapes
from personax.learning.batches import Batch
from personax.runs.bounds import Share, Weight

FLOW_HIDDEN = 16  # width of the functions of the parents


@dataclass(frozen=True)
class MMCRLConfig(BaselineConfig):
    """Options of MMCRL."""

    independence: Weight = 1.0
    """a_ind / a_recon; with 1 the first two terms are the negative evidence lower bound."""
    kl_warm_up: Share = 0.4
    """Share of the epochs during which the weights of L_ind and L_sp rise from 0."""
    sparsity: Weight = 0.1
    """a_sp / a_ind; the paper has this ratio in all its experiments."""
    threshold: Weight = 0.2
    """Smallest strength that counts as an edge of the graph. All strengths are near 0.3 before training."""


class MMCRLNetwork(BaselineNetwork):
    """Gaussian encoders, a conditional flow over the latents, and decoders."""

    allowed: Float[Tensor, "d d"]

    def __init__(self, shapes: Shapes, config: MMCRLConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = GaussianNetworks(shapes, config)
        d = sum(config.latents[m] for m in shapes)
        self.register_buffer("allowed", torch.ones(d, d).triu(1))  # [parent, child]
        self.edges = nn.Parameter(torch.full((d, d), 0.5))
        self.inner = nn.Parameter(torch.randn(d, d, FLOW_HIDDEN))  # [child, parent, unit]
        self.inner_bias = nn.Parameter(0.3 * torch.randn(d, FLOW_HIDDEN))
        self.outer = nn.Parameter(0.1 * torch.randn(d, FLOW_HIDDEN, 2))
        self.outer_bias = nn.Parameter(torch.zeros(d, 2))

    def _weights(self) -> Float[Tensor, "d d"]:
        """A (d, d), [parent, child]."""
        return self.edges * self.allowed

    def strength(self) -> Float[Tensor, "d d"]:
        """Strength of each edge, [parent, child]: |A| times the length of the child's output weights."""
        length: Tensor = self.outer.flatten(1).norm(dim=1)
        return self._weights().abs() * length

    def log_density(self, z: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """log p(z) per row: (n, d) -> (n,). It is the density for which the flow's eps is standard normal."""
        direction = nn.functional.normalize(self.inner, dim=2)
        seen = torch.einsum("np,pk,kph->nkh", z, self._weights(), direction)
        out = torch.einsum("nkh,kho->nko", torch.tanh(seen + self.inner_bias), self.outer) + self.outer_bias
        mean, scale = out.unbind(2)
        eps = (z - mean) * torch.exp(-scale)
        return (-0.5 * eps.square() - 0.5 * math.log(2 * math.pi) - scale).sum(1)

    def terms(self, batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        """The terms of Eq. (1)."""
        posteriors, noise = self.networks.posteriors(batch)
        drawn = {m: q.sample(generator) for m, q in posteriors.items()}
        error, kl = self.networks.explain(batch, drawn, noise, generator)
        for m, q in posteriors.items():
            kl = kl + q.log_density(drawn[m]).mean()
        kl = kl - self.log_density(torch.cat(list(drawn.values()), 1)).mean()
        return {"reconstruction": error, "kl": kl, "sparsity": self.strength().sum()}

    def weights(self) -> dict[str, float]:
        """The weights of Eq. (1), where a_recon is 1."""
        independence = self.config.independence
        return {"reconstruction": 1.0, "kl": independence, "sparsity": self.config.sparsity * independence}

    def warm_up(self) -> dict[str, float]:
        """The weights of L_ind and L_sp rise."""
        return {"kl": self.config.kl_warm_up, "sparsity": self.config.kl_warm_up}

    def latents(self, batch: Batch) -> Float[Tensor, "n d"]:
        """Means of the pooled posteriors."""
        return torch.cat([q.mean for q in self.networks.posteriors(batch)[0].values()], 1)

    def adjacency(self) -> Int[np.ndarray, "d d"]:
        """The edges above the threshold; acyclic, because edges only point forwards."""
        return (self.strength().detach() >= self.config.threshold).cpu().numpy().astype(int)


class MMCRL(Baseline[MMCRLConfig]):
    """MMCRL with `fit` and `transform`."""

    configuration = MMCRLConfig

    def _make_network(self, shapes: Shapes) -> BaselineNetwork:
        return MMCRLNetwork(shapes, self.config)
