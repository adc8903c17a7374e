"""A start for phase 1 without the twist that its codes have (lost_share.py).

On one side of a hyperplane twisted codes are a mirror image of what they should be. So they are mirrored
there, at a plane at a right angle to the hyperplane. Where the two stand is found without the truth:
quadratic functions of the mirrored codes explain the measurements better than those of the codes themselves.
If the codes are not twisted, mirrors usually make it worse.

Then the encoders are trained to give the mirrored codes. At the hyperplane these still lose what they lost,
but phase 1 can now correct it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil, cos, pi, sin

import numpy as np
import torch
from jaxtyping import Float
from sklearn.decomposition import PCA
from torch import Tensor, nn

from personax.crl.lost_share import people_with_everything
from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch
from personax.learning.optimisation import OptimisationConfig
from personax.learning.training import Plan, SingleModel, Weights, minimise

AXES = 10  # principal axes of a measurement that codes are to explain
TURNS, PLACES = 24, 17  # directions in a plane of two codes, and places along each, that are tried
NEAR = 40  # the people at the hyperplane: one in 40 of all, on each side
STEPS, LEARNING_RATE = 150, 3e-3  # least steps of the encoders; they need not be good yet
HOLDS_NOTHING = 1e-4  # variance of such a direction of the codes, as a share of the mean variance
MIRRORED = "mirrored codes"  # the phase in the progress bar, and the name of the targets


@dataclass(frozen=True)
class Mirror:
    """A map of codes that mirrors one side of a hyperplane.

    Attributes:
        mean: (d,) of the codes.
        units: (d, d), by which centred codes become uncorrelated numbers v with variance 1.
        axis: (d,) unit vector; those with v . axis > place are mirrored.
        normal: (d,) unit vector at a right angle to it; they are mirrored at v . normal = centre.
        place, centre: numbers.
    """

    mean: Float[Tensor, " d"]
    units: Float[Tensor, "d d"]
    axis: Float[Tensor, " d"]
    normal: Float[Tensor, " d"]
    place: float
    centre: float

    def standardised(self, codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """v of codes."""
        return (codes - self.mean) @ self.units

    def __call__(self, codes: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The codes, mirrored."""
        v = self.standardised(codes)
        step = torch.where(v @ self.axis > self.place, 2 * (self.centre - v @ self.normal), 0)
        mirrored: Tensor = codes + step[:, None] * torch.linalg.solve(self.units.T, self.normal)
        return mirrored


def start_without_twist(
    vae: MultiViewVAE, train: Batch, validation: Batch, suspicious: Sequence[str], *, seed: int
) -> bool:
    """Train the encoders of modalities with a twist to give mirrored codes.

    Args:
        vae: the networks after phase 1, which are changed. There are no shared latents, else nothing is done.
        train, validation: rows.
        suspicious: modalities whose codes lose latents.
        seed: of the batches.

    Returns:
        Whether one of them has a twist; if not, nothing is changed.
    """
    if vae.config.shared:
        return False
    everybody = people_with_everything(train)
    mirrors = {}
    for modality in suspicious:
        codes = vae.pooled_means(everybody)[modality].double().cpu()
        mirror = find_mirror(codes, [_principal_axes(x) for x in everybody.x[modality]])
        if mirror is not None:
            mirrors[modality] = mirror
    for modality, mirror in mirrors.items():
        _teach(vae, mirror, modality, train, validation, seed)
    return bool(mirrors)


