"""Answers as arrays: order, gaps, people that only one format has, and requests that are twice."""

import numpy as np
import pandas as pd
import pytest
from traits.simulated_people import answers_of

from personax.runs.errors import InputError
from personax.tables.schema import TRAITS
from personax.traits.answer_cubes import answer_cubes, on_common_people
from personax.traits.formats import FORMATS
from personax.traits.published import FORMAT_TITLES
from personax.traits.simulated_answers import SimulatedAnnotator

ANNOTATOR = SimulatedAnnotator("one", by_repeat=0.5, hesitation=0.1)


def test_every_answer_is_in_its_place_whatever_the_order_of_rows() -> None:
    answers = answers_of(ANNOTATOR, SimulatedAnnotator("two"), n=6, repeats=3).answers
    for cube in answer_cubes(answers.sample(frac=1, random_state=0)):
        assert cube.parsed.shape == (6, 3, 5)
        rows = answers[(answers["model"] == cube.model) & (answers["format"] == cube.format)]
        for person, scores, raw in zip(cube.ids, cube.parsed, cube.raw, strict=True):
            own = rows[rows["id"] == person].sort_values("repeat")
            np.testing.assert_array_equal(scores, own[list(TRAITS)])
            assert list(raw) == list(own["raw"])


def test_formats_have_the_order_of_the_paper() -> None:
    cubes = answer_cubes(answers_of(ANNOTATOR, n=3).answers.iloc[::-1])
    assert [cube.format for cube in cubes] == list(FORMAT_TITLES)
    assert set(FORMAT_TITLES) == set(FORMATS)


def test_insufficient_information_is_an_answer_but_no_score() -> None:
    (cube,) = answer_cubes(answers_of(ANNOTATOR, n=40, formats=["text-l3-inc"]).answers)
    assert (cube.parsed == 0).any()
    np.testing.assert_array_equal(np.isnan(cube.scores), cube.parsed == 0)


def test_a_missing_answer_is_a_gap() -> None:
    answers = answers_of(ANNOTATOR, n=3, formats=["text-l3-inc"], repeats=2).answers
    (cube,) = answer_cubes(answers.drop(index=4))  # second repeat of the second person
    assert np.isnan(cube.parsed[1, 1]).all()
    assert cube.raw[1, 1] is None
    assert np.isfinite(cube.parsed).sum() == 5 * 5


def test_two_answers_to_one_request_are_refused() -> None:
    answers = answers_of(ANNOTATOR, n=3, repeats=1).answers
    with pytest.raises(InputError, match="two answers for id p0, model one, format number-l3-inc, repeat 1"):
        answer_cubes(pd.concat([answers, answers.head(1)]))
    with pytest.raises(InputError, match="no answers"):
        answer_cubes(answers.head(0))


def test_two_formats_are_compared_on_the_people_of_both() -> None:
    answers = answers_of(ANNOTATOR, n=4, repeats=1, formats=["text-l3-inc", "text-l5-inc"]).answers
    first, second = on_common_people(*answer_cubes(answers.drop(index=[0, 5]).iloc[::-1]))
    assert sorted(first.ids) == ["p2", "p3"]
    np.testing.assert_array_equal(first.ids, second.ids)
    of_p3 = answers[(answers["id"] == "p3") & (answers["format"] == second.format)]
    np.testing.assert_array_equal(second.parsed[list(second.ids).index("p3")], of_p3[list(TRAITS)])
