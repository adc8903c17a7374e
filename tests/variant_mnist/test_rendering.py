"""The renderer: what a picture shows of the factors it is drawn from."""

import numpy as np
import torch

from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.rendering import OBJECT, factor_values, normalise_objects, render


def test_objects_move_by_fractions_of_a_pixel() -> None:
    objects = normalise_objects(stand_in_images().digits[:200], size=28)
    shift = np.linspace(-4, 4, 200).astype(np.float32)
    intensity = np.full(200, 0.5, dtype=np.float32)
    pictures = render(objects, {"horizontal": shift, "vertical": -shift / 2, "intensity": intensity}, size=28)
    axis = np.arange(28) - 13.5
    mass = pictures.sum((1, 2))
    np.testing.assert_allclose((pictures.sum(1) * axis).sum(1) / mass, shift, atol=0.05)
    np.testing.assert_allclose((pictures.sum(2) * axis).sum(1) / mass, -shift / 2, atol=0.05)


def test_opacity_can_be_measured_for_every_digit() -> None:
    objects = normalise_objects(stand_in_images().digits[:300])
    opacity = np.random.default_rng(0).uniform(0.2, 1.0, 300).astype(np.float32)
    energy = np.sqrt(np.square(render(objects, {"intensity": opacity})).sum((1, 2)))
    assert np.corrcoef(energy, opacity)[0, 1] > 0.99


def test_a_black_image_shows_only_the_background() -> None:
    black = normalise_objects(np.zeros((2, 28, 28), dtype=np.uint8))
    assert torch.isfinite(black).all()
    assert black.shape == (2, OBJECT, OBJECT)
    pictures = render(black, {"background": np.array([0.0, 0.3], dtype=np.float32)})
    assert (pictures[0] == 0).all()
    assert np.allclose(pictures[1], 0.3)


def test_a_constant_latent_gives_the_middle_of_the_range() -> None:
    assert (factor_values(np.full(5, 7.0), "intensity") == np.float32(0.6)).all()
