from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from personax.runs.errors import InputError
from personax.tables import load_embeddings, load_table


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
    embeddings, observed, warnings, matching = load_embeddings(folder, np.arange(12))
    assert [x.shape for x in embeddings["image"]] == [(12, 16)]
    assert len(embeddings["text"]) == 3
    assert embeddings["text"][0].dtype == np.float32
    np.testing.assert_allclose(embeddings["text"][1], np.load(folder / "X22_text_gemini.npy"), rtol=1e-6)
    assert observed["text"].all()
    assert warnings == ()
    assert matching.endswith("no ids.npy, so its 12 rows are used in the order of the table")


def test_npy_rows_follow_ids(folder: Path) -> None:
    ids = np.array(["c", "a", "x", "b"])
    for path in folder.glob("*.npy"):
        np.save(path, np.load(path)[:3])
    np.save(folder / "ids.npy", np.array(["a", "b", "c"]))
    embeddings, observed, warnings, matching = load_embeddings(folder, ids)
    source = np.load(folder / "X1_imagebind_embeddings.npy").astype(np.float32)
    np.testing.assert_array_equal(embeddings["image"][0][[1, 3, 0]], source)
    assert list(observed["image"][:, 0]) == [True, True, False, True]
    assert "image embedding 1: 1 of 4 people lack it" in warnings
    assert matching == f"{folder / 'ids.npy'}: matched 3 of 4 people by ID; not found: x"


def test_npy_replaces_the_embeddings_of_a_table(
    folder: Path, athlete_frame: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "people.csv"
    athlete_frame.to_csv(path, index=False)
    table = load_table("athlete", table=path)
    with_them = table.with_embeddings(folder)
    assert len(with_them.views().measurements["text"]) == 3
    assert with_them.sha256 != table.sha256
    assert f"embeddings: {folder}: no ids.npy" in str(with_them.report)


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
    np.save(folder / "X21_text_gpt.npy", np.ones((12, 20)))


def _bad_zeros(folder: Path) -> None:
    np.save(folder / "X21_text_gpt.npy", np.zeros((12, 20)))


def _bad_ids(folder: Path) -> None:
    np.save(folder / "ids.npy", np.arange(12)[:, None])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_bad_rows, r"X21_text_gpt.npy: shape \(11, 20\), but 12 people"),
        (_bad_nan, r"X21_text_gpt.npy, row 6: nan at position 1"),
        (_bad_truncated, r"X21_text_gpt.npy: damaged or incomplete .npy file"),
        (_bad_twice, "same measurement"),
        (_bad_constant, "every embedding is the same"),
        (_bad_zeros, "X21_text_gpt.npy: every embedding is zero"),
        (_bad_ids, r"ids.npy: shape \(12, 1\); one identifier per row"),
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


def test_zeros_and_equal_rows_are_found_in_files_as_in_columns(folder: Path) -> None:
    for path in folder.glob("*.npy"):
        x = np.load(path)
        x[7], x[3] = x[1], 0
        np.save(path, x)
    np.save(folder / "ids.npy", np.arange(12)[::-1])
    loaded = load_embeddings(folder, np.arange(12))
    for mask in loaded.observed.values():
        assert list(np.flatnonzero(~mask.all(axis=1))) == [8]
    lack = "of 12 people lack it, 1 of them because it is all zeros"
    assert [warning for warning in loaded.warnings if lack in warning] == list(loaded.warnings[:4])
    assert "for 1 of 12 people (first: IDs 4 and 10)" in loaded.warnings[4]


def test_ids_with_leading_zeros_are_matched_and_strangers_refused(folder: Path) -> None:
    ids = np.arange(1, 13)
    plain = load_embeddings(folder, ids)
    np.save(folder / "ids.npy", np.array([f"{number:03d}" for number in ids]))
    loaded = load_embeddings(folder, ids)
    np.testing.assert_array_equal(loaded.views["image"][0], plain.views["image"][0])
    assert loaded.observed["image"].all()
    assert "matched 12 of 12 people by ID, 12 of them spelled differently" in loaded.matching
    np.save(folder / "ids.npy", np.r_[1, np.arange(101, 112)])
    with pytest.raises(InputError, match=r"ids.npy: matched 1 of 12 .* not found: 2, 3, 4, 5, 6 and 6 more"):
        load_embeddings(folder, ids)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """Vectors of three of four people, in another order, as extract_embeddings writes them."""
    rng = np.random.default_rng(0)
    face = list(rng.standard_normal((3, 9)).astype(np.float32))
    text = [*rng.standard_normal((2, 10)).astype(np.float32), np.full(10, np.nan, np.float32)]
    frame = pd.DataFrame({"ID": ["c", "a", "b"], "Profile_picture": face, "Text_embedding_1": text})
    frame.to_parquet(tmp_path / "embeddings.parquet", index=False)
    return tmp_path / "embeddings.parquet"


def test_vectors_of_a_parquet_file_are_matched_by_id(parquet: Path) -> None:
    embeddings, observed, _, matching = load_embeddings(parquet, np.array(["a", "b", "c", "d"]))
    frame = pd.read_parquet(parquet).set_index("ID")
    for row, person in enumerate("abc"):
        np.testing.assert_array_equal(embeddings["image"][0][row], frame.loc[person, "Profile_picture"])
    assert observed["image"][:, 0].tolist() == [True, True, True, False]
    assert observed["text"][:, 0].tolist() == [True, False, True, False]
    assert matching == f"{parquet}: matched 3 of 4 people by ID; not found: d"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ID": None}, "0 columns of identifiers"),
        ({"Profile_picture": None, "Text_embedding_1": None}, "no column of embeddings"),
        ({"image": [[1.0] * 9] * 3}, "holds the same measurement as one before it"),
        ({"Profile_picture": [[1.0] * 9, [1.0] * 8, [1.0] * 9]}, "row 2: 8 numbers, but most rows have 9"),
    ],
)
def test_other_parquet_files_are_refused(parquet: Path, change: dict[str, Any], message: str) -> None:
    frame = pd.read_parquet(parquet)
    for name, values in change.items():
        frame = frame.drop(columns=name) if values is None else frame.assign(**{name: values})
    frame.to_parquet(parquet, index=False)
    with pytest.raises(InputError, match=message):
        load_embeddings(parquet, np.array(["a", "b", "c", "d"]))
