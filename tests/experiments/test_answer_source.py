"""Where the answers of a command come from: folders, a table, a simulation, and nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from traits.answer_folders import write_answers
from traits.simulated_people import answers_of

from personax.experiments.answer_options import AnswersConfig
from personax.experiments.answer_source import answers_folder, check_sources, load_answer_set
from personax.runs.errors import InputError
from personax.tables.schema import TRAITS
from personax.tables.simulation import simulate_table, true_traits
from personax.traits.simulated_answers import SimulatedAnnotator

NOISY = SimulatedAnnotator("one", by_repeat=0.4, hesitation=0.1)


def test_folders_are_taken_together(tmp_path: Path) -> None:
    answers = answers_of(NOISY, n=5, repeats=2).answers
    halves = [answers[answers["repeat"] == repeat] for repeat in (1, 2)]
    folders = [str(write_answers(tmp_path / str(k), half)) for k, half in enumerate(halves)]
    found = load_answer_set(AnswersConfig(answers=folders), None)
    both = pd.concat(halves, ignore_index=True)
    pd.testing.assert_frame_equal(found.answers, both, check_dtype=False)
    assert found.failures.empty
    assert not found.simulated
    alone = load_answer_set(AnswersConfig(answers=folders[:1]), None)
    assert alone.sha256 != found.sha256


def test_a_folder_of_made_up_people_is_marked(tmp_path: Path) -> None:
    folder = write_answers(tmp_path / "a", answers_of(NOISY, n=3, repeats=1).answers, simulated=True)
    assert load_answer_set(AnswersConfig(answers=[str(folder)]), None).simulated


def test_simulated_answers_are_readings_of_the_tables_latents() -> None:
    found = load_answer_set(AnswersConfig(source="simulated", n=300, repeats=1), None)
    table = simulate_table("athlete", n=300, embeddings=False)
    steady = found.answers[
        (found.answers["model"] == "simulated-steady") & (found.answers["format"] == "number-l5-inc")
    ]
    truth = true_traits(table)
    correlations = [np.corrcoef(truth[:, k], steady[trait])[0, 1] for k, trait in enumerate(TRAITS)]
    assert min(correlations) > 0.75
    assert list(steady["id"]) == [str(person) for person in table.ids]
    assert found.simulated


def test_true_traits_are_known_of_simulated_tables_only() -> None:
    table = simulate_table("celeb", n=20, embeddings=False)
    assert true_traits(table).shape == (20, 5)
    with pytest.raises(InputError, match="simulated tables only"):
        true_traits(replace(table, truth=None))


@pytest.mark.parametrize(
    ("config", "table", "number"),
    [
        (AnswersConfig(), None, 0),
        (AnswersConfig(answers=["a"]), "b.csv", 2),
        (AnswersConfig(answers=["a"], source="simulated"), None, 2),
        (AnswersConfig(source="simulated"), "b.csv", 2),
    ],
)
def test_exactly_one_source_is_needed(config: AnswersConfig, table: str | None, number: int) -> None:
    with pytest.raises(InputError, match=f"{number} sources of answers; give one of") as caught:
        check_sources(config, table)
    assert "a --table with repeats" in str(caught.value)


def test_earlier_results_are_kept(tmp_path: Path) -> None:
    (tmp_path / "old.txt").touch()
    config = AnswersConfig(source="simulated", output=str(tmp_path))
    with pytest.raises(InputError, match="--overwrite"):
        answers_folder(config, "anything", None)
    assert answers_folder(replace(config, overwrite=True), "anything", None) == tmp_path
