import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from personax.runs.errors import InputError
from personax.tables import TRAITS, LoadReport, SimulatedSource, load_table
from personax.tables.loading import check_request
from personax.tables.schema import LLMS
from personax.tables.trait_scores import Aggregate


def _csv(frame: pd.DataFrame, folder: Path, separator: str = ",") -> Path:
    path = folder / "people.csv"
    frame.to_csv(path, index=False, sep=separator)
    return path


# ---- what is accepted


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet", ".jsonl", ".arrow", ".feather"])
def test_every_format_gives_the_same_table(athlete_frame: pd.DataFrame, tmp_path: Path, suffix: str) -> None:
    frame, path = athlete_frame, tmp_path / f"people{suffix}"
    if suffix in (".csv", ".tsv"):
        frame.to_csv(path, index=False, sep="," if suffix == ".csv" else "\t")
    elif suffix == ".parquet":
        frame.to_parquet(path)
    elif suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        new = pa.ipc.new_stream if suffix == ".arrow" else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema) as writer:
            writer.write_table(table)
    loaded = load_table("athlete", table=path)
    np.testing.assert_array_equal(loaded.ids, frame["ID"])
    assert loaded.ids.dtype == np.int64
    assert list(loaded.features["League"]) == list(frame["League"])
    for name in ("Birthyear", "Birthmonth", "Latitude", "Weight"):
        np.testing.assert_array_equal(loaded.features[name], frame[name].astype(float))
    gemini = np.array([json.loads(cell) for cell in frame["Gemini_score"]], dtype=float)
    np.testing.assert_array_equal(loaded.scores["gemini"][list(TRAITS)], gemini)
    assert loaded.name == "athlete"
    assert not loaded.simulated
    assert loaded.truth is None
    assert loaded.kinds["League"] == "nominal"
    assert loaded.kinds["Birthday"] == "ordinal"
    assert loaded.kinds["Birthmonth"] == "circular"
    assert loaded.periods == {"Birthmonth": 12}
    assert len(loaded.sha256) == 64


def test_column_names_of_the_authors_private_files_are_known(
    celeb_frame: pd.DataFrame, tmp_path: Path
) -> None:
    table = load_table("celeb", table=_csv(celeb_frame, tmp_path))
    assert {
        "Height",
        "Weight",
        "Birthyear",
        "Birthmonth",
        "Birthday",
        "Day_of_year",
        "Occupation",
        "Gender",
    } <= set(table.features)
    assert table.periods == {"Birthmonth": 12, "Day_of_year": 365.25}
    assert list(table.scores) == ["aggregated", "chatgpt", "gemini", "deepseek"]
    np.testing.assert_array_equal(table.scores["deepseek"]["Openness"], celeb_frame["DS_o"].astype(float))
    np.testing.assert_array_equal(
        table.scores["aggregated"]["Neuroticism"], celeb_frame["final_n"].astype(float)
    )
    assert "llama scores" in table.report.missing
    assert "Oval_Face" in table.report.missing
    assert "Chubby" not in table.report.missing  # only the older draft has it
    assert any("no column of identifiers" in warning for warning in table.report.warnings)


@pytest.mark.parametrize(
    "form", ["dict", "json dict", "list", "arrow list", "struct", "five columns", "by trait"]
)
def test_scores_are_read_in_every_form(athlete_frame: pd.DataFrame, tmp_path: Path, form: str) -> None:
    values = {llm: [json.loads(cell) for cell in athlete_frame[f"{llm.capitalize()}_score"]] for llm in LLMS}
    frame = athlete_frame.drop(columns=[f"{llm.capitalize()}_score" for llm in LLMS])
    named = {llm: [dict(zip(TRAITS, row, strict=True)) for row in rows] for llm, rows in values.items()}
    path = tmp_path / "people.parquet"
    for llm in LLMS:
        packed = f"{llm.capitalize()}_score"
        if form == "dict":
            frame[packed] = [str(row) for row in named[llm]]
        elif form == "json dict":
            frame[packed] = [json.dumps(row) for row in named[llm]]
        elif form == "list":
            frame[packed] = [str(row) for row in values[llm]]
        elif form == "arrow list":
            frame[packed] = values[llm]
        elif form == "struct":
            frame[packed] = pd.Series(named[llm], dtype=object)
        elif form == "five columns":
            for trait in TRAITS:
                frame[f"{llm}_{trait}"] = [row[trait] for row in named[llm]]
    if form == "by trait":
        for trait in TRAITS:
            cells = [{llm: named[llm][row][trait] for llm in LLMS} for row in range(len(frame))]
            frame[trait] = pd.Series(cells, dtype=object)
    frame.to_parquet(path)
    table = load_table("athlete", table=path)
    for llm in LLMS:
        np.testing.assert_array_equal(table.scores[llm].to_numpy(), np.array(values[llm], dtype=float))
    np.testing.assert_array_equal(
        table.scores["aggregated"].to_numpy(), np.median([values[llm] for llm in LLMS], axis=0)
    )


