"""Pooling of several Gaussians into one."""

import torch

from personax.learning.gaussians import Gaussian, pool


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_pooling_is_the_product_of_gaussians() -> None:
    experts = [
        Gaussian(torch.randn(4, 2, generator=rng(k)), torch.randn(4, 2, generator=rng(9 + k)))
        for k in range(3)
    ]
    observed = torch.tensor([[1, 1, 1], [1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=torch.bool)
    pooled = pool(experts, observed)
    for row in range(4):
        precision, weighted = torch.ones(2), torch.zeros(2)
        for k in range(3):
            if observed[row, k]:
                precision = precision + torch.exp(-experts[k].log_variance[row])
                weighted = weighted + torch.exp(-experts[k].log_variance[row]) * experts[k].mean[row]
        torch.testing.assert_close(pooled.precision[row], precision)
        torch.testing.assert_close(pooled.mean[row], weighted / precision)
    assert torch.equal(pooled.mean[2], torch.zeros(2))
