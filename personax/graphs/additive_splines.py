"""Additive regressions on splines: how much of a latent its parents explain, for any shape of the effects."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from sklearn.preprocessing import SplineTransformer

from personax.graphs.discovery import constant_columns, standardised

SPLINE_PENALTY = 1e-3  # keeps the regression solvable: splines of one latent add up to 1


def spline_columns(latents: Float[np.ndarray, "n d"]) -> list[Float[np.ndarray, "n _"]]:
    """For each latent its cubic splines with six knots at its quantiles; no column for a constant latent."""
    varies = ~constant_columns(latents)
    splines = SplineTransformer(n_knots=6, degree=3, knots="quantile")
    return [
        splines.fit_transform(standardised(column[:, None])) if varying else column[:, None][:, []]
        for column, varying in zip(latents.T, varies, strict=True)
    ]


def side_by_side_splines(
    splines: Sequence[Float[np.ndarray, "n _"]], members: Sequence[int]
) -> Float[np.ndarray, "n p"]:
    """The splines of some latents as one matrix; without members it has no column."""
    empty = splines[0][:, :0]
    return np.concatenate([empty, *(splines[member] for member in members)], axis=1)


def residual(columns: Float[np.ndarray, "n p"], child: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """What a ridge regression of `child` on the columns leaves unexplained; its mean is 0."""
    centred, target = columns - columns.mean(0), child - child.mean()
    penalised = centred.T @ centred + SPLINE_PENALTY * np.eye(centred.shape[1])
    return np.asarray(target - centred @ np.linalg.solve(penalised, centred.T @ target))
