"""Where identification starts."""

import numpy as np
import torch

from personax.crl.identification import Codes, IdentifiedPrior
from personax.crl.objective import gradient_products, orthogonality
from personax.crl.starts import start_rotations, starts_as_told


def test_starts_find_the_direction_that_another_block_depends_on() -> None:
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(4000, 2, generator=rng)
    turn = torch.linalg.qr(torch.randn(2, 2, generator=rng))[0]
    u = z @ turn
    other = torch.stack([torch.tanh(z[:, 0]) + 0.5 * torch.randn(4000, generator=rng)], 1)
    flat = {"a": torch.eye(2), "b": torch.ones(1, 1)}
    for guess in start_rotations({"a": u, "b": other}, flat, 3, rng)["a"]:
        correlations = torch.corrcoef(torch.cat([u @ guess, z], 1).T)[:2, 2:].abs()
        assert float(correlations.max(0).values.min()) > 0.98


def test_starts_as_told_begin_with_the_numbers_told_and_scatter() -> None:
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(4000, 3, generator=rng)
    z[:, 1] += z[:, 0]
    u = z @ torch.randn(3, 3, generator=rng)
    maps = starts_as_told({"a": u}, {"a": z[:, :2]}, 5, rng)["a"]
    assert maps.shape == (5, 3, 3)
    found = [torch.corrcoef(torch.cat([u @ one, z[:, :2]], 1).T) for one in maps]
    assert float(found[0][[0, 1], [3, 4]].abs().min()) > 0.999
    assert float(found[0][2, 3:].abs().max()) < 0.01  # the coordinate that nothing is told of
    for one in found[1:]:
        assert 0.9 < float(one[[0, 1], [3, 4]].abs().min()) < 0.999
    np.testing.assert_allclose((u @ maps[0]).std(0).numpy(), 1, atol=0.05)


def test_starts_are_guided_by_what_the_objective_asks_for_only() -> None:
    rng = torch.Generator().manual_seed(1)
    z = torch.randn(2000, 2, generator=rng)
    other = torch.tanh(z[:, :1]) + 0.5 * torch.randn(2000, 1, generator=rng)
    metric = torch.tensor([[1.0, 0.9], [0.9, 1.0]]).expand(2000, 2, 2)
    codes = Codes(
        {"a": z, "b": other},
        {"a": metric, "b": torch.ones(2000, 1, 1)},
        {"a": torch.ones(2000), "b": torch.ones(2000)},
    )

    def aligned(**guided: bool) -> tuple[float, float]:
        """Medians over 40 starts: best |corr| of a coordinate with the cause; squared cosine."""
        model = IdentifiedPrior(codes, 40, torch.Generator().manual_seed(0), **guided)
        with torch.no_grad():
            latents, jacobians = model.latents(codes.u)
        found = torch.stack([torch.corrcoef(torch.cat([u[:, :2], z[:, :1]], 1).T)[2, :2] for u in latents])
        products = gradient_products(jacobians["a"], metric)
        angle = orthogonality(products, torch.ones(2000))
        return float(found.abs().max(1).values.median()), float(angle.median())

    assert aligned(isometric=False)[0] > 0.98
    assert aligned(isometric=False, sparse=False)[0] < 0.95
    assert aligned()[1] < 0.05
    assert aligned(isometric=False)[1] > 0.3
