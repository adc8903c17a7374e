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
generalised eigenproblem (code_functions.py). Style that changes the picture as f does gets in. Where another
picture of the same person shows another style, it is kept out: g must be the same there,

    g maximises the same with AGREE E[(g(u) - g(u'))^2] / 2 added to the constraint.

How well a companion is found is said by the eigenvalues without this term, which is 0 if all pictures of a
person show one style, or if there is only one. All of it fails if the mean of g given f says nothing: then
pursuit.py looks for g.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.code_functions import (
    CodeFunction,
    CodeFunctions,
    largest_ratios,
    mean_product,
    ridge,
    steepest,
)

# From 100 to 1,000 and from 0.01 to 3 the first two hardly matter (docs/identification.md); the last was not
# tuned.
STILL = 300.0  # weight of the change along v
SMOOTH_RIDGE = 1e-2
SLOPE_RIDGE = 1e-2  # of the regression of f on phi
# Weight of the disagreement of two pictures. On tuning seed 1000 (two causal models, fresh style) the latent
# is found with a correlation of 0.97 with 0, and of 0.99 with 100 to 1,000.
AGREE = 100.0


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
    again: Float[Tensor, "n codes"],
    metric: Float[Tensor, "m codes codes"],
    of_picture: Float[Tensor, " n"],
    of_person: Float[Tensor, " n"],
    generator: torch.Generator,
) -> tuple[CodeFunction, Float[Tensor, " 3"]]:
    """The smooth function of the codes that f explains best among those that do not change with f.

    Args:
        u: codes of one picture per row.
        again: codes of another picture of the same person; the same codes where there is no other.
        metric: M of `gradient_rows(n)` of these rows.
        of_picture: f of the same picture.
        of_person: f of the same person, from all pictures.
        generator: of the cosines, on the CPU.

    Returns:
        The function, with standard deviation 1, and the three largest eigenvalues without the disagreement,
        which should stand apart.
    """
    parts = (u, again, metric, of_picture, of_person)
    u, again, metric, of_picture, of_person = (part.double().cpu() for part in parts)
    space = CodeFunctions.of(u, generator)
    spread = space.spread
    still = change_along_f(space, metric, of_picture)
    share = space.features.T @ functions_of(of_person) / len(of_person)
    below = spread + STILL * still + ridge(SMOOTH_RIDGE, len(spread))
    values = largest_ratios(share @ share.T, below, 3)[0]
    agreeing = below + AGREE * disagreement(space, again)
    return space.function(largest_ratios(share @ share.T, agreeing, 1)[1][:, 0]), values


def disagreement(space: CodeFunctions, again: Float[Tensor, "n codes"]) -> Float[Tensor, "f f"]:
    """E[(g(u) - g(u'))^2] / 2 as a quadratic form, u' the codes `again`."""
    return mean_product(space.features - space.features_of(again)) / 2


def change_along_f(
    space: CodeFunctions, metric: Float[Tensor, "m codes codes"], of_picture: Float[Tensor, " n"]
) -> Float[Tensor, "f f"]:
    """E[(dg / dv)^2] as a quadratic form; arguments as for `find_companion`, in double precision.

    The rows with the longest v count as the others do on average.
    """
    moments = space.features.T @ (of_picture - of_picture.mean()) / len(of_picture)
    slope = torch.linalg.solve(space.spread + ridge(SLOPE_RIDGE, len(moments)), moments)
    w, in_axes = space.rows_with_metric(metric)
    change = steepest(space.basis.gradient(w, slope), in_axes)
    v = change.direction[change.clear] / change.effect[change.clear, None]
    return mean_product(space.basis.along(w[change.clear], v))
