"""The options that choose the scenes of all commands on Variant-MNIST."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from personax.runs.errors import InputError
from personax.variant_mnist.official_layout import write_dataset
from personax.variant_mnist.scene_config import SceneConfig, measurement_counts, scene_seed
from personax.variant_mnist.scene_data import load_scenes, split_scenes
from personax.views import MultiViewData, checksum_with_truth

SMALL = SceneConfig(n=40, measurements="3,2", size=8, source="digits")


@pytest.fixture(scope="module")
def drawn() -> MultiViewData:
    """The scenes of `SMALL` for the model seed 1."""
    return load_scenes(SMALL, 1)


def test_measurement_counts_are_read() -> None:
    assert measurement_counts(SceneConfig(measurements="5, 1")) == (5, 1)


@pytest.mark.parametrize("text", ["", "3", "3,3,3", "three,1", "-1,1", "0,1", "6,1", "3,0"])
def test_wrong_measurement_counts_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="measurements"):
        measurement_counts(SceneConfig(measurements=text))


def test_the_options_choose_the_scenes() -> None:
    data = load_scenes(replace(SMALL, scm="four_latents"), model_seed=0)
    assert len(data) == 40
    assert [len(arrays) for arrays in data.measurements.values()] == [3, 2]
    assert data.measurements["garment"][0].shape == (40, 1, 8, 8)
    assert data.true_latents.shape == (40, 8)


def test_scenes_follow_the_model_seed_only_if_they_have_no_seed_of_their_own(drawn: MultiViewData) -> None:
    own = replace(SMALL, data_seed=1)
    assert scene_seed(SMALL, 2) == 2
    assert scene_seed(own, 2) == 1
    assert checksum_with_truth(load_scenes(own, 2)) == checksum_with_truth(drawn)
    assert checksum_with_truth(load_scenes(SMALL, 2)) != checksum_with_truth(drawn)


def test_the_split_follows_the_same_seed(drawn: MultiViewData) -> None:
    first, other = split_scenes(SMALL, 1, drawn), split_scenes(SMALL, 2, drawn)
    assert not np.array_equal(first.train, other.train)
    own = replace(SMALL, data_seed=1)
    np.testing.assert_array_equal(split_scenes(own, 2, drawn).train, first.train)
    assert [len(first.train), len(first.validation), len(first.test)] == [32, 4, 4]


def test_the_checksum_depends_on_every_picture(drawn: MultiViewData) -> None:
    changed = drawn.rows(np.arange(len(drawn)))  # a copy
    assert checksum_with_truth(changed) == checksum_with_truth(drawn)
    changed.measurements["garment"][1][39, 0, 7, 7] += 0.5
    assert checksum_with_truth(changed) != checksum_with_truth(drawn)


def test_scenes_are_read_from_a_dataset_folder(drawn: MultiViewData, tmp_path: Path) -> None:
    write_dataset(drawn, tmp_path / "scenes")
    read = load_scenes(replace(SMALL, dataset=str(tmp_path / "scenes")), model_seed=9)
    np.testing.assert_array_equal(read.true_latents, drawn.true_latents)
    for modality in drawn.modalities:
        for one, two in zip(read.measurements[modality], drawn.measurements[modality], strict=True):
            np.testing.assert_allclose(one, two, atol=0.51 / 255)
