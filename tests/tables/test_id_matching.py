import numpy as np
import pytest

from personax.runs.errors import InputError
from personax.tables.id_matching import match_ids


@pytest.mark.parametrize(
    ("people", "rows", "target"),
    [
        ([1, 2, 3], ["01", "02", "03"], [0, 1, 2]),
        (["01", "02", "03"], [3, 1, 2], [2, 0, 1]),
        ([1, 2, 3], [2.0, 1.0, 3.0], [1, 0, 2]),
        ([1, 2, 3], [" 2", "3 ", "1"], [1, 2, 0]),
        ([1, 2, 3], [b"3", b"2", b"1"], [2, 1, 0]),
        (["a", "b", "c"], ["c", "x", "a"], [2, -1, 0]),
        (["0", "-1", "10"], ["000", "-01", "10.00"], [0, 1, 2]),
        (["a01", "b01"], ["a1", "b01"], [-1, 1]),
        (["1.5", "2.5"], ["1.50", "2.5"], [-1, 1]),
        # ambiguous on one side: compared as written
        (["1", "01", "2"], ["01", "1", "2"], [1, 0, 2]),
        (["1", "2", "3"], ["1", "01", "2"], [0, -1, 1]),
    ],
)
def test_rows_find_their_people(people: list[object], rows: list[object], target: list[int]) -> None:
    assert match_ids(np.array(people), np.array(rows), "ids.npy").rows.tolist() == target


def test_the_sentence_says_who_was_not_found() -> None:
    rows = np.array([*(f"{number:02d}" for number in range(1, 33)), "x", "y"])
    assert match_ids(np.arange(1, 41), rows, "ids.npy").sentence == (
        "ids.npy: matched 32 of 40 people by ID, 9 of them spelled differently (such as '01' for '1'); "
        "not found: 33, 34, 35, 36, 37 and 3 more; rows of people who are not in the table: x, y"
    )
    assert match_ids(np.arange(40), np.arange(40), "ids.npy").sentence == (
        "ids.npy: matched 40 of 40 people by ID"
    )


def test_half_of_the_people_are_enough_and_fewer_are_refused() -> None:
    people = np.arange(10)
    match_ids(people, people[:5], "ids.npy")
    match_ids(people[:3], np.arange(1000), "ids.npy")  # the table may be a part of the file
    for rows in (people[:4], np.arange(4, 6), np.array(["a", "b"]), people[:0]):
        with pytest.raises(InputError, match=r"ids.npy: matched \d of 10 people.*fewer than half") as caught:
            match_ids(people, rows, "ids.npy")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rows", [[1, 2, 3, 2], ["01", "2", "3", "2"]])
def test_a_person_with_two_rows_is_refused(rows: list[object]) -> None:
    with pytest.raises(InputError, match=r"ids.npy: ID '2' occurs twice"):
        match_ids(np.array([1, 2, 3]), np.array(rows), "ids.npy")
