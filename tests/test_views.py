"""MultiViewData and splits."""

import numpy as np
import pandas as pd
import pytest
from jaxtyping import TypeCheckError

from personax.views import MultiViewData, Truth, split_rows


def test_split_covers_every_row_once() -> None:
    for n in (3, 10, 101):
        split = split_rows(n, np.random.default_rng(0))
        assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(n))
        labels = split.labels(n)
        assert (labels[split.test] == "test").all()
        assert (labels == "train").sum() == len(split.train) >= 1


def test_split_of_two_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="2 rows"):
        split_rows(2, np.random.default_rng(0))


def test_rows_keep_everything_together() -> None:
    data = MultiViewData(
        {"a": [np.arange(8.0).reshape(4, 2)], "b": [np.arange(4.0)[:, None], np.ones((4, 1))]},
        ids=np.array([10, 11, 12, 13]),
        observed={"b": np.array([[True, False]] * 4)},
        truth=Truth(pd.DataFrame({"z": [0.0, 1, 2, 3]})),
    )
    part = data.rows(np.array([2, 0]))
    assert part.ids.tolist() == [12, 10]
    assert part.true_latents["z"].tolist() == [2, 0]
    assert part.measurements["a"][0].tolist() == [[4, 5], [0, 1]]
    assert part.observed["a"].all()
    assert part.observed["b"].tolist() == [[True, False]] * 2


def test_measurements_with_another_number_of_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="3 rows, but 4 ids"):
        MultiViewData({"a": [np.zeros((3, 1))]}, ids=np.arange(4))


def test_wrong_number_of_true_latents_is_refused() -> None:
    with pytest.raises(ValueError, match="true latents: 3 rows, but 4 ids"):
        MultiViewData({"a": [np.zeros((4, 1))]}, np.arange(4), truth=Truth(pd.DataFrame({"z": [0.0, 1, 2]})))


def test_the_unknown_truth_cannot_be_read() -> None:
    data = MultiViewData({"a": [np.zeros((4, 1))]}, ids=np.arange(4))
    with pytest.raises(ValueError, match="unknown"):
        _ = data.true_latents


def test_shapes_in_signatures_are_checked_in_the_tests() -> None:
    with pytest.raises(TypeCheckError, match="graph"):
        Truth(pd.DataFrame({"z": [0.0, 1]}), graph=np.zeros((2, 3), dtype=int))
    with pytest.raises(TypeCheckError, match="observed"):
        MultiViewData(
            {"a": [np.zeros((4, 1))]}, ids=np.arange(4), observed={"a": np.ones((3, 1), dtype=bool)}
        )
