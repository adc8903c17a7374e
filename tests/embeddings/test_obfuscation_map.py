import numpy as np
import pytest

from personax.embeddings.obfuscation_key import new_key
from personax.embeddings.obfuscation_map import add_noise, map_of, stretches

WIDTHS = {"a": 24, "b": 24}
X = np.random.default_rng(0).standard_normal((50, 24))


def test_a_rotation_keeps_all_inner_products() -> None:
    hidden = map_of(new_key("orthogonal", 1, 0, WIDTHS), "a")(X)
    np.testing.assert_allclose(hidden @ hidden.T, X @ X.T, atol=1e-10)
    assert abs(np.corrcoef(hidden.ravel(), X.ravel())[0, 1]) < 0.2


@pytest.mark.parametrize("condition", [1.0, 10.0, 100.0, 1e4])
def test_a_general_map_has_its_condition_number_and_an_inverse(condition: float) -> None:
    mapped = map_of(new_key("general", condition, 0, WIDTHS), "a")
    assert np.linalg.cond(mapped.forward) == pytest.approx(condition, rel=1e-6)
    np.testing.assert_allclose(mapped.undo(mapped(X)), X, atol=1e-8)
    np.testing.assert_allclose(mapped.backward, np.linalg.inv(mapped.forward), rtol=1e-6, atol=1e-8)


def test_vectors_keep_their_typical_length() -> None:
    assert (stretches(24, 100.0) ** 2).mean() == pytest.approx(1)
    hidden = map_of(new_key("general", 100.0, 0, WIDTHS, seed=3), "a")(X)
    assert (hidden**2).mean() == pytest.approx((X**2).mean(), rel=0.2)


def test_every_column_and_every_key_has_its_own_map() -> None:
    key = new_key("orthogonal", 1, 0, WIDTHS, seed=1)
    first = map_of(key, "a").forward
    np.testing.assert_array_equal(first, map_of(key, "a").forward)
    for other in (map_of(key, "b"), map_of(new_key("orthogonal", 1, 0, WIDTHS, seed=2), "a")):
        assert abs(np.corrcoef(first.ravel(), other.forward.ravel())[0, 1]) < 0.15


def test_rotations_are_uniform() -> None:
    """The first entry of a uniform rotation has variance 1 / d, and its sign is fair."""
    entries = np.array(
        [map_of(new_key("orthogonal", 1, 0, {"a": 8}, seed=seed), "a").forward[0, 0] for seed in range(400)]
    )
    assert entries.var() == pytest.approx(1 / 8, rel=0.2)
    assert 160 < (entries > 0).sum() < 240  # binomial, four standard deviations


def test_rows_of_nan_stay_nan() -> None:
    rows = X[:3].copy()
    rows[1] = np.nan
    hidden = add_noise(map_of(new_key("general", 10, 0, WIDTHS), "a")(rows), 0.1, np.random.default_rng(0))
    assert np.isnan(hidden).all(axis=1).tolist() == [False, True, False]


def test_noise_has_its_standard_deviation() -> None:
    zeros = np.zeros((400, 24))
    assert add_noise(zeros, 0.5, np.random.default_rng(0)).std() == pytest.approx(0.5, rel=0.02)
    assert not add_noise(zeros, 0.0, np.random.default_rng(0)).any()
