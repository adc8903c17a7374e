"""Standardisation: what it removes, what it keeps, and what it does not change."""

from dataclasses import replace

import numpy as np
import pytest

from personax.learning.compression import Compression
from personax.learning.standardisation import Standardisation, standard_axes
from personax.views import MultiViewData, split_rows


def drawn(n: int, d: int, seed: int = 0) -> np.ndarray:
    """(n, d) correlated float32 numbers away from 0."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, d)) @ rng.standard_normal((d, d)) + rng.standard_normal(d)
    return x.astype(np.float32)


@pytest.mark.parametrize(("n", "d"), [(200, 5), (30, 80)])
def test_distances_are_kept_up_to_one_number(n: int, d: int) -> None:
    """Also with fewer people than features. The mean variance is 1, and the components are uncorrelated."""
    x = drawn(n, d)
    out = standard_axes(x)(x)
    covariance = out.T @ out / n
    assert np.trace(covariance) / out.shape[1] == pytest.approx(1)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-8 * covariance[0, 0])
    before, after = (((a[:, None] - a[None]) ** 2).sum(2) for a in (x.astype(float), out))
    np.testing.assert_allclose(after, before * after.sum() / before.sum(), atol=1e-6 * after.max())


@pytest.mark.parametrize(("n", "d"), [(200, 5), (30, 80)])
@pytest.mark.parametrize("factor", [1e-3, 0.03, 1000, 1e30])
def test_scale_axes_and_origin_are_not_seen(n: int, d: int, factor: float) -> None:
    x, rng = drawn(n, d).astype(float), np.random.default_rng(1)
    turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
    moved = factor * (x @ turn + rng.standard_normal(d))
    before = standard_axes(x)(x)
    np.testing.assert_allclose(standard_axes(moved)(moved), before, atol=1e-6 * before.max())


def test_features_that_say_nothing_change_nothing() -> None:
    """A constant, and a sum of two others: the rank decides how many components there are."""
    x = drawn(100, 4)
    assert standard_axes(x).weights.shape == (4, 4)
    more = np.column_stack([x, np.full(100, 50.0), x[:, 0] + x[:, 1]])
    assert standard_axes(more).weights.shape == (6, 4)


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.ones((1, 3)), np.full((9, 3), 0.1)])
def test_what_does_not_vary_becomes_zero(x: np.ndarray) -> None:
    np.testing.assert_array_equal(standard_axes(x)(np.ones((2, 3))), np.zeros((2, 1)))


def test_pictures_and_coordinates_in_units_of_noise_stay_as_they_are() -> None:
    pictures = np.random.default_rng(0).random((60, 1, 4, 4), dtype=np.float32)
    data = MultiViewData({"a": [drawn(60, 4), drawn(60, 4, 1)], "b": [pictures]}, ids=np.arange(60))
    split = split_rows(60, np.random.default_rng(0))
    out = Standardisation.fit(data, split.train)(data)
    assert out.measurements["b"][0] is pictures
    assert out.measurements["a"][0].dtype == np.float32
    assert not np.array_equal(out.measurements["a"][0], data.measurements["a"][0])
    embeddings = replace(data, measurements={"a": data.measurements["a"]}, observed={})
    compressed = Compression.fit(embeddings, split.train, least={"a": 2})(embeddings).rows(split.train)
    assert compressed.known_units
    kept = Standardisation.fit(compressed, np.arange(20))(compressed)
    assert kept.measurements["a"][0] is compressed.measurements["a"][0]


def test_only_training_rows_that_are_there_are_looked_at() -> None:
    x, y = drawn(60, 4), drawn(60, 4)
    split = split_rows(60, np.random.default_rng(0))
    seen = np.ones((60, 1), dtype=bool)
    seen[split.train[:9]] = False
    y[split.test], y[split.train[:9]] = 1e6, np.inf
    first, second = (MultiViewData({"a": [a]}, np.arange(60), observed={"a": seen}) for a in (x, y))
    out = [Standardisation.fit(data, split.train)(data).measurements["a"][0] for data in (first, second)]
    np.testing.assert_array_equal(out[0][split.train], out[1][split.train])
    assert not out[1][~seen[:, 0]].any()


def test_what_is_stored_is_the_same() -> None:
    data = MultiViewData({"a": [drawn(60, 4)]}, np.arange(60))
    fitted = Standardisation.fit(data, np.arange(40))
    again = Standardisation.from_stored(fitted.stored())
    np.testing.assert_array_equal(again(data).measurements["a"][0], fitted(data).measurements["a"][0])
