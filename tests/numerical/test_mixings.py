"""Mixings: of the right size, invertible, and the linear one with its pure children."""

import numpy as np
import pytest

from personax.numerical.mixings import LEAKY_SLOPE, leaky_rectifier, random_network, sparse_linear
from personax.runs.errors import InputError


@pytest.mark.parametrize(("inputs", "outputs"), [(3, 15), (10, 10)])
def test_a_network_can_be_inverted(inputs: int, outputs: int) -> None:
    """Its derivative has full rank everywhere, and different inputs have different outputs."""
    rng = np.random.default_rng(1000)
    mix = random_network(inputs, outputs, rng)
    points, step = rng.standard_normal((200, inputs)), 1e-6
    columns = [(mix(points + step * unit) - mix(points)) / step for unit in np.eye(inputs)]
    smallest = np.linalg.svd(np.stack(columns, axis=2))[1][:, -1]
    assert smallest.min() > 1e-4
    out = mix(points)
    assert out.shape == (200, outputs)
    apart = np.linalg.norm(out[:, None] - out[None], axis=2) + np.eye(200)
    assert apart.min() > 1e-4


def test_a_network_bends_in_as_many_layers_as_asked_for() -> None:
    points = np.random.default_rng(0).standard_normal((50, 3))
    for layers, is_linear in [(1, True), (2, False), (3, False)]:
        mix = random_network(3, 5, np.random.default_rng(1000), layers=layers)
        assert np.allclose(mix(points) + mix(-points), 0) is is_linear


def test_its_outputs_have_variance_one_for_normal_inputs() -> None:
    rng = np.random.default_rng(1001)
    assert random_network(4, 20, rng)(rng.standard_normal((4000, 4))).std() == pytest.approx(1, abs=0.1)


def test_fewer_outputs_than_inputs_are_refused() -> None:
    with pytest.raises(InputError, match="2 numbers cannot hold 3 latents"):
        random_network(3, 2, np.random.default_rng(0))


def test_the_leaky_rectifier_keeps_what_is_positive() -> None:
    assert leaky_rectifier(np.array([[2.0, -1.0]])).tolist() == [[2.0, -LEAKY_SLOPE]]


def test_a_sparse_linear_mixing_has_pure_children() -> None:
    weights = sparse_linear(3, 5, 15, np.random.default_rng(1000), pure=True)
    assert weights.shape == (5, 15)
    assert np.linalg.matrix_rank(weights) == 5
    alone = [set(np.flatnonzero(column)) for column in weights[:3].T]
    assert all({latent} in alone for latent in range(3))
    sizes = np.abs(weights[weights != 0])
    assert sizes.min() >= 0.25
    assert sizes.max() <= 1
    assert (weights < 0).any()
    mixed = sparse_linear(3, 5, 400, np.random.default_rng(1001), pure=False)
    assert 160 <= (mixed == 0).sum() <= 245  # of 2,000 with chance 0.1: binomial bounds of 99.9 %
