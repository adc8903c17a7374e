"""Given one latent f of a modality, another one of the same modality, in closed form.

Style is independent of the latents. So a smooth function g of the picture that depends on f can depend on
style only through f itself. What must be excluded is f: g must not change if only f does. Let u be the codes
of a picture and M its metric (picture_codes.py). Then

    v = M^-1 df / (df^T M^-1 df)

is the smallest change of the picture that changes f by one: at right angles, in the geometry of the picture,
to everything that leaves f as it is. Among the functions g = a . phi(u), phi the codes and random cosines of
them (Rahimi & Recht 2007), we look for

    maximise sum_k cov(g, h_k(f))^2   subject to   Var g + STILL E[(dg / dv)^2] + SMOOTH_RIDGE |a|^2 = 1

where the h_k are uncorrelated functions of f with variance 1: the share of g that f explains. It is one
generalised eigenproblem, without starts, steps or step sizes. It fails if the mean of g given f says nothing,
as for an effect that is only on the variance.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.regression import FourierBasis

FEATURES, BANDWIDTH = 600, 6.0  # cosines, and the width of their kernel in standard deviations
ALIVE = 0.5  # standard deviation above which a principal axis of the codes is used
STILL = 300.0  # weight of the change along v
SMOOTH_RIDGE = 1e-2
SLOPE_RIDGE = 1e-2  # of the regression of f on phi
GRADIENT_ROWS = 8000  # about how many rows the expectation over v uses
LONGEST = 0.1  # share of rows with the longest v, which are left out


@dataclass(frozen=True)
class CodeFunction:
    """A smooth function of codes, a . (phi(w) - offset), where w are their whitened principal axes.

    Attributes:
        centre: mean of the codes.
        turn: from codes to axes.
        basis: phi.
        offset: mean of phi.
        weights: a.
    """

    centre: Float[Tensor, " codes"]
    turn: Float[Tensor, "codes axes"]
    basis: FourierBasis
    offset: Float[Tensor, " f"]
    weights: Float[Tensor, " f"]

    def __call__(self, u: Float[Tensor, "n codes"]) -> Float[Tensor, " n"]:
        """The function at codes u, in double precision."""
        w = (u.to(self.centre) - self.centre) @ self.turn
        value: Tensor = (self.basis(w) - self.offset) @ self.weights
        return value


def living_axes(
    u: Float[Tensor, "n codes"],
) -> tuple[Float[Tensor, "codes axes"], Float[Tensor, "axes codes"]]:
    """Matrices from centred codes to their whitened principal axes with enough variance, and back."""
    variance, axes = torch.linalg.eigh(torch.cov(u.T))
    alive = variance > min(ALIVE**2, float(variance[-1]) / 2)
    root = variance[alive].sqrt()
    return axes[:, alive] / root, (axes[:, alive] * root).T


def functions_of(f: Float[Tensor, " n"]) -> Float[Tensor, "n k"]:
    """(n, k) uncorrelated functions of f with mean 0 and variance 1."""
    x = (f - f.mean()) / f.std()
    raw = torch.stack([x, x**2, x**3, x.abs(), torch.sin(1.5 * x), torch.cos(1.5 * x)], 1)
    raw = raw - raw.mean(0)
    variance, axes = torch.linalg.eigh(raw.T @ raw / len(raw))
    functions: Tensor = raw @ axes / variance.clamp_min(1e-9).sqrt()
    return functions


def find_companion(
    u: Float[Tensor, "n codes"],
    metric: Float[Tensor, "m codes codes"],
    own: Float[Tensor, " n"],
    told: Float[Tensor, " n"],
    generator: torch.Generator,
) -> tuple[CodeFunction, Float[Tensor, " 3"]]:
    """The smooth function of the codes that f explains best among those that do not change with f.

    Args:
        u: codes of one picture per row.
        metric: M of `gradient_rows(n)` of these rows.
        own: f of the same picture.
        told: f of the same person, from all pictures.
        generator: of the cosines, on the CPU.

    Returns:
        The function, with standard deviation 1, and the three largest eigenvalues, which should stand apart.
    """
    u, metric, own, told = (part.double().cpu() for part in (u, metric, own, told))
    centre = u.mean(0)
    turn, back = living_axes(u - centre)
    w = (u - centre) @ turn
    basis = FourierBasis.draw(w.shape[1], generator, FEATURES, BANDWIDTH)
    features = basis(w)
    offset = features.mean(0)
    features = features - offset
    spread = features.T @ features / len(features)
    one = torch.eye(len(spread), dtype=spread.dtype)
    slope = torch.linalg.solve(spread + SLOPE_RIDGE * one, features.T @ (own - own.mean()) / len(own))
    some = gradient_rows(len(u))
    still = _change_along_f(basis, w[some], slope, back @ metric @ back.T)
    share = features.T @ functions_of(told) / len(told)
    values, vectors = largest_ratios(share @ share.T, spread + STILL * still + SMOOTH_RIDGE * one, 3)
    weights = vectors[:, 0] / (features @ vectors[:, 0]).std().clamp_min(1e-12)
    return CodeFunction(centre, turn, basis, offset, weights), values


def gradient_rows(n: int) -> slice:
    """The rows, of n, at which metrics are needed."""
    return slice(None, None, max(1, n // GRADIENT_ROWS))


def _change_along_f(
    basis: FourierBasis,
    w: Float[Tensor, "m axes"],
    slope: Float[Tensor, " f"],
    metric: Float[Tensor, "m axes axes"],
) -> Float[Tensor, "f f"]:
    """Mean product of the changes of phi along v, for the function f = slope . phi."""
    gradient = basis.gradient(w, slope)
    direction = torch.linalg.solve(metric, gradient[:, :, None])[:, :, 0]
    effect = (gradient * direction).sum(1).clamp_min(1e-12)  # 1 / effect: squared length of v
    kept = effect >= effect.quantile(LONGEST)
    along = basis.along(w[kept], direction[kept] / effect[kept, None])
    return along.T @ along / len(along)


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
