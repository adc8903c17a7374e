import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from personax.runs.errors import InputError
from personax.tables import load_table
from personax.tables.embeddings import Slot, slot_of
from personax.tables.reading import read_files

LLM_COLUMNS = ("Chatgpt_description", "Gemini_description", "Llama_description")


@pytest.fixture
def vectors() -> dict[str, np.ndarray]:
    """(12, 16) float32 for the image and (12, 20) for each text."""
    rng = np.random.default_rng(4)
    image = rng.standard_normal((12, 16)).astype(np.float32)
    return {"Profile_picture": image} | {
        name: rng.standard_normal((12, 20)).astype(np.float32) for name in LLM_COLUMNS
    }


@pytest.mark.parametrize(
    ("name", "slot"),
    [
        ("Profile_picture", Slot("image", 1)),
        ("Profile_picture_3", Slot("image", 3)),
        ("X2_imagebind_embeddings", Slot("image", 2)),
        ("image1_embedding", Slot("image", 1)),
        ("X1_text_gpt", Slot("text", 1)),
        ("X22_text_gemini", Slot("text", 2)),
        ("Llama_description", Slot("text", 3)),
        ("Text_embedding_2", Slot("text", 2)),
        ("Gemini_embedding", Slot("text", 2)),
        ("Gemini_score", None),
        ("Height", None),
    ],
)
def test_the_name_tells_which_measurement_a_column_holds(name: str, slot: Slot | None) -> None:
    assert slot_of(name) == slot


@pytest.mark.parametrize(
    "form", ["list", "fixed-size", "double", "text", "numpy text", "jsonl", "columns", "csv columns"]
)
def test_embeddings_are_read_in_every_form(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path, form: str
) -> None:
    path = tmp_path / (
        "people.csv" if "csv" in form else "people.jsonl" if form == "jsonl" else "people.parquet"
    )
    frame = athlete_frame
    if "columns" in form:
        wide = {f"{name}_{i}": x[:, i] for name, x in vectors.items() for i in range(x.shape[1])}
        frame = pd.concat([frame, pd.DataFrame(wide)], axis=1)
    elif "text" in form:
        for name, x in vectors.items():
            frame[name] = [str(row) if form == "numpy text" else json.dumps(row.tolist()) for row in x]
    elif form != "fixed-size":
        for name, x in vectors.items():
            frame[name] = [row.tolist() if form in ("jsonl", "double") else row for row in x]
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    else:
        table = pa.Table.from_pandas(frame, preserve_index=False)
        if form == "fixed-size":
            for name, x in vectors.items():
                table = table.append_column(
                    name, pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), x.shape[1])
                )
        pa.parquet.write_table(table, path, row_group_size=5)
    loaded = load_table("athlete", table=path)
    tolerance = 1e-6 if "text" in form or "csv" in form else 0
    np.testing.assert_allclose(loaded.embeddings["image"][0], vectors["Profile_picture"], atol=tolerance)
    for array, name in zip(loaded.embeddings["text"], LLM_COLUMNS, strict=True):
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, vectors[name], atol=tolerance)
    assert loaded.observed["text"].all()
    assert loaded.observed["text"].shape == (12, 3)
    assert loaded.views().modalities == ["image", "text"]
    assert not any("embedding" in name for name in loaded.report.missing)


