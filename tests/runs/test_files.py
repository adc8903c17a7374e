"""Files that are too long, in another encoding or damaged are refused in one line."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from personax.runs.errors import InputError
from personax.runs.files import read_json_lines, read_npy, read_npz, read_text, read_yaml


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: 1".encode("utf-16"), "UTF-16; save it as UTF-8"),
        (b"a: \xff", "not a text file in UTF-8"),
        (b"#" * 3_000_000, "longer than"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "f.yaml").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_yaml(tmp_path / "f.yaml")


@pytest.mark.parametrize("name", ["missing", ".", "a\0b", "x" * 5000])
def test_what_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_text(tmp_path / name)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_yaml(tmp_path / "f.yaml") == {"a": 1}
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbf")
    assert read_yaml(tmp_path / "f.yaml") is None


def test_lines_of_json_are_objects(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    assert read_json_lines(tmp_path / "f.jsonl") == [{"a": 1}, {"a": 2}]
    (tmp_path / "f.jsonl").write_text('{"a": 1}\n[2]\n')
    with pytest.raises(InputError, match=r"f\.jsonl, line 2: not a JSON object"):
        read_json_lines(tmp_path / "f.jsonl")


def npy_header(shape: str, kind: str = "'<f8'") -> bytes:
    """A .npy file that says it has this shape, with eight numbers."""
    words = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    words += b" " * (63 - (10 + len(words)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(words).to_bytes(2, "little") + words + bytes(64)


def archive() -> bytes:
    """An .npz archive."""
    stream = io.BytesIO()
    np.savez(stream, a=np.ones(3))
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"\x93NUMPY",
        archive(),
        npy_header("(2000000000000, 2)"),
        npy_header(f"({'9' * 400}, 2)"),
        npy_header("(True, 2)"),
        npy_header("(-4, 2)"),
        npy_header("(2, 2)", "'|O'"),
        npy_header("(" * 2000),
    ],
    ids=[
        "empty",
        "text",
        "cut off",
        "npz",
        "29 TiB",
        "400 digits",
        "True",
        "negative",
        "objects",
        "brackets",
    ],
)
def test_a_damaged_npy_file_is_refused_before_memory_is_taken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"f\.npy: ") as refused:
        read_npy(tmp_path / "f.npy")
    assert "\n" not in str(refused.value)
    assert "unsafely" not in str(refused.value)


def test_a_whole_npy_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f.npy").write_bytes(npy_header("(4, 2)"))
    np.testing.assert_array_equal(read_npy(tmp_path / "f.npy"), np.zeros((4, 2)))


def zipped(**members: bytes) -> bytes:
    """An archive with these bytes as its members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for name, content in members.items():
            made.writestr(f"{name}.npy", content)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        npy_header("(4, 2)"),
        archive()[:60],
        zipped(a=npy_header("(2000000000000, 2)")),
        zipped(a=npy_header("(2, 2)", "'|O'")),
        zipped(a=npy_header("(4, 2)")[:20]),
    ],
    ids=["empty", "text", "npy", "cut off", "29 TiB", "objects", "cut off within"],
)
def test_a_damaged_npz_archive_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"f\.npz: ") as refused:
        read_npz(tmp_path / "f.npz")
    assert "\n" not in str(refused.value)
    assert "unsafely" not in str(refused.value)


def test_an_array_of_an_archive_is_read_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "f.npz").write_bytes(archive())
    np.testing.assert_array_equal(read_npz(tmp_path / "f.npz"), np.ones(3))
    np.testing.assert_array_equal(read_npz(tmp_path / "f.npz", "a"), np.ones(3))
    with pytest.raises(InputError, match="name one of its arrays after a colon: a"):
        read_npz(tmp_path / "f.npz", "b")
