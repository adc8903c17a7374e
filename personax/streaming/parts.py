"""The parquet files of a table, and the parts of about a million rows that they are cut into."""

import glob
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from personax.runs.errors import InputError
from personax.tables.reading import RawTable, common_type, damaged_file, metadata_of

ROWS_OF_PART = 2**20
SUFFIX = ".parquet"
ELEMENT = re.compile(r"(.+)\[(\d)\]")  # "Llama_score[3]": one number of a column of lists


@dataclass(frozen=True)
class TablePart:
    """Neighbouring row groups of one file.

    Attributes:
        path: the file.
        groups: numbers of the row groups.
        rows: how many rows they have.
    """

    path: str
    groups: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class PartedTable:
    """The files of a table.

    Attributes:
        label: the pattern, for messages.
        parts: of all files, in the order of the files' names.
        types: column -> type that holds the cells of every file.
        n: number of rows.
        checksum: SHA-256 of the names, sizes and footers of the files. The footer of a parquet file has the
            number, place and range of everything in it; the cells themselves are not read for it.
        first: the first file, to recognise columns by its names and cells.
    """

    label: str
    parts: tuple[TablePart, ...]
    types: Mapping[str, pa.DataType]
    n: int
    checksum: str
    first: RawTable


def open_parts(pattern: Path, rows_of_part: int = ROWS_OF_PART) -> PartedTable:
    """Find the files that a pattern (people/*.parquet), a folder or a name means, and read their footers.

    Raises InputError: there is none, one is damaged, columns or types differ, or there are no rows.
    """
    paths = _files_of(pattern)
    footers = [_footer(path) for path in paths]
    first = footers[0].schema.to_arrow_schema()
    schemas = [footer.schema.to_arrow_schema() for footer in footers]
    for path, schema in zip(paths, schemas, strict=True):
        odd = sorted(set(schema.names) ^ set(first.names))
        if odd:
            raise InputError(
                f"{path}: column {odd[0]!r} is not in every file; all files of a table must have "
                "equal columns"
            )
    n = sum(footer.num_rows for footer in footers)
    if n == 0:
        raise InputError(f"{pattern}: the files have no rows")
    types = {name: _type_in_all(str(pattern), name, paths, schemas) for name in first.names}
    parts = [
        part
        for path, footer in zip(paths, footers, strict=True)
        for part in _parts_of_file(path, footer, rows_of_part)
    ]
    of_files = [f"{path.name} {path.stat().st_size} {_footer_sum(path)}" for path in paths]
    checksum = hashlib.sha256("\n".join(of_files).encode()).hexdigest()
    filled = next(path for path, footer in zip(paths, footers, strict=True) if footer.num_rows)
    head = _head(str(pattern), filled, schemas[paths.index(filled)])
    return PartedTable(str(pattern), tuple(parts), types, n, checksum, head)


def cells_of_part(
    part: TablePart, names: Sequence[str], types: Mapping[str, pa.DataType]
) -> dict[str, pa.Array]:
    """The cells of some columns of one part. A name as "scores[3]" is one number of a column of lists.

    Raises InputError for a damaged file, or for lists that are too short.
    """
    of_file = {name: ELEMENT.fullmatch(name) for name in names}
    needed = sorted({found[1] if found else name for name, found in of_file.items()})
    with damaged_part(part):
        file = pq.ParquetFile(part.path, memory_map=True)
        table = file.read_row_groups(list(part.groups), columns=needed, use_threads=False)
    cells = {name: _one_array(table.column(name), types[name]) for name in needed}
    out = {}
    for name, found in of_file.items():
        out[name] = cells[name] if found is None else _element(part, cells[found[1]], found[1], int(found[2]))
    return out


@contextmanager
def damaged_part(part: TablePart) -> Iterator[None]:
    """Turn an error of the parquet library into one line that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(
            f"{part.path}: no such file where it is read; a cluster's workers need it under the same name"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise damaged_file(Path(part.path), "parquet", error) from error


def name_of_files(pattern: Path) -> str:
    """What the files are called together: the name of a single file without its suffix, or their folder's."""
    parts = [part for part in pattern.parts if not glob.has_magic(part)]
    return pattern.stem if len(parts) == len(pattern.parts) else parts[-1] if parts else "table"


def _files_of(pattern: Path) -> list[Path]:
    text = str(pattern / f"*{SUFFIX}") if pattern.is_dir() else str(pattern)
    paths = sorted(Path(found) for found in glob.glob(text, recursive=True))  # noqa: PTH207 - absolute patterns
    if not paths:
        raise InputError(f"{pattern}: no file has such a name; write a pattern as 'people/*{SUFFIX}'")
    other = next((path for path in paths if path.suffix.lower() != SUFFIX or path.is_dir()), None)
    if other is not None:
        raise InputError(f"{other}: only {SUFFIX} files are read part by part; leave --engine out for others")
    return paths


def _footer(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise damaged_file(path, "parquet", error) from error


def _footer_sum(path: Path) -> str:
    """SHA-256 of a parquet file's footer; its length stands before the last four bytes."""
    with path.open("rb") as stream:
        stream.seek(-8, 2)
        length = int.from_bytes(stream.read(4), "little")
        stream.seek(-8 - length, 2)
        return hashlib.sha256(stream.read(length)).hexdigest()


def _type_in_all(label: str, name: str, paths: Sequence[Path], schemas: Sequence[pa.Schema]) -> pa.DataType:
    """The type that holds the cells of every file. Raises InputError, which names the first odd file."""
    kinds = [schema.field(name).type for schema in schemas]
    for path, kind in zip(paths, kinds, strict=True):
        if kind != kinds[0]:
            common_type(f"{label}: {paths[0].name} and {path.name}", name, [kinds[0], kind])
    return common_type(label, name, list(dict.fromkeys(kinds)))


def _parts_of_file(path: Path, footer: pq.FileMetaData, rows_of_part: int) -> Iterator[TablePart]:
    groups: list[int] = []
    rows = 0
    for group in range(footer.num_row_groups):
        more = footer.row_group(group).num_rows
        if groups and rows + more > rows_of_part:
            yield TablePart(str(path), tuple(groups), rows)
            groups, rows = [], 0
        if more:
            groups, rows = [*groups, group], rows + more
    if groups:
        yield TablePart(str(path), tuple(groups), rows)


def _one_array(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    column = column if column.type == kind else column.cast(kind)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _element(part: TablePart, lists: pa.Array, name: str, place: int) -> pa.Array:
    try:
        return pc.list_element(lists, place)
    except pa.ArrowException as error:
        raise InputError(f"{part.path}, column {name!r}: a list of fewer than {place + 1} numbers") from error


def _head(label: str, path: Path, schema: pa.Schema) -> RawTable:
    """The first row group of a file, to recognise columns by their names and cells."""
    group = next(
        number
        for number in range(pq.read_metadata(path).num_row_groups)
        if pq.read_metadata(path).row_group(number).num_rows
    )

    def column(name: str) -> pa.ChunkedArray:
        return pq.ParquetFile(path, memory_map=True).read_row_group(group, columns=[name]).column(0)

    rows = pq.read_metadata(path).row_group(group).num_rows
    return RawTable(label, tuple(schema.names), rows, column, "", metadata_of(path, schema))
