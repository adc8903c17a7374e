"""Obfuscate a parquet file of vectors, or restore it, a batch of rows at a time."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Float32

from personax.embeddings.obfuscation_key import ObfuscationKey
from personax.embeddings.obfuscation_map import ObfuscationMap, add_noise, map_of
from personax.embeddings.vector_columns import (
    VectorFile,
    column_of,
    read_batches,
    vectors_of,
    write_batches,
)
from personax.runs.errors import InputError
from personax.runs.memory import require_memory
from personax.runs.seeds import numpy_rng
from personax.tables.reading import METADATA_KEY

LABEL_ENTRY = "obfuscated_with"  # in the header of the file: the label of the key
Change = Callable[[Float32[np.ndarray, "n d"]], Float32[np.ndarray, "n d"]]
"""Turns some rows of a column into others."""


def label_in(source: VectorFile) -> str | None:
    """The label of the key that a file was obfuscated with; None if it was not."""
    label = facts_in(source).get(LABEL_ENTRY)
    return None if label is None else str(label)


def facts_in(source: VectorFile) -> dict[str, Any]:
    """What this program has written into the header of a file."""
    try:
        facts = json.loads(source.metadata.get(METADATA_KEY, b"{}"))
    except ValueError:
        facts = {}
    return facts if isinstance(facts, dict) else {}


def obfuscate_file(
    source: VectorFile,
    target: Path,
    key: ObfuscationKey,
    keep: Sequence[str] = (),
    *,
    seed: int | None = None,
    on_rows: Callable[[int], object],
) -> int:
    """Write the identifiers, the obfuscated vectors and the columns `keep`; returns the number of rows.

    The noise comes from the operating system's random numbers and is not kept, so not even the key takes it
    away; with a `seed`, for studies, from that.

    Raises:
        InputError: the file is obfuscated already, has other columns or lengths of vectors than the key, or
            its matrices do not fit in memory.
    """
    if label_in(source) is not None:
        raise InputError(f"{source.path}: is obfuscated already; take the plain file, or --inverse true")
    _check_widths(source, key)
    rng = (
        np.random.default_rng(secrets.randbits(128)) if seed is None else numpy_rng(seed, "obfuscation/noise")
    )
    scales = typical_scales(source) if key.noise > 0 else dict.fromkeys(source.widths, 0.0)
    maps = {column: map_of(key, column) for column in source.widths}
    changes = {column: _hide(maps[column], key.noise * scales[column], rng) for column in source.widths}
    return _rewrite(source, target, changes, keep, {LABEL_ENTRY: key.label}, on_rows)


def restore_file(
    source: VectorFile,
    target: Path,
    key: ObfuscationKey,
    keep: Sequence[str] = (),
    *,
    on_rows: Callable[[int], object],
) -> int:
    """Write the plain vectors; returns the number of rows. Noise stays in them.

    Raises InputError if the file is not obfuscated, or was obfuscated with another key.
    """
    label = label_in(source)
    if label is None:
        raise InputError(f"{source.path}: is not obfuscated; leave out --inverse")
    if label != key.label:
        raise InputError(f"{source.path}: was obfuscated with key {label}, not {key.label}; give that --key")
    _check_widths(source, key)
    changes = {column: _reveal(map_of(key, column)) for column in source.widths}
    return _rewrite(source, target, changes, keep, {}, on_rows)


def _hide(mapped: ObfuscationMap, scale: float, rng: np.random.Generator) -> Change:
    return lambda vectors: add_noise(mapped(vectors), scale, rng)


def _reveal(mapped: ObfuscationMap) -> Change:
    return lambda vectors: mapped.undo(vectors).astype(np.float32)


def _check_widths(source: VectorFile, key: ObfuscationKey) -> None:
    """Raise InputError if a column is not in the key, or has vectors of another length."""
    for column, width in source.widths.items():
        if column not in key.widths:
            raise InputError(
                f"{source.path}: the key is for {', '.join(key.widths)}, not for column {column!r}; use "
                "another --key"
            )
        if width != key.widths[column]:
            raise InputError(
                f"{source.path}, column {column!r}: vectors of {width} numbers, but the key is for "
                f"{key.widths[column]}; they come from another encoder, so use another --key"
            )
    # Forward and backward map of each column, and one more while it is drawn; 8 bytes a number.
    squares = [width**2 for width in source.widths.values()]
    require_memory(8.0 * (2 * sum(squares) + max(squares)), f"{source.path}: matrices of the key")


def typical_scales(source: VectorFile) -> dict[str, float]:
    """Column -> root mean square of the standard deviations of its coordinates, in one pass over the file.

    Raises InputError if a column has fewer than two vectors.
    """
    sums = {column: _Moments(width) for column, width in source.widths.items()}
    for batch in read_batches(source.path, list(source.widths)):
        for column, moments in sums.items():
            moments.add(_without_zeros(vectors_of(batch[column], source.widths[column])))
    for column, moments in sums.items():
        if moments.rows < 2:
            raise InputError(f"{source.path}, column {column!r}: {moments.rows} vectors; noise needs two")
    return {column: moments.scale() for column, moments in sums.items()}


class _Moments:
    """Mean and variance of the coordinates of vectors that come in batches."""

    def __init__(self, width: int) -> None:
        self.rows, self._mean, self._squares = 0, np.zeros(width), np.zeros(width)

    def add(self, vectors: Float[np.ndarray, "n d"]) -> None:
        """Take in more vectors; rows of NaN do not count."""
        here = vectors[~np.isnan(vectors).any(axis=1)].astype(np.float64)
        if not len(here):
            return
        mean, rows = here.mean(axis=0), self.rows + len(here)
        step = mean - self._mean
        self._squares += ((here - mean) ** 2).sum(axis=0) + step**2 * (self.rows * len(here) / rows)
        self._mean += step * (len(here) / rows)
        self.rows = rows

    def scale(self) -> float:
        """Root mean square of the standard deviations of the coordinates."""
        return float(np.sqrt(self._squares.mean() / self.rows))


def _without_zeros(vectors: Float32[np.ndarray, "n d"]) -> Float32[np.ndarray, "n d"]:
    """Rows of zeros are missing embeddings; they become NaN, else noise would make values of them."""
    vectors[~vectors.any(axis=1)] = np.nan
    return vectors


def _rewrite(
    source: VectorFile,
    target: Path,
    changes: Mapping[str, Change],
    keep: Sequence[str],
    facts: Mapping[str, Any],
    on_rows: Callable[[int], object],
) -> int:
    """Write a file whose vectors are changed, batch by batch."""
    lacking = [name for name in keep if name not in source.others]
    if lacking:
        raise InputError(
            f"{source.path}: no column {lacking[0]!r} to keep; there are {', '.join(source.others)}"
        )

    def changed() -> Iterator[pa.RecordBatch]:
        for batch in read_batches(source.path, [source.id, *source.widths, *keep]):
            columns = {source.id: batch[source.id]} | {name: batch[name] for name in keep}
            for name, change in changes.items():
                vectors = _without_zeros(vectors_of(batch[name], source.widths[name]))
                columns[name] = column_of(change(vectors))
            on_rows(batch.num_rows)
            yield pa.RecordBatch.from_pydict(columns)

    known = {"simulated": facts_in(source).get("simulated") is True, "source": target.name, **facts}
    return write_batches(target, changed(), {METADATA_KEY: json.dumps(known).encode()})
