"""Files that do not fit together are refused in one line, before or while they are read."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streaming.parquet_people import ONE_PROCESS, frame_of_people, write_columns, write_files

from personax.runs.errors import InputError
from personax.streaming.parts import cells_of_part, name_of_files, open_parts
from personax.streaming.streamed_table import StreamingRequest, stream_table


def test_row_groups_are_gathered_into_parts(tmp_path: Path) -> None:
    pattern = write_files(tmp_path, frame_of_people(450), [350, 100])
    table = open_parts(pattern, rows_of_part=200)
    assert [(Path(part.path).name, part.groups, part.rows) for part in table.parts] == [
        ("part-0.parquet", (0, 1), 200),
        ("part-0.parquet", (2, 3), 150),
        ("part-1.parquet", (0,), 100),
    ]
    assert table.n == 450


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file has such a name; write a pattern as 'people/\*\.parquet'"):
        open_parts(tmp_path / "*.parquet")


def test_another_format(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match=r"people\.csv: only \.parquet files are read part by part"):
        open_parts(tmp_path / "people.csv")


def test_only_empty_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the files have no rows"):
        open_parts(write_files(tmp_path, frame_of_people(10), [0, 0]))


def test_another_column(tmp_path: Path) -> None:
    pattern = write_files(tmp_path, frame_of_people(100), [100])
    write_other = frame_of_people(50).rename(columns={"grip": "grasp"})
    pq.write_table(pa.Table.from_pandas(write_other), tmp_path / "part-1.parquet")
    with pytest.raises(InputError, match=r"part-1\.parquet: column 'grasp' is not in every file"):
        open_parts(pattern)


def test_another_type(tmp_path: Path) -> None:
    pattern = write_files(tmp_path, frame_of_people(100), [100])
    other = frame_of_people(50).assign(month=["May"] * 50)
    pq.write_table(pa.Table.from_pandas(other, preserve_index=False), tmp_path / "part-1.parquet")
    said = r"part-0\.parquet and part-1\.parquet: column 'month' is int64 and .*string in different files"
    with pytest.raises(InputError, match=said):
        open_parts(pattern)


def test_whole_numbers_and_fractions_are_one_type(tmp_path: Path) -> None:
    pattern = write_files(tmp_path, frame_of_people(100), [100])
    other = frame_of_people(50).assign(month=[1.0] * 50)
    pq.write_table(pa.Table.from_pandas(other, preserve_index=False), tmp_path / "part-1.parquet")
    table = open_parts(pattern)
    assert cells_of_part(table.parts[0], ["month"], table.types)["month"].type == pa.float64()


def test_a_damaged_file_in_the_middle_keeps_the_sums_of_the_others(tmp_path: Path) -> None:
    pattern = write_files(tmp_path, frame_of_people(300), [100, 100, 100])
    path = tmp_path / "part-1.parquet"
    content = bytearray(path.read_bytes())
    whole = bytes(content)
    content[4:600] = b"\xff" * 596
    path.write_bytes(content)
    request = StreamingRequest(pattern, columns=write_columns(tmp_path), folder=tmp_path / "sums")
    with pytest.raises(InputError, match=r"part-1\.parquet: damaged or incomplete parquet file"):
        stream_table(request, ONE_PROCESS)
    assert list((tmp_path / "sums").glob("*.arrow"))
    path.write_bytes(whole)
    assert stream_table(request, ONE_PROCESS).table.n == 300


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    pattern = write_files(tmp_path, frame_of_people(100), [100])
    (tmp_path / "part-1.parquet").write_bytes(b"PAR1 but not really")
    with pytest.raises(InputError, match=r"part-1\.parquet: damaged or incomplete parquet file"):
        open_parts(pattern)


def test_names_of_runs() -> None:
    names = [name_of_files(Path(text)) for text in ("people/*.parquet", "a/people.parquet", "*.parquet")]
    assert names == ["people", "people", "table"]
