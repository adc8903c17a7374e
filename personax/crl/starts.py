"""The starts of identification: coordinates whose dependence on the other blocks is already sparse.

A block is the set of latents of one modality, and u are its codes from phase 1. A start is one of the models
that phase 2 trains side by side, with its own first guess of the coordinates.

Eq. (9) has local minima: once the graph fits coordinates that mix two latents, unmixing them would first
need more edges. So each start begins where the L1 norm of the dependence between modalities (Sun et al. 2025,
Cond. 4.3) is small. A smooth search over rotations finds such coordinates without any graph:

    minimise over orthogonal Q   sum_{n, j} | Q grad_u E[t_j | u_n] |_1

Here t are the codes of all other blocks, and u are codes in coordinates where the block's usual geometry is
the identity, so that Q does not change Eq. (7). The gradients are those of a smooth regression. Different
random rotations end in different minima, which are the starts.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from personax.crl.regression import FourierBasis

START_ROWS = 4000  # about how many rows the search uses
SCATTER = 0.15  # of starts around what is told: standard deviation of each weight of a coordinate of length 1
ROTATION_STEPS = 200  # steps of Adam in the search


def start_rotations(
    u: Mapping[str, Float[Tensor, "n _"]],
    inverse_metric: Mapping[str, Float[Tensor, "_ _"]],
    starts: int,
    generator: torch.Generator,
    *,
    sparse: bool = True,
) -> dict[str, Float[Tensor, "starts _ _"]]:
    """Block -> (R, d, d) linear maps, [.., i, j] the weight of u_i in z_j.

    Args:
        u: block -> standardised codes (n, d).
        inverse_metric: block -> (d, d) its usual inverse metric (`usual_shape` of geometry.py) in the same
            standardised coordinates.
        starts: R.
        generator: on the CPU.
        sparse: False keeps the random rotations without the search.
    """
    step = max(1, len(next(iter(u.values()))) // START_ROWS)
    some = {block: values[::step].double().cpu() for block, values in u.items()}
    maps = {}
    for block, codes in some.items():
        root = symmetric_power(inverse_metric[block].double().cpu(), 0.5)  # du = root dv
        d = codes.shape[1]
        others = [values for other, values in some.items() if other != block]
        rotation = torch.linalg.qr(torch.randn(starts, d, d, generator=generator, dtype=torch.float64))[0]
        if sparse and others and d > 1:
            gradients = _gradients(codes, torch.cat(others, 1), generator) @ root
            rotation = _sparsest(gradients.flatten(0, 1), rotation)
        whitened = rotation @ torch.linalg.inv(root)  # z = Q v, v = root^-1 u
        spread = (
            torch.einsum("rji,ik,rjk->rj", whitened, torch.cov(codes.T).reshape(d, d), whitened)
            .sqrt()
            .clamp_min(1e-9)
        )
        maps[block] = (whitened / spread[..., None]).transpose(1, 2).float()
    return maps


def starts_as_told(
    u: Mapping[str, Float[Tensor, "n _"]],
    told: Mapping[str, Float[Tensor, "n _"]],
    starts: int,
    generator: torch.Generator,
) -> dict[str, Float[Tensor, "starts _ _"]]:
    """Block -> (R, d, d) linear maps as in `start_rotations`, near what other modalities tell of the codes.

    In the first start, the first coordinates are those combinations of the codes that are nearest to the
    numbers told, and the others are uncorrelated with them. Other starts are scattered around it.

    Args:
        u: block -> standardised codes (n, d).
        told: block -> (n, k) numbers, k <= d.
        starts: R.
        generator: on the CPU.
    """
    maps = {}
    for block, values in u.items():
        codes, goal = values.double().cpu(), told[block].double().cpu()
        white = symmetric_power(torch.cov(codes.T).reshape(len(codes.T), -1), -0.5)
        directions = torch.linalg.lstsq(codes @ white, goal - goal.mean(0)).solution
        directions = directions / directions.norm(dim=0).clamp_min(1e-9)
        d, k = directions.shape
        rest = torch.linalg.qr(torch.cat([directions, torch.eye(d, dtype=directions.dtype)], 1))[0][:, k:d]
        centre = torch.cat([directions, rest], 1)
        noise = SCATTER * torch.randn(starts, d, d, generator=generator, dtype=torch.float64)
        noise[:1] = 0.0
        scattered = centre + noise
        maps[block] = (white @ (scattered / scattered.norm(dim=1, keepdim=True))).float()
    return maps


def symmetric_power(matrix: Float[Tensor, "d d"], power: float) -> Float[Tensor, "d d"]:
    """A power of a symmetric positive matrix (d, d)."""
    values, vectors = torch.linalg.eigh(matrix)
    powered: Tensor = (vectors * values.clamp_min(1e-9) ** power) @ vectors.T
    return powered


def _gradients(
    u: Float[Tensor, "n d"], targets: Float[Tensor, "n t"], generator: torch.Generator
) -> Float[Tensor, "n t d"]:
    """(n, targets, d) gradients grad_u E[t_j | u_n] at codes u (n, d) of targets t (n, targets)."""
    basis = FourierBasis.draw(u.shape[1], generator)
    return (basis.derivative(u) @ basis.fit(u, targets)).transpose(1, 2)


def _sparsest(gradients: Float[Tensor, "n d"], rotation: Float[Tensor, "R d d"]) -> Float[Tensor, "R d d"]:
    """Change each of the rotations (R, d, d) to make the L1 norm of the rotated gradients (n, d) smaller."""
    gradients = gradients / gradients.square().mean().sqrt().clamp_min(1e-12)
    d = rotation.shape[-1]
    skew = torch.zeros_like(rotation, requires_grad=True)
    optimiser = torch.optim.Adam([skew], lr=0.05)
    for _ in range(ROTATION_STEPS):
        turned = torch.matrix_exp(skew - skew.transpose(1, 2)) @ rotation
        loss = (gradients @ turned.transpose(1, 2)).abs().mean((1, 2)) * d
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
    with torch.no_grad():
        return torch.matrix_exp(skew - skew.transpose(1, 2)) @ rotation
