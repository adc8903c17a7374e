"""Structural causal models (SCMs): named latents, their causes, and the functions between them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Literal, get_args

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from personax.variant_mnist.scene_config import ScmName

Factor = Literal["horizontal", "vertical", "intensity", "background"]
FACTORS: tuple[Factor, ...] = get_args(Factor)

# parents (n, p) in the order of `Latent.parents`, noise (n,) standard normal -> values (n,)
Mechanism = Callable[[Float[np.ndarray, "n parents"], Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]


@dataclass(frozen=True)
class Latent:
    """A latent: a hidden number that controls one visual factor of the pictures of a modality.

    Attributes:
        modality: the modality whose pictures show it.
        factor: the visual factor that it controls.
        parents: names of its direct causes.
        mechanism: function of the parents and the noise.
    """

    modality: str
    factor: Factor
    parents: Sequence[str]
    mechanism: Mechanism


@dataclass(frozen=True)
class StructuralCausalModel:
    """z_k = g_k(Pa(z_k), eps_k) with independent standard normal eps (paper §4.1).

    Attributes:
        latents: name -> latent. The columns of every table have this order; causes need not come first.

    Raises:
        ValueError: a parent is unknown, the graph has a cycle, or two latents of a modality control the
            same factor.
    """

    latents: Mapping[str, Latent]

    def __post_init__(self) -> None:
        controlled: set[tuple[str, str]] = set()
        for name, latent in self.latents.items():
            unknown = [parent for parent in latent.parents if parent not in self.latents]
            if unknown:
                raise ValueError(
                    f"{name}: unknown parent {unknown[0]!r}; the latents are {list(self.latents)}"
                )
            if latent.factor not in FACTORS:
                raise ValueError(f"{name}: unknown factor {latent.factor!r}; choose from {FACTORS}")
            if (latent.modality, latent.factor) in controlled:
                raise ValueError(
                    f"{name}: another latent controls the factor {latent.factor} of the {latent.modality}"
                )
            controlled.add((latent.modality, latent.factor))
        try:
            self._causes_first()
        except CycleError as error:
            raise ValueError("the graph of the latents has a cycle") from error

    def _causes_first(self) -> list[str]:
        """The latents, each after its parents."""
        return list(
            TopologicalSorter({name: latent.parents for name, latent in self.latents.items()}).static_order()
        )

    @property
    def graph(self) -> Int[np.ndarray, "d d"]:
        """(d, d) int array in the order of `latents`; A[i, j] = 1 means i -> j."""
        return np.array([[i in j.parents for j in self.latents.values()] for i in self.latents], dtype=int)

    @property
    def blocks(self) -> dict[str, list[str]]:
        """Modality -> names of its latents."""
        blocks: dict[str, list[str]] = {}
        for name, latent in self.latents.items():
            blocks.setdefault(latent.modality, []).append(name)
        return blocks

    def sample(self, n: int, rng: np.random.Generator) -> pd.DataFrame:
        """Draw n independent rows, with columns in the order of `latents`."""
        noise = dict(zip(self.latents, rng.standard_normal((len(self.latents), n)), strict=True))
        values: dict[str, np.ndarray] = {}
        for name in self._causes_first():
            latent = self.latents[name]
            parents = (
                np.stack([values[p] for p in latent.parents], axis=1) if latent.parents else np.empty((n, 0))
            )
            values[name] = latent.mechanism(parents, noise[name])
        return pd.DataFrame({name: values[name] for name in self.latents})


# Mechanisms for one parent or none. All of them keep the mean of a latent near 0 and its variance near 1.


def root(_parents: Float[np.ndarray, "n parents"], noise: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """z = eps."""
    return noise


def sine(frequency: float, sd: float = 0.65) -> Mechanism:
    """z = 0.95 sin(frequency parent) + sd eps, which is not monotone for large |parent|."""
    return lambda parents, noise: 0.95 * np.sin(frequency * parents[:, 0]) + sd * noise


def cosine(frequency: float, sd: float = 0.65) -> Mechanism:
    """z = 0.95 cos(frequency parent) + sd eps, which depends on the parent but hardly correlates with it."""
    return lambda parents, noise: 0.95 * np.cos(frequency * parents[:, 0]) + sd * noise


def saturating(slope: float, sd: float = 0.7) -> Mechanism:
    """z = 1.1 tanh(slope parent) + sd eps, which is monotone."""
    return lambda parents, noise: 1.1 * np.tanh(slope * parents[:, 0]) + sd * noise


def parabola(sd: float = 0.5) -> Mechanism:
    """z = 0.6 (parent^2 - 1) + sd eps, which depends on the parent but does not correlate with it."""
    return lambda parents, noise: 0.6 * (parents[:, 0] ** 2 - 1) + sd * noise


def variant_mnist_scm() -> StructuralCausalModel:
    """The SCM of Variant-MNIST. Graph and meaning are from Sun et al. 2025, §6.2; the functions are ours.

    z11, the digit's horizontal position, causes its opacity z12 and the garment's vertical position z21,
    which causes the garment's grey level z22. Every mechanism is noisy and nonlinear; no two latents
    correlate above 0.75.
    """
    return _variant_mnist_with(saturating(1.0))


def _variant_mnist_with(across: Mechanism) -> StructuralCausalModel:
    """The graph of Variant-MNIST with another mechanism from the digit to the garment."""
    return StructuralCausalModel(
        {
            "z11": Latent("digit", "horizontal", (), root),
            "z12": Latent("digit", "intensity", ("z11",), sine(1.5)),
            "z21": Latent("garment", "vertical", ("z11",), across),
            "z22": Latent("garment", "intensity", ("z21",), sine(-1.5)),
        }
    )


def square_scm() -> StructuralCausalModel:
    """The graph of Variant-MNIST with a square across modalities, which no correlation shows."""
    return _variant_mnist_with(parabola())


def cosine_scm() -> StructuralCausalModel:
    """The graph of Variant-MNIST with a cosine across modalities, which no correlation shows."""
    return _variant_mnist_with(cosine(1.5))


def reordered_scm() -> StructuralCausalModel:
    """Another order: appearance causes position. z12 -> z11, z12 -> z22, z22 -> z21."""
    return StructuralCausalModel(
        {
            "z11": Latent("digit", "horizontal", ("z12",), cosine(1.6)),
            "z12": Latent("digit", "intensity", (), root),
            "z21": Latent("garment", "vertical", ("z22",), sine(1.4)),
            "z22": Latent("garment", "intensity", ("z12",), saturating(1.2)),
        }
    )


def backwards_scm() -> StructuralCausalModel:
    """The edge between modalities is reversed: garment causes digit. z21 -> z22, z22 -> z11, z11 -> z12."""
    return StructuralCausalModel(
        {
            "z11": Latent("digit", "horizontal", ("z22",), saturating(1.2)),
            "z12": Latent("digit", "intensity", ("z11",), sine(1.5)),
            "z21": Latent("garment", "vertical", (), root),
            "z22": Latent("garment", "intensity", ("z21",), cosine(1.5)),
        }
    )


def four_latents_scm() -> StructuralCausalModel:
    """Four latents per modality: both positions, intensity and background; two edges between modalities."""
    return StructuralCausalModel(
        {
            "z11": Latent("digit", "horizontal", (), root),
            "z12": Latent("digit", "vertical", (), root),
            "z13": Latent("digit", "intensity", ("z11",), sine(1.5)),
            "z14": Latent("digit", "background", ("z12",), cosine(1.5)),
            "z21": Latent("garment", "horizontal", ("z11",), saturating(1.0)),
            "z22": Latent("garment", "vertical", ("z12",), sine(1.5)),
            "z23": Latent("garment", "intensity", ("z21",), cosine(1.5)),
            "z24": Latent("garment", "background", ("z22",), sine(-1.5)),
        }
    )


SCMS: dict[ScmName, Callable[[], StructuralCausalModel]] = {
    "variant_mnist": variant_mnist_scm,
    "reordered": reordered_scm,
    "backwards": backwards_scm,
    "four_latents": four_latents_scm,
    "square": square_scm,
    "cosine": cosine_scm,
}