def test_zero_is_missing_and_the_median_drops_it(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    for llm, cell in zip(LLMS, ("[0,0,3,1,2]", "[1,0,3,2,2]", "[2,0,1,0,2]"), strict=True):
        athlete_frame[f"{llm.capitalize()}_score"] = cell
    scores = load_table("athlete", table=_csv(athlete_frame, tmp_path)).scores
    assert np.isnan(scores["chatgpt"]["Openness"]).all()
    row = scores["aggregated"].iloc[0]
    assert list(row[["Openness", "Extraversion", "Agreeableness", "Neuroticism"]]) == [1.5, 3, 1.5, 2]
    assert np.isnan(row["Conscientiousness"])


def test_the_files_own_aggregate_is_kept_for_the_median_and_differences_are_reported(
    athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    athlete_frame["Aggregated_BigFive_score"] = "[1, 1, 1, 1, 1]"
    path = _csv(athlete_frame, tmp_path)
    table = load_table("athlete", table=path)
    assert (table.scores["aggregated"] == 1).all().all()
    assert any("aggregated scores are not the median" in warning for warning in table.report.warnings)
    mean = load_table("athlete", table=path, aggregate="mean").scores["aggregated"].to_numpy()
    models = np.mean([table.scores[llm].to_numpy() for llm in LLMS], axis=0)
    np.testing.assert_allclose(mean, models)


def test_missing_cells_are_recognised_in_many_spellings(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = athlete_frame.astype({"Height": object, "League": object})
    spellings = ["", "NA", "n/a", "NaN", "None", "-", "unknown", "0"]
    frame.loc[: len(spellings) - 1, "Height"] = spellings
    frame.loc[:6, "League"] = spellings[:7]
    features = load_table("athlete", table=_csv(frame, tmp_path)).features
    assert features["Height"].isna().sum() == 8
    assert features["League"].isna().sum() == 7
    assert features["Height"].dtype == float


def test_unknown_columns_are_reported_not_dropped_silently(
    athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame = athlete_frame.drop(columns=["Weight"]).assign(
        Shoe=1, image_path="a.png", Chatgpt_description="tall"
    )
    report = load_table("athlete", table=_csv(frame, tmp_path)).report
    assert "Shoe" in report.ignored
    assert "image_path (not used)" in report.ignored
    assert "Chatgpt_description (not vectors)" in report.ignored
    assert "Weight" in report.missing
    assert "aggregated scores" not in report.missing
    text = str(report)
    assert "3 columns ignored: " in text
    assert "missing: Weight" in text


def test_report_names_a_run_of_columns_once() -> None:
    columns = {f"e_{number}": "image embedding 1" for number in range(100)} | {
        "Height": "Height",
        "Lat": "Latitude",
    }
    report = LoadReport(columns, ignored=tuple(f"x{number}" for number in range(20)))
    first, second = str(report).split("\n")
    assert first == "102 columns recognised: e_0 ... e_99 = image embedding 1, Lat = Latitude"
    assert second.startswith("20 columns ignored: x0, x1")
    assert second.endswith("x11, and 8 more")


def test_typed_columns_with_nulls_and_categories_are_read(
    athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame = athlete_frame.astype({"Birthyear": "Int64", "League": "category"})
    frame.loc[2, "Birthyear"] = pd.NA
    frame.loc[3, "League"] = None
    path = tmp_path / "people.parquet"
    frame.to_parquet(path)
    features = load_table("athlete", table=path).features
    assert np.isnan(features["Birthyear"][2])
    assert features["Birthyear"][1] == athlete_frame["Birthyear"][1]
    assert features["League"].isna().sum() == 1
    assert features["League"][0] == athlete_frame["League"][0]


def test_a_table_that_is_neither_is_read_with_the_names_of_both(
    celeb_frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame = celeb_frame.assign(League="NBA")
    table = load_table(None, table=_csv(frame, tmp_path))
    assert {"League", "Gender"} <= set(table.features)
    assert table.name == "people"


def test_identifiers_that_are_texts_stay_texts(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    athlete_frame["ID"] = [f"{number:03d}" for number in range(len(athlete_frame))]
    assert list(load_table("athlete", table=_csv(athlete_frame, tmp_path)).ids[:2]) == ["000", "001"]


def test_n_limits_the_table_to_the_first_rows(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    table = load_table("athlete", table=_csv(athlete_frame, tmp_path), n=7)
    assert len(table) == len(table.features) == len(table.scores["aggregated"]) == 7


def test_the_mark_of_a_simulated_csv_is_kept(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    table = load_table("athlete", table=_csv(athlete_frame.assign(Simulated=True), tmp_path))
    assert table.simulated
    assert table.truth is None
    assert "SIMULATED" in str(table.report)


# ---- warnings


def test_constant_and_empty_columns_give_warnings(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    frame = athlete_frame.assign(Height=180, League="NBA", Weight=np.nan)
    table = load_table("athlete", table=_csv(frame, tmp_path))
    assert "Height is constant (180.0)" in table.report.warnings
    assert "League is constant ('NBA')" in table.report.warnings
    assert "Weight has no values at all" in table.report.warnings
    assert "Height" in table.features


# ---- what is refused, each in one line that says where and what


def _refused(path: Path, *words: str, aggregate: Aggregate = "median") -> None:
    with pytest.raises(InputError) as caught:
        load_table("athlete", table=path, aggregate=aggregate)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_missing_and_empty_files_are_refused(tmp_path: Path, suffix: str) -> None:
    _refused(tmp_path / f"no{suffix}", f"no{suffix}", "no such file")
    (tmp_path / f"empty{suffix}").touch()
    _refused(tmp_path / f"empty{suffix}", "is empty")


def test_a_header_without_rows_a_folder_and_an_unknown_format_are_refused(
    athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    _refused(_csv(athlete_frame[:0], tmp_path), "no rows")
    _refused(tmp_path, "is a folder")
    other = tmp_path / "people.xlsx"
    other.write_text("x")
    _refused(other, ".xlsx", ".parquet")


@pytest.mark.parametrize("keep", [0.5, 0.9, 0.999])
def test_truncated_parquet_is_refused(athlete_frame: pd.DataFrame, tmp_path: Path, keep: float) -> None:
    path = tmp_path / "people.parquet"
    athlete_frame.to_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    _refused(path, "people.parquet", "damaged or incomplete parquet file")


def test_parquet_with_damaged_pages_is_refused(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    athlete_frame.to_parquet(path)
    whole = bytearray(path.read_bytes())
    whole[4:600] = b"\xff" * 596
    path.write_bytes(whole)
    _refused(path, "damaged or incomplete parquet file")


def test_truncated_csv_and_jsonl_name_the_row(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    path = _csv(athlete_frame, tmp_path)
    text = path.read_text()
    path.write_text(text[: text.rindex("NB") if "NB" in text[-80:] else text[:-40].rindex(",")])
    _refused(path, "row 12", "cells, but the header has")
    lines = tmp_path / "people.jsonl"
    athlete_frame.to_json(lines, orient="records", lines=True)
    lines.write_text(lines.read_text()[:-20])
    _refused(lines, "line 12", "not valid JSON")


def test_other_encodings_than_utf8_are_refused_with_what_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes("ID,League\n1,Fußball\n".encode("latin-1"))
    _refused(path, "UTF-8", "byte 15", "encoding: cp1252", "--columns")
    path.write_bytes("ID,League\n1,Fußball\n".encode("utf-16"))
    _refused(path, "UTF-8", "byte 1", "encoding: utf-16", "--columns")


def test_repeated_columns_are_refused(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("ID,Height,Height\n1,180,181\n")
    _refused(path, "column 'Height' occurs twice")
    _refused(
        _csv(athlete_frame.assign(**{"gpt_score": athlete_frame["Chatgpt_score"]}), tmp_path),
        "'Chatgpt_score' and 'gpt_score'",
        "chatgpt",
    )


def test_repeated_columns_in_a_parquet_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    column = pa.array([1.0, 2.0])
    pa.parquet.write_table(pa.Table.from_arrays([column, column], names=["Height", "Height"]), path)
    _refused(path, "column 'Height' occurs twice")


def test_a_file_without_any_known_column_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("alpha,beta\n1,2\n")
    _refused(path, "no known column", "'alpha'", "--columns")


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("Height", "tall", ("row 4", "'tall' is not a number")),
        ("Height", "inf", ("row 4", "inf", "50 to 275")),
        ("Weight", "-inf", ("row 4", "-inf", "kg")),
        ("Latitude", "123", ("row 4", "123", "-90 to 90")),
        ("Longitude", "-181", ("row 4", "-181", "-180 to 180")),
        ("Birthmonth", "13", ("row 4", "13", "1 to 12")),
        ("Birthday", "0", ("row 4", "0", "1 to 31")),
        ("Birthyear", "196O", ("row 4", "'196O' is not a number")),
    ],
)
def test_wrong_numbers_name_column_row_and_value(
    athlete_frame: pd.DataFrame, tmp_path: Path, column: str, value: str, words: tuple[str, ...]
) -> None:
    frame = athlete_frame.astype({column: object})
    frame.loc[3, column] = value
    _refused(_csv(frame, tmp_path), "people.csv", f"column {column!r}", *words)


def test_infinity_in_typed_columns_is_refused(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    athlete_frame.loc[5, "Latitude"] = np.inf
    path = tmp_path / "people.parquet"
    athlete_frame.to_parquet(path)
    _refused(path, "column 'Latitude'", "row 6", "inf")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("[1, 2, 4, 1, 1]", ("4 is out of range",)),
        ("[1, 2, -1, 1, 1]", ("-1 is out of range",)),
        ("[1, 2, 0.5, 1, 1]", ("0.5 is out of range",)),
        ("[1, 2, 3]", ("3 values where 5",)),
        ('[1, 2, "high", 1, 1]', ("'high' is not a score",)),
        ("[1, 2, Infinity, 1, 1]", ("inf is out of range",)),
        ('{"Openness": 1, "Kindness": 2}', ("'Kindness': 2} where the keys",)),
        ("very open", ("'very open' where a list or dict",)),
    ],
)
def test_wrong_scores_name_row_and_value(
    athlete_frame: pd.DataFrame, tmp_path: Path, cell: str, words: tuple[str, ...]
) -> None:
    athlete_frame.loc[2, "Gemini_score"] = cell
    _refused(_csv(athlete_frame, tmp_path), "column 'Gemini_score'", "row 3", *words)


def test_a_wrong_score_in_a_column_for_one_trait_is_named(celeb_frame: pd.DataFrame, tmp_path: Path) -> None:
    celeb_frame.loc[1, "4o_e"] = 7
    with pytest.raises(InputError, match=r"column '4o_e', row 2: '7' is out of range"):
        load_table("celeb", table=_csv(celeb_frame, tmp_path))


def test_repeated_and_missing_identifiers_are_refused(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    athlete_frame.loc[4, "ID"] = 2
    _refused(_csv(athlete_frame, tmp_path), "column 'ID'", "row 5", "'2'", "row 2")
    frame = athlete_frame.astype({"ID": object})
    frame.loc[4, "ID"] = ""
    _refused(_csv(frame, tmp_path), "row 5", "no identifier")


def test_fewer_than_five_complete_rows_are_refused(athlete_frame: pd.DataFrame, tmp_path: Path) -> None:
    _refused(_csv(athlete_frame[:4], tmp_path), "only 4 of 4 rows")
    for llm in LLMS:
        athlete_frame.loc[3:, f"{llm.capitalize()}_score"] = "[0,0,0,0,0]"
    _refused(_csv(athlete_frame, tmp_path), "only 3 of 12 rows", "at least 5")


def test_an_aggregate_without_scores_of_models_is_refused(
    athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame = athlete_frame.rename(columns={"Chatgpt_score": "Aggregated_BigFive_score"})
    frame = frame.drop(columns=["Gemini_score", "Llama_score"])
    _refused(_csv(frame, tmp_path), "no scores of single models", aggregate="majority")


def test_a_call_without_table_or_rows_is_refused() -> None:
    with pytest.raises(InputError, match="no table"):
        load_table(None)
    with pytest.raises(InputError, match="n = 0"):
        load_table("athlete", n=0)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"dataset": "swimmers"}, "dataset 'swimmers': unknown; choose from athlete, celeb"),
        ({"dataset": None}, "no table: name a dataset"),
        ({"source": "simulated"}, "source 'simulated': must be HubSource"),
        ({"aggregate": "mode"}, "aggregate 'mode': unknown; choose from median, majority, mean"),
        ({"n": "5"}, "n = '5': must be a whole number"),
        ({"n": 0}, "n = 0: must be a whole number"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(argument: dict[str, Any], message: str) -> None:
    right: dict[str, Any] = {
        "dataset": "athlete",
        "source": SimulatedSource(),
        "table": None,
        "aggregate": "mean",
        "n": None,
    }
    check_request(**right)
    with pytest.raises(InputError, match=message):
        check_request(**right | argument)
