"""Small data with a known truth for the closed form: a shared latent, two modalities, in units of noise."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from personax.learning.batches import Batch

NAMES = ("s", "a1", "a2", "a3", "b1", "b2")
CAUSES_FIRST = ("a1", "b1", "a2", "a3", "b2")
EDGES = (("s", "a1"), ("s", "b1"), ("a1", "a2"), ("a1", "a3"), ("b1", "b2"), ("b1", "a3"))


class BentPeople(NamedTuple):
    """People, their true latents (n, 6) in the order of NAMES, and the true graph (6, 6)."""

    people: Batch
    latents: Float[np.ndarray, "n d"]
    graph: Int[np.ndarray, "d d"]


def bent_people(n: int = 2500, *, seed: int = 0, bend: float = 0.6, normal: bool = False) -> BentPeople:
    """Three measurements of modality a, one of b; mechanisms are bent (`bend` 0: lines), noise is Laplace."""
    rng = np.random.default_rng(seed)
    z: dict[str, np.ndarray] = {"s": standard(rng.uniform(-1, 1, n))}
    for name in CAUSES_FIRST:
        parents = [parent for parent, child in EDGES if child == name]
        causes = (
            sum((standard(z[p] + bend * np.tanh(2 * (z[p] - 0.4))) for p in parents), np.zeros(n))
            / max(1, len(parents)) ** 0.5
        )
        noise = rng.standard_normal(n) if normal else rng.laplace(size=n) / 2**0.5
        z[name] = standard(0.65 * causes + 0.75 * noise)
    latents = np.column_stack([z[name] for name in NAMES])
    x, observed = {}, {}
    for modality, columns, count in (("a", (0, 1, 2, 3), 3), ("b", (0, 4, 5), 1)):
        turn = np.linalg.qr(rng.standard_normal((len(columns),) * 2))[0]
        signal = 5 * latents[:, columns] @ turn
        views = [signal + rng.standard_normal(signal.shape) for _ in range(count)]
        x[modality] = [torch.from_numpy(view.astype(np.float32)) for view in views]
        observed[modality] = torch.ones(n, count, dtype=torch.bool)
    graph = np.zeros((len(NAMES),) * 2, dtype=int)
    for parent, child in EDGES:
        graph[NAMES.index(parent), NAMES.index(child)] = 1
    return BentPeople(Batch(x, observed, complete=True), latents, graph)


def standard(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Mean 0, standard deviation 1."""
    result: np.ndarray = (values - values.mean()) / values.std()
    return result
