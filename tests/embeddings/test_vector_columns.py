from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from personax.embeddings.vector_columns import (
    column_of,
    npy_of_vectors,
    open_vectors,
    read_batches,
    vectors_of,
    write_batches,
)
from personax.runs.errors import InputError

RNG = np.random.default_rng(0)


def batches(rows: int, parts: int = 1) -> Iterator[pa.RecordBatch]:
    for part in range(parts):
        ids = pa.array(np.arange(rows) + part * rows)
        vectors = column_of(RNG.standard_normal((rows, 9)).astype(np.float32))
        scores = column_of(np.ones((rows, 5), np.float32))
        yield pa.RecordBatch.from_pydict({"ID": ids, "Profile_picture": vectors, "Scores": scores})


def test_a_file_is_written_and_described(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    assert write_batches(path, batches(4, 3), {b"key": b"value"}) == 12
    found = open_vectors(path)
    assert found.id == "ID"
    assert found.widths == {"Profile_picture": 9}
    assert found.others == ("Scores",)
    assert found.rows == 12
    assert found.metadata[b"key"] == b"value"


def test_batches_are_small_whatever_the_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    frame = pd.DataFrame({"ID": range(5000), "v": list(RNG.standard_normal((5000, 9)))})
    frame.to_parquet(path, index=False)  # one row group
    sizes = [batch.num_rows for batch in read_batches(path, ["v"], rows=512)]
    assert max(sizes) <= 512
    assert sum(sizes) == 5000


def test_a_large_row_group_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    path, n = tmp_path / "a.parquet", 60_000
    vectors = column_of(RNG.standard_normal((n, 64)).astype(np.float32))
    table = pa.table({"ID": np.arange(n), "v": vectors})
    pyarrow.parquet.write_table(table, path, row_group_size=n, compression="none", use_dictionary=False)
    del table, vectors
    before = pa.total_allocated_bytes()
    peak = max(pa.total_allocated_bytes() - before for _ in read_batches(path, ["v"]))
    assert path.stat().st_size > 15e6
    assert peak < 6e6


def test_missing_vectors_become_nan_in_their_rows() -> None:
    vectors = [[1.0, 2.0], None, [3.0, 4.0], []]
    expected = np.array([[1, 2], [np.nan] * 2, [3, 4], [np.nan] * 2], np.float32)
    np.testing.assert_array_equal(vectors_of(pa.array(vectors, pa.list_(pa.float64())), 2), expected)
    fixed = pa.array([[1.0, 2.0], None, [3.0, 4.0]], pa.list_(pa.float32(), 2))
    np.testing.assert_array_equal(vectors_of(fixed, 2), expected[:3])
    np.testing.assert_array_equal(vectors_of(fixed.slice(1), 2), expected[1:3])
    np.testing.assert_array_equal(vectors_of(column_of(expected), 2), expected)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"v": [[1.0] * 9] * 3}), "0 columns of identifiers"),
        (pd.DataFrame({"ID": [1, 2], "s": [[1.0] * 5] * 2}), "no column of vectors"),
        (pd.DataFrame({"ID": [1, 2], "v": [[1.0] * 9, [1.0] * 10]}), "vectors of 9 and of 10 numbers"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, frame: pd.DataFrame, message: str) -> None:
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(InputError, match=message):
        open_vectors(tmp_path / "a.parquet")


def test_no_file_a_damaged_one_and_another_format_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_vectors(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"must be a .parquet file"):
        open_vectors(tmp_path / "a.csv")
    (tmp_path / "a.parquet").write_bytes(b"PAR1junkPAR1")
    with pytest.raises(InputError, match="damaged or incomplete") as error:
        open_vectors(tmp_path / "a.parquet")
    assert "\n" not in str(error.value)


def test_a_writing_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(4)
        raise InputError("stop")

    with pytest.raises(InputError, match="stop"):
        write_batches(tmp_path / "a.parquet", failing(), {})
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_a_usual_parquet_file(tmp_path: Path) -> None:
    write_batches(tmp_path / "a.parquet", batches(4), {})
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert pa.types.is_fixed_size_list(table.schema.field("Profile_picture").type)


def test_a_column_becomes_an_array_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    vectors = RNG.standard_normal((3000, 9)).astype(np.float32)
    frame = pd.DataFrame({"ID": range(3000), "v": [None, *vectors[1:]]})
    frame.to_parquet(path, index=False)
    npy_of_vectors(path, "v", tmp_path / "v.npy")
    found = np.load(tmp_path / "v.npy", mmap_mode="r")
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1:], vectors[1:])
    with pytest.raises(InputError, match="no column of vectors 'w'; there are v"):
        npy_of_vectors(path, "w", tmp_path / "w.npy")
    assert not (tmp_path / "w.npy").exists()
