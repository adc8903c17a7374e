from typing import Any

import numpy as np
import pandas as pd
import pytest

from personax.tables.schema import LLMS, TRAITS, plain
from personax.tables.trait_scores import (
    SCORE_NAMES,
    Aggregate,
    aggregate_scores,
    is_packed,
    rater_of,
    split_cell,
    trait_of,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Chatgpt_score", ("chatgpt", None)),
        ("Aggregated_BigFive_score", ("aggregated", None)),
        ("final_o", ("aggregated", "Openness")),
        ("4o_n", ("chatgpt", "Neuroticism")),
        ("DS_c", ("deepseek", "Conscientiousness")),
        ("gemini_a", ("gemini", "Agreeableness")),
        ("Llama_Extraversion_score", ("llama", "Extraversion")),
        ("Extroversion_Gemini", ("gemini", "Extraversion")),
        ("Openness", (None, "Openness")),
    ],
)
def test_names_of_score_columns_are_known(name: str, meaning: tuple[str | None, str | None]) -> None:
    assert SCORE_NAMES[plain(name)] == meaning


def test_a_single_letter_is_no_trait() -> None:
    assert "o" not in SCORE_NAMES
    assert "n" not in SCORE_NAMES


@pytest.mark.parametrize(
    "cell",
    [
        [3, 1, 2, 2, 1],
        "[3, 1, 2, 2, 1]",
        "3,1,2,2,1",
        "[3 1 2 2 1]",
        np.array([3, 1, 2, 2, 1]),
        {"Openness": 3, "Conscientiousness": 1, "Extraversion": 2, "Agreeableness": 2, "Neuroticism": 1},
        '{"N": 1, "A": 2, "E": 2, "C": 1, "O": 3}',
        "{'openness': 3, 'conscientiousness': 1, 'extroversion': 2, 'agreeableness': 2, 'neuroticism': 1}",
    ],
)
def test_a_packed_cell_is_split_in_every_form(cell: Any) -> None:
    assert is_packed(cell)
    values = split_cell(cell, TRAITS, trait_of)
    assert [float(values[trait]) for trait in TRAITS] == [3, 1, 2, 2, 1]


def test_a_cell_packed_by_rater_is_split() -> None:
    assert split_cell({"ChatGPT": 1, "gemini": 2, "Llama_score": 3}, LLMS, rater_of) == {
        "chatgpt": 1,
        "gemini": 2,
        "llama": 3,
    }


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ([1, 2, 3], "3 values where 5 are expected"),
        ('{"Openness": 1, "Kindness": 2}', "where the keys Openness, .* are expected"),
        ("high", "'high' where a list or dict"),
        (2.0, "'2.0' where a list or dict"),
    ],
)
def test_cells_that_do_not_hold_five_scores_are_refused(cell: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        split_cell(cell, TRAITS, trait_of)


def _frames(*people: tuple[float, float, float]) -> dict[str, pd.DataFrame]:
    """One tuple for each person: the scores of the three models, equal in all traits."""
    return {
        llm: pd.DataFrame({trait: [person[number] for person in people] for trait in TRAITS})
        for number, llm in enumerate(LLMS)
    }


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("median", [2, 1.5, 3, NAN, 1]),
        ("majority", [2, 1.5, 3, NAN, 1]),
        ("mean", [2, 1.5, 3, NAN, 5 / 3]),
    ],
)
def test_aggregates_drop_what_is_missing(how: Aggregate, expected: list[float]) -> None:
    scores = _frames((1, 2, 3), (1, 2, NAN), (NAN, 3, NAN), (NAN, NAN, NAN), (1, 1, 3))
    result = aggregate_scores(scores, how)
    assert list(result.columns) == list(TRAITS)
    np.testing.assert_allclose(result["Openness"], expected)


def test_majority_differs_from_median_when_most_agree_on_an_extreme() -> None:
    scores = {
        **_frames((1, 1, 3)),
        "fourth": _frames((3, 3, 3))["llama"],
        "fifth": _frames((2, 2, 2))["llama"],
    }
    assert aggregate_scores(scores, "majority")["Openness"][0] == 2  # 1 and 3 tie: their median
    assert aggregate_scores(scores, "median")["Openness"][0] == 2
    six = {**scores, "sixth": _frames((3, 3, 3))["llama"]}
    assert aggregate_scores(six, "majority")["Openness"][0] == 3
    assert aggregate_scores(six, "median")["Openness"][0] == 2.5


def test_median_equals_pandas() -> None:
    rng = np.random.default_rng(3)
    cube = rng.choice([1.0, 2.0, 3.0, NAN], (3, 50, 5))
    frames = {llm: pd.DataFrame(values, columns=list(TRAITS)) for llm, values in zip(LLMS, cube, strict=True)}
    expected = pd.concat([frame.stack(future_stack=True) for frame in frames.values()], axis=1).median(axis=1)
    np.testing.assert_array_equal(aggregate_scores(frames).to_numpy().ravel(), expected.to_numpy())
