"""Smooth regression with derivatives in closed form: ridge regression on random Fourier features."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

FEATURES = 256  # number of cosines
BANDWIDTH = 2.0  # width of the kernel, in standard deviations of the inputs
RIDGE = 1e-3  # of the regression, added to the mean product of the features


@dataclass(frozen=True)
class FourierBasis:
    """phi(u) = [u, cos(u W + b)] of standardised inputs u (n, d): f = d + FEATURES functions.

    Linear functions are fitted exactly. The cosines span approximately the functions of a Gaussian kernel
    (Rahimi & Recht 2007).

    Attributes:
        frequency: W.
        phase: b, in [0, 2 pi).
    """

    frequency: Float[Tensor, "d features"]
    phase: Float[Tensor, " features"]

    @classmethod
    def draw(
        cls,
        dimension: int,
        generator: torch.Generator,
        features: int = FEATURES,
        bandwidth: float = BANDWIDTH,
    ) -> "FourierBasis":
        """A random basis for inputs of `dimension` columns; `generator` lives on the CPU."""
        frequency = torch.randn(dimension, features, generator=generator, dtype=torch.float64) / bandwidth
        phase = 2 * torch.pi * torch.rand(features, generator=generator, dtype=torch.float64)
        return cls(frequency, phase)

    def __call__(self, u: Float[Tensor, "n d"]) -> Float[Tensor, "n f"]:
        """phi(u) of every row."""
        return torch.cat([u, torch.cos(u @ self.frequency + self.phase)], 1)

    def derivative(self, u: Float[Tensor, "n d"]) -> Float[Tensor, "n d f"]:
        """d phi / d u at every row."""
        waves = -torch.sin(u @ self.frequency + self.phase)[:, None] * self.frequency
        linear = torch.eye(u.shape[1], dtype=u.dtype).expand(len(u), -1, -1)
        return torch.cat([linear, waves], 2)

    def along(self, u: Float[Tensor, "n d"], direction: Float[Tensor, "n d"]) -> Float[Tensor, "n f"]:
        """Derivative of phi along a direction at every row."""
        waves = -torch.sin(u @ self.frequency + self.phase) * (direction @ self.frequency)
        return torch.cat([direction, waves], 1)

    def gradient(self, u: Float[Tensor, "n d"], weights: Float[Tensor, " f"]) -> Float[Tensor, "n d"]:
        """Gradient of the function weights . phi at every row."""
        linear, waves = weights.split([u.shape[1], self.frequency.shape[1]])
        slope: Tensor = linear - (torch.sin(u @ self.frequency + self.phase) * waves) @ self.frequency.T
        return slope

    def fit(self, u: Float[Tensor, "n d"], targets: Float[Tensor, "n t"]) -> Float[Tensor, "f t"]:
        """Weights of the ridge regression of targets on phi(u); both are centred first."""
        features = self(u)
        features = features - features.mean(0)
        moments = features.T @ (targets - targets.mean(0)).to(u.dtype) / len(u)
        weights: Tensor = torch.linalg.solve(_gram(features), moments)
        return weights

    def leverage(self, fitted: Float[Tensor, "m d"], u: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """How uncertain a regression on the rows `fitted` is at each row of u; large where they are rare.

        It is phi^T Gram^-1 phi of centred features. Its mean over the fitted rows is at most f, and it is
        about inversely proportional to their density (its inverse is a Christoffel function).
        """
        features = self(fitted)
        centre = features.mean(0)
        return _squares(self(u) - centre, torch.linalg.cholesky(_gram(features - centre)))


def _gram(centred: Float[Tensor, "n f"]) -> Float[Tensor, "f f"]:
    """(n, f) centred features -> (f, f) their mean product, with the ridge."""
    return centred.T @ centred / len(centred) + RIDGE * torch.eye(centred.shape[1], dtype=centred.dtype)


def _squares(features: Float[Tensor, "n f"], factor: Float[Tensor, "f f"]) -> Float[Tensor, " n"]:
    """phi^T (L L^T)^-1 phi of features (n, f) and L (f, f)."""
    whitened: Tensor = torch.linalg.solve_triangular(factor, features.T, upper=False)
    return whitened.square().sum(0)
