"""Read the columns of parquet, arrow, csv, tsv and jsonl files. A table may consist of several files.

This file treats only the type of a cell (number, text, list), not its meaning. In every message, rows are
counted from 1, without the header.
"""

import codecs
import csv
import gzip
import hashlib
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TextIO, TypeAlias, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.ipc
import pyarrow.parquet
from jaxtyping import Bool, Float, Float32

from personax.runs.documents import parse_json
from personax.runs.errors import InputError
from personax.runs.files import sha256_file
from personax.tables.file_form import ONLY_FORM, FileForm
from personax.tables.schema import MISSING

BINARY_FORMATS = (".parquet", ".arrow", ".feather")
TABLE_FORMATS = (*BINARY_FORMATS, ".jsonl", ".csv", ".tsv")
PACKED = ".gz"
METADATA_KEY = b"personax"
DECIMAL_COMMA = r"^\s*([+-]?\d+),(\d+)\s*$"
# A list of at least this many numbers is an embedding. (A list of five holds the scores of the traits.)
FEWEST_DIMENSIONS = 8

Cells: TypeAlias = pa.ChunkedArray | pd.Series


@dataclass(frozen=True)
class RawTable:
    """Columns of one or several files with equal columns.

    Attributes:
        label: the name of the table in messages.
        names: names of the columns, all different.
        n: number of rows.
        column: function from a name to the cells of the column. It reads them only when it is called.
        sha256: checksum of the file, or of the checksums of several files.
        metadata: what `write_table` has written into the header of the file.
    """

    label: str
    names: tuple[str, ...]
    n: int
    column: Callable[[str], Cells]
    sha256: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def head(self, n: int) -> "RawTable":
        """The first `n` rows."""
        n = min(n, self.n)
        return RawTable(
            self.label, self.names, n, lambda name: self.column(name)[:n], self.sha256, self.metadata
        )

    def cells(self, name: str) -> pd.Series:
        """A column as a Series: numbers, or Python objects (str, list, dict, None)."""
        column = self.column(name)
        if isinstance(column, pd.Series):
            return column
        if pa.types.is_nested(column.type):
            return pd.Series(column.to_pylist(), dtype=object)
        series: pd.Series = column.to_pandas()
        return series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series

    def order(self, name: str) -> tuple[str, ...]:
        """The labels of a column of ordered categories (pandas) from the lowest to the highest; else ()."""
        column = self.column(name)
        if not isinstance(column, pa.ChunkedArray) or not pa.types.is_dictionary(column.type):
            return ()
        return tuple(map(str, column.to_pandas().cat.categories)) if column.type.ordered else ()

    def holds_vectors(self, name: str) -> bool:
        """Whether any cell is a list (of lists) of at least eight numbers.

        Cells are checked until one is a vector, so wrong or empty cells before it do not matter.
        """
        column = self.column(name)
        if not isinstance(column, pa.ChunkedArray):
            return any(_is_vector(cell) for cell in column)
        if _is_flat_numeric_list(column.type):
            longest = pa.compute.max(pa.compute.list_value_length(column)).as_py()
            return longest is not None and longest >= FEWEST_DIMENSIONS
        if not (_is_list(column.type) or _is_text(column.type)):
            return False
        return any(_is_vector(cell.as_py()) for cell in column)

    def vectors(self, name: str) -> tuple[Float32[np.ndarray, "n ..."], Bool[np.ndarray, " n"]]:
        """A column of vectors as an array and a mask.

        The same rule applies to every row: None, NaN, the texts in `schema.MISSING` and an empty list are
        missing; any other cell must be a list of numbers, and all lists must have the same length. In a cell
        with several vectors, an empty vector becomes NaN.

        Returns:
            (n, d) float32, or (n, k, d) if each cell is a list of k vectors, with 0 in missing rows; and
            (n,) bool, False where missing.

        Raises:
            InputError: the lengths differ, or a cell is not a vector.
        """
        column = self.column(name)
        if isinstance(column, pa.ChunkedArray) and _is_flat_numeric_list(column.type):
            return self._arrow_vectors(name, column)
        out: np.ndarray | None = None
        present = np.zeros(self.n, dtype=bool)
        for row, cell in enumerate(self.cells(name)):
            if is_missing(cell):
                continue
            try:
                vector = _as_vector(cell)
            except ValueError:
                raise InputError(
                    f"{self.label}, column {name!r}, row {row + 1}: {shown(cell)} is not a list of numbers"
                ) from None
            if not vector.size:
                continue
            if out is None:
                out = np.zeros((self.n, *vector.shape), dtype=np.float32)
            if vector.shape != out.shape[1:]:
                raise self._length_error(name, [_vector_size(cell) for cell in self.cells(name)])
            out[row], present[row] = vector, True
        return (np.zeros((self.n, 0), dtype=np.float32) if out is None else out), present

    def _arrow_vectors(
        self, name: str, column: pa.ChunkedArray
    ) -> tuple[Float[np.ndarray, "n d"], Bool[np.ndarray, " n"]]:
        lengths = pa.compute.fill_null(pa.compute.list_value_length(column), 0).to_numpy()
        present = lengths > 0
        dim = int(lengths.max(initial=0))
        if (lengths[present] != dim).any():
            raise self._length_error(name, lengths.tolist())
        out = np.zeros((self.n, dim), dtype=np.float32)
        start = 0
        # Filling one array chunk by chunk avoids a second copy of the column.
        for chunk in column.chunks:
            rows = start + np.flatnonzero(present[start : start + len(chunk)])
            values = chunk.drop_null().flatten().to_numpy(zero_copy_only=False)
            out[rows] = values.reshape(len(rows), dim)
            start += len(chunk)
        return out, present

    def _length_error(self, name: str, sizes: Sequence[int]) -> InputError:
        """The error that names the first row whose size differs from most sizes; 0 is a missing cell."""
        counts = Counter(size for size in sizes if size)
        usual = max(counts, key=lambda size: (counts[size], size))
        row = next((row for row, size in enumerate(sizes) if size not in (0, usual)), None)
        if row is None:
            return InputError(f"{self.label}, column {name!r}: cells of {usual} numbers differ in shape")
        return InputError(
            f"{self.label}, column {name!r}, row {row + 1}: {sizes[row]} numbers, but most rows have {usual}"
        )


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in tests)


