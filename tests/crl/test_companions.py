"""The coordinate that depends on a given one and does not change with it."""

import numpy as np
import pytest
import torch

from personax.crl.code_functions import gradient_rows
from personax.crl.companions import find_companion, functions_of


def styled(n: int, seed: int, styles: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Codes (n, 2 + styles) of two latents and styles, turned at random; the latents; the turn."""
    rng = torch.Generator().manual_seed(seed)
    z1 = torch.randn(n, generator=rng, dtype=torch.float64)
    z2 = 0.95 * torch.sin(1.5 * z1) + 0.65 * torch.randn(n, generator=rng, dtype=torch.float64)
    style = torch.randn(n, styles, generator=rng, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(2 + styles, 2 + styles, generator=rng, dtype=torch.float64))[0]
    latents = torch.stack([z1, z2 / z2.std()], 1)
    return torch.cat([latents, style], 1) @ turn, latents, turn


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return abs(float(np.corrcoef(a.numpy(), b.numpy())[0, 1]))


@pytest.mark.parametrize("seed", [0, 1])
def test_a_latent_that_depends_on_the_given_one_is_found_among_styles(seed: int) -> None:
    """Latents and styles are at right angles, as in pictures; f is the first latent with a small error."""
    u, z, _ = styled(3000, seed)
    f = z[:, 0] + 0.1 * torch.randn(len(z), generator=torch.Generator().manual_seed(seed + 10)).double()
    metric = torch.eye(u.shape[1]).double().expand(len(u), -1, -1)[gradient_rows(len(u))]
    found, values = find_companion(u, u, metric, f, f, torch.Generator().manual_seed(seed))
    new, truth, _ = styled(3000, seed)
    assert correlation(found(new), truth[:, 1]) > 0.95
    assert values[0] > 2 * values[1]


def test_what_counts_as_the_same_change_is_the_metric() -> None:
    """If z2 + 2 z1 changes at a right angle to f, that is found, for the same codes."""
    u, z, turn = styled(3000, 2)
    mix = torch.eye(len(turn)).double()
    mix[1, 0] = 2.0  # codes in which z2 + 2 z1 is a coordinate
    metric = turn.T @ mix.T @ mix @ turn
    rows = gradient_rows(len(u))
    found, _ = find_companion(
        u, u, metric.expand(len(u), -1, -1)[rows], z[:, 0], z[:, 0], torch.Generator().manual_seed(0)
    )
    assert correlation(found(u), z[:, 1] + 2 * z[:, 0]) > correlation(found(u), z[:, 1])


@pytest.mark.parametrize(("other_styles", "least", "most"), [(True, 0.95, 1.0), (False, 0.0, 0.85)])
def test_style_that_changes_with_f_is_kept_out_where_another_picture_has_another_style(
    other_styles: bool, least: float, most: float
) -> None:
    """By the metric the first style + 1.5 z1 is as still as z2 is, and f explains more of it than of z2."""
    u, z, turn = styled(3000, 4)
    mix = torch.eye(len(turn)).double()
    mix[2, 0] = 1.5
    metric = (turn.T @ mix.T @ mix @ turn).expand(len(u), -1, -1)[gradient_rows(len(u))]
    again = u
    if other_styles:
        own = u @ turn.T
        own[:, 2:] = torch.randn(len(u), 4, generator=torch.Generator().manual_seed(5)).double()
        again = own @ turn
    found, _ = find_companion(u, again, metric, z[:, 0], z[:, 0], torch.Generator().manual_seed(0))
    assert least < correlation(found(u), z[:, 1]) < most


def test_functions_of_f_are_uncorrelated() -> None:
    h = functions_of(torch.randn(5000, generator=torch.Generator().manual_seed(0)).double())
    torch.testing.assert_close(h.T @ h / len(h), torch.eye(h.shape[1]).double(), atol=1e-6, rtol=0)
