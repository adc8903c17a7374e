"""The table of the answers: medians without zeros, columns of the schema, and what the loader reads of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from traits.test_answer_files import ANSWER

from personax.runs.files import read_yaml
from personax.tables import TRAITS, load_table
from personax.traits.answers import Answer
from personax.traits.people_list import PeopleList, Person
from personax.traits.trait_table import rater_of_model, rater_of_repeat, scores_by_rater, write_trait_table

IDS = tuple(f"p{k}" for k in range(6))


def answer(id_: str, model: str, repeat: int, score: int) -> Answer:
    scores = dict.fromkeys(TRAITS, score)
    said = dict.fromkeys(TRAITS, f"{model} {repeat}")
    return replace(ANSWER, id=id_, model=model, repeat=repeat, scores=scores, descriptions=said)


def people(invented: bool = False) -> PeopleList:
    listed = tuple(Person(id_, "Mira Quill", {"d": "x"}) for id_ in IDS)
    features = pd.DataFrame({"Height": [170.0 + k for k in range(6)]})
    return PeopleList(listed, features, (invented,) * 6, ("d",), "")


def test_a_rater_has_the_median_of_its_repeats_without_zeros() -> None:
    given = [answer("p0", "m", repeat, score) for repeat, score in enumerate((0, 1, 2), start=1)]
    given += [answer("p1", "m", 1, 0), answer("p1", "m", 2, 0)]
    scores = scores_by_rater(given, ["p1", "p0", "p2"], rater_of_model)["m"]
    assert scores["Openness"].tolist()[:2] == [0.0, 1.5]
    assert scores.loc["p2"].isna().all()


def test_each_repeat_may_be_a_rater() -> None:
    given = [answer("p0", "m", 1, 1), answer("p0", "m", 2, 3)]
    scores = scores_by_rater(given, ["p0"], rater_of_repeat)
    assert {name: frame.loc["p0", "Openness"] for name, frame in scores.items()} == {"m-1": 1, "m-2": 3}


@pytest.mark.parametrize("with_columns", [True, False])
def test_known_models_have_the_columns_of_the_published_tables(tmp_path: Path, with_columns: bool) -> None:
    given = [answer(id_, "ChatGPT-4o-Latest", 1, 1 + k % 3) for k, id_ in enumerate(IDS)]
    given += [answer(id_, "Gemini-2.5-Pro", 1, 3) for id_ in IDS]
    path = tmp_path / "table.parquet"
    columns = write_trait_table(path, people(), given, "number-l3-inc")
    frame = pd.read_parquet(path)
    assert {"ID", "Height", "Chatgpt_score", "Gemini_score", "Aggregated_BigFive_score"} <= set(frame)
    assert frame["Gemini_description"][0].startswith("Openness: Gemini-2.5-Pro 1 Conscientiousness:")
    table = load_table(None, table=path, columns=columns if with_columns else None)
    assert list(table.scores) == ["aggregated", "chatgpt", "gemini"]
    assert table.scores["chatgpt"]["Openness"].tolist() == [1, 2, 3, 1, 2, 3]
    assert table.scores["aggregated"]["Openness"].tolist() == [2, 2.5, 3, 2, 2.5, 3]
    assert list(table.ids) == list(IDS)
    assert not table.simulated


def test_a_model_of_its_own_scale_is_read_with_the_columns_file(tmp_path: Path) -> None:
    given = [answer(id_, "SmolLM2", 1, k) for k, id_ in enumerate(IDS) if k]
    columns = write_trait_table(tmp_path / "t.parquet", people(invented=True), given, "number-l5-inc")
    table = load_table(None, table=tmp_path / "t.parquet", columns=columns)
    np.testing.assert_equal(table.scores["SmolLM2"]["Neuroticism"].tolist(), [np.nan, 1, 2, 3, 4, 5])
    assert table.scale("SmolLM2").high == 5
    assert read_yaml(columns)["ignore"] == ["SmolLM2_description"]
    assert table.report.ignored == ("SmolLM2_description (by --columns)",)
    assert table.simulated


def test_no_answers_at_all_still_give_a_table_of_people(tmp_path: Path) -> None:
    columns = write_trait_table(tmp_path / "t.parquet", people(), [], "number-l3-inc")
    assert list(pd.read_parquet(tmp_path / "t.parquet")) == ["ID", "Height"]
    assert read_yaml(columns) == {"scores": {}}
