"""Parquet files with columns of vectors, read and written in batches, so that any number of rows fits.

A column of vectors holds lists of at least eight numbers, all of one length. A missing vector is null, or
nothing but NaN, when it is read, and nothing but NaN when it is written.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet
from jaxtyping import Float, Float32

from personax.runs.errors import InputError
from personax.runs.files import atomic_path
from personax.tables.reading import FEWEST_DIMENSIONS
from personax.tables.schema import plain

ROWS_AT_A_TIME = 1024
BUFFER = 2**20  # bytes that are read ahead; without it a whole row group is in memory


class VectorFile(NamedTuple):
    """A parquet file with columns of vectors.

    Attributes:
        path: the file.
        id: name of its column of identifiers.
        widths: column of vectors -> numbers in each of its vectors.
        others: all other columns.
        rows: number of rows.
        metadata: what is written in its header.
    """

    path: Path
    id: str
    widths: Mapping[str, int]
    others: tuple[str, ...]
    rows: int
    metadata: Mapping[bytes, bytes]


def open_vectors(path: Path) -> VectorFile:
    """What a file holds. Raises InputError if it is no parquet file with identifiers and vectors."""
    with _parquet(path) as file:
        schema, rows = file.schema_arrow, file.metadata.num_rows
        identity = [name for name in schema.names if plain(name) == "id"]
        if len(identity) != 1:
            raise InputError(
                f"{path}: {len(identity)} columns of identifiers; it needs one that is called ID"
            )
        lists = [field.name for field in schema if _is_list_of_numbers(field.type)]
        widths = {
            name: width for name in lists if (width := _list_width(file, name, path)) >= FEWEST_DIMENSIONS
        }
    if not widths:
        raise InputError(f"{path}: no column of vectors (lists of {FEWEST_DIMENSIONS} numbers or more)")
    others = tuple(name for name in schema.names if name not in widths and name != identity[0])
    return VectorFile(path, identity[0], widths, others, rows, schema.metadata or {})


def read_batches(path: Path, columns: list[str], rows: int = ROWS_AT_A_TIME) -> Iterator[pa.RecordBatch]:
    """The columns of a file, at most so many rows at a time. Raises InputError if the file is damaged."""
    with _parquet(path) as file:
        yield from file.iter_batches(batch_size=rows, columns=columns)


def vectors_of(column: pa.Array, width: int) -> Float32[np.ndarray, "n d"]:
    """(n, width) float32 from a column of lists; a row is NaN where the list is null or empty."""
    lengths = pa.compute.fill_null(pa.compute.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    out = np.full((len(column), width), np.nan, dtype=np.float32)
    here = np.flatnonzero(lengths > 0)
    flat = column.take(pa.array(here)).flatten().to_numpy(zero_copy_only=False)
    out[here] = flat.reshape(len(here), width)
    return out


def npy_of_vectors(path: Path | str, column: str, output: Path | str) -> None:
    """Write a column of vectors as a .npy file (rows, width) of float32, batch by batch.

    numpy.load(output, mmap_mode="r") is then a measurement that need not fit into memory. A missing vector is
    a row of NaN: say with `observed` of MultiViewData who lacks it. Raises InputError.
    """
    source = open_vectors(Path(path))
    if column not in source.widths:
        raise InputError(f"{path}: no column of vectors {column!r}; there are {', '.join(source.widths)}")
    shape = source.rows, source.widths[column]
    with atomic_path(output) as temporary:
        array = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
        start = 0
        for batch in read_batches(source.path, [column]):
            array[start : start + len(batch)] = vectors_of(batch.column(0), shape[1])
            start += len(batch)
        array.flush()


def column_of(vectors: Float[np.ndarray, "n d"]) -> pa.FixedSizeListArray:
    """(n, d) vectors as a column of lists of float32."""
    flat = pa.array(np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def write_batches(path: Path, batches: Iterator[pa.RecordBatch], metadata: Mapping[bytes, bytes]) -> int:
    """Write batches (at least one) as a parquet file, whole or not at all; returns the number of rows."""
    rows = 0
    with atomic_path(path) as temporary:
        first = next(batches)
        schema = first.schema.with_metadata(dict(metadata))
        # Vectors hardly compress, and dictionaries of floats only cost time.
        options = {"compression": "none", "use_dictionary": False}
        with pa.parquet.ParquetWriter(temporary, schema, **options) as writer:
            for batch in chain((first,), batches):
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
                rows += batch.num_rows
    return rows


@contextmanager
def _parquet(path: Path) -> Iterator[pa.parquet.ParquetFile]:
    """The opened file; whatever pyarrow says about it becomes an InputError of one line."""
    if path.suffix != ".parquet":
        raise InputError(f"{path}: must be a .parquet file, as extract_embeddings writes")
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with pa.parquet.ParquetFile(path, buffer_size=BUFFER, pre_buffer=False) as file:
            yield file
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: damaged or incomplete parquet file ({reason}); make it again") from error


def _is_list_of_numbers(kind: pa.DataType) -> bool:
    """Whether the cells are lists of numbers."""
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    if not any(test(kind) for test in tests):
        return False
    return bool(pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type))


def _list_width(file: pa.parquet.ParquetFile, name: str, path: Path) -> int:
    """How many numbers each list of a column has; 0 if there is no list. Raises InputError if they differ."""
    kind = file.schema_arrow.field(name).type
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    found: set[int] = set()
    for batch in file.iter_batches(batch_size=ROWS_AT_A_TIME, columns=[name]):
        found |= set(pa.compute.list_value_length(batch.column(0)).drop_null().to_pylist())
    found.discard(0)
    if len(found) > 1:
        raise InputError(f"{path}, column {name!r}: vectors of {min(found)} and of {max(found)} numbers")
    return max(found, default=0)
