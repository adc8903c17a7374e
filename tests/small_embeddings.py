"""Two modalities of embeddings with known truth, and a model that is trained on them in a second."""

import numpy as np
import pandas as pd

from personax.crl import CRLConfig
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.views import MultiViewData, Split, Truth, split_rows

QUICK = CRLConfig(
    latents={"a": 2, "b": 2},
    noise=1,
    hidden=16,
    phase1=Phase1Config(epochs=4, batch_size=64),
    phase2=Phase2Config(
        starts=4, population=4, generations=2, generation_steps=5, finalists=2, final_steps=5, batch_size=64
    ),
)


def embeddings(n: int = 400, seed: int = 0) -> tuple[MultiViewData, Split]:
    """Two modalities of two latents, z11 -> z12, z11 -> z21 -> z22, seen through linear maps with noise."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, 4))
    z11 = e[:, 0]
    z12 = np.sin(1.5 * z11) + 0.6 * e[:, 1]
    z21 = 1.1 * np.tanh(z11) + 0.7 * e[:, 2]
    z22 = 0.6 * e[:, 3] - np.sin(1.5 * z21)
    z = np.stack([z11, z12, z21, z22], 1)

    def views(part: np.ndarray, count: int) -> list[np.ndarray]:
        return [
            (part @ rng.standard_normal((2, 6)) + 0.1 * rng.standard_normal((n, 6))).astype(np.float32)
            for _ in range(count)
        ]

    graph = np.zeros((4, 4), dtype=int)
    graph[0, 1] = graph[0, 2] = graph[2, 3] = 1
    data = MultiViewData(
        {"a": views(z[:, :2], 2), "b": views(z[:, 2:], 2)},
        ids=np.arange(n),
        truth=Truth(
            pd.DataFrame(z, columns=["z11", "z12", "z21", "z22"]),
            {"a": ["z11", "z12"], "b": ["z21", "z22"]},
            graph,
        ),
    )
    return data, split_rows(n, rng)
