"""A latent whose effect is symmetric, among styles."""

import numpy as np
import pytest
import torch

from personax.crl import pursuit
from personax.crl.code_functions import gradient_rows
from personax.crl.companions import find_companion
from personax.crl.pursuit import pursue_companion

ROWS, STYLES = 6000, 4


def scenes_of(seed: int, effect: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes in a random turn, their metric, f = effect cos(1.5 z2) + noise, and z2."""
    rng = torch.Generator().manual_seed(seed)
    z2 = torch.randn(ROWS, generator=rng, dtype=torch.float64)
    f = effect * torch.cos(1.5 * z2) + 0.4 * torch.randn(ROWS, generator=rng, dtype=torch.float64)
    f = (f - f.mean()) / f.std()
    style = torch.randn(ROWS, STYLES, generator=rng, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(2 + STYLES, 2 + STYLES, generator=rng, dtype=torch.float64))[0]
    u = torch.cat([f[:, None], z2[:, None], style], 1) @ turn
    metric = torch.eye(2 + STYLES).double().expand(ROWS, -1, -1)[gradient_rows(ROWS)]
    return u, metric, f, z2


@pytest.mark.parametrize("seed", [0, 1])
def test_a_latent_that_no_mean_shows_is_pursued(seed: int) -> None:
    u, metric, f, z2 = scenes_of(seed, 1.0)
    found, _ = find_companion(u, u, metric, f, f, torch.Generator().manual_seed(seed))
    pursued, share = pursue_companion(u, metric, f, f, torch.Generator().manual_seed(seed))
    by_mean, by_pursuit = (abs(float(np.corrcoef(g(u), z2)[0, 1])) for g in (found, pursued))
    assert by_mean < 0.5
    assert by_pursuit > 0.95
    assert share > 0.6
    assert abs(float(pursued(u).std()) - 1) < 1e-9


def test_without_an_effect_nothing_explains_f() -> None:
    u, metric, f, _ = scenes_of(2, 0.0)
    _, share = pursue_companion(u, metric, f, f, torch.Generator().manual_seed(0))
    assert share < 0.05


def test_the_same_generator_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pursuit, "PURSUITS", 2)
    monkeypatch.setattr(pursuit, "PURSUIT_STEPS", 20)
    u, metric, f, _ = scenes_of(3, 1.0)
    one, other = (
        pursue_companion(u, metric, f, f, torch.Generator().manual_seed(5))[0].weights for _ in range(2)
    )
    assert torch.equal(one, other)