def _is_text(kind: pa.DataType) -> bool:
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string))


def _is_flat_numeric_list(kind: pa.DataType) -> bool:
    return _is_list(kind) and any(
        test(kind.value_type) for test in (pa.types.is_floating, pa.types.is_integer)
    )


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: None, NaN, NaT (a date that is none) or blanks."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return True
    if isinstance(cell, str):
        return not cell.strip()
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return bool(np.isnat(cell))
    return isinstance(cell, float) and math.isnan(cell)


def is_missing(cell: Any, markers: tuple[str, ...] = MISSING) -> bool:
    """Whether a cell is empty or one of the texts that mean "no value"; upper and lower case are the same."""
    if is_empty(cell):
        return True
    return isinstance(cell, str) and cell.strip().lower() in lowered(markers)


@cache
def lowered(markers: tuple[str, ...]) -> frozenset[str]:
    """The markers in lower case, without blanks around them."""
    return frozenset(marker.strip().lower() for marker in markers)


def shown(cell: Any, most: int = 40) -> str:
    """A cell as messages show it: a text in quotes, a long cell shortened."""
    text = repr(cell.item() if isinstance(cell, np.generic) else cell)
    return text if len(text) <= most else text[: most - 1] + "…"


def _as_vector(cell: Any) -> Float[np.ndarray, "*k d"]:
    """A list, array, or text such as `[0.1, 0.2]` as float32 with one or two axes. Raises ValueError."""
    if isinstance(cell, str):
        if not cell.lstrip().startswith("["):
            raise ValueError
        try:
            cell = parse_json(cell, "")
        except ValueError:
            # numpy prints arrays without commas.
            cell = re.sub(r"[\[\],]", " ", cell).split()
    elif isinstance(cell, np.ndarray) and cell.dtype == object:
        cell = list(cell)
    if not isinstance(cell, list | tuple | np.ndarray):
        raise ValueError
    try:
        vector = np.asarray(cell, dtype=np.float32)
    except (TypeError, ValueError, OverflowError):
        vector = _with_gaps(cell)
    if vector.ndim not in (1, 2):
        raise ValueError
    return vector


