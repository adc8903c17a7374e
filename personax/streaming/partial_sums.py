"""Sums over parts are saved in files, so that a run that was killed goes on after the last saved part."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Protocol, TypeVar, runtime_checkable

import pyarrow as pa
import pyarrow.ipc

from personax.runs.errors import InputError
from personax.runs.files import atomic_path
from personax.runs.progress import progress
from personax.streaming.parts import TablePart

SECONDS_BETWEEN_FILES = 10.0
_DONE = b"parts"

Sums = TypeVar("Sums")
Entry = TypeVar("Entry")


@runtime_checkable
class Pass(Protocol[Sums]):
    """One pass over a table: sums of parts that add in any order."""

    @property
    def title(self) -> str:
        """The name of the pass: for its progress bar and its file."""

    def of_part(self, part: TablePart) -> Sums:
        """The sums of one part."""

    def merged(self, a: Sums, b: Sums) -> Sums:
        """The sums of two sets of parts together."""

    def to_arrow(self, sums: Sums) -> pa.Table:
        """The sums as a table of one row, which is saved in a file."""

    def from_arrow(self, table: pa.Table) -> Sums:
        """The sums in a table that `to_arrow` has made."""


@runtime_checkable
class Engine(Protocol):
    """What works on the parts: processes of this machine, or a cluster."""

    def sums(
        self, work: Pass[Sums], parts: Sequence[TablePart], numbers: Sequence[int]
    ) -> Iterable[tuple[tuple[int, ...], Sums]]:
        """Sums over the parts with these numbers: groups of numbers, each with its sums, in any order."""


def sum_over_parts(engine: Engine, work: Pass[Sums], parts: Sequence[TablePart], folder: Path | None) -> Sums:
    """The sums over all parts, with a bar.

    Args:
        engine: where the parts are worked on.
        work: the pass.
        parts: all parts of the table.
        folder: sums are saved there every SECONDS_BETWEEN_FILES, and a pass that was killed goes on from
            them; with None nothing is saved.
    """
    file = None if folder is None else folder / f"{work.title}.arrow"
    kept = _kept(work, file, len(parts))
    done, total = kept
    left = [number for number in range(len(parts)) if number not in done]
    written = monotonic()
    with progress(sum(part.rows for part in parts), work.title, "row") as bar:
        bar.update(sum(parts[number].rows for number in done))
        try:
            for numbers, sums in engine.sums(work, parts, left):
                total = sums if total is None else work.merged(total, sums)
                done.update(numbers)
                bar.update(sum(parts[number].rows for number in numbers))
                if file is not None and monotonic() - written >= SECONDS_BETWEEN_FILES:
                    _keep(work, file, done, total)
                    written = monotonic()
        finally:
            if file is not None and total is not None and left:
                _keep(work, file, done, total)
    assert total is not None
    return total


def _keep(work: Pass[Sums], file: Path, done: Iterable[int], total: Sums) -> None:
    table = work.to_arrow(total)
    table = table.replace_schema_metadata({_DONE: ",".join(map(str, sorted(done))).encode()})
    with atomic_path(file) as path, pa.ipc.new_file(path, table.schema) as writer:
        writer.write_table(table)


def _kept(work: Pass[Sums], file: Path | None, parts: int) -> tuple[set[int], Sums | None]:
    """The numbers of the parts whose sums a file has, and these sums. Raises InputError if it is damaged."""
    if file is None or not file.exists():
        return set(), None
    try:
        with pa.ipc.open_file(file) as reader:
            table = reader.read_all()
        done = {int(number) for number in table.schema.metadata[_DONE].decode().split(",")}
        if not done <= set(range(parts)):
            raise ValueError("other parts")
        return done, work.from_arrow(table)
    except (pa.ArrowException, OSError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{file}: damaged sums of an earlier run; remove it, or start again") from error


def in_tasks(items: Sequence[Entry], size: int) -> Iterator[tuple[Entry, ...]]:
    """The items in groups of at most `size`."""
    for first in range(0, len(items), size):
        yield tuple(items[first : first + size])
