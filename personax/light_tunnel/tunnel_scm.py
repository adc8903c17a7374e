"""Random structural causal models of the five settings of the light tunnel.

red, green and blue (brightness of the lamp) are the latents of the pictures, pol_1 and pol_2 (angles of the
polarisers) those of the sensors. In the real tunnel an experimenter chooses the settings; here a random
causal model does:

    z_k = 0.65 sum_j h_jk(z_j) / sqrt(number of causes) + 0.75 eps_k,    eps_k independent, of variance 1

eps has a Laplace distribution, h is a bent function that rises or falls: this is the kind of model that our
closed form can identify (crl/closed_form.py), as that of the simulated people (tables/simulation.py). With
normal noise or lines it cannot. The values z, near mean 0 and variance 1, become settings of the tunnel in
their physical units.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

BLOCKS = {"image": ["red", "green", "blue"], "sensors": ["pol_1", "pol_2"]}
SETTINGS = [name for names in BLOCKS.values() for name in names]
_MODALITY = {name: modality for modality, names in BLOCKS.items() for name in names}

CAUSED, NOISE = 0.65, 0.75  # shares of causes and noise in the standard deviation of a setting
BEND, TURNING = 0.5, 0.8  # size of the bend of h, and how far from the middle it lies at most
FARTHEST = 3.0  # values beyond so many standard deviations are set to the end of the range
MIDDLE, REACH = 128.0, 120.0  # brightness at z = 0, and its change over FARTHEST; the lamp has 0 to 255
EDGE_SHARE = 0.4  # of the pairs of settings, before the conditions on the graph
MOST_CAUSES, MOST_CROSS = 2, 2

Edges = Int[np.ndarray, "5 5"]
"""A[i, j] = 1 means that SETTINGS[i] causes SETTINGS[j]."""


@dataclass(frozen=True)
class Influence:
    """h(z) = sign (z + 0.5 tanh(2 (z - place))), standardised: one cause's part in a setting."""

    sign: float
    place: float

    def __call__(self, z: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The values h(z), of mean 0 and standard deviation 1 over these rows."""
        bent = z + BEND * np.tanh(2 * (z - self.place))
        return np.asarray(self.sign * (bent - bent.mean()) / bent.std())


@dataclass(frozen=True)
class TunnelModel:
    """A causal model of the settings.

    Attributes:
        order: the settings, causes first.
        effects: (cause, effect) -> function of the cause.
    """

    order: list[str]
    effects: Mapping[tuple[str, str], Influence]

    @property
    def graph(self) -> Edges:
        """(5, 5) of 0 and 1, in the order of `SETTINGS`."""
        return np.array([[(i, j) in self.effects for j in SETTINGS] for i in SETTINGS], dtype=int)

    def sample(self, n: int, rng: np.random.Generator, *, angle_range: float) -> pd.DataFrame:
        """Draw the settings of n scenes: brightness (8 to 248) and angles in degrees.

        Args:
            n: number of scenes.
            rng: source of randomness.
            angle_range: largest angle of a polariser in degrees, at `FARTHEST` standard deviations.
        """
        eps = rng.laplace(scale=np.sqrt(0.5), size=(len(SETTINGS), n))
        noise = dict(zip(SETTINGS, eps, strict=True))
        z: dict[str, np.ndarray] = {}
        for name in self.order:
            parts = [effect(z[cause]) for (cause, other), effect in self.effects.items() if other == name]
            z[name] = noise[name]
            if parts:
                z[name] = CAUSED * np.sum(parts, axis=0) / np.sqrt(len(parts)) + NOISE * noise[name]
        share = {name: np.clip(values, -FARTHEST, FARTHEST) / FARTHEST for name, values in z.items()}
        lamp = {name: MIDDLE + REACH * share[name] for name in BLOCKS["image"]}
        return pd.DataFrame(lamp | {name: angle_range * share[name] for name in BLOCKS["sensors"]})


def random_tunnel_model(rng: np.random.Generator) -> TunnelModel:
    """Draw a causal model: a random order, edges that fulfil `is_telling`, and a random effect for each."""
    while True:
        order = [SETTINGS[k] for k in rng.permutation(len(SETTINGS))]
        pairs = [pair for pair in combinations(order, 2) if rng.random() < EDGE_SHARE]
        model = TunnelModel(order, {pair: _random_influence(rng) for pair in pairs})
        if is_telling(model.graph):
            return model


def _random_influence(rng: np.random.Generator) -> Influence:
    return Influence(float(rng.choice([-1.0, 1.0])), rng.uniform(-TURNING, TURNING))


def is_telling(graph: Edges) -> bool:
    """Whether sparse edges can tell the settings of a modality apart (Sun et al. 2025, Condition 4.3).

    One or two edges join the modalities; a setting has at most two causes and at least one neighbour in the
    graph; and no two settings of a modality have the same neighbours, for then their rotations would have the
    same graph.
    """
    linked = (graph + graph.T) > 0
    across = np.array([[_MODALITY[i] != _MODALITY[j] for j in SETTINGS] for i in SETTINGS])
    if graph.sum(0).max() > MOST_CAUSES or not 1 <= (graph * across).sum() <= MOST_CROSS:
        return False
    alike = [
        all(linked[i, k] == linked[j, k] for k in range(len(SETTINGS)) if k not in (i, j))
        for i, j in combinations(range(len(SETTINGS)), 2)
        if not across[i, j]
    ]
    return bool(linked.any(1).all()) and not any(alike)
