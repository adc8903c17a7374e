"""The command `choose_llm`: its report, figure and files, and facts that fit nobody."""

from pathlib import Path

import pandas as pd
import pytest
from commands import run_script
from pictures import assert_fits_a_page, figures_saved
from traits.answer_folders import write_answers
from traits.simulated_people import answers_of

from personax.experiments.answer_source import AnswerSet
from personax.experiments.llm_choice.figures import draw_choice
from personax.experiments.llm_choice.report import TITLES, choice_report, criteria_scores
from personax.experiments.llm_choice.run import compare
from personax.runs.run_records import read_manifest
from personax.traits.selection_criteria import CRITERIA_OF_MODELS
from personax.traits.simulated_answers import SimulatedAnnotator, SimulatedAnswers

SCRIPT = "trait_inference/choose_llm.py"
ANNOTATORS = (
    SimulatedAnnotator("fast", seconds=1.0, failing=0.3, wrong=0.5),
    SimulatedAnnotator("slow", seconds=1.3),
    SimulatedAnnotator("mute", failing=1.0),
)


@pytest.fixture(scope="module")
def drawn() -> SimulatedAnswers:
    return answers_of(*ANNOTATORS, n=20, repeats=1, formats=["number-l3-inc"])


@pytest.fixture(scope="module")
def source(drawn: SimulatedAnswers) -> AnswerSet:
    return AnswerSet(drawn.answers, drawn.failures, "made-up answers", "0", simulated=True)


@pytest.fixture(scope="module")
def found(drawn: SimulatedAnswers, source: AnswerSet) -> pd.DataFrame:
    return compare(source, drawn.facts, seed=0, resamples=20)


def test_a_table_of_models_and_eight_criteria(found: pd.DataFrame) -> None:
    table = criteria_scores(found)
    assert list(table.columns) == list(TITLES.values())
    assert len(table.columns) == 8
    assert set(table.index) == {"fast", "slow", "mute"}
    assert table["overall"].is_monotonic_decreasing


def test_a_model_that_never_answered_has_no_criteria_but_those_of_requests(found: pd.DataFrame) -> None:
    mute = found[found["model"] == "mute"].set_index("criterion")["score"]
    assert mute["missing"] == 0
    assert mute[["time", "hesitation", "privacy", "context", "factual"]].isna().all()


def test_the_report_defines_every_criterion(found: pd.DataFrame, source: AnswerSet) -> None:
    text = choice_report(found, source)
    for criterion in CRITERIA_OF_MODELS.values():
        assert criterion.definition in text
    assert "SIMULATED DATA" in text
    assert "ChatGPT-4o-Latest 0.96" in text
    assert "Overall: the mean of missing rate (1 of 7)" in text


def test_the_figure_fits_a_page_and_leaves_unknown_cells_blank(
    tmp_path: Path, found: pd.DataFrame, source: AnswerSet
) -> None:
    many = pd.concat([found.assign(model=found["model"] + f" {k}, a long name") for k in range(15)])
    with figures_saved() as figures:
        draw_choice(found, source, tmp_path / "few")
        draw_choice(many, source, tmp_path / "many")
    assert len(figures) == 3
    for figure in figures:
        assert_fits_a_page(figure, cells=True)
    (axis,) = figures[0].axes
    assert len(axis.texts) == found["score"].notna().sum()


def test_the_command_takes_folders_and_facts(tmp_path: Path, drawn: SimulatedAnswers) -> None:
    folder = write_answers(tmp_path / "answers", drawn.answers)
    facts = tmp_path / "facts.csv"
    drawn.facts.to_csv(facts, index=False)
    out = tmp_path / "out"
    with figures_saved():
        assert run_script(SCRIPT, folder, "--facts", facts, "--resamples", 20, "--output", out) == 0
    criteria = pd.read_csv(out / "criteria.csv").set_index(["model", "criterion"])
    assert criteria.loc[("slow", "context"), "score"] == 1
    assert criteria["score"]["fast"]["context"] < 0.9
    assert read_manifest(out)["facts_sha256"]


def test_facts_of_other_people_are_refused(
    tmp_path: Path, drawn: SimulatedAnswers, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_answers(tmp_path / "answers", drawn.answers)
    facts = tmp_path / "facts.csv"
    drawn.facts.assign(id="stranger").to_csv(facts, index=False)
    assert run_script(SCRIPT, folder, "--facts", facts, "--output", tmp_path / "out") == 2
    assert "knows nobody of these answers" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
