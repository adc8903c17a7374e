"""Other people's measurements are matched to those of the fit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from personax.learning.inputs import Inputs
from personax.runs.errors import InputError
from personax.views import MultiViewData

RNG = np.random.default_rng(0)
TEXT = pd.DataFrame(RNG.standard_normal((5, 3)).astype(np.float32), columns=["x", "y", "z"])
IMAGE = RNG.random((5, 1, 4, 4), dtype=np.float32)
FITTED = MultiViewData({"text": [TEXT, TEXT.to_numpy()], "image": [IMAGE]}, np.arange(5))  # type: ignore[list-item]
INPUTS = Inputs.of(FITTED)


def other(**measurements: Any) -> MultiViewData:
    """Other people, whose measurements differ in these modalities."""
    return MultiViewData({**FITTED.measurements, **measurements}, np.arange(5))


def assert_equal(found: MultiViewData, expected: MultiViewData) -> None:
    assert found.modalities == expected.modalities
    for modality, arrays in expected.measurements.items():
        for one, array in zip(found.measurements[modality], arrays, strict=True):
            np.testing.assert_array_equal(one, array)
    assert found.columns.keys() == expected.columns.keys()


def test_the_measurements_of_the_fit_stay_as_they_are() -> None:
    assert_equal(INPUTS.matched(FITTED), FITTED)
    again = Inputs(**INPUTS.described())
    assert_equal(again.matched(FITTED), FITTED)


def test_columns_of_tables_are_found_by_name_and_modalities_too() -> None:
    shuffled = other(text=[TEXT[["z", "x", "y"]], TEXT.to_numpy()])
    assert_equal(INPUTS.matched(shuffled), FITTED)
    backwards = replace(FITTED, measurements=dict(list(FITTED.measurements.items())[::-1]))
    assert_equal(INPUTS.matched(backwards), FITTED)


def test_columns_without_names_are_taken_by_position() -> None:
    plain = other(text=[TEXT.to_numpy(), TEXT.to_numpy()])
    assert_equal(INPUTS.matched(plain), FITTED)
    renamed = other(text=[TEXT, TEXT.set_axis(["p", "q", "r"], axis=1)])
    np.testing.assert_array_equal(INPUTS.matched(renamed).measurements["text"][1], TEXT.to_numpy())


@pytest.mark.parametrize(
    ("measurements", "message"),
    [
        ({"text": [TEXT.assign(id=1.0), TEXT]}, "text, measurement 1: column 'id' was not there"),
        ({"text": [TEXT[["x", "y"]], TEXT]}, "text, measurement 1: no column 'z'"),
        ({"text": [TEXT, TEXT.assign(id=1.0)]}, r"measurement 2: shape \(4,\) for each person.* \(3,\)"),
        ({"text": [TEXT]}, "text: 1 measurements, but the model was fitted to 2"),
        ({"text": [TEXT, TEXT, TEXT]}, "text: 3 measurements, but the model was fitted to 2"),
        ({"image": [IMAGE[:, :, :3]]}, r"image, measurement 1: shape \(1, 3, 4\)"),
        ({"sound": [TEXT]}, r"modalities \['text', 'image', 'sound'\]"),
    ],
)
def test_other_measurements_are_named(measurements: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        INPUTS.matched(other(**measurements))


def test_a_modality_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="as not observed"):
        INPUTS.matched(MultiViewData({"image": [IMAGE]}, np.arange(5)))
