"""Normal distributions of codes, and how those of several measurements become one.

A block is the set of latents of one modality, or the set that all modalities share.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Gaussian(NamedTuple):
    """Independent normal distributions, given by mean and log_variance, computed from one measurement."""

    mean: Float[Tensor, "n d"]
    log_variance: Float[Tensor, "n d"]


class Posterior(NamedTuple):
    """q(block | all measurements of it): mean and precision (1 / variance)."""

    mean: Float[Tensor, "n d"]
    precision: Float[Tensor, "n d"]

    def at(self, noise: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """mean + noise / sqrt(precision): a draw if `noise` is standard normal; it can be differentiated."""
        return self.mean + noise * self.precision.rsqrt()

    def sample(self, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """One draw per row, (n, d); gradients reach mean and precision."""
        return self.at(torch.randn(self.mean.shape, generator=generator, device=self.mean.device))

    def log_density(self, value: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """log q(value) of every row."""
        squares = (value - self.mean).square() * self.precision
        return 0.5 * (self.precision.log() - math.log(2 * math.pi) - squares).sum(1)


def pool(experts: Sequence[Gaussian], observed: Bool[Tensor, "n experts"]) -> Posterior:
    """Product of N(0, 1) and one Gaussian per measurement (Hinton 2002; Wu & Goodman 2018).

    The Gaussians are called experts. Where `observed` is False, a row has no such expert, and it is left out.
    A row without any expert gets N(0, 1).
    """
    precision = torch.ones_like(experts[0].mean)
    weighted = torch.zeros_like(precision)
    for number, (mean, log_variance) in enumerate(experts):
        certainty = torch.exp(-log_variance) * observed[:, number, None]
        precision = precision + certainty
        weighted = weighted + certainty * mean
    return Posterior(weighted / precision, precision)
