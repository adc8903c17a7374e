"""Damaged tables end in one line that names the file, whatever the damage."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personax.runs.errors import InputError
from personax.tables.reading import read_files
from personax.tables.trait_scores import is_packed, split_cell, trait_of

TRAIT_LETTERS = ("o", "c", "e", "a", "n")


def broken_text() -> pa.Array:
    """Two texts that are not UTF-8."""
    places = pa.array(np.array([0, 2, 4]), pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, places, pa.py_buffer(b"m\xff\xfem")])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bom.csv", b"\xef\xbb\xbf"),
        ("lines.csv", b"\r\r\r"),
        ("quote.csv", b'"' * 1001),
        ("utf16.csv", "a,b\n1,2\n".encode("utf-16")),
        ("deep.jsonl", b"[" * 100_000 + b"]" * 100_000),
        ("digits.jsonl", b'{"a": ' + b"9" * 400 + b"}"),
        ("surrogate.jsonl", b'{"a": "\\ud800"}'),
        ("list.jsonl", b"[1]\n"),
    ],
)
def test_a_damaged_text_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as refused:
        read_files([tmp_path / name])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "content", [b"{oops", b"[1, 2]", b"null", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"simulated": "x"}']
)
def test_metadata_that_write_table_has_not_written_are_refused(tmp_path: Path, content: bytes) -> None:
    table = pa.table({"a": [1]}).replace_schema_metadata({b"personax": content})
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"t\.parquet: what it says about itself"):
        read_files([tmp_path / "t.parquet"])


def test_metadata_of_others_are_left_alone(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata({b"x": b"{oops"}), tmp_path / "t.parquet")
    assert read_files([tmp_path / "t.parquet"]).metadata == {}


def test_a_text_column_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2], "b": broken_text()}), tmp_path / "t.parquet")
    raw = read_files([tmp_path / "t.parquet"])
    assert raw.cells("a").tolist() == [1, 2]
    with pytest.raises(InputError, match=r"t\.parquet, column 'b': a text that is not UTF-8"):
        raw.cells("b")


HOSTILE_CELLS: dict[str, Callable[[], str]] = {
    "brackets": lambda: "[" * 50_000 + "]" * 50_000,
    "open brackets": lambda: "[" * 900,
    "minus signs": lambda: "-" * 100_000 + "1",
    "400 digits": lambda: json.dumps([int("9" * 400), 1, 2, 3, 1]),
}


@pytest.mark.parametrize("name", HOSTILE_CELLS)
def test_a_cell_that_no_parser_would_finish_is_a_text(name: str) -> None:
    cell = HOSTILE_CELLS[name]()
    assert not is_packed(cell)
    with pytest.raises(ValueError, match="where a list or dict") as refused:
        split_cell(cell, TRAIT_LETTERS, trait_of)
    assert len(str(refused.value)) < 200
