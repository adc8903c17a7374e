"""The geometry that measurements give a block, where it is known."""

import torch

from personax.crl.geometry import Geometry, usual_shape
from personax.learning.batches import Batch


def test_geometry_is_that_of_the_measurements() -> None:
    """x = u A^T + noise of variance v: the inverse metric is 2 v (A^T A)^-1; trust is smaller outside."""
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(3000, 2, generator=rng)
    mixing = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    x = u @ mixing.T + 0.1 * torch.randn(3000, 3, generator=rng)
    batch = Batch({"a": [x]}, {"a": torch.ones(3000, 1, dtype=torch.bool)})
    geometry = Geometry.fit({"a": u}, batch, rng)
    inverse = geometry.inverse_metric({"a": u})["a"]
    exact = torch.linalg.inv(mixing.T @ mixing)
    middle = u.norm(dim=1) < 1
    torch.testing.assert_close(inverse[middle].mean(0) / 0.02, exact, rtol=0.1, atol=0.03)
    shape = usual_shape(7 * inverse, middle.float())
    torch.testing.assert_close(shape, exact / exact.trace(), rtol=0.1, atol=0.03)
    trust = geometry.trust({"a": u})["a"]
    assert float(trust[middle].min()) > 0.5
    assert float(trust.max()) <= 1
    assert float(trust[u.norm(dim=1) > 3].max()) < 0.3


def test_geometry_looks_at_those_who_were_seen_and_bears_pictures_that_never_change() -> None:
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(900, 2, generator=rng)
    u[:600] = 0.0  # people without the modality
    seen = torch.arange(900)[:, None] >= 600
    x = u @ torch.tensor([[2.0, 0.0], [0.0, 1.0]]) + 0.1 * torch.randn(900, 2, generator=rng)
    x = torch.where(seen, x, 0.0)
    geometry = Geometry.fit({"a": u}, Batch({"a": [x]}, {"a": seen}), rng)
    alone = Geometry.fit({"a": u[600:]}, Batch({"a": [x[600:]]}, {"a": seen[600:]}), rng)
    for value, expected in (
        (geometry.trust({"a": u})["a"][600:].median(), alone.trust({"a": u[600:]})["a"].median()),
        (geometry.inverse_metric({"a": u})["a"][600:].mean() / 0.02, torch.tensor((0.25 + 1) / 4)),
    ):
        torch.testing.assert_close(value, expected, rtol=0.1, atol=0.02)
    dark = Geometry.fit({"a": u}, Batch({"a": [torch.zeros(900, 2)]}, {"a": seen}), rng)
    still = torch.zeros(900, 2)
    for codes in (u, still):
        inverse, trust = dark.inverse_metric({"a": codes})["a"], dark.trust({"a": codes})["a"]
        shape = usual_shape(inverse, trust)
        assert torch.isfinite(inverse).all()
        assert torch.isfinite(trust).all()
        assert torch.isfinite(shape).all()
    constant = Geometry.fit({"a": still}, Batch({"a": [x]}, {"a": seen}), rng)
    assert torch.isfinite(constant.trust({"a": still})["a"]).all()


def test_uncertain_pixels_count_less() -> None:
    """The noise of the second pixel grows with u_1: the metric is 1 / (variance + mean variance) there."""
    rng = torch.Generator().manual_seed(1)
    u = torch.randn(20_000, 2, generator=rng, dtype=torch.float64)
    spread = torch.stack([torch.full((20_000,), 0.5), torch.exp(u[:, 0] / 2)], 1)
    x = 3 * u + spread * torch.randn(20_000, 2, generator=rng)
    batch = Batch({"a": [x]}, {"a": torch.ones(20_000, 1, dtype=torch.bool)})
    inverse = Geometry.fit({"a": u}, batch, rng).inverse_metric({"a": u})["a"]
    usual = (0.25 + torch.exp(torch.tensor(0.5))) / 2
    for side in (-1.0, 0.0, 1.0):
        here = ((u - torch.tensor([side, 0.0])).norm(dim=1) < 0.3).nonzero()[:, 0]
        expected = torch.stack([0.25 + usual, torch.exp(torch.tensor(side)) + usual]).double() / 9
        torch.testing.assert_close(inverse[here].mean(0).diagonal(), expected, rtol=0.15, atol=0)


def test_units_of_a_measurement_do_not_matter() -> None:
    rng = torch.Generator().manual_seed(2)
    u = torch.randn(2000, 2, generator=rng)
    views = [u @ torch.randn(2, 4, generator=rng) + 0.3 * torch.randn(2000, 4, generator=rng) for _ in "ab"]
    seen = {"a": torch.ones(2000, 2, dtype=torch.bool)}
    one, other = (
        Geometry.fit(
            {"a": u}, Batch({"a": [views[0], unit * views[1]]}, seen), torch.Generator().manual_seed(0)
        )
        for unit in (1.0, 100.0)
    )
    torch.testing.assert_close(
        one.inverse_metric({"a": u}), other.inverse_metric({"a": u}), rtol=1e-3, atol=0
    )
