"""The structural causal model as the prior of the latents: a graph, an order and additive mechanisms.

    z_k = f_k(A_1k z_1, ..., A_dk z_d) + sigma_k eps_k,    eps_k ~ N(0, 1) independent        (paper §4.1)

or, `flexible`, a conditional flow: sigma_k depends on the parents as f_k does, and eps_k becomes normal only
by a sinh-arcsinh map (Jones & Pewsey 2009), which gives every latent tails and a skew of its own. What is not
Gaussian can be told from its rotations, which Gaussian latents cannot.

A is random: an edge i -> j is open with probability

    P_ij = sigmoid(gate_ij) * sigmoid(potential_j - potential_i)

so P is differentiable, and any set of edges with P > 1/2 follows the potentials and is acyclic, whatever
the parameters. Learning draws A from P with the straight-through binary concrete estimator (Maddison et
al. 2017; Jang et al. 2017), so the data reach gates and order alike, and the penalty is the expected
number of edges (Louizos et al. 2018): unlike an L1 norm of weights it cannot be dodged by rescaling.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personax.learning.latent_names import block_slices
from personax.views import SHARED

CONCRETE_TEMPERATURE = 0.5
ORDER_SPACING = 4.0  # difference of neighbours' potentials in a fresh order: clear, yet gradients get through
GRAPHS_PER_BATCH = 16  # random graphs that share out the rows of a batch


def graphs_for(rows: int) -> int:
    """How many random graphs a batch of `rows` is shared out among: a divisor of `rows`."""
    return math.gcd(rows, GRAPHS_PER_BATCH)


def edge_masks(dimensions: Mapping[str, int]) -> tuple[Tensor, Tensor]:
    """Which edges may exist, and which of them join two blocks: two (d, d) tensors of 0 and 1.

    No latent causes itself, and nothing else points into the shared latents (paper §4.1: s is a parent).
    """
    d = sum(dimensions.values())
    allowed, cross = 1 - torch.eye(d), torch.ones(d, d)
    for block, place in block_slices(dimensions).items():
        cross[place, place] = 0
        if block == SHARED:
            outside = torch.ones(d, dtype=torch.bool)
            outside[place] = False
            allowed[outside, place] = 0
    return allowed, cross * allowed


class CausalPrior(nn.Module):
    """R structural causal models over d latents, side by side."""

    allowed: Tensor
    cross: Tensor

    def __init__(
        self,
        dimensions: Mapping[str, int],
        starts: int,
        generator: torch.Generator,
        hidden: int = 16,
        *,
        flexible: bool = False,
        causal: bool = True,
    ) -> None:
        """`causal=False` allows no edge: independent normal latents."""
        super().__init__()
        self.flexible = flexible
        allowed, cross = (mask * float(causal) for mask in edge_masks(dimensions))
        self.register_buffer("allowed", allowed)
        self.register_buffer("cross", cross)
        d = len(allowed)

        def normal(*size: int, sd: float) -> nn.Parameter:
            return nn.Parameter(sd * torch.randn(starts, *size, generator=generator))

        self.gate = nn.Parameter(torch.ones(starts, d, d))
        order = torch.rand(starts, d, generator=generator).argsort(1)
        self.potential = nn.Parameter(ORDER_SPACING * order.float())
        self.inner = normal(d, d, hidden, sd=0.4)  # [child, parent, unit]
        self.inner_bias = normal(d, hidden, sd=0.3)
        self.outer = normal(d, hidden, sd=0.1)
        self.outer_bias = nn.Parameter(torch.zeros(starts, d))
        self.log_scale = nn.Parameter(torch.zeros(starts, d))
        if flexible:
            self.outer_scale = nn.Parameter(torch.zeros(starts, d, hidden))
            self.log_tail = nn.Parameter(torch.zeros(starts, d))
            self.skew = nn.Parameter(torch.zeros(starts, d))

    def edge_probability(self) -> Float[Tensor, "R d d"]:
        """(R, d, d) with P[r, i, j] the probability that i -> j is open."""
        rise = self.potential[:, None, :] - self.potential[:, :, None]
        return torch.sigmoid(self.gate) * torch.sigmoid(rise) * self.allowed

    def adjacency(self) -> Float[Tensor, "R d d"]:
        """(R, d, d) of 0 and 1: the edges more likely open than not; acyclic."""
        return (self.edge_probability() > 0.5).float()

    def open_edges(self, uniform: Float[Tensor, "R g d d"]) -> Float[Tensor, "R g d d"]:
        """The random graphs (R, g, d, d), 0 or 1, that numbers drawn uniformly from [0, 1] stand for.

        Gradients reach `edge_probability`.
        """
        p = self.edge_probability()[:, None].clamp(1e-5, 1 - 1e-5)
        uniform = uniform.clamp(1e-5, 1 - 1e-5)
        soft = torch.sigmoid((torch.logit(p) + torch.logit(uniform)) / CONCRETE_TEMPERATURE)
        return ((soft > 0.5).float() + soft - soft.detach()) * self.allowed

    @torch.no_grad()
    def interleave(self, dimensions: Mapping[str, int], generator: torch.Generator) -> None:
        """Redraw every order such that each block keeps its own within, and shared latents come first."""
        for model in range(len(self.potential)):
            place = torch.rand(self.potential.shape[1], generator=generator)
            for block, members in block_slices(dimensions).items():
                place[members] = place[members].sort()[0] - float(block == SHARED)
            self.potential[model] = ORDER_SPACING * place.argsort().argsort().to(self.potential)

    @torch.no_grad()
    def mutate(self, models: Tensor, generator: torch.Generator) -> None:
        """In each of the given models, move one latent to another place in the order; reopen its edges.

        Every model's potentials are spaced evenly again, in their order.
        """
        order = self.potential.argsort(1).argsort(1).float()  # place of each latent
        d = order.shape[1]
        for model in models.tolist():
            latent, place = (int(torch.randint(d, (), generator=generator)) for _ in range(2))
            order[model, latent] = place + (0.5 if place > order[model, latent] else -0.5)
            self.gate[model, latent, :] = self.gate[model, :, latent] = 1.0
        self.potential.copy_(ORDER_SPACING * order.argsort(1).argsort(1))

    def mechanisms(self, z: Tensor, edges: Tensor) -> tuple[Tensor, Tensor]:
        """Mean f_k and log sigma_k of every latent given its parents, (R, n, d) each, at z (R, n, d).

        edges (R, g, d, d), g a divisor of n: the first n/g rows see the first graph, and so on.
        """
        starts, n, d = z.shape
        groups = edges.shape[1]
        # [r, g, parent, child * unit]: one product serves all children at once
        weights = edges[..., None] * self.inner.transpose(1, 2)[:, None]
        seen = z.reshape(starts, groups, n // groups, d) @ weights.flatten(3)
        wave = torch.tanh(seen + self.inner_bias.flatten(1)[:, None, None])
        wave = wave.unflatten(3, self.outer.shape[1:])
        mean = (wave * self.outer[:, None, None]).sum(4).reshape(starts, n, d) + self.outer_bias[:, None]
        log_scale = self.log_scale[:, None].expand(starts, n, d)
        if self.flexible:
            log_scale = log_scale + (wave * self.outer_scale[:, None, None]).sum(4).reshape(starts, n, d)
        return mean, log_scale

    def noise(self, z: Float[Tensor, "R n d"], edges: Float[Tensor, "R g d d"]) -> Float[Tensor, "R n d"]:
        """(z_k - f_k) / sigma_k (R, n, d) of latents z (R, n, d); edges as in `mechanisms`."""
        mean, log_scale = self.mechanisms(z, edges)
        return (z - mean) * torch.exp(-log_scale)

    def log_density(self, z: Float[Tensor, "R n d"], edges: Float[Tensor, "R g d d"]) -> Float[Tensor, "R n"]:
        """log p(z) (R, n) = sum_k log N(eps_k; 0, 1) + log |d eps_k / d z_k|; edges as in `mechanisms`."""
        mean, log_scale = self.mechanisms(z, edges)
        eps = (z - mean) * torch.exp(-log_scale)
        log_slope = -log_scale
        if self.flexible:
            inner = torch.exp(self.log_tail)[:, None] * torch.asinh(eps) + self.skew[:, None]
            inner = inner.clamp(-20, 20)
            log_slope = log_slope + self.log_tail[:, None] - 0.5 * torch.log1p(eps.square())
            log_slope = log_slope + torch.log(torch.cosh(inner))
            eps = torch.sinh(inner)
        return (-0.5 * eps.square() - 0.5 * math.log(2 * math.pi) + log_slope).sum(2)
