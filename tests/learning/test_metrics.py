"""Metrics on representations whose quality is known."""

import numpy as np
import pandas as pd
import pytest
from jaxtyping import TypeCheckError

from personax.learning.metrics import (
    check_latent_rows,
    insample_r2,
    kernel_ridge_r2,
    match,
    matched,
    mean_correlation,
)
from personax.runs.errors import InputError

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


@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_latent_that_is_not_finite_is_named(truth: np.ndarray, bad: float, ranks: bool) -> None:
    broken = truth[:400].copy()
    broken[6, 1] = bad
    with pytest.raises(InputError, match="recovered latent 2, row 7: NaN or inf"):
        mean_correlation(broken, truth[:400], ranks=ranks)
    with pytest.raises(InputError, match="true latent 2, row 7: NaN or inf"):
        mean_correlation(truth[:400], broken, ranks=ranks)
    with pytest.raises(InputError, match="true latent 2, row 7"):
        insample_r2(truth[:400], broken)
    with pytest.raises(InputError, match="recovered latent 2, row 7"):
        kernel_ridge_r2(truth[:400], truth[:400], broken, truth[:400])


def test_other_people_than_those_of_the_truth_are_refused(truth: np.ndarray) -> None:
    with pytest.raises(InputError, match="99 rows of recovered latents, but 100 of true ones"):
        check_latent_rows(truth[:99], truth[:100])


def test_shapes_in_signatures_are_checked_in_the_tests(truth: np.ndarray) -> None:
    with pytest.raises(TypeCheckError, match="truth"):
        match(truth[:99], truth[:100])
    with pytest.raises(TypeCheckError, match="z"):
        match(truth[:, 0], truth)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("exponent", [-100, -60, 66, 100])
def test_scores_keep_their_bits_at_every_scale(truth: np.ndarray, kind: type, exponent: int) -> None:
    """2^66 is about 1e20, whose square overflows in float32."""
    z: np.ndarray = (truth + 0.5 * truth[:, [1, 2, 3, 0]]).astype(kind)
    small: np.ndarray = truth.astype(kind)
    scaled, large = np.ldexp(z, exponent), np.ldexp(small, exponent)
    assert mean_correlation(scaled, large) == mean_correlation(z, small) > 0.8
    assert mean_correlation(scaled, large, ranks=True) == mean_correlation(z, small, ranks=True)
    np.testing.assert_array_equal(r2(scaled, large), r2(z, small))
    assert mean_correlation((small * 1e20).astype(kind), small) == pytest.approx(1)


def test_matched_latents_carry_true_names_and_signs(truth: np.ndarray) -> None:
    true = pd.DataFrame(truth, columns=["a", "b", "c", "d"])
    recovered = pd.DataFrame(-truth[:, [1, 0, 3, 2]], columns=["z1", "z2", "z3", "z4"])
    pd.testing.assert_frame_equal(matched(recovered, true), true)
