"""A run with four latents in a chain, and the same run in disguise."""

import numpy as np
import pandas as pd

from personax.experiments.sensitivity.matching import Recovered
from personax.graphs.graph import Graph

NAMES = ["s1", "z11", "z12", "z21"]
BLOCKS = {"s": ["s1"], "image": ["z11", "z12"], "text": ["z21"]}


def base_run(n: int = 400) -> Recovered:
    """s1 raises z11, z11 lowers z12, z12 raises z21."""
    rng = np.random.default_rng(0)
    s1 = rng.standard_normal(n)
    z11 = 0.8 * s1 + rng.standard_normal(n)
    z12 = -0.9 * z11 + rng.standard_normal(n)
    z21 = 0.7 * z12 + rng.standard_normal(n)
    adjacency = np.zeros((4, 4), dtype=int)
    adjacency[0, 1] = adjacency[1, 2] = adjacency[2, 3] = 1
    latents = pd.DataFrame(np.column_stack([s1, z11, z12, z21]), columns=NAMES)
    latents.index = pd.Index([f"p{k}" for k in range(n)])
    return Recovered(latents, Graph(NAMES, adjacency, blocks=BLOCKS))


def disguised(run: Recovered, order: list[str], signs: list[int]) -> Recovered:
    """The same run with its latents in another order and with other signs, under the names of the first."""
    places = [run.graph.names.index(name) for name in order]
    latents = (run.latents[order] * np.array(signs)).set_axis(NAMES, axis=1)
    return Recovered(latents, Graph(NAMES, run.graph.adjacency[np.ix_(places, places)], blocks=BLOCKS))
