"""Smooth regression and its derivative, on a known function."""

import torch

from personax.crl.regression import FourierBasis


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_derivatives_along_a_direction_and_gradients_are_those_of_all_derivatives() -> None:
    u, direction = torch.randn(2, 50, 3, generator=rng(), dtype=torch.float64)
    basis = FourierBasis.draw(3, rng(1), 20, 1.5)
    weights = torch.randn(23, generator=rng(2), dtype=torch.float64)
    slopes = basis.derivative(u)
    torch.testing.assert_close(basis.along(u, direction), torch.einsum("ndf,nd->nf", slopes, direction))
    torch.testing.assert_close(basis.gradient(u, weights), slopes @ weights)


def test_the_regression_and_its_derivative() -> None:
    u = torch.randn(3000, 2, generator=rng(), dtype=torch.float64)
    target = torch.stack([torch.sin(u[:, 0]) * u[:, 1], u[:, 0] - 2 * u[:, 1]], 1)
    basis = FourierBasis.draw(2, rng(1))
    weights = basis.fit(u, target)
    fitted = (basis(u) - basis(u).mean(0)) @ weights
    assert float((fitted - (target - target.mean(0))).square().mean()) < 5e-3
    near = u[:200][u[:200].abs().max(1).values < 1]
    slopes = (basis.derivative(near) @ weights).transpose(1, 2)
    exact = torch.stack([torch.cos(near[:, 0]) * near[:, 1], torch.sin(near[:, 0])], 1)
    assert float((slopes[:, 0] - exact).abs().mean()) < 0.05
    torch.testing.assert_close(
        slopes[:, 1].mean(0), torch.tensor([1.0, -2.0], dtype=torch.float64), rtol=0.02, atol=0.02
    )
