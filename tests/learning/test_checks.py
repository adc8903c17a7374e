"""Data that no model can be fitted with are refused before training starts."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from personax.learning.checks import (
    check_fit,
    check_fit_arguments,
    check_given_people,
    check_model_arguments,
)
from personax.runs.errors import InputError
from personax.views import MultiViewData, Split

N = 60
DATA = MultiViewData(
    {"a": [np.random.default_rng(k).standard_normal((N, 3)) for k in range(2)]}, np.arange(N)
)
SPLIT = Split(np.arange(40), np.arange(40, 50), np.arange(50, 60))


def test_usual_data_pass() -> None:
    check_fit(DATA, SPLIT, {"a": 2})
    check_fit(DATA, replace(SPLIT, test=np.empty(0, dtype=int)), {"a": 2})


def test_a_measurement_that_nobody_in_training_has_is_named() -> None:
    mask = np.ones((N, 2), dtype=bool)
    mask[SPLIT.train, 1] = False
    with pytest.raises(InputError, match="a, measurement 2: none of the training people has it"):
        check_fit(replace(DATA, observed={"a": mask}), SPLIT, {"a": 2})


def test_a_split_without_validation_rows_is_named() -> None:
    with pytest.raises(InputError, match="no validation rows"):
        check_fit(DATA, replace(SPLIT, validation=np.empty(0, dtype=int)), {"a": 2})


@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_rows_that_do_not_exist_are_named(part: str) -> None:
    with pytest.raises(InputError, match=f"split, {part}: row 60, but rows are 0 to 59"):
        check_fit(DATA, replace(SPLIT, **{part: np.arange(1, N + 1)}), {"a": 2})
    with pytest.raises(InputError, match=f"split, {part}: row -1"):
        check_fit(DATA, replace(SPLIT, **{part: np.arange(-1, N - 1)}), {"a": 2})


def test_a_mask_is_no_list_of_rows() -> None:
    split = replace(SPLIT)
    object.__setattr__(split, "validation", np.arange(N) > 40)  # past jaxtyping's check of fields
    with pytest.raises(InputError, match="split, validation: bool"):
        check_fit(DATA, split, {"a": 2})


class WithLatents(NamedTuple):
    """Looks like a configuration, and is none."""

    latents: object


@dataclass(frozen=True)
class AnyConfig:
    """A configuration with whatever latents."""

    latents: Any


@pytest.mark.parametrize(
    ("config", "seed", "message"),
    [
        ({"a": 2}, 0, "Model: its configuration is dict, must be a configuration with latents"),
        (AnyConfig, 0, "configuration is AnyConfig, must be"),
        (WithLatents({"a": 2}), 0, "configuration is WithLatents, must be"),
        (AnyConfig(2), 0, "latents 2: must map each modality to a whole number"),
        (AnyConfig({"a": 2.5}), 0, "must map each modality"),
        (AnyConfig({"a": True}), 0, "must map each modality"),
        (AnyConfig({"a": 2}), 1.5, "seed 1.5: a whole number"),
        (AnyConfig({"a": 2}), -1, "seed -1: a whole number"),
    ],
)
def test_arguments_of_another_type_are_refused(config: object, seed: object, message: str) -> None:
    check_model_arguments("Model", AnyConfig({"a": np.int64(2)}), np.int64(3))
    with pytest.raises(InputError, match=message):
        check_model_arguments("Model", config, seed)


def test_data_of_another_type_are_refused() -> None:
    array = np.zeros((4, 2))
    with pytest.raises(InputError, match="fit: data are ndarray, must be MultiViewData"):
        check_fit_arguments(array, None)
    with pytest.raises(InputError, match="fit: split is tuple, must be a Split"):
        check_fit_arguments(MultiViewData({"a": [array]}), (1, 2))
    with pytest.raises(InputError, match="people are DataFrame, must be MultiViewData"):
        check_given_people(pd.DataFrame(array))