def _with_gaps(cell: Any) -> Float[np.ndarray, "k d"]:
    """(k, d) float32 from k lists, some of which are empty or None and become NaN. Raises ValueError."""
    gaps = [is_missing(part) or (isinstance(part, list | np.ndarray) and len(part) == 0) for part in cell]
    if not any(gaps) or all(gaps):
        raise ValueError
    try:
        full = np.asarray([part for part, gap in zip(cell, gaps, strict=True) if not gap], dtype=np.float32)
    except (TypeError, OverflowError) as error:
        raise ValueError from error
    out = np.full((len(gaps), *full.shape[1:]), np.nan, dtype=np.float32)
    out[np.logical_not(gaps)] = full
    return out


def _is_vector(cell: Any) -> bool:
    """Whether a cell is a list (of lists) of enough numbers for an embedding."""
    try:
        return bool(_as_vector(cell).shape[-1] >= FEWEST_DIMENSIONS)
    except ValueError:
        return False


def _vector_size(cell: Any) -> int:
    """How many numbers a cell holds; 0 if it is not a list of numbers."""
    try:
        return _as_vector(cell).size
    except ValueError:
        return 0


def read_files(paths: Sequence[Path], label: str | None = None, form: FileForm = ONLY_FORM) -> RawTable:
    """Open one file, or the several files of one table. The suffix gives the format; .gz may follow it.

    `form` says how text files are written where their names do not tell, and if the user can say so.

    Raises:
        InputError: a file is missing, empty or damaged, has an unknown format, a wrong delimiter or a
            repeated column, or the files have different columns.
    """
    tables = [_read_file(path, form) for path in paths]
    first = tables[0]
    if len(tables) == 1:
        return first
    for path, other in zip(paths, tables, strict=True):
        if set(other.names) != set(first.names):
            odd = sorted(set(other.names) ^ set(first.names))[0]
            raise InputError(
                f"{path}: column {odd!r} is not in every file; all files of a table must have equal columns"
            )

    where = label or str(paths[0].parent)

    def column(name: str) -> Cells:
        parts = [table.column(name) for table in tables]
        if all(isinstance(part, pa.ChunkedArray) for part in parts):
            kind = common_type(where, name, [part.type for part in parts])
            return pa.chunked_array([chunk.cast(kind) for part in parts for chunk in part.chunks], type=kind)
        return pd.concat(parts, ignore_index=True)

    digest = hashlib.sha256("".join(table.sha256 for table in tables).encode()).hexdigest()
    return RawTable(where, first.names, sum(t.n for t in tables), column, digest)


def common_type(where: str, name: str, kinds: Sequence[pa.DataType]) -> pa.DataType:
    """The type that holds the cells of every file; a file without values has the type null."""
    fields = [pa.schema([(name, kind)]) for kind in kinds]
    try:
        return pa.unify_schemas(fields, promote_options="permissive").field(0).type
    except pa.ArrowException:
        different = " and ".join(dict.fromkeys(map(str, kinds)))
        raise InputError(
            f"{where}: column {name!r} is {different} in different files; write it in one form"
        ) from None


def _read_file(path: Path, form: FileForm) -> RawTable:
    if not path.exists():
        raise InputError(f"{path}: no such file")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file ({', '.join(TABLE_FORMATS)})")
    suffix = _format_of(path, form)
    readers: dict[str, Callable[[Path], RawTable]] = {
        ".parquet": _read_parquet,
        ".arrow": _read_arrow,
        ".feather": _read_arrow,
        ".jsonl": lambda path: _read_jsonl(path, form),
        ".csv": lambda path: _read_csv(path, ",", form),
        ".tsv": lambda path: _read_csv(path, "\t", form),
    }
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty")
    try:
        raw = readers[suffix](path)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not {form.encoding.removesuffix('-sig').upper()} text (byte {error.start + 1}); "
            f"{_other_encoding(path, form)}"
        ) from error
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged_file(path, "gzip", error) from error
    _refuse_repeated(path, raw.names)
    if raw.n == 0:
        raise InputError(f"{path}: has a header but no rows")
    return raw