def find_mirror(codes: Float[Tensor, "n d"], shown: Sequence[Float[Tensor, "n _"]]) -> Mirror | None:
    """The mirror after which quadratic functions of the codes explain most; None if it is none.

    Args:
        codes: of n people; d is 2 or more.
        shown: what is to be explained, of the same people.
    """
    mean = codes.mean(0)
    covariance = (codes - mean).T @ (codes - mean) / len(codes)
    floor = HOLDS_NOTHING * covariance.diagonal().mean() + 1e-12
    covariance = covariance + floor * torch.eye(len(mean), dtype=codes.dtype)
    units = torch.linalg.inv(torch.linalg.cholesky(covariance)).T
    v, targets = (codes - mean) @ units, torch.cat(list(shown), 1)
    least, best = _unexplained(v, targets), None
    for axis, normal in _planes(len(mean)):
        along, across = v @ axis, v @ normal
        order = along.argsort()
        for k in torch.linspace(0.1 * len(v), 0.9 * len(v), PLACES).long():
            near = order[max(0, k - len(v) // NEAR) : k + len(v) // NEAR]
            place, centre = float(along[order[k]]), float(across[near].median())
            mirror = Mirror(mean, units, axis, normal, place, centre)
            left = _unexplained(mirror.standardised(mirror(codes)), targets)
            if left < least:
                least, best = left, mirror
    return best


def _planes(d: int) -> Iterator[tuple[Float[Tensor, " d"], Float[Tensor, " d"]]]:
    """Pairs of unit vectors at a right angle, in each plane of two of d codes."""
    unit = torch.eye(d, dtype=torch.float64)
    for i, j in combinations(range(d), 2):
        for turn in range(TURNS):
            angle = pi * turn / TURNS
            yield cos(angle) * unit[i] + sin(angle) * unit[j], cos(angle) * unit[j] - sin(angle) * unit[i]


def _unexplained(v: Float[Tensor, "n d"], targets: Float[Tensor, "n t"]) -> float:
    """The variance of the targets that a regression on quadratic functions of v does not explain."""
    rows, columns = torch.tril_indices(v.shape[1], v.shape[1])
    functions = torch.cat([v, v[:, rows] * v[:, columns]], 1)
    functions = functions - functions.mean(0)
    moments = functions.T @ targets
    ridge = 1e-9 * len(v) * torch.eye(functions.shape[1], dtype=v.dtype)
    explained = moments * torch.linalg.solve(functions.T @ functions + ridge, moments)
    return float(targets.square().sum() - explained.sum()) / len(v)


def _principal_axes(x: Float[Tensor, "n ..."]) -> Float[Tensor, "n axes"]:
    """A measurement on its principal axes, in units of the standard deviation on the first one."""
    values = x.flatten(1).cpu().numpy()
    values = values[:, values.std(0) > 0]
    if not values.size:
        return torch.zeros(len(x), 1, dtype=torch.float64)
    axes = min(AXES, *values.shape)
    scores = PCA(axes, svd_solver="randomized", random_state=0).fit_transform(values).astype(np.float64)
    return torch.from_numpy(scores / max(scores[:, 0].std(), 1e-12))


def _teach(
    vae: MultiViewVAE, mirror: Mirror, modality: str, train: Batch, validation: Batch, seed: int
) -> None:
    """Train the encoders of a modality to give the mirrored codes."""
    nets = vae.of(modality)
    units = mirror.units.to(next(nets[0].parameters()))

    def with_targets(people: Batch) -> Batch:
        codes = vae.pooled_means(people)[modality]
        targets = mirror(codes.double().cpu()).to(codes)
        seen = torch.ones(len(people), 1, dtype=torch.bool, device=codes.device)
        x = {modality: people.x[modality], MIRRORED: [targets]}
        return Batch(x, {modality: people.observed[modality], MIRRORED: seen}, people.complete)

    def terms(batch: Batch, _: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        (targets,) = batch.x[MIRRORED]
        missed = [
            ((net.encode(x).own.mean - targets) @ units).square().sum(1) * seen
            for net, x, seen in zip(nets, batch.x[modality], batch.observed[modality].T, strict=True)
        ]
        return {"missed": torch.stack(missed).mean()}

    config = OptimisationConfig(learning_rate=LEARNING_RATE)
    config = replace(config, epochs=ceil(STEPS / config.batches(len(train))))
    plan = Plan(Weights({"missed": 1.0}, {}, config.passes), phase=MIRRORED)
    encoders = SingleModel(nn.ModuleList([net.encoder for net in nets]), terms)
    minimise(encoders, with_targets(train), with_targets(validation), config, plan, seeds=[seed])
