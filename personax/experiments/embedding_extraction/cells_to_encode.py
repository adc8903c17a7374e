"""Find the texts and the names of picture files in a table of people."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Shaped

from personax.runs.errors import InputError
from personax.runs.files import sha256_text
from personax.tables.column_map import ColumnPlan
from personax.tables.embeddings import slot_of
from personax.tables.parsing import read_ids
from personax.tables.reading import RawTable, is_missing, read_files
from personax.tables.schema import SIMULATED_NAME, plain

Modality = Literal["text", "image"]
NO_COLUMNS = "none"
_TEXT_NAME = re.compile(r".*(description|biography|text)s?")
_NUMBERED = {"text": "Text_embedding_{}", "image": "Profile_picture_{}"}


class CellsToEncode(NamedTuple):
    """A column whose cells become vectors.

    Attributes:
        source: its name in the table.
        target: name of the column of vectors, which every other command recognises.
        modality: "text" or "image".
        cells: (n) texts or names of files; "" where there is none.
    """

    source: str
    target: str
    modality: Modality
    cells: list[str]


class PeopleCells(NamedTuple):
    """What is read of a table.

    Attributes:
        ids: (n,) identifiers, all different.
        columns: the columns to encode.
        kept: (n, columns) what is written beside the vectors.
        simulated: the table says that these people are made up.
    """

    ids: Shaped[np.ndarray, " n"]
    columns: list[CellsToEncode]
    kept: pd.DataFrame
    simulated: bool

    @property
    def checksum(self) -> str:
        """SHA-256 of identifiers and cells, but not of what is in the pictures, which are read only once."""
        parts = [str(self.ids.tolist()), *(f"{column.target}{column.cells}" for column in self.columns)]
        return sha256_text("".join(parts) + self.kept.to_csv())


def read_cells(path: Path, texts: str | None, images: str | None, keep: str | None) -> PeopleCells:
    """The cells to encode of a table; options as in config.py. Raises InputError."""
    raw = read_files([path])
    identity = [name for name in raw.names if plain(name) == "id"]
    if len(identity) != 1:
        raise InputError(f"{path}: {len(identity)} columns of identifiers; it needs one that is called ID")
    ids = read_ids(raw, ColumnPlan(id=identity[0]), [])
    columns = [*_columns_to_encode(raw, "text", texts), *_columns_to_encode(raw, "image", images)]
    if not columns:
        raise InputError(
            f"{path}: no column to embed; name columns of texts with --texts, or of picture files with "
            f"--images (there are {', '.join(raw.names[:12])})"
        )
    kept = pd.DataFrame({name: raw.cells(name) for name in _named(raw, keep or NO_COLUMNS, "keep")})
    return PeopleCells(ids, columns, kept, _says_simulated(raw))


def _columns_to_encode(raw: RawTable, modality: Modality, given: str | None) -> list[CellsToEncode]:
    """The columns of a modality: those that are named, or those whose names and cells say so."""
    if given is None:
        names = [name for name in raw.names if _sounds_like(name, modality) and _holds_texts(raw, name)]
    else:
        names = _named(raw, given, f"{modality}s")
    targets = target_names(names, modality)
    return [
        CellsToEncode(name, target, modality, _texts_in(raw, name))
        for name, target in zip(names, targets, strict=True)
    ]


def target_names(names: Sequence[str], modality: Modality) -> list[str]:
    """Names of the columns of vectors: the same, if other commands know them; else numbered ones.

    >>> target_names(["Gemini_description"], "text"), target_names(["bio", "notes"], "text")
    (['Gemini_description'], ['Text_embedding_1', 'Text_embedding_2'])
    """
    slots = [slot_of(name) for name in names]
    known = [slot for slot in slots if slot is not None and slot.modality == modality]
    if len(set(known)) == len(names):
        return list(names)
    return [_NUMBERED[modality].format(number) for number in range(1, len(names) + 1)]


def _named(raw: RawTable, given: str, option: str) -> list[str]:
    """Names of columns, separated by commas. Raises InputError for one that the table has not, or twice."""
    if given.strip() == NO_COLUMNS:
        return []
    names = [name.strip() for name in given.split(",")]
    for name in names:
        if name not in raw.names:
            raise InputError(
                f"{option} {name[:60]!r}: {raw.label} has no such column; it has {', '.join(raw.names[:12])}"
            )
        if names.count(name) > 1:
            raise InputError(f"{option} {name[:60]!r}: named twice")
    return names


def _sounds_like(name: str, modality: Modality) -> bool:
    slot = slot_of(name)
    if slot is not None:
        return slot.modality == modality
    return modality == "text" and _TEXT_NAME.fullmatch(plain(name)) is not None


def _holds_texts(raw: RawTable, name: str) -> bool:
    """Whether the first cell with a value is a text, and no vector."""
    first = next((cell for cell in raw.cells(name) if not is_missing(cell)), None)
    return isinstance(first, str) and not first.lstrip().startswith("[")


def _texts_in(raw: RawTable, name: str) -> list[str]:
    """The cells of a column as texts. Raises InputError for a cell that is neither a text nor empty."""
    texts = []
    for row, cell in enumerate(raw.cells(name), start=1):
        if is_missing(cell):
            texts.append("")
        elif isinstance(cell, str):
            texts.append(cell)
        else:
            raise InputError(
                f"{raw.label}, column {name!r}, row {row}: {type(cell).__name__}; a text is expected"
            )
    return texts


def _says_simulated(raw: RawTable) -> bool:
    """Whether the table is marked as simulated."""
    if raw.metadata.get("simulated") is True:
        return True
    marks = [name for name in raw.names if plain(name) == plain(SIMULATED_NAME)]
    return any(str(cell).strip().lower() in ("true", "1") for name in marks for cell in raw.cells(name))
