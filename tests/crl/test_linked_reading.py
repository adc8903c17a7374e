"""Linked readings: the directions of a measurement that tell about other modalities, and nothing else."""

import numpy as np

from personax.crl.linked_reading import decorrelating, read_linked


def views(n: int, seed: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Two latents of a face, on which two numbers of a voice depend; three numbers are the face's own."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 2))
    voice = np.column_stack([np.tanh(2 * z[:, 0]), np.abs(z[:, 1])]) + 0.3 * rng.standard_normal((n, 2))
    face = np.column_stack([z, 3 * rng.standard_normal((n, 3))]) @ rng.standard_normal((5, 5))
    x = {"face": face, "voice": voice @ rng.standard_normal((2, 2))}
    return z, {m: values - values.mean(0) for m, values in x.items()}


def share_explained(z: np.ndarray, u: np.ndarray) -> np.ndarray:
    weights = np.linalg.lstsq(u, z - z.mean(0), rcond=None)[0]
    return np.asarray(1 - (z - z.mean(0) - u @ weights).var(0) / z.var(0))


def test_what_the_other_modality_depends_on_is_read() -> None:
    """Also a latent whose effect has no correlation with it (|z|), which canonical directions do not find."""
    z, x = views(1500, 1000)
    maps = read_linked(x, {"face": 2, "voice": 2}, seed=0)
    assert share_explained(z, x["face"] @ maps["face"]).min() > 0.95
    principal = np.linalg.svd(x["face"], full_matrices=False)[2][:2].T
    assert share_explained(z, x["face"] @ principal).min() < 0.5  # these are the face's own numbers


def test_readings_are_uncorrelated_and_have_variance_one() -> None:
    x = views(500, 1001)[1]
    maps = read_linked(x, {"face": 2, "voice": 2}, seed=0)
    for modality, weights in maps.items():
        assert np.allclose(np.cov((x[modality] @ weights).T, bias=True), np.eye(2), atol=1e-8)


def test_invertible_linear_maps_of_a_measurement_change_nothing() -> None:
    z, x = views(1000, 1002)
    turned = x | {"face": x["face"] @ np.random.default_rng(0).standard_normal((5, 5))}
    first, second = (
        share_explained(z, d["face"] @ read_linked(d, {"face": 2, "voice": 2}, 0)["face"])
        for d in (x, turned)
    )
    assert np.allclose(first, second, atol=0.01)


def test_directions_without_variance_are_left_out() -> None:
    rng = np.random.default_rng(0)
    two = rng.standard_normal((200, 2))
    x = np.column_stack([two, two.sum(1)])
    weights = decorrelating(x - x.mean(0))
    assert weights.shape == (3, 2)
    assert np.allclose(np.cov(((x - x.mean(0)) @ weights).T, bias=True), np.eye(2))
