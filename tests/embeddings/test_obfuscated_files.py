import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import personax.embeddings.vector_columns as vector_columns
from personax.embeddings.obfuscated_files import obfuscate_file, restore_file, typical_scales
from personax.embeddings.obfuscation_key import ObfuscationKey, new_key
from personax.embeddings.obfuscation_map import map_of
from personax.embeddings.vector_columns import open_vectors
from personax.runs.errors import InputError
from personax.tables import simulate_table, write_table

N = 2500  # more than two batches


def quiet(rows: int) -> None:
    """Nobody watches the progress."""


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Vectors of two columns; row 3 lacks the first, row 4 has zeros, row 5 has null."""
    rng = np.random.default_rng(0)
    face = list(rng.standard_normal((N, 10)).astype(np.float32) * 2)
    face[3], face[4] = np.full(10, np.nan, np.float32), np.zeros(10, np.float32)
    text = list(rng.standard_normal((N, 12)).astype(np.float32))
    frame = pd.DataFrame(
        {"ID": [f"p{i}" for i in range(N)], "Profile_picture": face, "Text_embedding_1": text}
    )
    frame["Height"] = 1.8
    frame.loc[5, "Profile_picture"] = None
    path = tmp_path / "plain.parquet"
    frame.to_parquet(path, index=False)
    return path


def key_for(method: str = "general", noise: float = 0.0, **change: Any) -> ObfuscationKey:
    widths = {"Profile_picture": 10, "Text_embedding_1": 12}
    return replace(new_key(method, 100.0 if method == "general" else 1.0, noise, widths, seed=1), **change)


def stacked(path: Path, column: str) -> np.ndarray:
    return np.stack(pd.read_parquet(path)[column].to_list())


@pytest.mark.parametrize("method", ["orthogonal", "general"])
def test_what_is_obfuscated_is_restored(plain: Path, tmp_path: Path, method: str) -> None:
    key, hidden, back = key_for(method), tmp_path / "hidden.parquet", tmp_path / "back.parquet"
    assert obfuscate_file(open_vectors(plain), hidden, key, on_rows=quiet) == N
    assert restore_file(open_vectors(hidden), back, key, on_rows=quiet) == N
    before, after = pd.read_parquet(plain), pd.read_parquet(back)
    assert list(after.columns) == ["ID", "Profile_picture", "Text_embedding_1"]
    assert after["ID"].tolist() == before["ID"].tolist()
    np.testing.assert_allclose(
        stacked(back, "Text_embedding_1"), stacked(plain, "Text_embedding_1"), atol=2e-4
    )
    missing = np.isnan(stacked(back, "Profile_picture")).all(axis=1)
    assert np.flatnonzero(missing).tolist() == [3, 4, 5]
    assert np.flatnonzero(np.isnan(stacked(hidden, "Profile_picture")).any(axis=1)).tolist() == [3, 4, 5]


def test_batches_change_nothing(plain: Path, tmp_path: Path) -> None:
    obfuscate_file(open_vectors(plain), tmp_path / "hidden.parquet", key_for(), on_rows=quiet)
    whole = map_of(key_for(), "Text_embedding_1")(stacked(plain, "Text_embedding_1"))
    found = stacked(tmp_path / "hidden.parquet", "Text_embedding_1")
    np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-6)


def test_only_a_batch_is_in_memory_at_a_time(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = vector_columns.column_of

    def watched(vectors: np.ndarray) -> object:
        sizes.append(len(vectors))
        return real(vectors)

    monkeypatch.setattr("personax.embeddings.obfuscated_files.column_of", watched)
    seen: list[int] = []
    obfuscate_file(open_vectors(plain), tmp_path / "h.parquet", key_for(noise=0.1), on_rows=seen.append)
    assert max(sizes) <= vector_columns.ROWS_AT_A_TIME < N
    assert sum(seen) == N


def test_the_typical_scale_is_that_of_all_rows_at_once(plain: Path) -> None:
    face = stacked(plain, "Text_embedding_1").astype(np.float64)
    expected = np.sqrt(face.var(axis=0).mean())
    assert typical_scales(open_vectors(plain))["Text_embedding_1"] == pytest.approx(expected, rel=1e-9)


def test_noise_has_its_size_and_stays_in_what_is_restored(plain: Path, tmp_path: Path) -> None:
    key, hidden, back = (
        key_for("orthogonal", noise=0.5),
        tmp_path / "hidden.parquet",
        tmp_path / "back.parquet",
    )
    obfuscate_file(open_vectors(plain), hidden, key, on_rows=quiet)
    restore_file(open_vectors(hidden), back, key, on_rows=quiet)
    error = stacked(back, "Text_embedding_1") - stacked(plain, "Text_embedding_1")
    assert error.std() == pytest.approx(0.5, rel=0.05)
    again = tmp_path / "again.parquet"
    obfuscate_file(open_vectors(plain), again, key, on_rows=quiet)
    assert not np.array_equal(stacked(again, "Text_embedding_1"), stacked(hidden, "Text_embedding_1"))


def test_seeded_noise_is_the_same(plain: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        target = tmp_path / f"{name}.parquet"
        obfuscate_file(open_vectors(plain), target, key_for(noise=0.5), seed=1, on_rows=quiet)
    np.testing.assert_array_equal(
        stacked(tmp_path / "a.parquet", "Text_embedding_1"),
        stacked(tmp_path / "b.parquet", "Text_embedding_1"),
    )


def test_columns_are_kept_if_they_are_named(plain: Path, tmp_path: Path) -> None:
    obfuscate_file(open_vectors(plain), tmp_path / "h.parquet", key_for(), ["Height"], on_rows=quiet)
    assert pd.read_parquet(tmp_path / "h.parquet")["Height"].tolist() == [1.8] * N
    with pytest.raises(InputError, match="no column 'Weight' to keep; there are Height"):
        obfuscate_file(open_vectors(plain), tmp_path / "i.parquet", key_for(), ["Weight"], on_rows=quiet)


def test_wrong_pairs_of_file_and_key_are_refused(plain: Path, tmp_path: Path) -> None:
    source, hidden, out = open_vectors(plain), tmp_path / "hidden.parquet", tmp_path / "out.parquet"
    other_encoder = key_for(widths={"Profile_picture": 10, "Text_embedding_1": 13})
    with pytest.raises(InputError, match="is not obfuscated; leave out --inverse"):
        restore_file(source, out, key_for(), on_rows=quiet)
    with pytest.raises(
        InputError, match="vectors of 12 numbers, but the key is for 13; they come from another"
    ):
        obfuscate_file(source, out, other_encoder, on_rows=quiet)
    with pytest.raises(InputError, match="not for column 'Text_embedding_1'"):
        obfuscate_file(source, out, key_for(widths={"Profile_picture": 10}), on_rows=quiet)
    key = key_for()
    obfuscate_file(source, hidden, key, on_rows=quiet)
    with pytest.raises(InputError, match="obfuscated already"):
        obfuscate_file(open_vectors(hidden), out, key, on_rows=quiet)
    with pytest.raises(InputError, match=f"with key {key.label}, not "):
        restore_file(open_vectors(hidden), out, replace(key, label="other"), on_rows=quiet)
    assert not out.exists()


def test_matrices_beyond_the_memory_are_refused(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personax.runs.memory.machine_memory", lambda: 100.0)
    with pytest.raises(InputError, match="matrices of the key: would need"):
        obfuscate_file(open_vectors(plain), tmp_path / "h.parquet", key_for(), on_rows=quiet)


def test_simulated_people_stay_marked_and_their_truth_is_left_out(tmp_path: Path) -> None:
    write_table(simulate_table("athlete", n=30, image_dim=16, text_dim=16), tmp_path / "people.parquet")
    source = open_vectors(tmp_path / "people.parquet")
    assert set(source.widths) == {
        "Profile_picture",
        *(f"{llm}_description" for llm in ("Chatgpt", "Gemini", "Llama")),
    }
    key = new_key("orthogonal", 1, 0, source.widths)
    obfuscate_file(source, tmp_path / "h.parquet", key, on_rows=quiet)
    facts = json.loads(open_vectors(tmp_path / "h.parquet").metadata[b"personax"])
    assert facts == {"simulated": True, "source": "h.parquet", "obfuscated_with": key.label}
