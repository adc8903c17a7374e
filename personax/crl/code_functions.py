"""Smooth functions of the codes of pictures: sums of the codes and of random cosines of them.

They are a . phi(w), where w are the whitened principal axes of the codes u and phi random Fourier features of
them (Rahimi & Recht 2007). What a function should be is written as two quadratic forms of its weights a, and
the best a is an eigenvector: without starts, steps or step sizes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from personax.crl.regression import FourierBasis

FEATURES, BANDWIDTH = 600, 6.0  # cosines, and the width of their kernel in standard deviations
ALIVE = 0.5  # standard deviation above which a principal axis of the codes is used
GRADIENT_ROWS = 8000  # about how many rows have a metric
DIRECTION_ROWS = 4000  # about how many of them tell how much functions change; several for each cosine
UNCLEAR = 0.1  # share of rows in which a function changes least, so that its direction is not clear


@dataclass(frozen=True)
class CodeFeatures:
    """phi(w) - offset of codes, where w are their whitened principal axes.

    Attributes:
        centre: mean of the codes.
        turn: from centred codes to axes.
        basis: phi.
        offset: mean of phi.
    """

    centre: Float[Tensor, " codes"]
    turn: Float[Tensor, "codes axes"]
    basis: FourierBasis
    offset: Float[Tensor, " f"]

    def __call__(self, u: Float[Tensor, "n codes"]) -> Float[Tensor, "n f"]:
        """The features of codes u, in double precision."""
        features: Tensor = self.basis((u.to(self.centre) - self.centre) @ self.turn) - self.offset
        return features


@dataclass(frozen=True)
class CodeFunction:
    """A smooth function of codes: weights a . features, with mean 0."""

    features_of: CodeFeatures
    weights: Float[Tensor, " f"]

    def __call__(self, u: Float[Tensor, "n codes"]) -> Float[Tensor, " n"]:
        """The function at codes u, in double precision."""
        value: Tensor = self.features_of(u) @ self.weights
        return value


def living_axes(
    u: Float[Tensor, "n codes"],
) -> tuple[Float[Tensor, "codes axes"], Float[Tensor, "axes codes"]]:
    """Matrices from centred codes to their whitened principal axes with enough variance, and back."""
    variance, axes = torch.linalg.eigh(torch.cov(u.T))
    alive = variance > min(ALIVE**2, float(variance[-1]) / 2)
    root = variance[alive].sqrt()
    return axes[:, alive] / root, (axes[:, alive] * root).T


def gradient_rows(n: int) -> slice:
    """The rows, of n, at which metrics are needed."""
    return slice(None, None, max(1, n // GRADIENT_ROWS))


@dataclass(frozen=True)
class CodeFunctions:
    """All smooth functions of given codes.

    Attributes:
        features_of: the features of any codes.
        back: from axes to centred codes.
        w: (n, axes) the axes of the rows.
        features: (n, f) features of the rows.
    """

    features_of: CodeFeatures
    back: Float[Tensor, "axes codes"]
    w: Float[Tensor, "n axes"]
    features: Float[Tensor, "n f"]

    @classmethod
    def of(cls, u: Float[Tensor, "n codes"], generator: torch.Generator) -> "CodeFunctions":
        """The functions of codes u in double precision; `generator` draws the cosines, on the CPU."""
        centre = u.mean(0)
        turn, back = living_axes(u - centre)
        w = (u - centre) @ turn
        basis = FourierBasis.draw(w.shape[1], generator, FEATURES, BANDWIDTH)
        phi = basis(w)
        offset = phi.mean(0)
        return cls(CodeFeatures(centre, turn, basis, offset), back, w, phi - offset)

    @property
    def basis(self) -> FourierBasis:
        """phi."""
        return self.features_of.basis

    def rows_with_metric(
        self, metric: Float[Tensor, "m codes codes"], every: int = 1
    ) -> tuple[Float[Tensor, "r axes"], Float[Tensor, "r axes axes"]]:
        """The axes of each `every`-th row of those with a metric, and their metrics in the axes."""
        w = self.w[gradient_rows(len(self.w))][::every]
        return w, self.back @ metric[::every] @ self.back.T

    def few_rows_with_metric(
        self, metric: Float[Tensor, "m codes codes"]
    ) -> tuple[Float[Tensor, "r axes"], Float[Tensor, "r axes axes"]]:
        """About DIRECTION_ROWS of them."""
        return self.rows_with_metric(metric, max(1, len(metric) // DIRECTION_ROWS))

    @property
    def spread(self) -> Float[Tensor, "f f"]:
        """a^T spread a: the variance of a function."""
        product: Tensor = self.features.T @ self.features / len(self.features)
        return product

    def function(self, weights: Float[Tensor, " f"]) -> CodeFunction:
        """The function with these weights, scaled to standard deviation 1."""
        weights = weights / (self.features @ weights).std().clamp_min(1e-12)
        return CodeFunction(self.features_of, weights)


class Steepest(NamedTuple):
    """How a function f changes fastest at each row, in the metric M of the pictures.

    Attributes:
        direction: M^-1 df.
        effect: df^T M^-1 df. The smallest change of a picture that changes f by one is direction / effect;
            its squared length is 1 / effect.
        clear: rows but for the share of UNCLEAR with the least effect.
    """

    direction: Float[Tensor, "m axes"]
    effect: Float[Tensor, " m"]
    clear: Bool[Tensor, " m"]


def steepest(gradient: Float[Tensor, "m axes"], metric: Float[Tensor, "m axes axes"]) -> Steepest:
    """The steepest change of a function with this gradient."""
    direction = torch.linalg.solve(metric, gradient[:, :, None])[:, :, 0]
    effect = (gradient * direction).sum(1).clamp_min(1e-12)
    return Steepest(direction, effect, effect >= effect.quantile(UNCLEAR))


def change_everywhere(
    space: CodeFunctions, w: Float[Tensor, "m axes"], metric: Float[Tensor, "m axes axes"]
) -> Float[Tensor, "f f"]:
    """E|dh|^2 as a quadratic form, where |dh|^2 = dh^T M^-1 dh, at rows w with these metrics."""
    inverse = torch.linalg.inv(metric)
    roots = torch.linalg.cholesky((inverse + inverse.transpose(1, 2)) / 2).unbind(2)
    return torch.stack([mean_product(space.basis.along(w, root)) for root in roots]).sum(0)


def mean_product(changes: Float[Tensor, "m f"]) -> Float[Tensor, "f f"]:
    """The quadratic form of the mean square of a change, from the changes of phi at each row."""
    product: Tensor = changes.T @ changes / len(changes)
    return product


def ridge(weight: float, size: int) -> Float[Tensor, "size size"]:
    """weight |a|^2 as a quadratic form."""
    return weight * torch.eye(size, dtype=torch.float64)


def largest_ratios(
    above: Float[Tensor, "f f"], below: Float[Tensor, "f f"], count: int
) -> tuple[Float[Tensor, " count"], Float[Tensor, "f count"]]:
    """The largest x^T above x / x^T below x of two symmetric matrices, the second positive; and the x."""
    factor = torch.linalg.cholesky(below)
    half = torch.linalg.solve_triangular(factor, above, upper=False)
    whitened = torch.linalg.solve_triangular(factor, half.T, upper=False)
    values, vectors = torch.linalg.eigh((whitened + whitened.T) / 2)
    found = torch.linalg.solve_triangular(factor.T, vectors[:, -count:], upper=True)
    return values[-count:].flip(0), found.flip(1)
