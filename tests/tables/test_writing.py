from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from tables.simulated import dependent_of, graph_of, small_table, truth_of

from personax.runs.errors import InputError
from personax.tables import PeopleTable, load_table, simulate_table, write_table
from personax.tables.schema import DatasetName


def _small(dataset: DatasetName, data_seed: int = 0) -> PeopleTable:
    return small_table(dataset, data_seed=data_seed, n=80, image_dim=20, text_dim=32)


@pytest.mark.parametrize("name", ["athlete", "celeb"])
def test_a_simulated_table_reads_back_equal(name: DatasetName, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    table = _small(name, data_seed=4)
    write_table(table, path)
    again = load_table(name, table=path)
    np.testing.assert_array_equal(again.ids, table.ids)
    pd.testing.assert_frame_equal(again.features, table.features)
    assert (again.kinds, again.periods) == (table.kinds, table.periods)
    assert list(again.scores) == list(table.scores)
    for rater, frame in table.scores.items():
        pd.testing.assert_frame_equal(again.scores[rater], frame)
    for modality, arrays in table.embeddings.items():
        np.testing.assert_array_equal(again.observed[modality], table.observed[modality])
        for one, two in zip(again.embeddings[modality], arrays, strict=True):
            np.testing.assert_array_equal(one, two)
    assert again.simulated
    assert again.report.warnings[0].startswith("SIMULATED")
    pd.testing.assert_frame_equal(truth_of(again).latents, truth_of(table).latents)
    np.testing.assert_array_equal(graph_of(again), graph_of(table))
    assert truth_of(again).blocks == truth_of(table).blocks
    pd.testing.assert_frame_equal(dependent_of(again), dependent_of(table))
    assert again.report.ignored == ()
    assert again.report.missing == ()


def test_the_names_are_those_of_the_paper_and_the_mark_is_in_every_row(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    write_table(_small("athlete"), path)
    names = pyarrow.parquet.read_schema(path).names
    expected = "ID League Birthyear Birthmonth Birthday Latitude Longitude Weight Height Profile_picture"
    assert set(expected.split()) <= set(names)
    for llm in ("Chatgpt", "Gemini", "Llama"):
        assert {f"{llm}_score", f"{llm}_description"} <= set(names)
    frame = pd.read_parquet(path)
    assert frame["Simulated"].all()
    assert "Aggregated_BigFive_score" in frame
    assert min(np.min(cell) for cell in frame["Gemini_score"]) == 0  # "insufficient information", as released


def test_tables_without_embeddings_or_with_two_texts_are_written(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    table = _small("athlete")
    del table.embeddings["text"][0]
    table.observed["text"] = table.observed["text"][:, 1:]
    write_table(table, path)
    again = load_table("athlete", table=path)
    np.testing.assert_array_equal(again.embeddings["text"][1], table.embeddings["text"][1])
    write_table(simulate_table("athlete", n=30, embeddings=False), path)
    assert load_table("athlete", table=path).embeddings == {}


def test_other_suffixes_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    table = simulate_table("athlete", n=30, embeddings=False)
    with pytest.raises(InputError, match=r"\.parquet"):
        write_table(table, tmp_path / "people.csv")
    assert list(tmp_path.iterdir()) == []
