"""Files that are written completely or not at all, and read within limits; their checksums."""

import codecs
import errno
import hashlib
import json
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import yaml
from jaxtyping import Shaped

from personax.runs.documents import parse_json, parse_yaml
from personax.runs.errors import InputError

MOST_BYTES = 2**28  # of a text file, 256 MiB
ROWS_OF_A_PART = 2**16  # of an array that may be larger than the memory
MOST_YAML_BYTES = 2**21  # of a file that a person writes, 2 MiB

# What says that a place, and not the content, is at fault when a file cannot be written.
_PLACE_AT_FAULT = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block succeeds, else remove it.

    It works for files and folders. The parent folder is made if needed. The suffix is kept, because
    matplotlib and others choose the format by it. If the process is killed in the block, the temporary file
    stays until the next `locked_folder` (folder_lock.py).

    Raises InputError if the place cannot be written, or is full.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = path.with_name(f".{path.stem}.partial-{uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as error:
        if error.errno not in _PLACE_AT_FAULT:
            raise
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); make room there, or choose another place"
        ) from error
    finally:
        with suppress(OSError):  # a place that is read-only says so even of a file that is not there
            remove_path(temporary)


def make_folder(path: Path) -> None:
    """Make a folder and its parents. Raises InputError if that is impossible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be created ({error.strerror}); choose another folder") from error


def is_partial(path: Path) -> bool:
    """Whether this is a temporary path of `atomic_path`."""
    return re.fullmatch(r"\..+\.partial-[0-9a-f]{8}(\..*)?", path.name) is not None


def remove_path(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def missing_folders(path: Path) -> list[Path]:
    """The folder and those of its parents that do not exist yet, innermost first."""
    return [folder for folder in (path, *path.parents) if not folder.exists()]


def remove_empty(folders: Iterable[Path]) -> None:
    """Remove those of the folders that are empty, in this order."""
    for folder in folders:
        with suppress(OSError):  # it is not empty, so there is something to keep
            folder.rmdir()


def write_text(path: Path | str, text: str) -> None:
    """Write `text` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _plain(value: Any) -> Any:
    """Turn numpy scalars and arrays into Python values that JSON and YAML know; NaN and inf become None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically; numpy values are converted, NaN and inf become null."""
    write_text(path, json.dumps(_plain(value), indent=2, allow_nan=False) + "\n")


def write_json_lines(path: Path | str, rows: list[dict[str, Any]]) -> None:
    """Write one JSON object per line, atomically."""
    write_text(path, "".join(json.dumps(_plain(row), allow_nan=False) + "\n" for row in rows))


def write_yaml(path: Path | str, value: Any) -> None:
    """Write `value` as YAML, in the order of its keys, atomically."""
    write_text(path, yaml.safe_dump(_plain(value), sort_keys=False, allow_unicode=True))


def read_text(path: Path | str, most: int = MOST_BYTES) -> str:
    """A text file in UTF-8, with or without a byte-order mark.

    Raises InputError if it is missing, no text in UTF-8, or longer than `most` bytes.
    """
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > most:
        raise InputError(f"{path}: longer than {most:,} bytes; this is not the file that is expected here")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{path}: a text in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file in UTF-8") from error


def read_yaml(path: Path | str) -> Any:
    """Parse a YAML file. Raises InputError if it is missing or not valid; the message names the line."""
    return parse_yaml(read_text(path, MOST_YAML_BYTES), str(path))


def read_json(path: Path | str) -> Any:
    """Parse a JSON file. Raises InputError if it is missing or malformed."""
    return parse_json(read_text(path), str(path))


def read_json_lines(path: Path | str) -> list[dict[str, Any]]:
    """The objects in a file of one JSON object per line. Raises InputError, which names the line."""
    rows = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        row = parse_json(line, f"{path}, line {number}")
        if not isinstance(row, dict):
            raise InputError(f"{path}, line {number}: not a JSON object")
        rows.append(row)
    return rows


def read_npy(path: Path | str) -> Shaped[np.ndarray, "..."]:
    """The array in a .npy file, mapped into memory: its numbers are read when they are used.

    The header may promise more than the file has; that is seen before any memory is taken. No pickled object
    is read. Raises InputError for any file that is not one whole array.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # numpy lets through whatever a damaged header leads to
        pickled = "allow_pickle" in str(error)  # numpy would advise to run what is in the file
        reason = "no array of numbers" if pickled else " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: damaged or incomplete .npy file ({reason}); copy or make it again"
        ) from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: an .npz archive of several arrays; save the one array with numpy.save")
    return array


def read_npz(path: Path | str, name: str = "") -> Shaped[np.ndarray, "..."]:
    """The array of an .npz archive with this name, or, without a name, its only one.

    No pickled object is read. Raises InputError for any file that is no archive of whole arrays, and for a
    name that it does not have.
    """
    try:
        with Path(path).open("rb") as stream, zipfile.ZipFile(stream), np.load(stream) as stored:
            names = list(stored.files)
            chosen = name or (names[0] if len(names) == 1 else "")
            if chosen in names:
                return np.asarray(stored[chosen])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # numpy and zipfile let through whatever damaged bytes lead to
        reason = "no array of numbers" if "allow_pickle" in str(error) else " ".join(str(error).split())[:120]
        raise InputError(
            f"{path}: no whole .npz archive of numpy.savez ({reason}); copy or make it again"
        ) from error
    raise InputError(f"{path}: name one of its arrays after a colon: {', '.join(names)[:200]}")


def sha256_file(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Hexadecimal SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_arrays(*arrays: Shaped[np.ndarray, "..."]) -> str:
    """Hexadecimal SHA-256 of the shapes, dtypes and bytes of the arrays, in their order."""
    return sha256_each(arrays)


def sha256_each(arrays: Iterable[Shaped[np.ndarray, "..."]]) -> str:
    """`sha256_arrays` of arrays that come one after another, and need not be in memory together."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape}{array.dtype.str}".encode())
        for start in range(0, len(array) if array.ndim else 1, ROWS_OF_A_PART):
            part = array[start : start + ROWS_OF_A_PART] if array.ndim else array
            digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
