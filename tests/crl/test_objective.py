"""Every loss term against an independent formula."""

import math

import pytest
import torch

from personax.crl.objective import evenness, expected_edges, gradient_products, orthogonality


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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
    # Rows count in proportion to their trust.
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


def test_edges_are_counted_with_their_weights() -> None:
    probability = torch.tensor([[[0.0, 0.5], [0.25, 0.0]]])
    cross = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    assert float(expected_edges(probability, cross, 0.1, 1.0)) == pytest.approx(0.5 * 1.0 + 0.25 * 0.1)
