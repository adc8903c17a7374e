"""Linear readings of modalities that are measured once: of what they tell about the other modalities.

With one measurement nothing in a modality separates its latents from its style. But other modalities depend
on the latents only. So the block of the latents is what the measurement x tells about the others: the few
directions W for which E[t | x] = E[t | W^T x], where t are numbers of the other modalities (sufficient
dimension reduction, Li 1991). Here t are the canonical variates of the other modalities, and their sizes |t|,
and W is found in two steps:

1. the leading canonical directions of x and all other modalities together;
2. from there, the W for which a smooth regression of t on W^T x explains most.

A latent on which no other modality depends cannot be found in this way. And the reading is linear: it is good
where x has enough numbers for its latents to be nearly linear in them, however bent x is as a function of its
latents.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

BENDS, BREADTH = (
    64,
    1.5,
)  # random cosines of the regression, and the width of its kernel in standard deviations
SMOOTH = 1e-3  # ridge of the regression
SPARE_TARGETS = 2  # canonical variates that are targets: twice the latents and this many
ROWS_TO_READ = 4000  # rows that directions are fitted on
TURNS_TO_READ = 60  # iterations of L-BFGS


def read_linked(
    x: Mapping[str, Float[np.ndarray, "n _"]], widths: Mapping[str, int], seed: int
) -> dict[str, Float[np.ndarray, "_ width"]]:
    """Modality -> W (r, width); the columns of x W are uncorrelated, of variance 1.

    Args:
        x: modality -> centred measurement (n, r) of the same people; two modalities or more.
        widths: modality -> number of its latents.
        seed: seed of the random cosines.
    """
    whitening = {m: decorrelating(values) for m, values in x.items()}
    white = {m: values @ whitening[m] for m, values in x.items()}
    found = {}
    for m, values in white.items():
        rest = np.concatenate([other for name, other in white.items() if name != m], axis=1)
        rest = rest @ decorrelating(rest)
        left, _, right = np.linalg.svd(values.T @ rest / len(rest))
        targets = rest @ right[: 2 * widths[m] + SPARE_TARGETS].T
        step = max(1, len(values) // ROWS_TO_READ)
        turn = _sufficient(values[::step], targets[::step], left[:, : widths[m]], seed)
        found[m] = whitening[m] @ turn
    return found


def decorrelating(x: Float[np.ndarray, "n r"]) -> Float[np.ndarray, "r q"]:
    """(r, q) map of centred columns to uncorrelated ones of variance 1, without directions of no variance."""
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    kept = values > 1e-9 * values[-1]
    found: np.ndarray = vectors[:, kept] / np.sqrt(values[kept])
    return found


def _sufficient(
    x: Float[np.ndarray, "n r"], targets: Float[np.ndarray, "n t"], start: Float[np.ndarray, "r k"], seed: int
) -> Float[np.ndarray, "r k"]:
    """Orthonormal directions of white x by which a smooth regression explains most of t and |t|."""
    generator = torch.Generator().manual_seed(seed)
    frequency = torch.randn(start.shape[1], BENDS, generator=generator, dtype=torch.double) / BREADTH
    phase = 2 * torch.pi * torch.rand(BENDS, generator=generator, dtype=torch.double)
    both = np.column_stack([targets, np.abs(targets)])
    both = (both - both.mean(0)) / both.std(0)
    rows, goal = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(both)
    free = torch.from_numpy(np.ascontiguousarray(start)).requires_grad_()
    optimiser = torch.optim.LBFGS(
        [free], max_iter=TURNS_TO_READ, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> Float[Tensor, ""]:
        optimiser.zero_grad()
        u = rows @ torch.linalg.qr(free)[0]
        loss = -_explained(torch.cat([u, torch.cos(u @ frequency + phase)], 1), goal)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        directions: np.ndarray = torch.linalg.qr(free)[0].numpy()
    return directions


def _explained(functions: Float[Tensor, "n f"], targets: Float[Tensor, "n t"]) -> Float[Tensor, ""]:
    """Sum over standardised targets of the variance that a ridge regression on the functions explains."""
    functions = functions - functions.mean(0)
    gram = functions.T @ functions / len(functions)
    gram = gram + SMOOTH * torch.eye(len(gram), dtype=gram.dtype)
    moments = functions.T @ targets / len(targets)
    total: Tensor = (moments * torch.linalg.solve(gram, moments)).sum()
    return total
