"""What is read of an answer: strict JSON, JSON in prose, lines; what is refused, with its kind."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from traits.chat_server import right_answer

from personax.tables.schema import TRAITS
from personax.traits.answer_form import NoScoresError, answer_schema, read_answer, score_of
from personax.traits.formats import FORMATS, INSUFFICIENT, WORDS

L3, L5 = FORMATS["number-l3-inc"], FORMATS["number-l5-dec"]
TEXT3, TEXT5 = FORMATS["text-l3-inc"], FORMATS["text-l5-inc"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_schema_lists_the_levels_in_the_order_of_the_prompt(name: str) -> None:
    form = FORMATS[name]
    levels = answer_schema(form)["properties"]["Openness"]["properties"]["score"]["enum"]
    low_to_high: list[Any] = (
        list(WORDS[form.levels]) if form.output == "text" else list(range(1, form.levels + 1))
    )
    ordered = low_to_high if form.order == "inc" else low_to_high[::-1]
    assert levels == [*ordered, INSUFFICIENT if form.output == "text" else 0]
    assert len(FORMATS) == 6


@pytest.mark.parametrize("name", FORMATS)
def test_every_level_of_the_schema_is_read_back(name: str) -> None:
    form = FORMATS[name]
    levels = answer_schema(form)["properties"]["Openness"]["properties"]["score"]["enum"]
    readings = [read_answer(right_answer(level), form) for level in levels]
    assert all(reading.strict for reading in readings)
    scores = [reading.scores["Openness"] for reading in readings]
    ascending = list(range(1, form.levels + 1))
    assert scores == [*(ascending if form.order == "inc" else ascending[::-1]), 0]


def test_the_length_of_descriptions_is_limited_only_on_request() -> None:
    text = answer_schema(L3)["properties"]["Openness"]["properties"]["description"]
    assert text == {"type": "string"}
    limited = answer_schema(L3, 60)["properties"]["Openness"]["properties"]["description"]
    assert limited == {"type": "string", "maxLength": 60}


LINES = "\n".join(f"**{trait}** (1-3): {k % 4} - Quite so." for k, trait in enumerate(TRAITS))
WORDY = "\n".join(f"{trait}: very high. Talks" for trait in TRAITS)


@pytest.mark.parametrize(
    ("text", "form", "scores"),
    [
        (f"Here you are:\n```json\n{right_answer(2)}\n```", L3, [2] * 5),
        (f"Sure! {right_answer(2)} Hope it helps.", L3, [2] * 5),
        (json.dumps({"traits": {trait.lower(): {"Score": "3"} for trait in TRAITS}}), L3, [3] * 5),
        (json.dumps(dict.fromkeys("OCEAN", 1)), L3, [1] * 5),
        (json.dumps(dict.fromkeys(TRAITS, "2 (medium)")), L3, [2] * 5),
        (json.dumps(dict.fromkeys(TRAITS, "high")), L5, [4] * 5),
        (json.dumps(dict.fromkeys(TRAITS, "Insufficient information.")), TEXT3, [0] * 5),
        (LINES, L3, [0, 1, 2, 3, 0]),
        (WORDY, TEXT5, [5] * 5),
        ("\n".join(f"{k}. {trait} - score: 2/3" for k, trait in enumerate(TRAITS, 1)), L3, [2] * 5),
    ],
)
def test_other_spellings_are_read_but_are_not_strict(text: str, form: Any, scores: list[int]) -> None:
    reading = read_answer(text, form)
    assert [reading.scores[trait] for trait in TRAITS] == scores
    assert not reading.strict


def test_the_rest_of_a_line_is_the_description() -> None:
    assert read_answer(LINES, L3).descriptions["Openness"] == "Quite so."


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("This person seems lovely.", "prose"),
        ("", "prose"),
        ("I'm sorry, but I can't judge a real person.", "refusal"),
        ("I cannot help with that.", "refusal"),
        ("I am not able to do so.", "refusal"),
        (right_answer(4), "wrong range: Openness 4"),
        (right_answer(-1), "wrong range"),
        (right_answer(1.5), "wrong range"),
        (right_answer(True), "wrong range"),
        (right_answer("enormous"), "wrong range"),
        (json.dumps({"Openness": 2}), "incomplete: no score for Conscientiousness"),
        (LINES + "\nOpenness: 3", "ambiguous: Openness"),
    ],
)
def test_answers_without_valid_scores_are_failures_of_their_kind(text: str, kind: str) -> None:
    with pytest.raises(NoScoresError, match=f"^{kind}"):
        read_answer(text, L3)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for form in (L3, TEXT5):
        try:
            reading = read_answer(text, form)
        except NoScoresError:
            continue
        assert all(0 <= score <= form.levels for score in reading.scores.values())


def test_null_is_no_judgement() -> None:
    assert score_of(None, L3, "Openness") == 0
