"""Smooth functions of codes, and the eigenproblem that finds the best of them."""

import numpy as np
import torch
from scipy.linalg import eigh

from personax.crl.code_functions import CodeFunctions, largest_ratios, living_axes


def test_a_function_of_the_rows_is_the_same_function_of_other_rows() -> None:
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(500, 4, generator=rng, dtype=torch.float64) * torch.tensor([1.0, 2.0, 0.5, 1.0]) + 3
    space = CodeFunctions.of(u, rng)
    weights = torch.randn(space.features.shape[1], generator=rng, dtype=torch.float64)
    function = space.function(weights)
    assert abs(float(function(u).std()) - 1) < 1e-9
    assert abs(float(function(u).mean())) < 1e-9
    of_rows = space.features @ weights
    torch.testing.assert_close(function(u), of_rows / of_rows.std())
    variance = float(weights @ space.spread @ weights)
    np.testing.assert_allclose(variance, float((space.features @ weights).var(correction=0)), rtol=1e-9)


def test_axes_that_are_dead_are_left_out_also_if_they_are_dead_together() -> None:
    rng = torch.Generator().manual_seed(0)
    alive = torch.randn(2000, 2, generator=rng).double()
    same = torch.randn(2000, 1, generator=rng).double()
    u = torch.cat([alive, same, same + 0.01 * torch.randn(2000, 1, generator=rng)], 1)
    to_axes, back = living_axes(u - u.mean(0))
    assert to_axes.shape == (4, 3)
    w = (u - u.mean(0)) @ to_axes
    torch.testing.assert_close(torch.cov(w.T), torch.eye(3).double())
    torch.testing.assert_close(back @ to_axes, torch.eye(3).double())


def test_largest_ratios_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    a, b = (m @ m.T for m in rng.standard_normal((2, 6, 6)))
    b += np.eye(6)
    expected, vectors = eigh(a, b)
    values, found = largest_ratios(torch.from_numpy(a), torch.from_numpy(b), 2)
    np.testing.assert_allclose(values.numpy(), expected[::-1][:2], rtol=1e-10)
    for column, truth in zip(found.numpy().T, vectors.T[::-1], strict=False):
        np.testing.assert_allclose(np.abs(column), np.abs(truth), rtol=1e-6)
