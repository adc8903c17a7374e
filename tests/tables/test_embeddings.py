import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from personax.runs.errors import InputError
from personax.tables import load_embeddings, load_table
from personax.tables.embeddings import Slot, slot_of

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
    assert "text embedding 2: 2 of 12 people lack it" in table.report.warnings


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
        InputError, match=r"column 'Profile_picture', row 9: 15 numbers, but the first row has 16"
    ):
        load_table("athlete", table=path)


def test_a_text_among_vectors_is_refused(
    athlete_frame: pd.DataFrame, vectors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    cells = [json.dumps(row.tolist()) for row in vectors["Profile_picture"]]
    cells[3] = "missing photograph"
    path = tmp_path / "people.csv"
    athlete_frame.assign(Profile_picture=cells).to_csv(path, index=False)
    with pytest.raises(InputError, match=r"row 4: 'missing photograph' is not a list of numbers"):
        load_table("athlete", table=path)


# ---- .npy files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The authors' four athlete files for 12 people."""
    rng = np.random.default_rng(5)
    for name, dim in (
        ("X1_imagebind_embeddings", 16),
        ("X21_text_gpt", 20),
        ("X22_text_gemini", 20),
        ("X23_text_llama", 20),
    ):
        np.save(tmp_path / f"{name}.npy", rng.standard_normal((12, dim)))
    return tmp_path


def test_npy_files_in_the_official_names(folder: Path) -> None:
    embeddings, observed = load_embeddings(folder, np.arange(12))
    assert [x.shape for x in embeddings["image"]] == [(12, 16)]
    assert len(embeddings["text"]) == 3
    assert embeddings["text"][0].dtype == np.float32
    np.testing.assert_allclose(embeddings["text"][1], np.load(folder / "X22_text_gemini.npy"), rtol=1e-6)
    assert observed["text"].all()


def test_npy_rows_follow_ids(folder: Path) -> None:
    ids = np.array(["c", "a", "x", "b"])
    for path in folder.glob("*.npy"):
        np.save(path, np.load(path)[:3])
    np.save(folder / "ids.npy", np.array(["a", "b", "c"]))
    embeddings, observed = load_embeddings(folder, ids)
    source = np.load(folder / "X1_imagebind_embeddings.npy").astype(np.float32)
    np.testing.assert_array_equal(embeddings["image"][0][[1, 3, 0]], source)
    assert list(observed["image"][:, 0]) == [True, True, False, True]


def test_npy_replaces_the_embeddings_of_a_table(
    folder: Path, athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    athlete_frame.to_csv(path, index=False)
    table = load_table("athlete", table=path)
    with_them = table.with_embeddings(folder)
    assert len(with_them.views().measurements["text"]) == 3
    assert with_them.sha256 != table.sha256


def _bad_rows(folder: Path) -> None:
    np.save(folder / "X21_text_gpt.npy", np.zeros((11, 20)))


def _bad_nan(folder: Path) -> None:
    x = np.load(folder / "X21_text_gpt.npy")
    x[5, 0] = np.nan
    np.save(folder / "X21_text_gpt.npy", x)


def _bad_truncated(folder: Path) -> None:
    path = folder / "X21_text_gpt.npy"
    path.write_bytes(path.read_bytes()[:-100])


def _bad_twice(folder: Path) -> None:
    np.save(folder / "X1_text_gpt.npy", np.zeros((12, 20)))


def _bad_constant(folder: Path) -> None:
    np.save(folder / "X21_text_gpt.npy", np.zeros((12, 20)))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_bad_rows, r"X21_text_gpt.npy: shape \(11, 20\), but 12 people"),
        (_bad_nan, r"X21_text_gpt.npy, row 6: nan at position 1"),
        (_bad_truncated, r"X21_text_gpt.npy: damaged or incomplete .npy file"),
        (_bad_twice, "same measurement"),
        (_bad_constant, "every embedding is the same"),
    ],
)
def test_bad_npy_files_are_refused(folder: Path, spoil: Callable[[Path], None], words: str) -> None:
    spoil(folder)
    with pytest.raises(InputError, match=words):
        load_embeddings(folder, np.arange(12))


def test_a_folder_without_npy_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_embeddings(tmp_path / "nowhere", np.arange(3))
    with pytest.raises(InputError, match="no embeddings"):
        load_embeddings(tmp_path, np.arange(3))
