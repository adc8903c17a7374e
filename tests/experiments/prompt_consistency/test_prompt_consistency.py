"""The command `consistency`: its tables, the published numbers beside them, and its figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import assert_fits_a_page, figures_saved
from traits.answer_folders import write_answers
from traits.simulated_people import answers_of

from personax.experiments.answer_source import AnswerSet
from personax.experiments.prompt_consistency.consistency_tables import Consistency
from personax.experiments.prompt_consistency.figures import draw_consistency
from personax.experiments.prompt_consistency.report import (
    consistency_report,
    distance_layout,
    published_distance_layout,
    published_median,
)
from personax.experiments.prompt_consistency.run import measure_consistency
from personax.runs.run_folder import METRICS
from personax.runs.run_records import read_manifest
from personax.tables.schema import TRAITS
from personax.traits.answer_cubes import answer_cubes
from personax.traits.consistency import format_distances
from personax.traits.published import FORMAT_PAIRS
from personax.traits.simulated_answers import SimulatedAnnotator

SCRIPT = "trait_inference/prompt_consistency.py"
ANNOTATORS = (SimulatedAnnotator("steady"), SimulatedAnnotator("Grok-3-Beta", by_format=0.5, by_repeat=0.6))


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return answers_of(*ANNOTATORS, n=30, repeats=3).answers


@pytest.fixture(scope="module")
def found(answers: pd.DataFrame) -> Consistency:
    return measure_consistency(answer_cubes(answers), seed=0, resamples=30)


def source_of(answers: pd.DataFrame) -> AnswerSet:
    return AnswerSet(answers, pd.DataFrame(), "made-up annotators", "0", simulated=True)


def values(found: Consistency, model: str, name: str) -> pd.Series:
    rows = found.measures
    return rows[(rows["model"] == model) & (rows["measure"] == name)]["value"]


def test_every_measure_of_every_format_is_there(found: Consistency) -> None:
    counts = found.measures.groupby("measure").size()
    assert counts.to_dict() == {"std": 2 * 6 * 6, "TARr": 2 * 6, "TARa": 2 * 6 * 6, "alpha": 2 * 6 * 5}
    assert set(found.measures["trait"]) == {"all", *TRAITS}
    assert (found.measures["repeats"] == 3).all()
    assert len(found.spreads) == 2 * 6 * 30


def test_an_annotator_without_noise_is_consistent_in_every_table(found: Consistency) -> None:
    assert values(found, "steady", "std").eq(0).all()
    for name in ("TARr", "TARa", "alpha"):
        assert values(found, "steady", name).eq(1).all()
        assert values(found, "Grok-3-Beta", name).lt(0.95).all()
    of_steady = found.distances[found.distances["model"] == "steady"]
    assert of_steady[["value", "by_repeats"]].eq(0).all(axis=None)


def test_intervals_hold_their_values(found: Consistency) -> None:
    for table in (found.measures, found.distances):
        assert (table["low"] <= table["value"] + 1e-12).all()
        assert (table["value"] <= table["high"] + 1e-12).all()


def test_another_model_changes_no_number(answers: pd.DataFrame, found: Consistency) -> None:
    one = measure_consistency(answer_cubes(answers[answers["model"] == "Grok-3-Beta"]), seed=0, resamples=30)
    for name in ("measures", "distances"):
        both = getattr(found, name)
        expected = both[both["model"] == "Grok-3-Beta"].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(one, name), expected)


def test_distances_have_the_papers_layout(found: Consistency) -> None:
    table, published = distance_layout(found.distances), published_distance_layout("CelebPersona")
    assert list(table.columns) == list(published.columns) == [*FORMAT_PAIRS, "Avg."]
    assert list(table.index) == ["steady", "Grok-3-Beta", "Avg."]
    row = table.loc["Grok-3-Beta"].to_numpy(float)
    assert row[-1] == pytest.approx(row[:-1].mean())
    assert table.loc["Avg."].to_numpy(float) == pytest.approx(row / 2)


def test_a_missing_pair_leaves_its_place_and_the_averages_blank(found: Consistency) -> None:
    table = distance_layout(found.distances[found.distances["pair"] != "b"])
    assert table["b"].isna().all()
    assert table["Avg."].isna().all()
    assert table["a"].notna().all()


def test_the_report_has_the_published_numbers(found: Consistency, answers: pd.DataFrame) -> None:
    text = consistency_report(found, source_of(answers))
    assert "SIMULATED DATA" in text
    for number in ("2.36", "1.29", "0.78", "0.63"):  # averages and medians of Qwen2.5-Max, and others
        assert number in text
    assert "| Grok-3-Beta" in text


def test_published_medians_belong_to_models_by_their_name() -> None:
    assert published_median("AthlePersona", "qwen2.5 max", "number-l5-dec") == 0.78
    assert published_median("AthlePersona", "qwen", "number-l5-dec") is None
    assert published_median("AthlePersona", "Qwen2.5-Max", "mine") is None


def test_answers_without_repeats_have_distances_only() -> None:
    answers = answers_of(*ANNOTATORS, n=10, repeats=1).answers
    found = measure_consistency(answer_cubes(answers), seed=0, resamples=20)
    assert found.measures.empty
    assert len(found.distances) == 12
    assert "give --repeats 5" in consistency_report(found, source_of(answers))


def test_a_format_of_another_name_is_drawn_too(tmp_path: Path, answers: pd.DataFrame) -> None:
    other = answers[answers["format"].isin(["number-l3-inc", "text-l5-inc"])]
    other = other.assign(format=other["format"].replace("text-l5-inc", "a format of a long name"))
    found = measure_consistency(answer_cubes(other), seed=0, resamples=20)
    assert found.distances.empty
    with figures_saved() as figures:
        draw_consistency(found, source_of(other), tmp_path)
    assert len(figures) == 2
    for figure in figures:
        assert_fits_a_page(figure, cells=True)


@pytest.mark.parametrize("models", [1, 7])
def test_figures_fit_pages(tmp_path: Path, found: Consistency, answers: pd.DataFrame, models: int) -> None:
    def copies(table: pd.DataFrame) -> pd.DataFrame:
        one = table[table["model"] == "Grok-3-Beta"]
        names = ["Grok-3-Beta", *(f"{k} a model whose name has no end at all" for k in range(1, models))]
        return pd.concat([one.assign(model=name) for name in names], ignore_index=True)

    many = Consistency(copies(found.measures), copies(found.spreads), copies(found.distances))
    with figures_saved() as figures:
        draw_consistency(many, source_of(answers), tmp_path)
    assert len(figures) == {1: 3, 7: 4}[models]
    for figure in figures:
        assert_fits_a_page(figure, cells=True)
    assert (tmp_path / "boxes_2.svg").exists() == (models == 7)


def test_the_command_writes_its_files_from_a_folder(
    tmp_path: Path, answers: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_answers(tmp_path / "answers", answers)
    out = tmp_path / "out"
    with figures_saved():
        assert run_script(SCRIPT, folder, "--resamples", 20, "--output", out) == 0
    assert "Number-L3-Inc" in capsys.readouterr().out
    written = {path.name for path in out.iterdir()}
    assert {"consistency.csv", "distances.csv", "spreads.csv", "report.md", METRICS} <= written
    assert {path.stem for path in (out / "figures").iterdir()} == {"radar", "boxes", "distances"}
    manifest = read_manifest(out)
    assert (manifest["answers"], manifest["people"], manifest["simulated"]) == (len(answers), 30, False)
    distances = pd.read_csv(out / "distances.csv")
    cubes = {(cube.model, cube.format): cube.scores for cube in answer_cubes(answers)}
    for row in distances.itertuples():
        pair = cubes[str(row.model), str(row.first)], cubes[str(row.model), str(row.second)]
        assert row.value == pytest.approx(np.nanmean(format_distances(*pair)))


def test_the_command_reads_a_table_with_repeats(tmp_path: Path, answers: pd.DataFrame) -> None:
    table = tmp_path / "repeats.csv"
    answers[answers["format"] == "number-l3-inc"][["id", "model", "format", "repeat", *TRAITS]].to_csv(
        table, index=False
    )
    with figures_saved():
        assert run_script(SCRIPT, "--table", table, "--resamples", 20, "--output", tmp_path / "out") == 0
    measures = pd.read_csv(tmp_path / "out" / "consistency.csv")
    assert measures[measures["measure"] == "TARr"]["value"].isna().all()
    assert measures[measures["measure"] == "TARa"]["value"].notna().all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "0 sources of answers"),
        (["nowhere"], "responses.jsonl"),
        (["--table", "nowhere.csv"], "no such file"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_script(SCRIPT, *words, "--output", "never_made") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("never_made").exists()