def _other_encoding(path: Path, form: FileForm) -> str:
    """What to do with a text in another encoding."""
    if not form.can_be_said:
        return "save it as UTF-8 (in Excel: CSV UTF-8)"
    likely = "utf-16" if begins_as_utf16(path) else "cp1252"
    return (
        f"write file: {{encoding: {likely}}} (Windows), or another encoding, in a --columns file, which "
        "run_independence_tests.py --columns auto proposes"
    )


def _format_of(path: Path, form: FileForm) -> str:
    """The suffix of a known format, without .gz behind it. Raises InputError."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [PACKED]
    suffix = next(iter(suffixes[-2:-1] if packed else suffixes[-1:]), "")
    if packed and suffix in BINARY_FORMATS:
        raise InputError(f"{path}: unpack it first (gunzip); only text tables are read packed")
    if suffix in TABLE_FORMATS:
        return suffix
    if form.is_csv:
        return ".csv"
    advice = (
        "a text table of another name is read with file: {format: csv} in a --columns file, and one without "
        "a line of names with header: [name, name, ...] beside it"
        if form.can_be_said
        else "save it as one of these"
    )
    raise InputError(
        f"{path}: format {suffix or 'without a suffix'!r}; known are {', '.join(TABLE_FORMATS)}, .csv.gz; "
        f"{advice}"
    )


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """A text file, unpacked if it is .gz."""
    if path.suffix.lower() == PACKED:
        with gzip.open(path, "rt", encoding=encoding, newline="") as stream:
            yield cast(TextIO, stream)
    else:
        with path.open(encoding=encoding, newline="") as stream:
            yield stream


def begins_as_utf16(path: Path) -> bool:
    """Whether a file, unpacked if it is .gz, begins with the mark of a text in UTF-16."""
    with open_text(path, "latin-1") as stream:  # in which each byte is a letter
        return stream.read(2).encode("latin-1") in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def metadata_of(path: Path, schema: pa.Schema) -> Mapping[str, Any]:
    """What `write_table` has written into the header; empty for other files. Raises InputError."""
    content = (schema.metadata or {}).get(METADATA_KEY)
    if content is None:
        return {}
    where = f"{path}: what it says about itself ({METADATA_KEY.decode()} in its metadata)"
    facts = parse_json(content.decode("utf-8", errors="replace"), where)
    if not isinstance(facts, dict) or not isinstance(facts.get("simulated", False), bool):
        raise InputError(f"{where} was not written by this program; write the table again")
    return facts


def _read_parquet(path: Path) -> RawTable:
    try:
        file = pa.parquet.ParquetFile(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged_file(path, "parquet", error) from error

    def column(name: str) -> pa.ChunkedArray:
        try:
            return _refuse_broken_text(path, name, file.read(columns=[name]).column(0))
        except (pa.ArrowException, OSError) as error:
            raise damaged_file(path, "parquet", error) from error

    schema = file.schema_arrow
    return RawTable(
        str(path),
        tuple(schema.names),
        file.metadata.num_rows,
        column,
        sha256_file(path),
        metadata_of(path, schema),
    )


def _read_arrow(path: Path) -> RawTable:
    """Read the file format (feather) or the stream format (which the library `datasets` writes)."""
    try:
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except pa.ArrowInvalid:
            table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
    except (pa.ArrowException, OSError) as error:
        raise damaged_file(path, "arrow", error) from error
    return RawTable(
        str(path),
        tuple(table.column_names),
        table.num_rows,
        lambda name: _refuse_broken_text(path, name, table.column(name)),
        sha256_file(path),
        metadata_of(path, table.schema),
    )


def _refuse_broken_text(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column. Raises InputError if it holds a text that is not UTF-8, or positions beyond its end."""
    try:
        column.validate(full=_is_text(column.type))
    except pa.ArrowException as error:
        raise InputError(
            f"{path}, column {name!r}: a text that is not UTF-8; write the file again"
        ) from error
    return column


