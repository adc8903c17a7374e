"""Embeddings in a folder of `.npy` files that are named as the authors' files, or in a parquet file."""

from pathlib import Path

import numpy as np
from jaxtyping import Int, Shaped

from personax.runs.errors import InputError
from personax.runs.files import read_npy
from personax.tables.embeddings import (
    CheckedVectors,
    PeopleEmbeddings,
    Slot,
    check_embeddings,
    gather,
    slot_of,
)
from personax.tables.id_matching import IdMatch, match_ids
from personax.tables.reading import read_files
from personax.tables.schema import plain

IDS_FILE = "ids.npy"


def load_embeddings(folder: Path | str, ids: Shaped[np.ndarray, " n"]) -> PeopleEmbeddings:
    """Read the embeddings of the people `ids` from `.npy` files that are named as the authors' files.

    Args:
        folder: a parquet file with a column ID and columns of vectors, as `extract_embeddings` writes it;
            or a folder that holds some of the files `X1_imagebind_embeddings.npy` (and X2, X3),
            `X1_text_gpt.npy`, `X2_text_gemini.npy`, `X3_text_llama.npy` (or X21, X22, X23), each (n, d). A
            row of NaN is a missing embedding, and so is a row of zeros. Row i belongs to `ids[i]`. If there
            is also a file `ids.npy` (k,), the files have k rows that belong to the people in it, in any
            order (see `match_ids`); people without a row lack the embedding. The same holds for a parquet
            file.
        ids: (n,) identifiers of the table.

    Returns:
        Embeddings and masks, and sentences about how people were matched, who lacks a measurement, and which
        people have equal vectors.

    Raises:
        InputError: there are no files, a file is damaged, has a wrong number of rows or numbers that are not
            finite, all its embeddings are the same, or fewer than half of the people are in `ids.npy`. The
            message names file and row.
    """
    folder = Path(folder)
    if folder.suffix == ".parquet":
        return _load_parquet(folder, ids)
    files = _embedding_files(folder)
    match = _match_folder(folder, ids)
    found = {}
    for slot, path in files.items():
        source = read_npy(path)
        if source.ndim != 2 or len(source) != len(match.rows):
            raise InputError(
                f"{path}: shape {source.shape}, but {len(match.rows)} people are expected, one row each "
                f"({'ids.npy' if (folder / IDS_FILE).exists() else 'the table'} has {len(match.rows)})"
            )
        vectors = check_embeddings(
            np.array(source, dtype=np.float32), np.ones(len(source), dtype=bool), str(path)
        )
        found[slot] = _at_rows(vectors, match.rows, len(ids))
    return gather(found, ids)._replace(matching=match.sentence)


def _load_parquet(path: Path, ids: Shaped[np.ndarray, " n"]) -> PeopleEmbeddings:
    """The embeddings in the columns of a parquet file whose names say what they hold. Raises InputError."""
    raw = read_files([path])
    identity = [name for name in raw.names if plain(name) == "id"]
    if len(identity) != 1:
        raise InputError(f"{path}: {len(identity)} columns of identifiers; it needs one that is called ID")
    match = match_ids(ids, raw.cells(identity[0]).to_numpy(), str(path))
    found: dict[Slot, CheckedVectors] = {}
    for name in raw.names:
        slot = slot_of(name)
        if slot is None or not raw.holds_vectors(name):
            continue
        if slot in found:
            raise InputError(f"{path}: column {name!r} holds the same measurement as one before it; keep one")
        vectors, present = raw.vectors(name)
        checked = check_embeddings(vectors, present, f"{path}, column {name!r}")
        found[slot] = _at_rows(checked, match.rows, len(ids))
    if not found:
        raise InputError(f"{path}: no column of embeddings, such as Profile_picture or Text_embedding_1")
    return gather(found, ids)._replace(matching=match.sentence)


def _embedding_files(folder: Path) -> dict[Slot, Path]:
    """The file of each measurement in a folder. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of embeddings")
    files: dict[Slot, Path] = {}
    for path in sorted(folder.glob("*.npy")):
        slot = slot_of(path.stem)
        if slot in files:
            raise InputError(f"{path}: {files[slot].name} holds the same measurement; keep one of them")
        if slot is not None:
            files[slot] = path
    if not files:
        raise InputError(
            f"{folder}: no embeddings; expected files such as X1_imagebind_embeddings.npy or X1_text_gpt.npy"
        )
    return files


def _at_rows(vectors: CheckedVectors, target: Int[np.ndarray, " k"], n: int) -> CheckedVectors:
    """Move the k rows of a measurement to the rows `target` (k,) of n people; a row with -1 is dropped."""
    if np.array_equal(target, np.arange(n)):
        return vectors
    known = target >= 0
    rows = target[known]
    moved = CheckedVectors(
        np.zeros((n, vectors.array.shape[1]), np.float32), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    )
    for new, old in zip(moved, vectors, strict=True):
        new[rows] = old[known]
    return moved


def _match_folder(folder: Path, ids: Shaped[np.ndarray, " n"]) -> IdMatch:
    """The person of each row of the files: from `ids.npy` if it exists, else from the order of the table."""
    path = folder / IDS_FILE
    if not path.exists():
        sentence = f"{folder}: no {IDS_FILE}, so its {len(ids)} rows are used in the order of the table"
        return IdMatch(np.arange(len(ids)), sentence)
    rows = read_npy(path)
    if rows.ndim != 1:
        raise InputError(f"{path}: shape {rows.shape}; one identifier per row is expected")
    return match_ids(ids, rows, str(path))
