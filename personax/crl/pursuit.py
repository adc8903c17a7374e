"""A second latent whose effect is symmetric, which the mean of no function of it shows (see companions.py).

If z2 -> f is a cosine, the mean of z2 given f is the same everywhere, so that f explains no coordinate but a
folded one, such as cos(z2). But z2 is smooth in the picture, and f is a function of it plus noise. So

1. the smoothest functions of the codes that do not change with f are taken,

    maximise Var h   subject to   E|dh|^2 + still E[(dh / dv)^2] + RIDGE_OF_WEIGHTS |a|^2 = 1

   with v as in companions.py and |dh|^2 = dh^T M^-1 dh: latents are among them, styles, and mixtures;
2. among the mixtures of these few, the one is sought of which some function tells most of f (projection
   pursuit, Friedman & Tukey 1974), by gradients from several starts.

Few functions keep a fold from being found in the place of its coordinate, since it is less smooth.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.code_functions import (
    CodeFunction,
    CodeFunctions,
    change_everywhere,
    largest_ratios,
    ridge,
)
from personax.crl.companions import change_along_f
from personax.crl.unfolding import RIDGE_OF_WEIGHTS, explained_share

SMOOTHEST = 6  # functions; with twelve a fold was found on tuning scenes, with four a latent was not whole
STILL_AGAINST_SMOOTH = 400.0  # weight of the change along v, in changes of the smoothest function
# Not tuned: enough steps from enough starts that the share is the same with every seed.
PURSUITS, PURSUIT_STEPS, PURSUIT_ROWS, PURSUIT_RATE = 6, 300, 4000, 0.05
PURSUED_WAVES = 7  # cosines of a mixture
WAVE_RIDGE = 1e-3


def pursue_companion(
    u: Float[Tensor, "n codes"],
    metric: Float[Tensor, "m codes codes"],
    of_picture: Float[Tensor, " n"],
    of_person: Float[Tensor, " n"],
    generator: torch.Generator,
) -> tuple[CodeFunction, float]:
    """The mixture of the smoothest still functions that tells most of f.

    Args:
        u, metric, of_picture, of_person: as for `find_companion`.
        generator: of the cosines, the starts and the rows of a step.

    Returns:
        The function, with standard deviation 1, and the share of f that a function of it explains.
    """
    u, metric, of_picture, of_person = (part.double().cpu() for part in (u, metric, of_picture, of_person))
    space = CodeFunctions.of(u, generator)
    below = change_everywhere(space, *space.few_rows_with_metric(metric))
    below = below + ridge(RIDGE_OF_WEIGHTS, len(below))
    smoothest = largest_ratios(space.spread, below, 1)[0][0]
    below = below + STILL_AGAINST_SMOOTH / smoothest * change_along_f(space, metric, of_picture)
    vectors = largest_ratios(space.spread, below, SMOOTHEST)[1]
    functions = space.features @ vectors
    whitening = torch.linalg.inv(torch.linalg.cholesky(functions.T @ functions / len(functions))).T
    found = [_pursue(functions @ whitening, of_person, generator) for _ in range(PURSUITS)]
    best = max(found, key=lambda pursued: pursued[1])[0]
    companion = space.function(vectors @ (whitening @ best))
    return companion, explained_share(of_person, companion(u))


def _pursue(
    x: Float[Tensor, "n k"], f: Float[Tensor, " n"], generator: torch.Generator
) -> tuple[Float[Tensor, " k"], float]:
    """A direction of x from a random start, and the share of f that functions of x in it explain."""
    weights = torch.randn(x.shape[1], generator=generator, dtype=x.dtype).requires_grad_()
    optimiser = torch.optim.Adam([weights], PURSUIT_RATE)
    for _ in range(PURSUIT_STEPS):
        rows = torch.randint(len(x), (min(PURSUIT_ROWS, len(x)),), generator=generator)
        optimiser.zero_grad()
        (-_explained(x[rows] @ (weights / weights.norm()), f[rows])).backward()
        optimiser.step()
    direction = (weights / weights.norm()).detach()
    return direction, float(_explained(x @ direction, f))


def _explained(h: Float[Tensor, " n"], f: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """Share of the variance of f that smooth functions of h explain.

    As `explained_share`, with the normal distribution function in the place of ranks, which have no gradient.
    """
    level = torch.special.ndtr((h - h.mean()) / h.std())
    waves = torch.cos(torch.pi * level[:, None] * torch.arange(1, PURSUED_WAVES + 1))
    waves = waves - waves.mean(0)
    f = f - f.mean()
    gram = waves.T @ waves / len(waves) + ridge(WAVE_RIDGE, PURSUED_WAVES)
    moments = waves.T @ f / len(waves)
    share: Tensor = moments @ torch.linalg.solve(gram, moments) / f.square().mean()
    return share
