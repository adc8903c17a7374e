"""Normal distributions of codes, and how those of several measurements become one."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor


class Gaussian(NamedTuple):
    """Independent normal coordinates: mean and log-variance, (n, d) each."""

    mean: Tensor
    log_variance: Tensor


class Posterior(NamedTuple):
    """q(block | all its measurements): mean and precision, (n, d) each."""

    mean: Tensor
    precision: Tensor

    def at(self, noise: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The draw that standard normal `noise` (n, d) stands for, with gradients to mean and precision."""
        return self.mean + noise * self.precision.rsqrt()

    def sample(self, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """One draw per row, with gradients to mean and precision."""
        return self.at(torch.randn(self.mean.shape, generator=generator, device=self.mean.device))

    def log_density(self, value: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """log q(value) per row, (n,)."""
        squares = (value - self.mean).square() * self.precision
        return 0.5 * (self.precision.log() - math.log(2 * math.pi) - squares).sum(1)


def pool(experts: Sequence[Gaussian], observed: Bool[Tensor, "n experts"]) -> Posterior:
    """Product of N(0, 1) and one Gaussian per measurement (Hinton 2002; Wu & Goodman 2018).

    observed (n, experts) masks experts out; a row that lacks them all gets N(0, 1).
    """
    precision = torch.ones_like(experts[0].mean)
    weighted = torch.zeros_like(precision)
    for number, (mean, log_variance) in enumerate(experts):
        certainty = torch.exp(-log_variance) * observed[:, number, None]
        precision = precision + certainty
        weighted = weighted + certainty * mean
    return Posterior(weighted / precision, precision)