def damaged_file(path: Path, kind: str, error: Exception) -> InputError:
    """The error of a file that cannot be decoded."""
    reason = re.sub(r"\s+", " ", str(error)).strip()
    return InputError(
        f"{path}: damaged or incomplete {kind} file ({reason[:120]}); copy or download it again"
    )


def _read_jsonl(path: Path, form: FileForm) -> RawTable:
    rows: list[dict[str, Any]] = []
    with open_text(path, form.encoding) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            row = parse_json(line, f"{path}, line {number}")
            if not isinstance(row, dict):
                raise InputError(f"{path}, line {number}: {shown(row)} is not an object with columns")
            # Long lists become arrays at once, because Python numbers take ten times the memory.
            rows.append({key: _compact(value) for key, value in row.items()})
    names = tuple(dict.fromkeys(key for row in rows for key in row))
    return RawTable(
        str(path),
        names,
        len(rows),
        lambda name: pd.Series([row.get(name) for row in rows], dtype=object),
        sha256_file(path),
    )


def _compact(value: Any) -> Any:
    if isinstance(value, list) and len(value) >= FEWEST_DIMENSIONS:
        try:
            return np.asarray(value, dtype=np.float32)
        except (ValueError, TypeError, OverflowError):
            return value
    return value


def _read_csv(path: Path, delimiter: str, form: FileForm) -> RawTable:
    header, delimiter = _check_csv(path, delimiter, form)
    try:
        with open_text(path, form.encoding) as stream:
            frame = pd.read_csv(
                stream,
                sep=delimiter,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                names=header,
                header=None if form.header else 0,
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise damaged_file(path, "text", error) from error

    def column(name: str) -> pd.Series:
        return _with_points(frame[name]) if form.decimal == "," else frame[name]

    return RawTable(str(path), tuple(header), len(frame), column, sha256_file(path))


def _with_points(cells: pd.Series) -> pd.Series:
    """Numbers with a decimal comma as numbers with a point; other texts stay as they are."""
    return cells.str.replace(DECIMAL_COMMA, r"\1.\2", regex=True)


def _check_csv(path: Path, delimiter: str, form: FileForm) -> tuple[list[str], str]:
    """The header and the delimiter, if all rows are as long as the header.

    pandas would pad short rows without a warning. A header of one column that holds another usual delimiter
    tells which one the file has.
    """
    # A cell may hold a whole embedding as a text.
    csv.field_size_limit(2**30)
    with open_text(path, form.encoding) as stream:
        first = stream.readline()
        stream.seek(0)
        delimiter = form.delimiter or _seen_delimiter(first, delimiter)
        reader = csv.reader(stream, delimiter=delimiter)
        try:
            header = list(form.header) or next(reader, [])
            if not any(header):
                raise InputError(f"{path}, line 1: no header; the first line names the columns")
            _refuse_repeated(path, header)
            for row, cells in enumerate((cells for cells in reader if cells), start=1):
                if len(cells) != len(header):
                    other = '; another delimiter is declared by file: {delimiter: ";"} in a --columns file'
                    raise InputError(
                        f"{path}, row {row}: {len(cells)} cells, but the header has {len(header)}; "
                        f"a text with {delimiter!r} needs quotes; a short last row means a truncated file"
                        f"{other if form.can_be_said else ''}"
                    )
        except csv.Error as error:
            raise InputError(f"{path}, line {reader.line_num}: not valid CSV ({error})") from error
    return header, delimiter


def _seen_delimiter(line: str, usual: str) -> str:
    """The usual delimiter, unless the first line lacks it and has another one."""
    if usual in line:
        return usual
    return next((mark for mark in ",;\t|" if mark in line), usual)


def _refuse_repeated(path: Path, names: Sequence[str]) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InputError(f"{path}: column {repeated[0]!r} occurs twice; rename or remove one")
