"""Data that no model can be fitted with are refused before training starts."""

from dataclasses import replace

import numpy as np
import pytest

from personax.learning.checks import check_fit
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
    split = replace(SPLIT, validation=np.arange(N) > 40)  # jaxtyping's check is off for a replaced field
    with pytest.raises(InputError, match="split, validation: bool"):
        check_fit(DATA, split, {"a": 2})
