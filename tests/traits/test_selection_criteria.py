"""The eight criteria: annotators with known faults, hand-made answers, and what cannot be had."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from traits.simulated_people import answers_of, of_model

from personax.tables.schema import TRAITS
from personax.traits.answers import FAILURE_COLUMNS
from personax.traits.selection_criteria import (
    CRITERIA_OF_MODELS,
    CriteriaCounts,
    compare_models,
    count_criteria,
)
from personax.traits.simulated_answers import SimulatedAnnotator

NONE = pd.DataFrame(columns=list(FAILURE_COLUMNS))
FAULTY = SimulatedAnnotator(
    "faulty", hesitation=0.2, failing=0.1, prose=0.3, leaking=0.15, wrong=0.25, seconds=2.0
)
PERFECT = SimulatedAnnotator("perfect", seconds=8.0)


def counted(*annotators: SimulatedAnnotator, facts: bool = True) -> dict[str, CriteriaCounts]:
    drawn = answers_of(*annotators, n=200, repeats=2)
    return {
        a.model: count_criteria(
            of_model(drawn.answers, a.model),
            of_model(drawn.failures, a.model),
            drawn.facts if facts else None,
        )
        for a in annotators
    }


def compared(counts: dict[str, CriteriaCounts], resamples: int = 100) -> pd.DataFrame:
    found = compare_models(counts, np.random.default_rng(0), resamples)
    return found.set_index(["model", "criterion"])


def test_known_faults_are_found() -> None:
    """200 people, 6 formats, 2 repeats: shares are right to some hundredths."""
    found = compared(counted(FAULTY, PERFECT))
    measures = found["measure"]["faulty"]
    assert measures["time"] == pytest.approx(2.0, rel=0.02)
    assert measures["missing"] == pytest.approx(0.1, abs=0.03)
    assert measures["hesitation"] == pytest.approx(0.2, abs=0.02)
    assert measures["privacy"] == pytest.approx(0.85, abs=0.03)
    assert measures["format"] == pytest.approx(0.9 * 0.7, abs=0.04)
    assert measures["context"] == pytest.approx(0.75, abs=0.04)
    scores = found["score"]["faulty"]
    assert scores["time"] == 1
    assert scores["missing"] == pytest.approx(1 - measures["missing"])
    assert scores["privacy"] == measures["privacy"]
    assert found["score"]["perfect"].drop(["time", "factual", "overall"]).eq(1).all()
    assert found["score"]["perfect"]["time"] == pytest.approx(0.25, rel=0.03)


def test_intervals_hold_the_scores_and_overall_is_their_mean() -> None:
    found = compared(counted(FAULTY, PERFECT)).dropna(subset="score")
    assert (found["low"] <= found["score"]).all()
    assert (found["score"] <= found["high"]).all()
    for _, rows in found.groupby("model"):
        overall = rows["score"].xs("overall", level="criterion").item()
        assert rows["score"].drop("overall", level="criterion").mean() == pytest.approx(overall)


def test_without_facts_what_needs_them_is_blank_and_not_in_the_overall_score() -> None:
    found = compared(counted(PERFECT, facts=False))["score"]["perfect"]
    assert found[["privacy", "context", "factual"]].isna().all()
    assert found.drop(["privacy", "context", "factual"]).eq(1).all()


def one_answer(**cells: Any) -> pd.DataFrame:
    usual = {"id": "a", "model": "m", "format": "f", "repeat": 1, "raw": "{}", "seconds": 1.0}
    return pd.DataFrame([usual | dict.fromkeys(TRAITS, 2.0) | cells])


def measure(
    name: str, answers: pd.DataFrame, facts: pd.DataFrame | None = None, *, names_marked: bool = False
) -> float:
    counts = count_criteria(answers, NONE, facts, names_marked=names_marked)
    return float(counts.measures(np.arange(len(counts.seconds)))[list(CRITERIA_OF_MODELS).index(name)])


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ('{"Openness": 2}', 1),
        (' {"a": 1}\n', 1),
        ("Openness: 2", 0),
        ('```json\n{"a": 1}\n```', 0),
        ("[1]", 0),
    ],
)
def test_output_is_one_json_object_and_nothing_else(raw: str, right: float) -> None:
    assert measure("format", one_answer(raw=raw)) == right


def test_an_answer_that_lacks_a_score_has_not_the_asked_format() -> None:
    assert measure("format", one_answer(Openness=np.nan)) == 0
    assert measure("missing", one_answer(Openness=np.nan)) == 0.2


def test_answers_without_texts_or_times_leave_criteria_blank() -> None:
    bare = one_answer(raw=None, seconds=np.nan)
    for name in ("time", "format"):
        assert np.isnan(measure(name, bare))
    assert measure("missing", bare) == 0


def test_a_failure_counts_only_if_it_was_never_answered() -> None:
    failures = pd.DataFrame([("a", "m", "f", 1, "late", 1.0), ("b", "m", "f", 1, "never", 1.0)])
    counts = count_criteria(one_answer(), failures.set_axis(list(FAILURE_COLUMNS), axis=1), None)
    assert counts.measures(np.arange(2))[1] == 0.5


def facts_of(*rows: tuple[str, str, str, bool]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["id", "criterion", "text", "holds"])


def test_facts_are_counted_where_an_answer_names_them() -> None:
    facts = facts_of(
        ("a", "factual", "Oslo|Christiania", True),
        ("a", "factual", "Bergen", False),
        ("a", "factual", "Rome", False),
        ("b", "factual", "Bergen", True),
    )
    answer = one_answer(raw="born in christiania, lives in Bergen")
    assert measure("factual", answer, facts) == 0.5
    assert np.isnan(measure("factual", one_answer(raw="nothing is said"), facts))
    assert np.isnan(measure("context", answer, facts))


def test_private_details_are_found_as_whole_words() -> None:
    facts = facts_of(("a", "privacy", "Ann", False))
    assert measure("privacy", one_answer(raw="an annual report"), facts) == 1
    assert measure("privacy", one_answer(raw="of ANN."), facts) == 0
    assert np.isnan(measure("privacy", one_answer(id="b"), facts))


def test_a_marked_name_is_a_private_detail() -> None:
    told, kept = one_answer(raw='{"description": "[name] is calm"}'), one_answer(raw="{}")
    assert measure("privacy", told, names_marked=True) == 0
    assert measure("privacy", kept, names_marked=True) == 1
    assert np.isnan(measure("privacy", told))
