"""Tables with a row for each repeat: how columns are found, and which tables are refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from personax.runs.errors import InputError
from personax.tables.schema import TRAITS
from personax.traits.answer_cubes import answer_cubes
from personax.traits.answers import ANSWER_COLUMNS
from personax.traits.repeated_tables import read_repeated_table, table_is_simulated


def written(folder: Path, text: str) -> Path:
    path = folder / "repeats.csv"
    path.write_text(text, encoding="utf-8")
    return path


HEAD = "ID,LLM,Prompt,Run,openness,conscientiousness,extraversion,agreeableness,neuroticism\n"


def test_rows_are_answers(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "7,mine,short,1,1,2,3,0,\n7,mine,short,2,1,2,3,3,1\n")
    answers = read_repeated_table(path)
    assert tuple(answers.columns) == ANSWER_COLUMNS
    (cube,) = answer_cubes(answers)
    assert (cube.model, cube.format, list(cube.ids)) == ("mine", "short", ["7"])
    np.testing.assert_array_equal(cube.parsed[0], [[1, 2, 3, 0, np.nan], [1, 2, 3, 3, 1]])
    assert cube.raw[0, 0] is None
    assert not table_is_simulated(path)


def test_rows_of_a_person_are_numbered_and_models_found_in_the_names(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b", "a"]})
    for rater in ("gpt", "gemini"):
        for k, trait in enumerate(TRAITS):
            frame[f"{rater}_{trait}"] = [1 + k % 3, 2, 3]
    path = tmp_path / "wide.parquet"
    frame.assign(Simulated=True).to_parquet(path)
    answers = read_repeated_table(path)
    assert answers[["id", "model", "repeat"]].values.tolist() == [
        [person, model, repeat]
        for model in ("chatgpt", "gemini")
        for person, repeat in (("a", 1), ("b", 1), ("a", 2))
    ]
    assert table_is_simulated(path)


def test_five_scores_in_one_cell(tmp_path: Path) -> None:
    path = written(tmp_path, "id,chatgpt_score\n1,\"[1, 2, 3, 1, 2]\"\n1,\"{'O': 3, 'N': 0}\"\n")
    answers = read_repeated_table(path)
    scores = answers[list(TRAITS)].to_numpy()
    np.testing.assert_array_equal(scores, [[1, 2, 3, 1, 2], [3, np.nan, np.nan, np.nan, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,openness\nx,1\n", "no column of identifiers"),
        ("id,height\n1,180\n", "no column of scores"),
        ("id,openness\n1,2\n", "no column of Conscientiousness"),
        (HEAD + "7,m,f,1,low,2,3,1,1\n", "row 1: 'low' is not a number"),
        (HEAD + "7,m,f,1,-1,2,3,1,1\n", "row 1"),
        (HEAD + "7,m,f,,1,2,3,1,1\n", "without the number of its repeat"),
        (HEAD + ",m,f,1,1,2,3,1,1\n", "without identifier"),
        ('id,gpt_score\n1,"[1, 2]"\n', "row 1: 2 values where 5 are expected"),
    ],
)
def test_other_tables_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_repeated_table(written(tmp_path, text))
    assert "\n" not in str(caught.value)
