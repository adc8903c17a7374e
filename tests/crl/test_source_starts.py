"""Coordinates from independent sources, orders and additive mechanisms."""

import numpy as np

from personax.crl.source_starts import candidate_turns
from personax.learning.metrics import mean_correlation


def test_finds_rotated_latents_of_a_bent_model() -> None:
    """z1 -> z2 -> z3 and z1 -> z4 with Laplace noise, given s, behind a random rotation."""
    rng = np.random.default_rng(0)
    n = 4000
    s, e = rng.uniform(-1.7, 1.7, n), rng.laplace(size=(n, 4)) / np.sqrt(2)

    def bent(x: np.ndarray) -> np.ndarray:
        return np.asarray(x + 0.5 * np.tanh(2 * (x - 0.4)))

    z1 = 0.6 * bent(s) + 0.8 * e[:, 0]
    z2 = 0.6 * bent(z1) + 0.7 * e[:, 1]
    z = np.column_stack([z1, z2, -0.6 * bent(z2) + 0.7 * e[:, 2], 0.7 * bent(z1) + 0.7 * e[:, 3]])
    z /= z.std(0)
    turn = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    v = z @ turn
    assert mean_correlation(v, z) < 0.9
    assert mean_correlation(v @ candidate_turns(v, s[:, None], seed=0)[0], z) > 0.97
