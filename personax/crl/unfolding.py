"""Whether a number read from pictures is a coordinate or a folded one, and the coordinate it was folded from.

A code that tells all of the other modality need not be one-to-one with its latent: if the latent has the
effect cos(z), the code cos(z) tells as much. But pictures know z: a small change of z changes them along a
curve, and a folded code has the same direction at both ends of the fold. So let

    n = M^-1 df / sqrt(df^T M^-1 df)

be the direction of f at a picture, in the metric M of the codes (picture_codes.py). Among the functions
h = a . phi(u), phi the codes and random cosines of them, the smoothest that changes along n alone is sought:

    minimise E[(dh . n)^2] + ACROSS E[|dh|^2 - (dh . n)^2] + RIDGE_OF_WEIGHTS |a|^2   subject to   Var h = 1

with |dh|^2 = dh^T M^-1 dh. Where f hardly changes, n is not clear, and all directions count once. On a curve
this is the lowest mode of a string, which rises from one end to the other (Sturm-Liouville), whether or not f
does. It is one generalised eigenproblem. If f is a coordinate, h and f are functions of each other; if f is
folded, f is a function of h but not the reverse; and if f is no function of h either, its changes have no
clear direction: it is not smooth, or badly read. (It is no proof that f is a latent: a smooth mixture of a
latent and a style is a coordinate of the pictures, too.)
"""

from typing import NamedTuple

import torch
from jaxtyping import Float
from scipy.stats import rankdata
from torch import Tensor

from personax.crl.code_functions import (
    CodeFunction,
    CodeFunctions,
    change_everywhere,
    largest_ratios,
    mean_product,
    ridge,
    steepest,
)
from personax.crl.regression import FourierBasis

# Chosen on tuning scenes (seeds 1000, 1001), the same ones as the thresholds below; WAVES was not tuned.
ACROSS = 100.0  # weight of changes that are not along n
RIDGE_OF_WEIGHTS = 1e-3
ROUGH_FEATURES, ROUGH_BANDWIDTH = 1000, 3.0  # cosines of the regression of f, which may be wavy
WAVES = 11  # cosines of one variable in `explained_share`, beside a constant
# Shares of variance. On 22 codes of tuning scenes, f and h explained 0.96 to 0.98 of each other where f was
# close to a latent, and at most 0.88 where it was not; folded codes explained up to 0.05 of h, and h 0.70 to
# 0.83 of them, but at most 0.36 of codes that were neither and explained less than half of h.
COORDINATE = 0.93
FOLDED, UNFOLDED = 0.55, 0.5


class Fold(NamedTuple):
    """A number f read from pictures, and the smoothest function h that changes in its direction alone.

    Attributes:
        smoothest: h.
        f_given_h: share of the variance of f that h explains.
        h_given_f: share of the variance of h that f explains.
    """

    smoothest: CodeFunction
    f_given_h: float
    h_given_f: float

    @property
    def is_coordinate(self) -> bool:
        """Whether f and h are functions of each other."""
        return min(self.f_given_h, self.h_given_f) >= COORDINATE

    @property
    def is_folded(self) -> bool:
        """Whether f is a function of h, but h is none of f."""
        return self.f_given_h >= FOLDED and self.h_given_f < UNFOLDED


def find_fold(
    u: Float[Tensor, "n codes"],
    metric: Float[Tensor, "m codes codes"],
    f: Float[Tensor, " n"],
    generator: torch.Generator,
) -> Fold:
    """Compare f with the smoothest function in its direction; arguments as for `smoothest_along`."""
    normal = torch.special.ndtri((_ranks(f.cpu()) + 0.5) / len(f))  # the scale of f is arbitrary
    h = smoothest_along(u, metric, normal, generator)
    unfolded = h(u.cpu())
    return Fold(h, explained_share(normal, unfolded), explained_share(unfolded, normal))


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
    w, in_axes = space.few_rows_with_metric(metric)
    direction, effect, clear = steepest(rough.gradient(w, rough.fit(space.w, f[:, None])[:, 0]), in_axes)
    along = mean_product(space.basis.along(w[clear], direction[clear] / effect[clear, None].sqrt()))
    across = change_everywhere(space, w[clear], in_axes[clear]) - along
    # Rows without a clear direction count once, too: otherwise h would be free to change there.
    change = change_everywhere(space, w, in_axes) + (ACROSS - 1) * float(clear.double().mean()) * across
    change = change + ridge(RIDGE_OF_WEIGHTS, len(change))
    return space.function(largest_ratios(space.spread, change, 1)[1][:, 0])


def explained_share(y: Float[Tensor, " n"], x: Float[Tensor, " n"]) -> float:
    """Share of the variance of y that a smooth function of x explains: cosines of the ranks of x.

    >>> x = torch.linspace(-2, 2, 1001)
    >>> round(explained_share(x**2, x), 2), round(explained_share(x, x**2), 2)
    (1.0, 0.0)
    """
    waves = torch.cos(torch.pi * _ranks(x)[:, None] / max(1, len(x) - 1) * torch.arange(WAVES + 1))
    y = y.double() - y.double().mean()
    fitted = waves @ torch.linalg.lstsq(waves, y[:, None]).solution
    total = float(y.square().sum())
    return float(1 - (y - fitted[:, 0]).square().sum() / total) if total > 0 else 0.0


def _ranks(x: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """0 for the smallest, n - 1 for the largest; equal numbers share the mean of their ranks."""
    return torch.from_numpy(rankdata(x.numpy()) - 1)
