"""Metrics on representations whose quality is known."""

import numpy as np
import pandas as pd
import pytest

from personax.learning.metrics import (
    insample_r2,
    kernel_ridge_r2,
    match,
    matched,
    mean_correlation,
)

N, K = 1500, 4


@pytest.fixture
def truth() -> np.ndarray:
    z = np.random.default_rng(0).standard_normal((N, K))
    z[:, 1] = 0.6 * z[:, 0] + 0.8 * z[:, 1]
    return z


def r2(z: np.ndarray, truth: np.ndarray) -> np.ndarray:
    half = N // 2
    return kernel_ridge_r2(z[:half], truth[:half], z[half:], truth[half:])


def test_identity_permutation_sign_and_scale_are_perfect(truth: np.ndarray) -> None:
    order = [2, 0, 3, 1]
    z = truth[:, order] * np.array([-1, 3, 0.01, -100])
    assert mean_correlation(z, truth) == pytest.approx(1)
    assert mean_correlation(z, truth, ranks=True) == pytest.approx(1)
    assert match(z, truth)[0].tolist() == [1, 3, 0, 2]
    assert r2(z, truth).min() > 0.95


def test_monotone_warps_keep_ranks_but_not_pearson(truth: np.ndarray) -> None:
    z = np.exp(2 * truth)
    assert mean_correlation(z, truth, ranks=True) == pytest.approx(1)
    assert mean_correlation(z, truth) < 0.8
    assert r2(truth**3, truth).min() > 0.6


def test_a_rotation_keeps_r2_but_not_mcc(truth: np.ndarray) -> None:
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((K, K)))[0]
    assert r2(truth @ rotation, truth).min() > 0.95
    assert mean_correlation(truth @ rotation, truth) < 0.9


def test_noise_zeros_and_duplicates(truth: np.ndarray) -> None:
    noise = np.random.default_rng(2).standard_normal((N, K))
    assert r2(noise, truth).max() < 0.05
    assert mean_correlation(noise, truth) < 0.1
    zeros = np.zeros((N, K))
    assert abs(r2(zeros, truth)).max() < 0.02
    assert mean_correlation(zeros, truth) == 0
    duplicate = np.repeat(truth[:, :1], K, axis=1)
    assert mean_correlation(duplicate, truth) < 0.5
    assert r2(duplicate, truth)[0] > 0.95
    assert r2(duplicate, truth)[2:].max() < 0.05


def test_more_recovered_than_true_latents(truth: np.ndarray) -> None:
    z = np.concatenate([np.random.default_rng(3).standard_normal((N, 2)), truth], axis=1)
    columns, correlations = match(z, truth)
    assert columns.tolist() == [2, 3, 4, 5]
    assert np.allclose(correlations, 1)


def test_in_sample_r2_flatters(truth: np.ndarray) -> None:
    noise = np.random.default_rng(4).standard_normal((150, K))
    few = truth[:150]
    held_out = kernel_ridge_r2(noise[:75], few[:75], noise[75:], few[75:]).mean()
    assert insample_r2(noise, few) > held_out + 0.2


def test_matched_latents_carry_true_names_and_signs(truth: np.ndarray) -> None:
    true = pd.DataFrame(truth, columns=["a", "b", "c", "d"])
    recovered = pd.DataFrame(-truth[:, [1, 0, 3, 2]], columns=["z1", "z2", "z3", "z4"])
    pd.testing.assert_frame_equal(matched(recovered, true), true)
