"""Every loss term that methods share, against an independent formula."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from personax.learning.losses import info_nce, kl_to_standard_normal, reconstruction


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_reconstruction_is_half_the_squared_error_and_skips_the_unobserved() -> None:
    x, decoded = torch.randn(5, 2, 3, generator=rng()), torch.randn(5, 2, 3, generator=rng(1))
    observed = torch.tensor([True, True, False, True, False])
    expected = ((x - decoded) ** 2)[observed].sum() / 5 / (2 * 0.3**2)
    torch.testing.assert_close(reconstruction(x, decoded, 0.3, observed), expected)


def test_kl_agrees_with_torch_distributions() -> None:
    mean, log_variance = torch.randn(7, 3, generator=rng()), torch.randn(7, 3, generator=rng(1))
    exact = kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), exact)


def test_info_nce_agrees_with_its_definition() -> None:
    a, b = torch.randn(6, 2, generator=rng()), torch.randn(6, 2, generator=rng(1))
    total = 0.0
    for u, v in ((a.numpy(), b.numpy()), (b.numpy(), a.numpy())):
        for i in range(6):
            scores = [-0.7 * np.sum((u[i] - v[j]) ** 2) for j in range(6)]
            total -= (scores[i] - np.log(np.sum(np.exp(scores)))) / 6
    assert float(info_nce(a, b, 0.7)) == pytest.approx(total / 2, rel=1e-5)


def test_info_nce_of_perfect_and_of_useless_pairs() -> None:
    a = 100 * torch.randn(32, 3, generator=rng())
    assert float(info_nce(a, a)) < 1e-3
    assert float(info_nce(torch.zeros(32, 3), torch.zeros(32, 3))) == pytest.approx(math.log(32))
    assert float(info_nce(a[:1], a[:1])) == 0.0
