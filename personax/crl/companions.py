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
generalised eigenproblem (code_functions.py). It fails if the mean of g given f says nothing: then pursuit.py
looks for g.
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
    of_picture: Float[Tensor, " n"],
    of_person: Float[Tensor, " n"],
    generator: torch.Generator,
) -> tuple[CodeFunction, Float[Tensor, " 3"]]:
    """The smooth function of the codes that f explains best among those that do not change with f.

    Args:
        u: codes of one picture per row.
        metric: M of `gradient_rows(n)` of these rows.
        of_picture: f of the same picture.
        of_person: f of the same person, from all pictures.
        generator: of the cosines, on the CPU.

    Returns:
        The function, with standard deviation 1, and the three largest eigenvalues, which should stand apart.
    """
    u, metric, of_picture, of_person = (part.double().cpu() for part in (u, metric, of_picture, of_person))
    space = CodeFunctions.of(u, generator)
    spread = space.spread
    still = change_along_f(space, metric, of_picture)
    share = space.features.T @ functions_of(of_person) / len(of_person)
    below = spread + STILL * still + ridge(SMOOTH_RIDGE, len(spread))
    values, vectors = largest_ratios(share @ share.T, below, 3)
    return space.function(vectors[:, 0]), values


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