def test_three_photographs_in_columns_or_in_one_cell(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((12, 3, 16)).astype(np.float32)
    path = tmp_path / "people.parquet"
    cells = pd.Series([[row.tolist() for row in person] for person in images], dtype=object)
    athlete_frame.assign(Profile_picture=cells).to_parquet(path)
    nested = load_table("athlete", table=path).embeddings["image"]
    columns = {f"Profile_picture_{number + 1}": list(images[:, number]) for number in range(3)}
    athlete_frame.assign(**columns).to_parquet(path)
    separate = load_table("athlete", table=path).embeddings["image"]
    assert len(nested) == len(separate) == 3
    for number in range(3):
        np.testing.assert_array_equal(nested[number], images[:, number])
        np.testing.assert_array_equal(separate[number], images[:, number])


def _with(frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path) -> Path:
    path = tmp_path / "people.parquet"
    frame.assign(**{name: list(x) for name, x in vectors.items()}).to_parquet(path)
    return path


def test_missing_embeddings_are_masked(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    cells = {name: list(x) for name, x in vectors.items()}
    texts: list[np.ndarray | None] = list(vectors["Gemini_description"])
    texts[2], texts[4] = None, np.full(20, np.nan, dtype=np.float32)
    frame = athlete_frame.assign(**cells | {"Gemini_description": pd.Series(texts, dtype=object)})
    path = tmp_path / "people.parquet"
    frame.to_parquet(path)
    table = load_table("athlete", table=path)
    assert list(np.flatnonzero(~table.observed["text"][:, 1])) == [2, 4]
    assert (table.embeddings["text"][1][[2, 4]] == 0).all()
    np.testing.assert_array_equal(table.embeddings["text"][1][5], vectors["Gemini_description"][5])
    assert table.report.embedding_warnings == ("text embedding 2: 2 of 12 people lack it",)


def test_a_missing_text_column_is_reported(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    del vectors["Gemini_description"]
    table = load_table("athlete", table=_with(athlete_frame, vectors, tmp_path))
    assert len(table.embeddings["text"]) == 2
    np.testing.assert_array_equal(table.embeddings["text"][1], vectors["Llama_description"])
    assert "text embeddings of Gemini-2.5-Pro" in table.report.missing


def test_embeddings_can_be_left_out(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    table = load_table("athlete", table=_with(athlete_frame, vectors, tmp_path), embeddings=False)
    assert table.embeddings == {}
    with pytest.raises(InputError, match="no embeddings"):
        table.views()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_name_the_row(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path, value: float
) -> None:
    vectors["Llama_description"][6, 3] = value
    path = _with(athlete_frame, vectors, tmp_path)
    with pytest.raises(InputError, match=r"column 'Llama_description', row 7: .* position 4"):
        load_table("athlete", table=path)


def test_constant_embeddings_and_unequal_lengths_are_refused(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    constant = vectors | {"Profile_picture": np.ones((12, 16), np.float32)}
    with pytest.raises(InputError, match=r"column 'Profile_picture': every embedding is the same"):
        load_table("athlete", table=_with(athlete_frame, constant, tmp_path))
    pictures = list(vectors["Profile_picture"])
    pictures[8] = np.ones(15, dtype=np.float32)
    frame = athlete_frame.assign(Profile_picture=pd.Series(pictures, dtype=object))
    path = tmp_path / "people.parquet"
    frame.to_parquet(path)
    with pytest.raises(
        InputError, match=r"column 'Profile_picture', row 9: 15 numbers, but most rows have 16"
    ):
        load_table("athlete", table=path)


def _table_with_cell(
    frame: pd.DataFrame, vectors: dict[str, np.ndarray], folder: Path, form: str, row: int, cell: object
) -> Path:
    """A table with pictures, of which one cell is replaced."""
    path = folder / f"people.{form}"
    rows = vectors["Profile_picture"].tolist()
    cells: list[object] = [json.dumps(numbers) for numbers in rows] if form == "csv" else list(rows)
    cells[row] = cell
    frame = frame.assign(Profile_picture=pd.Series(cells, dtype=object))
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


@pytest.mark.parametrize("row", [0, 5, 11])
@pytest.mark.parametrize(
    ("form", "cell"),
    [
        ("csv", "[]"),
        ("csv", "n/a"),
        ("csv", ""),
        ("jsonl", []),
        ("jsonl", "Unknown"),
        ("jsonl", None),
        ("parquet", []),
        ("parquet", None),
        ("parquet", [float("nan")] * 16),
        ("parquet", [0.0] * 16),
    ],
)
def test_an_empty_cell_is_missing_whatever_its_row(
    athlete_frame: pd.DataFrame,
    vectors: dict[str, np.ndarray],
    tmp_path: Path,
    form: str,
    cell: object,
    row: int,
) -> None:
    table = load_table("athlete", table=_table_with_cell(athlete_frame, vectors, tmp_path, form, row, cell))
    assert list(np.flatnonzero(~table.observed["image"][:, 0])) == [row]
    others = np.arange(12) != row
    np.testing.assert_allclose(
        table.embeddings["image"][0][others], vectors["Profile_picture"][others], atol=1e-6
    )
    assert table.report.embedding_warnings[0].startswith("image embedding 1: 1 of 12 people lack it")


@pytest.mark.parametrize("row", [0, 5, 11])
@pytest.mark.parametrize(
    ("form", "cell", "words"),
    [
        ("csv", "missing photograph", "'missing photograph' is not a list of numbers"),
        ("csv", "[error]", r"'\[error\]' is not a list of numbers"),
        ("csv", "0.5", "'0.5' is not a list of numbers"),
        ("csv", "[1, 2, 3]", "3 numbers, but most rows have 16"),
        ("jsonl", "HTTP 500", "'HTTP 500' is not a list of numbers"),
        ("jsonl", [1.0, 2.0], "2 numbers, but most rows have 16"),
        ("parquet", [1.0, 2.0], "2 numbers, but most rows have 16"),
        ("parquet", [1.0] * 20, "20 numbers, but most rows have 16"),
    ],
)
def test_a_wrong_cell_among_vectors_is_named_whatever_its_row(
    athlete_frame: pd.DataFrame,
    vectors: dict[str, np.ndarray],
    tmp_path: Path,
    form: str,
    cell: object,
    words: str,
    row: int,
) -> None:
    path = _table_with_cell(athlete_frame, vectors, tmp_path, form, row, cell)
    with pytest.raises(InputError, match=rf"column 'Profile_picture', row {row + 1}: {words}"):
        load_table("athlete", table=path)


@pytest.mark.parametrize("text", ["", "[1, 2, 3, 1, 2]", "[Note: a tall player]"])
def test_a_column_of_texts_is_no_embedding(athlete_frame: pd.DataFrame, tmp_path: Path, text: str) -> None:
    path = tmp_path / "people.parquet"
    athlete_frame.assign(Llama_description=[text, *["plays well"] * 11]).to_parquet(path)
    assert load_table("athlete", table=path).report.ignored == ("Llama_description (not vectors)",)


def test_vectors_of_zeros_are_masked_and_counted(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    x = vectors["Profile_picture"]
    x[[1, 6]] = 0
    x[7, :4] = 0  # begins with zeros, but is a vector
    texts: list[np.ndarray | None] = list(vectors["Llama_description"])
    texts[0] = None
    frame = athlete_frame.assign(Profile_picture=list(x), Llama_description=pd.Series(texts, dtype=object))
    path = tmp_path / "people.parquet"
    frame.to_parquet(path)
    table = load_table("athlete", table=path)
    assert list(np.flatnonzero(~table.observed["image"][:, 0])) == [1, 6]
    assert table.report.embedding_warnings == (
        "image embedding 1: 2 of 12 people lack it, 2 of them because it is all zeros",
        "text embedding 3: 1 of 12 people lack it",
    )
    wide = {f"Profile_picture_{i}": x[:, i] for i in range(16)}
    pd.concat([athlete_frame, pd.DataFrame(wide)], axis=1).to_csv(tmp_path / "people.csv", index=False)
    separate = load_table("athlete", table=tmp_path / "people.csv")
    assert list(np.flatnonzero(~separate.observed["image"][:, 0])) == [1, 6]


def test_a_photograph_missing_in_a_cell_of_three_is_masked(
    athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).standard_normal((12, 3, 16)).tolist()
    images[0][1], images[4][2], images[5] = [], None, [[], [], []]
    path = tmp_path / "people.parquet"
    athlete_frame.assign(Profile_picture=pd.Series(images, dtype=object)).to_parquet(path)
    observed = load_table("athlete", table=path).observed["image"]
    assert np.argwhere(~observed).tolist() == [[0, 1], [4, 2], [5, 0], [5, 1], [5, 2]]


def test_the_first_of_several_files_may_be_without_embeddings(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    paths = [tmp_path / "people-0.parquet", tmp_path / "people-1.parquet", tmp_path / "people-2.parquet"]
    cells: list[list[object]] = [
        [None] * 4,
        [[]] * 4,
        [row.astype(float) for row in vectors["Profile_picture"][8:]],
    ]
    for path, part, rows in zip(paths, cells, np.split(np.arange(12), 3), strict=True):
        frame = athlete_frame.iloc[rows].assign(
            Profile_picture=pd.Series(part, dtype=object, index=athlete_frame.index[rows])
        )
        frame.to_parquet(path, index=False)
    array, present = read_files(paths).vectors("Profile_picture")
    np.testing.assert_array_equal(array[8:], vectors["Profile_picture"][8:])
    assert list(np.flatnonzero(present)) == [8, 9, 10, 11]
    athlete_frame.assign(Profile_picture="a.png").to_parquet(paths[0], index=False)
    with pytest.raises(InputError, match=r"column 'Profile_picture' is \w+ and .* in different files"):
        read_files(paths).holds_vectors("Profile_picture")


def test_people_with_equal_embeddings_give_one_warning(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    assert not load_table("athlete", table=_with(athlete_frame, vectors, tmp_path)).report.embedding_warnings
    for x in vectors.values():
        x[[8, 10]] = x[2]
    vectors["Gemini_description"][5] = vectors["Gemini_description"][4]
    (warning,) = load_table(
        "athlete", table=_with(athlete_frame, vectors, tmp_path)
    ).report.embedding_warnings
    assert "for 2 of 12 people (first: IDs 3 and 9)" in warning
    assert "for 1 of 12 people (first: IDs 5 and 6, text embedding 2)" in warning
    assert "nobody may be in both training and test rows" in warning
