"""Every loss term against an independent formula."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from personax.crl.coordinates import Coordinates
from personax.crl.objective import evenness, expected_edges, gradient_products, orthogonality
from personax.crl.prior import CausalPrior, edge_masks
from personax.crl.regression import FourierBasis
from personax.learning.gaussians import Gaussian, pool
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


def test_orthogonality_is_zero_for_orthogonal_and_one_for_parallel_gradients() -> None:
    # x = J u, the columns of J orthogonal with unequal lengths: u itself is orthogonal, a rotation is not.
    metric = torch.diag(torch.tensor([4.0, 1.0]))
    inverse = torch.linalg.inv(metric).expand(3, 2, 2)
    identity = torch.eye(2).expand(1, 3, 2, 2)
    turn = torch.tensor([[math.cos(0.6), -math.sin(0.6)], [math.sin(0.6), math.cos(0.6)]]).expand(1, 3, 2, 2)
    parallel = torch.ones(1, 3, 2, 2)

    def value(jacobian: torch.Tensor, metric: torch.Tensor = inverse) -> torch.Tensor:
        return orthogonality(gradient_products(jacobian, metric), torch.ones(3))

    assert float(value(identity)) == pytest.approx(0, abs=1e-6)
    assert float(value(turn)) > 0.05
    assert float(value(parallel)) == pytest.approx(1, abs=1e-5)
    # Neither the length of a gradient nor the unit of the metric matters.
    scaled = torch.diag(torch.tensor([3.0, 0.1])) @ turn
    torch.testing.assert_close(value(scaled, 5 * inverse), value(turn))
    # Rows count as far as they are trusted.
    mixed = gradient_products(torch.cat([identity[:, :1], parallel[:, :1]], 1), inverse[:2])
    assert float(orthogonality(mixed, torch.tensor([3.0, 1.0]))) == pytest.approx(0.25, abs=1e-5)


def test_evenness_is_zero_for_straight_coordinates_and_not_for_a_parabolas() -> None:
    """(x, y) = (a b, (a^2 - b^2) / 2): orthogonal, but a and b crowd together at the origin."""
    a, b = torch.linspace(0.2, 2, 30).repeat(30), torch.linspace(0.2, 2, 30).repeat_interleave(30)
    forward = torch.stack([torch.stack([b, a], 1), torch.stack([a, -b], 1)], 1)  # [.., (x, y), (a, b)]
    flat, trust = torch.eye(2).expand(900, 2, 2), torch.ones(900)
    curved = gradient_products(torch.linalg.inv(forward)[None], flat)
    straight = gradient_products(torch.diag(torch.tensor([5.0, 0.2])).expand(1, 900, 2, 2), flat)
    assert float(orthogonality(curved, trust)) == pytest.approx(0, abs=1e-5)
    assert float(evenness(straight, trust)) == pytest.approx(0, abs=1e-6)
    # squared gradients are 1 / (a^2 + b^2), for both coordinates
    pace = (a.square() + b.square()).log()
    expected = (pace[:, None] - pace).square().mean()
    torch.testing.assert_close(evenness(curved, trust)[0], expected)
    torch.testing.assert_close(evenness(9 * curved, trust), evenness(curved, trust))
    assert float(evenness(curved, (a + b > 2).float())) < float(expected)


def test_the_jacobian_of_the_coordinates_is_autograds() -> None:
    coordinates = Coordinates(torch.randn(2, 3, 3, generator=rng()), rng(1))
    torch.nn.init.normal_(coordinates.outer, generator=rng(2))
    u = torch.randn(4, 3, generator=rng(3))
    _, jacobian = coordinates(u)
    for n in range(4):
        exact = torch.autograd.functional.jacobian(lambda row: coordinates(row[None])[0][:, 0], u[n])
        torch.testing.assert_close(jacobian[:, n], exact, rtol=1e-4, atol=1e-5)


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


def test_the_prior_is_the_density_of_its_own_noise() -> None:
    prior = CausalPrior({"a": 2, "b": 1}, 2, rng())
    with torch.no_grad():
        prior.log_scale.uniform_(-0.5, 0.5)
    edges = torch.zeros(2, 1, 3, 3)
    edges[:, 0, 0, 1] = edges[:, 0, 1, 2] = 1
    z = torch.randn(2, 5, 3, generator=rng(1), requires_grad=True)
    eps = prior.noise(z, edges)
    for start in range(2):
        for row in range(5):
            jacobian = torch.stack(
                [
                    torch.autograd.grad(eps[start, row, k], z, retain_graph=True)[0][start, row]
                    for k in range(3)
                ]
            )
            exact = Normal(0.0, 1.0).log_prob(eps[start, row]).sum() + torch.linalg.slogdet(jacobian)[1]
            torch.testing.assert_close(prior.log_density(z, edges)[start, row], exact, rtol=1e-4, atol=1e-4)
    # Only parents matter: latent 0 has none, latent 2 does not see latent 0.
    gradient = torch.autograd.grad(eps[0, :, 2].sum(), z)[0][0]
    assert not gradient[:, 0].any()
    assert gradient[:, 1].any()


def test_rows_share_out_the_graphs_in_order() -> None:
    prior = CausalPrior({"a": 3}, 1, rng())
    z = torch.randn(1, 6, 3, generator=rng(1))
    edges = prior.open_edges(torch.rand(1, 2, 3, 3, generator=rng(2)))
    together = prior.noise(z, edges)
    torch.testing.assert_close(together[:, :3], prior.noise(z[:, :3], edges[:, :1]))
    torch.testing.assert_close(together[:, 3:], prior.noise(z[:, 3:], edges[:, 1:]))


def test_the_graph_is_acyclic_whatever_the_parameters_and_nothing_points_into_s() -> None:
    for seed in range(20):
        prior = CausalPrior({"s": 2, "a": 3, "b": 3}, 4, rng(seed))
        with torch.no_grad():
            prior.gate.normal_(1, 3, generator=rng(100 + seed))
            prior.potential.normal_(0, 3, generator=rng(200 + seed))
        for adjacency in prior.adjacency():
            assert not torch.linalg.matrix_power(adjacency, 8).any()
            assert not adjacency[2:, :2].any()


def test_masks_know_the_blocks() -> None:
    allowed, cross = edge_masks({"s": 1, "a": 2, "b": 1})
    assert allowed.tolist() == [[0, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]]
    assert cross.tolist() == [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 1, 1, 0]]


def test_mutations_move_one_latent_and_keep_an_order() -> None:
    prior = CausalPrior({"a": 5}, 6, rng())
    before = prior.potential.argsort(1).argsort(1)
    prior.mutate(torch.tensor([1, 3]), rng(1))
    after = prior.potential.argsort(1).argsort(1)
    assert torch.equal(after.sort(1).values, torch.arange(5).expand(6, 5))
    untouched = [0, 2, 4, 5]
    assert torch.equal(after[untouched], before[untouched])


def test_the_adjacency_receives_gradients_from_the_data() -> None:
    prior = CausalPrior({"a": 2}, 1, rng())
    z = torch.randn(1, 256, 2, generator=rng(1))
    z[..., 1] = torch.sin(2 * z[..., 0])
    (-prior.log_density(z, prior.open_edges(torch.rand(1, 16, 2, 2, generator=rng(2)))).mean()).backward()
    assert prior.gate.grad is not None
    assert prior.gate.grad[0, 0, 1] != 0
    assert prior.potential.grad is not None
    assert prior.potential.grad.abs().max() > 0


def test_edges_are_counted_with_their_weights() -> None:
    probability = torch.tensor([[[0.0, 0.5], [0.25, 0.0]]])
    cross = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    assert float(expected_edges(probability, cross, 0.1, 1.0)) == pytest.approx(0.5 * 1.0 + 0.25 * 0.1)
