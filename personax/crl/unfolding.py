"""Whether a number read from pictures is a coordinate or a folded one, and the coordinate it was folded from.

A code that tells all of the other modality need not be one-to-one with its latent: if the latent has the
effect cos(z), the code cos(z) tells as much. But pictures know z: a small change of z changes them along a
curve, and a folded code has the same direction at both ends of the fold. So let

    n = M^-1 df / sqrt(df^T M^-1 df)

be the direction of f at a picture, in the metric M of the codes (picture_codes.py). Among the functions
h = a . phi(u), phi the codes and random cosines of them, the smoothest that changes along n alone is sought:

    minimise E[(dh . n)^2] + ACROSS E[|dh|^2 - (dh . n)^2] + RIDGE_OF_WEIGHTS |a|^2   subject to   Var h = 1

with |dh|^2 = dh^T M^-1 dh. On a curve this is the lowest mode of a string, which rises from one end to the
other (Sturm-Liouville), whether or not f does. It is one generalised eigenproblem. If f is a coordinate, h
and f are functions of each other; if f is folded, f is a function of h but not the reverse; and if f is no
function of h either, its changes have no clear direction: it is not smooth, or badly read.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.code_functions import (
    CodeFunction,
    CodeFunctions,
    gradient_rows,
    largest_ratios,
    mean_product,
    ridge,
)
from personax.crl.companions import LONGEST
from personax.crl.regression import FourierBasis

ACROSS = 100.0  # weight of changes that are not along n
RIDGE_OF_WEIGHTS = 1e-3
ROUGH_FEATURES, ROUGH_BANDWIDTH = 1000, 3.0  # cosines of the regression of f, which may be wavy
DIRECTION_ROWS = 4000  # about how many rows with a metric are used; there must be several for each cosine
WAVES = 12  # functions of one variable in `explained_share`
# Shares of variance. On 22 codes of tuning scenes, f and h explained 0.96 to 0.98 of each other where f was
# close to a latent, and at most 0.88 where it was not; folded codes explained up to 0.05 of h, and h 0.70 to
# 0.83 of them, but at most 0.36 of codes that were neither and explained less than half of h.
COORDINATE = 0.93
FOLDED, UNFOLDED = 0.55, 0.5


class Fold(NamedTuple):
    """A number f read from pictures, and the smoothest function h that changes in its direction alone.

    Attributes:
        smoothest: h.
        kept: share of f that h explains.
        told: share of h that f explains.
    """

    smoothest: CodeFunction
    kept: float
    told: float

    @property
    def is_coordinate(self) -> bool:
        """Whether f and h are functions of each other."""
        return min(self.kept, self.told) >= COORDINATE

    @property
    def is_folded(self) -> bool:
        """Whether f is a function of h, but h is none of f."""
        return self.kept >= FOLDED and self.told < UNFOLDED


def find_fold(
    u: Float[Tensor, "n codes"],
    metric: Float[Tensor, "m codes codes"],
    f: Float[Tensor, " n"],
    generator: torch.Generator,
) -> Fold:
    """Compare f with the smoothest function in its direction; arguments as for `smoothest_along`."""
    even = torch.special.ndtri((_ranks(f.cpu()) + 0.5) / len(f))  # the scale of f is arbitrary
    h = smoothest_along(u, metric, even, generator)
    unfolded = h(u.cpu())
    return Fold(h, explained_share(even, unfolded), explained_share(unfolded, even))


def smoothest_along(
    u: Float[Tensor, "n codes"],
    metric: Float[Tensor, "m codes codes"],
    f: Float[Tensor, " n"],
    generator: torch.Generator,
) -> CodeFunction:
    """The smoothest function h of the codes that changes only in the direction in which f does.

    Args:
        u: codes of one picture per row.
        metric: M of `gradient_rows(n)` of these rows.
        f: a number of each picture.
        generator: of the cosines, on the CPU.
    """
    u, metric, f = (part.double().cpu() for part in (u, metric, f))
    space = CodeFunctions.of(u, generator)
    rough = FourierBasis.draw(space.w.shape[1], generator, ROUGH_FEATURES, ROUGH_BANDWIDTH)
    w, inverse = inverse_metrics(space, metric)
    gradient = rough.gradient(w, rough.fit(space.w, f[:, None])[:, 0])
    direction = (inverse @ gradient[:, :, None])[:, :, 0]
    effect = (gradient * direction).sum(1).clamp_min(1e-12)
    kept = effect >= effect.quantile(LONGEST)
    along = mean_product(space.basis.along(w[kept], direction[kept] / effect[kept, None].sqrt()))
    change = along + ACROSS * (change_everywhere(space, w[kept], inverse[kept]) - along)
    change = change + ridge(RIDGE_OF_WEIGHTS, len(change))
    return space.function(largest_ratios(space.spread, change, 1)[1][:, 0])


def inverse_metrics(
    space: CodeFunctions, metric: Float[Tensor, "m codes codes"]
) -> tuple[Float[Tensor, "r axes"], Float[Tensor, "r axes axes"]]:
    """Some rows with a metric, as axes, and the inverse of their metrics."""
    some = slice(None, None, max(1, len(metric) // DIRECTION_ROWS))
    inverse = torch.linalg.inv(space.back @ metric[some] @ space.back.T)
    return space.w[gradient_rows(len(space.w))][some], inverse


def change_everywhere(
    space: CodeFunctions, w: Float[Tensor, "m axes"], inverse: Float[Tensor, "m axes axes"]
) -> Float[Tensor, "f f"]:
    """E|dh|^2 as a quadratic form, at rows w with these inverse metrics."""
    roots = torch.linalg.cholesky((inverse + inverse.transpose(1, 2)) / 2).unbind(2)
    return torch.stack([mean_product(space.basis.along(w, root)) for root in roots]).sum(0)


def explained_share(y: Float[Tensor, " n"], x: Float[Tensor, " n"]) -> float:
    """Share of the variance of y that a smooth function of x explains: cosines of the ranks of x.

    >>> x = torch.linspace(-2, 2, 1001)
    >>> round(explained_share(x**2, x), 2), round(explained_share(x, x**2), 2)
    (1.0, 0.0)
    """
    waves = torch.cos(torch.pi * _ranks(x)[:, None] / max(1, len(x) - 1) * torch.arange(WAVES))
    y = y.double() - y.double().mean()
    fitted = waves @ torch.linalg.lstsq(waves, y[:, None]).solution
    total = float(y.square().sum())
    return float(1 - (y - fitted[:, 0]).square().sum() / total) if total > 0 else 0.0


def _ranks(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """0 for the smallest, n - 1 for the largest; equal numbers in the order of their rows."""
    return x.argsort(stable=True).argsort().double()
