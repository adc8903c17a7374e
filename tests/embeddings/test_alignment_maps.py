import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from sklearn.linear_model import RidgeCV

from personax.embeddings.alignment_maps import (
    RIDGE_SHARES,
    Pairs,
    by_procrustes,
    by_ridge,
    centred,
    whitened,
)

RNG = np.random.default_rng(0)
N, D = 60, 12
X = centred(RNG.standard_normal((N, D)) * np.geomspace(1, 5, D))
A = ortho_group.rvs(D, random_state=1)


def pairs(k: int) -> Pairs:
    return Pairs(np.arange(k), np.arange(k))


def test_procrustes_is_that_of_scipy_with_enough_pairs() -> None:
    noisy = X @ A + 0.5 * RNG.standard_normal((N, D))
    found = by_procrustes(noisy, X, pairs(40))
    rotation, _ = orthogonal_procrustes(noisy[:40], X[:40])
    expected = ((noisy @ rotation)[:, None] - X[None]) ** 2
    distances = ((found.released[:, None] - found.candidates[None]) ** 2).sum(-1)
    np.testing.assert_allclose(distances, expected.sum(-1), atol=1e-8)


@pytest.mark.parametrize("k", [1, 3, 12, 50])
def test_a_rotation_puts_everybody_at_the_same_place(k: int) -> None:
    found = by_procrustes(X @ A, X, pairs(k))
    np.testing.assert_allclose(found.released, found.candidates, atol=1e-6)
    assert found.released.shape == (N, min(k, D) + 1)


def test_ridge_is_that_of_sklearn() -> None:
    hidden = X @ RNG.standard_normal((D, D)) + 0.3 * RNG.standard_normal((N, D))
    found = by_ridge(hidden, X, pairs(30))
    scale = float(np.linalg.eigvalsh(hidden[:30] @ hidden[:30].T).mean())
    model = RidgeCV(RIDGE_SHARES * scale, fit_intercept=False).fit(hidden[:30], X[:30])
    back = found.released @ np.linalg.pinv(found.candidates) @ X  # from the basis of the plain vectors
    np.testing.assert_allclose(back, model.predict(hidden), atol=1e-6)


def test_ridge_undoes_any_invertible_map() -> None:
    found = by_ridge(X @ RNG.standard_normal((D, D)), X, pairs(40))
    np.testing.assert_allclose(found.released, found.candidates, atol=1e-2)


def test_one_pair_is_enough_to_run() -> None:
    assert by_ridge(X @ A, X, pairs(1)).released.shape == (N, 1)


def test_whitening_makes_a_rotation_of_any_invertible_map() -> None:
    general = RNG.standard_normal((D, D))
    first, second = whitened(X), whitened(centred(X @ general))
    np.testing.assert_allclose(first @ first.T, second @ second.T, atol=1e-8)
    np.testing.assert_allclose(first.T @ first / N, np.eye(D), atol=1e-10)
    assert whitened(np.column_stack([X, X])).shape == (N, D)  # directions without variance are left out
