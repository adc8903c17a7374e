import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from personax.runs.errors import InputError
from personax.tables import load_table, simulate_table, write_table

SMALL = {"n": 80, "image_dim": 20, "text_dim": 32}


@pytest.mark.parametrize("name", ["athlete", "celeb"])
def test_a_simulated_table_reads_back_equal(name, tmp_path):
    path = tmp_path / "people.parquet"
    table = simulate_table(name, data_seed=4, **SMALL)
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
    assert again.simulated and again.report.warnings[0].startswith("SIMULATED")
    pd.testing.assert_frame_equal(again.truth.latents, table.truth.latents)
    np.testing.assert_array_equal(again.truth.graph, table.truth.graph)
    assert again.truth.blocks == table.truth.blocks
    pd.testing.assert_frame_equal(again.truth.dependent, table.truth.dependent)
    assert again.report.ignored == () and again.report.missing == ()


def test_the_names_are_those_of_the_paper_and_the_mark_is_in_every_row(tmp_path):
    path = tmp_path / "people.parquet"
    write_table(simulate_table("athlete", **SMALL), path)
    names = pyarrow.parquet.read_schema(path).names
    expected = "ID League Birthyear Birthmonth Birthday Latitude Longitude Weight Height Profile_picture"
    assert set(expected.split()) <= set(names)
    for llm in ("Chatgpt", "Gemini", "Llama"):
        assert {f"{llm}_score", f"{llm}_description"} <= set(names)
    frame = pd.read_parquet(path)
    assert frame["Simulated"].all() and "Aggregated_BigFive_score" in frame
    assert min(np.min(cell) for cell in frame["Gemini_score"]) == 0  # "insufficient information", as released


def test_a_table_without_embeddings_and_with_two_texts(tmp_path):
    path = tmp_path / "people.parquet"
    table = simulate_table("athlete", **SMALL)
    del table.embeddings["text"][0]
    table.observed["text"] = table.observed["text"][:, 1:]
    write_table(table, path)
    again = load_table("athlete", table=path)
    np.testing.assert_array_equal(again.embeddings["text"][1], table.embeddings["text"][1])
    write_table(simulate_table("athlete", n=30, embeddings=False), path)
    assert load_table("athlete", table=path).embeddings == {}


def test_other_suffixes_are_refused_and_nothing_is_left(tmp_path):
    table = simulate_table("athlete", n=30, embeddings=False)
    with pytest.raises(InputError, match=r"\.parquet"):
        write_table(table, tmp_path / "people.csv")
    assert list(tmp_path.iterdir()) == []
