"""MultiViewData and splits: what is accepted, what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from personax.runs.errors import InputError
from personax.views import MultiViewData, Truth, split_rows


def test_split_covers_every_row_once() -> None:
    for n in (3, 10, 101):
        split = split_rows(n, np.random.default_rng(0))
        assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(n))
        labels = split.labels(n)
        assert (labels[split.test] == "test").all()
        assert (labels == "train").sum() == len(split.train) >= 1


def test_split_of_two_rows_is_refused() -> None:
    with pytest.raises(InputError, match="2 rows"):
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
    with pytest.raises(InputError, match="3 rows, but 4 ids"):
        MultiViewData({"a": [np.zeros((3, 1))]}, ids=np.arange(4))


def test_without_identifiers_the_first_measurement_says_how_many_people_there_are() -> None:
    with pytest.raises(InputError, match="a, measurement 2: 3 rows, but the first measurement has 4"):
        MultiViewData({"a": [np.zeros((4, 2)), np.zeros((3, 2))]})


def test_wrong_number_of_true_latents_is_refused() -> None:
    with pytest.raises(InputError, match="true latents: 3 rows, but 4 ids"):
        MultiViewData({"a": [np.zeros((4, 1))]}, np.arange(4), truth=Truth(pd.DataFrame({"z": [0.0, 1, 2]})))


def test_the_unknown_truth_cannot_be_read() -> None:
    data = MultiViewData({"a": [np.zeros((4, 1))]}, ids=np.arange(4))
    with pytest.raises(ValueError, match="unknown"):
        _ = data.true_latents


def test_a_true_graph_has_a_row_and_a_column_for_every_latent() -> None:
    with pytest.raises(InputError, match=r"true graph: shape \(2, 3\), must be \(2, 2\)"):
        Truth(pd.DataFrame({"z": [0.0, 1], "y": [0.0, 1]}), graph=np.zeros((2, 3), dtype=int))


FOUR = np.arange(8.0, dtype=np.float32).reshape(4, 2)
FRAME = pd.DataFrame(FOUR, columns=["x", "y"])


def people(measurement: Any, **more: Any) -> MultiViewData:
    """Four people with one measurement."""
    return MultiViewData({"a": [measurement]}, ids=np.arange(4), **more)


@pytest.mark.parametrize(
    ("given", "expected", "columns"),
    [
        (FRAME, FOUR, {"a": [("x", "y")]}),
        (FRAME.convert_dtypes(), FOUR, {"a": [("x", "y")]}),
        (FOUR[:, 0], FOUR[:, :1], {}),
        (FRAME["x"], FOUR[:, :1], {}),
        (FOUR.tolist(), FOUR, {}),
    ],
    ids=["frame", "nullable frame", "one number each", "series", "lists"],
)
def test_tables_and_single_numbers_are_taken(given: Any, expected: np.ndarray, columns: Any) -> None:
    data = people(given)
    np.testing.assert_array_equal(data.measurements["a"][0], expected)
    assert data.columns == columns
    assert data.rows(np.array([1])).columns == columns


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (FOUR.astype(object), "a, measurement 1: object, not numbers"),
        (np.array(["1", "2", "3", "4"]), "not numbers"),
        (FRAME.assign(id=["p1", "p2", "p3", "p4"]), "column 'id' is .*, not numbers"),
        (FRAME.set_axis(["x", "x"], axis=1), "column 'x' occurs twice"),
        (FOUR.reshape(4, 2, 1), r"shape \(4, 2, 1\); embeddings are"),
        (FOUR[:, :0], r"shape \(4, 0\)"),
        (FOUR[:3], "3 rows, but 4 ids"),
        (np.ma.masked_less(FOUR, 3), "a masked array; say with `observed`"),
        (1.0, "no rows, but 4 ids"),
    ],
)
def test_measurements_without_a_plain_meaning_are_named(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        people(given)


@pytest.mark.parametrize("given", [{}, {"a": []}, {"a": FOUR}, {"a": FRAME}])
def test_measurements_are_lists_in_a_modality(given: Any) -> None:
    with pytest.raises(InputError, match=r"at least one|a list of one or more"):
        MultiViewData(given, ids=np.arange(4))


def test_masks_of_integers_and_tables_are_taken_as_true_and_false() -> None:
    expected = np.array([[True], [False], [True], [True]])
    for mask in (expected.astype(int), expected.astype(np.uint8), pd.DataFrame(expected), expected):
        observed = people(FOUR, observed={"a": mask}).observed["a"]
        assert observed.dtype == bool
        assert np.array_equal(observed, expected)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ({"b": np.ones((4, 1), dtype=bool)}, r"no modality 'b'; the modalities are \['a'\]"),
        ({"a": np.ones((4, 2), dtype=bool)}, r"shape \(4, 2\), must be \(4, 1\)"),
        ({"a": np.ones((3, 1), dtype=bool)}, r"shape \(3, 1\), must be \(4, 1\)"),
        ({"a": np.ones(4, dtype=bool)}, r"shape \(4,\), must be \(4, 1\)"),
        ({"a": np.full((4, 1), 2)}, "int64, must be True and False"),
        ({"a": np.ones((4, 1))}, "float64, must be True and False"),
    ],
)
def test_masks_that_do_not_fit_are_named(masks: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        people(FOUR, observed=masks)


def test_identifiers_of_any_kind_are_rows_in_order() -> None:
    ids = pd.Series(["p", "q", "r", "s"], index=[3, 2, 1, 0])
    data = MultiViewData({"a": [FOUR]}, ids=ids)  # type: ignore[arg-type]
    assert data.rows(np.array([0, 3])).ids.tolist() == ["p", "s"]
    with pytest.raises(InputError, match=r"ids: shape \(4, 2\)"):
        MultiViewData({"a": [FOUR]}, ids=FOUR)


def test_names_of_other_columns_are_refused() -> None:
    data = people(FRAME)
    with pytest.raises(InputError, match=r"give columns=\{\}"):
        replace(data, measurements={"a": [FOUR[:, :1]]})
    assert replace(data, measurements={"a": [FOUR[:, :1]]}, columns={}).columns == {}


def test_seen_are_those_who_have_any_measurement_of_the_modality() -> None:
    mask = np.array([[True, True], [True, False], [False, True], [False, False]])
    data = MultiViewData({"a": [FOUR, FOUR], "b": [FOUR]}, np.arange(4), {"a": mask})
    assert data.seen("a").tolist() == [True, True, True, False]
    assert data.seen("b").all()


@pytest.mark.parametrize(
    ("validation", "test", "message"),
    [
        (0.6, 0.6, "take all 10 rows"),
        (0.5, 0.5, "take all 10 rows"),
        (0.0, 0.1, "validation 0.0"),
        (0.1, 1.0, "test 1.0"),
        (float("nan"), 0.1, "validation nan"),
    ],
)
def test_shares_that_leave_no_training_rows_are_refused(validation: float, test: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        split_rows(10, np.random.default_rng(0), validation=validation, test=test)


@pytest.mark.parametrize("name", ["a.b", "s", "$", "a/b", "", " a", "a\nb", 3])
def test_names_that_cannot_be_used_everywhere_are_refused(name: Any) -> None:
    with pytest.raises(InputError, match=r"modality .*; rename it"):
        MultiViewData({name: [FOUR]})


@pytest.mark.parametrize("name", ["face", "2", "left eye", "a-b_c", "Stimme", "顔"])
def test_usual_names_are_taken(name: str) -> None:
    assert MultiViewData({name: [FOUR]}).modalities == [name]


@pytest.mark.parametrize("given", [FRAME, FRAME["x"], FOUR.tolist()])
def test_rows_are_numbered_where_identifiers_are_left_out(given: Any) -> None:
    assert MultiViewData({"a": [given]}).ids.tolist() == [0, 1, 2, 3]


def test_given_identifiers_are_not_replaced() -> None:
    with pytest.raises(InputError, match="4 rows, but 0 ids"):
        MultiViewData({"a": [FOUR]}, ids=np.arange(0))


@pytest.mark.parametrize("given", [FOUR, [FOUR], None])
def test_measurements_that_are_no_modalities_are_refused(given: Any) -> None:
    with pytest.raises(InputError, match="must map each modality to a list of arrays"):
        MultiViewData(given)


def test_data_say_what_they_hold() -> None:
    pictures = np.zeros((4, 1, 8, 8), dtype=np.float32)
    data = MultiViewData(
        {"a": [FOUR, FOUR[:, :1]], "b": [pictures]}, observed={"b": np.eye(4, 1)[:, :1] == 1}
    )
    assert repr(data) == (
        "MultiViewData(people: 4, a: 2 measurements of 2 numbers or 1 numbers, "
        "b: 1 measurement of 1 x 8 x 8 pixels (3 of 4 values missing), truth: unknown)"
    )
