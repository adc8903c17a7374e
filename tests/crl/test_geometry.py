"""The geometry that measurements give a block, where it is known."""

import torch

from personax.crl.geometry import Geometry, usual_shape
from personax.learning.batches import Batch


def test_geometry_is_that_of_the_measurements() -> None:
    """x = u A^T with known A: the inverse metric is (A^T A)^-1; trust is smaller at the border."""
    rng = torch.Generator().manual_seed(0)
    u = torch.randn(3000, 2, generator=rng)
    mixing = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    x = u @ mixing.T + 0.1 * torch.randn(3000, 3, generator=rng)
    batch = Batch({"a": [x]}, {"a": torch.ones(3000, 1, dtype=torch.bool)})
    geometry = Geometry.fit({"a": u}, batch, rng)
    inverse = geometry.inverse_metric({"a": u})["a"]
    exact = torch.linalg.inv(mixing.T @ mixing)
    middle = u.norm(dim=1) < 1
    torch.testing.assert_close(inverse[middle].mean(0), exact, rtol=0.1, atol=0.03)
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
    x = torch.where(seen, u @ torch.tensor([[2.0, 0.0], [0.0, 1.0]]), 0.0)
    geometry = Geometry.fit({"a": u}, Batch({"a": [x]}, {"a": seen}), rng)
    alone = Geometry.fit({"a": u[600:]}, Batch({"a": [x[600:]]}, {"a": seen[600:]}), rng)
    for value, expected in (
        (geometry.trust({"a": u})["a"][600:].median(), alone.trust({"a": u[600:]})["a"].median()),
        (geometry.inverse_metric({"a": u})["a"][600:].mean(), torch.tensor((0.25 + 1) / 4)),
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
