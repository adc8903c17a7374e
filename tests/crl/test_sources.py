"""Coordinates from independent sources, orders and additive mechanisms; the flexible prior's density."""

import numpy as np
import torch

from personax.crl.prior import CausalPrior
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


def test_flexible_density_integrates_to_one() -> None:
    """The conditional flow is a density: the integral over z of p(z), one latent, is 1."""
    prior = CausalPrior({"a": 1}, 1, torch.Generator().manual_seed(0), flexible=True)
    with torch.no_grad():
        prior.log_tail.fill_(-0.4)
        prior.skew.fill_(0.3)
    z = torch.linspace(-200, 200, 400001)[:, None]
    density = prior.log_density(z[None], prior.adjacency()[:, None]).exp()[0].detach()
    assert abs(float(density.sum()) * 1e-3 - 1) < 1e-2


def test_interleaved_orders_keep_blocks_in_order() -> None:
    sizes = {"s": 2, "a": 3, "b": 3}
    prior = CausalPrior(sizes, 5, torch.Generator().manual_seed(0), flexible=True)
    prior.interleave(sizes, torch.Generator().manual_seed(1))
    for potential in prior.potential:
        assert potential[:2].max() < potential[2:].min()
        assert (potential[2:5].diff() > 0).all()
        assert (potential[5:].diff() > 0).all()
