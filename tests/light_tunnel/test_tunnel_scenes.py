"""Scenes of the light tunnel: seeds, shapes, and what measurements of a scene share."""

from dataclasses import replace

import numpy as np
import pytest

from personax.light_tunnel.tunnel_config import ImageModel, TunnelScenes
from personax.light_tunnel.tunnel_scenes import make_light_tunnel, with_pictures_as_vectors
from personax.light_tunnel.tunnel_scm import SETTINGS
from personax.views import MultiViewData

OPTIONS = TunnelScenes(n=300, pictures=2, readings=2, size=8, sensor_set="all")


@pytest.fixture(scope="module")
def scenes() -> MultiViewData:
    """A few scenes of seed 1."""
    return make_light_tunnel(OPTIONS, 1)


def test_shapes_and_truth(scenes: MultiViewData) -> None:
    assert [x.shape for x in scenes.measurements["image"]] == [(300, 3, 8, 8)] * 2
    assert [x.shape for x in scenes.measurements["sensors"]] == [(300, 9)] * 2
    assert list(scenes.true_latents) == SETTINGS
    assert scenes.known_truth.graph is not None
    assert scenes.known_truth.graph.sum() > 0


def test_a_seed_gives_the_same_bits_and_another_seed_others(scenes: MultiViewData) -> None:
    again, other = make_light_tunnel(OPTIONS, 1), make_light_tunnel(OPTIONS, 2)
    for modality in scenes.modalities:
        for first, second, third in zip(
            *(data.measurements[modality] for data in (scenes, again, other)), strict=True
        ):
            np.testing.assert_array_equal(first, second)
            assert not np.array_equal(first, third)


def test_more_measurements_leave_the_settings_as_they_are(scenes: MultiViewData) -> None:
    more = make_light_tunnel(replace(OPTIONS, pictures=3, readings=4), 1)
    assert more.true_latents.equals(scenes.true_latents)
    np.testing.assert_array_equal(more.measurements["sensors"][0], scenes.measurements["sensors"][0])


def test_measurements_of_a_scene_are_taken_anew(scenes: MultiViewData) -> None:
    for modality in scenes.modalities:
        first, second = scenes.measurements[modality]
        assert not np.array_equal(first, second)
    first, second = scenes.measurements["sensors"]
    assert np.corrcoef(first[:, 7], second[:, 7])[0, 1] > 0.9  # both read the angle of the same polariser


@pytest.mark.parametrize("image_model", ["F1", "F2", "F3"])
def test_hardly_a_pixel_is_brighter_than_white(image_model: ImageModel) -> None:
    data = make_light_tunnel(replace(OPTIONS, image_model=image_model), 1)
    for pictures in data.measurements["image"]:
        assert (pictures >= 1).mean() < 0.005
        assert pictures.max() > 0.4


def test_pictures_as_vectors_keep_every_pixel(scenes: MultiViewData) -> None:
    flat = with_pictures_as_vectors(scenes)
    for picture, vector in zip(scenes.measurements["image"], flat.measurements["image"], strict=True):
        np.testing.assert_array_equal(vector.reshape(picture.shape), picture)
    assert flat.columns == scenes.columns
