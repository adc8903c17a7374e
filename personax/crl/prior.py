"""The structural causal model as the prior of the latents: a graph, an order and additive mechanisms.

A block is the set of latents of one modality, or the set "s" that all modalities share. A mechanism f_k gives
the mean of latent z_k from its parents (its direct causes) in the graph A, A_jk = 1 meaning z_j -> z_k:

    z_k = f_k(A_1k z_1, ..., A_dk z_d) + sigma_k eps_k,    eps_k ~ N(0, 1) independent        (paper §4.1)

With `flexible` it is a conditional flow. Then sigma_k depends on the parents, too, and eps_k is not normal
itself but becomes normal by a sinh-arcsinh map (Jones & Pewsey 2009), so that the noise of every latent has
its own tails and its own skew. This helps because latents that are not Gaussian can be distinguished from
rotations of them.

A is random: an edge i -> j is open with probability

    P_ij = sigmoid(gate_ij) * sigmoid(potential_j - potential_i)

so P is differentiable. All edges with P > 1/2 lead from a lower to a higher potential, so they form no cycle,
whatever the parameters. Learning draws A from P with the straight-through binary concrete estimator (Maddison
et al. 2017; Jang et al. 2017), so that gates and order both get gradients from the data. The penalty is the
expected number of edges (Louizos et al. 2018). Rescaling cannot make it smaller, unlike an L1 norm of
weights.
"""

import math
from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor, nn

from personax.learning.latent_names import block_slices
from personax.views import SHARED

CONCRETE_TEMPERATURE = 0.5  # of the binary concrete distribution; 0 would be exact but without gradients
ORDER_SPACING = 4.0  # first difference of neighbours' potentials: clear, but the sigmoid still has a gradient
GATE = 6.0  # of an edge of a graph that is set, see `set_graph`; minus this of any other
GRAPHS_PER_BATCH = 16  # random graphs among which the rows of a batch are divided


def graphs_for(rows: int) -> int:
    """The number of random graphs among which the rows of a batch are divided; it divides `rows`."""
    return math.gcd(rows, GRAPHS_PER_BATCH)


def edge_masks(dimensions: Mapping[str, int]) -> tuple[Float[Tensor, "d d"], Float[Tensor, "d d"]]:
    """Which edges may exist, and which of them join two blocks: two tensors of 0 and 1.

    No latent causes itself. Only shared latents may cause shared latents (paper §4.1: s is a parent).

    Args:
        dimensions: block -> number of its latents, d in total.
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
    """R structural causal models over d latents, side by side.

    Attributes:
        allowed: (d, d) 1 for edges that may exist, else 0.
        cross: (d, d) 1 for allowed edges that join two blocks, else 0.
    """

    allowed: Float[Tensor, "d d"]
    cross: Float[Tensor, "d d"]

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
        """Draw R new models: random orders, all gates open, mechanisms near zero.

        Args:
            dimensions: block -> number of its latents, d in total.
            starts: R.
            generator: on the CPU.
            hidden: number of tanh units of each mechanism.
            flexible: scales and noises as described at the top of this file.
            causal: False allows no edge, so that latents are independent.
        """
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

    def mechanism_parameters(self) -> list[nn.Parameter]:
        """What the mechanisms consist of: all parameters but those of the graph."""
        return [value for name, value in self.named_parameters() if name not in ("gate", "potential")]

    def edge_probability(self) -> Float[Tensor, "R d d"]:
        """P[r, i, j], the probability that the edge i -> j is open."""
        rise = self.potential[:, None, :] - self.potential[:, :, None]
        return torch.sigmoid(self.gate) * torch.sigmoid(rise) * self.allowed

    def adjacency(self) -> Float[Tensor, "R d d"]:
        """0 and 1: the edges whose probability is above 1/2. They form no cycle."""
        return (self.edge_probability() > 0.5).float()

    def forbid(self, edges: Bool[Tensor, "d d"]) -> None:
        """Remove these edges (True) from the allowed ones, in all models."""
        self.allowed = self.allowed * ~edges
        self.cross = self.cross * ~edges

    def open_edges(self, uniform: Float[Tensor, "R g d d"]) -> Float[Tensor, "R g d d"]:
        """g random graphs of 0 and 1 for each model, made from random numbers that are uniform on [0, 1].

        Gradients reach `edge_probability`.
        """
        p = self.edge_probability()[:, None].clamp(1e-5, 1 - 1e-5)
        uniform = uniform.clamp(1e-5, 1 - 1e-5)
        soft = torch.sigmoid((torch.logit(p) + torch.logit(uniform)) / CONCRETE_TEMPERATURE)
        return ((soft > 0.5).float() + soft - soft.detach()) * self.allowed

    @torch.no_grad()
    def set_graph(self, model: int, edges: Num[Tensor, "d d"], order: Int[Tensor, " d"]) -> None:
        """Give a model this graph: no edges but these, whatever is drawn.

        Args:
            model: its number.
            edges: [i, j] = 1 meaning i -> j.
            order: the latents, causes first.
        """
        self.gate[model] = (2 * edges.to(self.gate) - 1) * GATE
        self.potential[model] = ORDER_SPACING * order.argsort().to(self.potential)

    @torch.no_grad()
    def mutate(self, models: Int[Tensor, " k"], generator: torch.Generator) -> None:
        """In each of the given models, move one latent to a random place in the order.

        The potentials of all models are spaced evenly again; the other models keep their order.
        """
        order = self.potential.argsort(1).argsort(1).float()  # place of each latent
        d = order.shape[1]
        for model in models.tolist():
            latent, place = (int(torch.randint(d, (), generator=generator)) for _ in range(2))
            order[model, latent] = place + (0.5 if place > order[model, latent] else -0.5)
        self.potential.copy_(ORDER_SPACING * order.argsort(1).argsort(1))

    def mechanisms(
        self, z: Float[Tensor, "R n d"], edges: Float[Tensor, "R g d d"]
    ) -> tuple[Float[Tensor, "R n d"], Float[Tensor, "R n d"]]:
        """Mean f_k and log sigma_k of every latent given its parents.

        The rows are divided among the g graphs, and g must divide n: the first n / g rows use the first
        graph, and so on.

        Args:
            z: latents.
            edges: g graphs per model, [.., i, j] = 1 meaning i -> j.
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
        """(z_k - f_k) / sigma_k of the latents z, with edges as in `mechanisms`."""
        mean, log_scale = self.mechanisms(z, edges)
        return (z - mean) * torch.exp(-log_scale)

    def log_density(self, z: Float[Tensor, "R n d"], edges: Float[Tensor, "R g d d"]) -> Float[Tensor, "R n"]:
        """log p(z) = sum_k log N(eps_k; 0, 1) + log |d eps_k / d z_k|, with edges as in `mechanisms`."""
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
