"""Numbers that are folded, numbers that are coordinates, and numbers that are neither."""

import numpy as np
import pytest
import torch

from personax.crl.code_functions import gradient_rows
from personax.crl.unfolding import explained_share, find_fold

ROWS = 8000


def pictures_of(z: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Codes (n, 6) of numbers z (n, k) and of noise, in a random turn; their metric, in which all is even."""
    rng = torch.Generator().manual_seed(seed)
    style = torch.randn(len(z), 6 - z.shape[1], generator=rng, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=rng, dtype=torch.float64))[0]
    u = torch.cat([z, style], 1) @ turn
    return u, torch.eye(6).double().expand(len(z), -1, -1)[gradient_rows(len(z))]


def drawn(seed: int, columns: int = 1) -> torch.Tensor:
    return torch.randn(ROWS, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return abs(float(np.corrcoef(a.numpy(), b.numpy())[0, 1]))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("fold", [torch.square, torch.abs, lambda z: torch.cos(1.5 * z)])
def test_a_folded_number_is_unfolded(fold: torch.nn.Module, seed: int) -> None:
    z = drawn(seed)
    u, metric = pictures_of(z, seed)
    f = fold(z[:, 0]) + 0.05 * drawn(seed + 10)[:, 0]
    found = find_fold(u, metric, f, torch.Generator().manual_seed(seed))
    assert found.is_folded
    assert not found.is_coordinate
    assert correlation(found.smoothest(u), z[:, 0]) > 0.95


@pytest.mark.parametrize(
    ("bend", "seed"),
    [(torch.clone, seed) for seed in range(5)]
    + [(torch.tanh, 2), (torch.exp, 2), (lambda z: z + 0.3 * z**3, 2)],
)
def test_a_coordinate_stays_one_however_it_is_bent(bend: torch.nn.Module, seed: int) -> None:
    z = drawn(seed)
    u, metric = pictures_of(z, seed)
    f = bend(z[:, 0])
    found = find_fold(u, metric, (f - f.mean()) / f.std(), torch.Generator().manual_seed(0))
    assert found.is_coordinate
    assert not found.is_folded
    assert min(found.f_given_h, found.h_given_f) > 0.97


def test_a_number_that_the_pictures_do_not_show_is_neither() -> None:
    z = drawn(3)
    u, metric = pictures_of(z, 3)
    found = find_fold(u, metric, z[:, 0] + drawn(4)[:, 0], torch.Generator().manual_seed(0))
    assert not found.is_coordinate
    assert not found.is_folded


def test_which_share_a_function_explains() -> None:
    x = torch.linspace(-3, 3, 2001, dtype=torch.float64)
    assert explained_share(torch.sin(2 * x), x) > 0.99
    assert explained_share(x, x.square()) < 0.01
    assert explained_share(x, torch.exp(x)) > 0.99
    assert explained_share(torch.zeros(5), torch.arange(5.0)) == 0


def test_equal_numbers_are_equal_in_whatever_order_they_come() -> None:
    x = torch.linspace(-1, 1, 500, dtype=torch.float64)
    assert explained_share(x, torch.zeros(500)) < 1e-9
    assert explained_share(x, (x > 0).double()) < 0.8


def test_a_number_that_never_changes_is_no_coordinate() -> None:
    z = drawn(4).sort(0).values
    u, metric = pictures_of(z, 4)
    found = find_fold(u, metric, torch.zeros(ROWS), torch.Generator().manual_seed(0))
    assert not found.is_coordinate
