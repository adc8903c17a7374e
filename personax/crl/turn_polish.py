"""Coordinates that explain most: the rotations of each modality at the least cost of given mechanisms."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from personax.crl.joint_sources import Sources
from personax.crl.mechanism_cost import ENTROPIES, FUNCTIONS, KNOTS, POWERS, RIDGE, SharedGiven


def polish(
    turn: Float[np.ndarray, "D D"],
    parents: Bool[np.ndarray, "D D"],
    sources: Sources,
    given: SharedGiven,
    *,
    steps: int,
) -> tuple[Float[np.ndarray, "D D"], float]:
    """R near `turn` with the least cost of the mechanisms of `parents`, and this cost, without prices.

    R = exp(X) turn with X antisymmetric within modalities, minimised by L-BFGS in double precision.

    Args:
        turn: (D, D) where to begin.
        parents: (D, D) [k, j] for j -> k.
        sources: the own coordinates v.
        given: the shared latents of the same people.
        steps: iterations of L-BFGS.
    """
    same = torch.from_numpy((sources.owner[:, None] == sources.owner[None]).astype(float))
    start, v = torch.from_numpy(turn), torch.from_numpy(np.ascontiguousarray(sources.v))
    fixed = (torch.from_numpy(given.design), torch.from_numpy(given.smoother))
    causes = [np.flatnonzero(row).tolist() for row in parents]
    free = torch.zeros(turn.shape, dtype=torch.double, requires_grad=True)

    def turned() -> Float[Tensor, "D D"]:
        return torch.matrix_exp((free - free.T) * same) @ start

    optimiser = torch.optim.LBFGS(
        [free], max_iter=steps, history_size=10, line_search_fn="strong_wolfe", tolerance_change=1e-7
    )

    def closure() -> Float[Tensor, ""]:
        optimiser.zero_grad()
        loss = total_cost(v @ turned().T, causes, *fixed)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        found = turned()
        return found.numpy(), float(total_cost(v @ found.T, causes, *fixed))


def total_cost(
    z: Float[Tensor, "n D"],
    causes: list[list[int]],
    design: Float[Tensor, "n p"],
    smoother: Float[Tensor, "p n"],
) -> Float[Tensor, ""]:
    """Sum of `SharedGiven.cost` over all latents in nats per row, with gradients, by one table of products.

    Args:
        z: the latents.
        causes: for each latent the numbers of the others that cause it; s causes all.
        design: the constant and the functions of s, as `SharedGiven.design`.
        smoother: `SharedGiven.smoother`.
    """
    standard = (z - z.mean(0)) / z.std(0, correction=0)
    hinges = [torch.relu(standard - knot) for knot in KNOTS]
    functions = torch.stack([standard, *hinges, torch.tanh(2 * standard)], 2)
    regressors = torch.cat([design, functions.flatten(1)], 1)
    gram, moments = regressors.T @ regressors / len(z), regressors.T @ z / len(z)
    weights, of_s = [], design.shape[1]
    for k, parents in enumerate(causes):
        starts = [of_s + FUNCTIONS * j for j in parents]
        columns = torch.tensor([*range(of_s), *(at + part for at in starts for part in range(FUNCTIONS))])
        ridge = RIDGE * torch.eye(len(columns), dtype=z.dtype)
        solved = torch.linalg.solve(gram[columns][:, columns] + ridge, moments[columns, k])
        weights.append(z.new_zeros(len(gram)).index_put((columns,), solved))
    rest = z - regressors @ torch.stack(weights, 1)
    scale = design @ (smoother @ torch.log(rest.abs() + 1e-3 * rest.std(0)))
    return _noise_costs(torch.log(rest.abs() + 1e-12) - (scale - scale.mean(0))).sum()


def _noise_costs(log_size: Float[Tensor, "n D"]) -> Float[Tensor, " D"]:
    """`mechanism_cost.noise_cost` of every column, with gradients."""
    powers = torch.from_numpy(POWERS)[:, None]
    moments = (torch.logsumexp(powers[:, None] * log_size, 1) - np.log(len(log_size))) / powers
    costs: Tensor = (torch.from_numpy(ENTROPIES)[:, None] + moments).min(0).values
    return costs
