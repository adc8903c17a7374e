"""The command `prompt_effect`: grids of every model, format and repeat, and what changes between them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import assert_fits_a_page, figures_saved
from traits.answer_folders import write_answers
from traits.simulated_people import answers_of

from personax.experiments.answer_source import AnswerSet
from personax.experiments.prompt_effect.config import EffectConfig
from personax.experiments.prompt_effect.effect_grids import (
    GRIDS,
    MatchedPeople,
    all_grids,
    match_people,
    scores_of_people,
)
from personax.experiments.prompt_effect.figures import draw_effect
from personax.experiments.prompt_effect.report import effect_report
from personax.experiments.prompt_effect.verdict_changes import PromptEffect
from personax.independence import fisher_z
from personax.runs.errors import InputError
from personax.runs.run_folder import RunFolder
from personax.runs.run_records import read_manifest
from personax.tables import PeopleTable, simulate_table
from personax.tables.schema import TRAITS
from personax.tables.simulation import true_traits
from personax.traits.answer_cubes import answer_cubes
from personax.traits.simulated_answers import SimulatedAnnotator, simulate_answers
from personax.traits.verdicts import cell_changes, changes_by, verdict_matrix

SCRIPT = "trait_inference/prompt_effect.py"
PEOPLE = 60
STEADY, WAVERING = SimulatedAnnotator("steady"), SimulatedAnnotator("wavering", by_repeat=1.0, hesitation=0.1)
FORMATS_OF_TEST = ("number-l3-inc", "text-l3-inc")


@pytest.fixture(scope="module")
def table() -> PeopleTable:
    return simulate_table("athlete", n=PEOPLE, embeddings=False)


@pytest.fixture(scope="module")
def matched(table: PeopleTable) -> MatchedPeople:
    drawn = simulate_answers(
        true_traits(table),
        [str(person) for person in table.ids],
        annotators=(STEADY, WAVERING),
        formats=FORMATS_OF_TEST,
        repeats=2,
    )
    return match_people(AnswerSet(drawn.answers, drawn.failures, "made-up", "0", simulated=True), table)


@pytest.fixture(scope="module")
def found(matched: MatchedPeople, tmp_path_factory: pytest.TempPathFactory) -> PromptEffect:
    folder = RunFolder(tmp_path_factory.mktemp("effect"), {})
    decided = all_grids(EffectConfig(resamples=99), matched, ("fisher_z", "chi_square"), folder)
    matrix = verdict_matrix(decided)
    return PromptEffect(decided, changes_by(matrix), cell_changes(matrix))


def test_every_grid_is_that_of_its_own_scores(matched: MatchedPeople, found: PromptEffect) -> None:
    features = matched.table.features
    assert len(found.decided) == 2 * 2 * 2 * 5 * len(features.columns) * 2
    cube = answer_cubes(matched.source.answers)[-1]
    rows = found.decided[
        (found.decided["model"] == cube.model)
        & (found.decided["format"] == cube.format)
        & (found.decided["repeat"] == 2)
        & (found.decided["test"] == "fisher_z")
        & (found.decided["feature"] == "Height")
    ]
    for row in rows.to_dict("records"):
        own = cube.scores[:, 1, TRAITS.index(row["trait"])]
        both = np.isfinite(own) & features["Height"].notna().to_numpy()
        alone = fisher_z(own[both], features["Height"].to_numpy(float)[both], kinds=("ordinal", "continuous"))
        assert row["statistic"] == pytest.approx(alone.statistic)


def test_equal_scores_have_equal_verdicts(found: PromptEffect) -> None:
    """Chi-square draws random tables here: all grids draw the same ones."""
    steady = found.changes[found.changes["model"] == "steady"]
    assert steady["changed"].eq(0).all()
    repeats = found.changes[(found.changes["model"] == "wavering") & (found.changes["varied"] == "repeat")]
    assert repeats["changed"].gt(0).all()


def test_people_are_matched_by_their_identifiers(table: PeopleTable) -> None:
    answers = answers_of(STEADY, n=8, repeats=1, formats=["number-l3-inc"]).answers
    renamed = answers.assign(id=[str(person) for person in (3, 1, 7, 900, 2, 9, 8, 5)])
    source = AnswerSet(renamed, pd.DataFrame(), "some", "0", simulated=False)
    found = match_people(source, table)
    assert found.people == ["3", "1", "7", "2", "9", "8", "5"]
    assert [str(table.ids[row]) for row in found.rows] == found.people
    assert found.asked == 8
    (cube,) = answer_cubes(renamed)
    scores = scores_of_people(cube, 0, found.people)
    expected = renamed.set_index("id").loc[found.people, list(TRAITS)]
    np.testing.assert_array_equal(scores, expected)


def test_too_few_common_people_are_refused(table: PeopleTable) -> None:
    answers = answers_of(STEADY, n=30, repeats=1).answers
    with pytest.raises(InputError, match="0 of 30 people of the answers are in it; a test needs 5"):
        match_people(AnswerSet(answers, pd.DataFrame(), "some", "0", simulated=False), table)


def test_the_report_says_how_many_and_which(matched: MatchedPeople, found: PromptEffect) -> None:
    text = effect_report(EffectConfig(), matched, found)
    assert "SIMULATED DATA" in text
    assert f"n = {PEOPLE} of {PEOPLE} people" in text
    most = found.cells.iloc[0]
    assert f"| {most['trait']}" in text
    assert "model, all" not in text
    assert "and" in text.splitlines()[-1] or "|" in text.splitlines()[-1]


def test_figures_fit_a_page(tmp_path: Path, matched: MatchedPeople, found: PromptEffect) -> None:
    with figures_saved() as figures:
        draw_effect(EffectConfig(), matched, found, tmp_path)
    assert len(figures) == 2
    for figure in figures:
        assert_fits_a_page(figure, cells=True)
    labels = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert "repeat: steady, Number-L3-Inc" in labels
    assert "model, all together" in labels


def answers_and_table(path: Path) -> list[object]:
    """The words of a command on the answers about 30 people in two formats, and their table."""
    answers = answers_of(STEADY, n=30, repeats=1, formats=FORMATS_OF_TEST).answers
    heights = np.random.default_rng(0).normal(180, 8, 30)
    table = pd.DataFrame({"ID": [f"p{k}" for k in range(30)], "Height": heights})
    table.to_csv(path / "people.csv", index=False)
    folder = write_answers(path / "answers", answers)
    options: list[object] = ["--dataset", "athlete", "--tests", "fisher_z", "--output", path / "out"]
    return [folder, "--table", path / "people.csv", *options]


def test_the_command_joins_folders_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with figures_saved():
        assert run_script(SCRIPT, *answers_and_table(tmp_path)) == 0
    assert "Number-L3-Inc" not in capsys.readouterr().out  # nothing was repeated: only the format varies
    out = tmp_path / "out"
    verdicts = pd.read_csv(out / "verdicts.csv")
    assert len(verdicts) == 2 * 5
    assert read_manifest(out)["people"] == 30
    assert (out / "cells.csv").exists()


def test_grids_that_are_there_are_not_computed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = answers_and_table(tmp_path)
    with figures_saved():
        assert run_script(SCRIPT, *words) == 0
        first, second = sorted((tmp_path / "out" / GRIDS).iterdir())
        before = (tmp_path / "out" / "verdicts.csv").read_bytes(), first.stat().st_mtime_ns
        second.unlink()  # as if the run had been killed before it
        (tmp_path / "out" / "metrics.json").unlink()
        assert run_script(SCRIPT, *words) == 2
        assert "continue it with --resume" in capsys.readouterr().err
        assert run_script(SCRIPT, *words, "--resume") == 0
        assert ((tmp_path / "out" / "verdicts.csv").read_bytes(), first.stat().st_mtime_ns) == before
        first.write_bytes(b"PAR1")
        assert run_script(SCRIPT, *words, "--resume") == 2
        assert "damaged; delete it" in capsys.readouterr().err
        assert second.exists()


def test_a_run_does_not_go_on_with_another_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = answers_and_table(tmp_path)
    with figures_saved():
        assert run_script(SCRIPT, *words) == 0
    people = tmp_path / "people.csv"
    people.write_text(people.read_text().replace("p0,181", "p0,182"))
    assert run_script(SCRIPT, *words, "--resume") == 2
    assert "was made with other data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["answers"], "give the --table with the features of the people"),
        (["--source", "simulated", "--dataset", "athlete"], "leave out --table and --dataset"),
        (["--source", "simulated", "--tests", "best"], "'best' is unknown"),
        ([], "0 sources of answers"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_script(SCRIPT, *words, "--output", "never_made") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
