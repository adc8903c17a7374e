"""Encode a column part by part: a run that was killed goes on where it was, and nothing is encoded twice.

A part holds the embeddings of a fixed number of rows, and why some of them are missing. It is written
completely or not at all. Row i of the parts is row i of the table, whatever has failed: a missing embedding
is a row of NaN. Parts begin at the same rows in every run, so batches, and with them the last bits, are the
same as without interruption.
"""

import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32
from PIL import Image, UnidentifiedImageError

from personax.embeddings.picture_encoders import PictureEncoder
from personax.embeddings.text_encoders import TextEncoder
from personax.runs.errors import InputError
from personax.runs.files import atomic_path


class Encoded(NamedTuple):
    """The embeddings of some rows.

    Attributes:
        vectors: (n, d) float32; a missing one is NaN.
        reasons: for each row why it is missing; "" if it is not.
    """

    vectors: Float32[np.ndarray, "n d"]
    reasons: list[str]


Encode = Callable[[Sequence[str]], Encoded]
"""Encodes cells of a table: texts, or the names of files with pictures."""


def encode_in_parts(
    home: Path, cells: Sequence[str], encode: Encode, size: int, width: int
) -> Iterator[Encoded]:
    """Encode `size` cells at a time; yields each part after it is written, or read if it was there already.

    Args:
        home: folder of the parts.
        cells: n cells.
        encode: makes a part.
        size: cells of a part.
        width: numbers in an embedding.

    Raises:
        InputError: a part is damaged, or holds other embeddings than the encoder makes now.
    """
    for start in range(0, len(cells), size):
        path, rows = home / f"{start:09d}.npz", cells[start : start + size]
        if path.exists():
            yield read_part(path, len(rows), width)
            continue
        part = encode(rows)
        _check_width(path, part, len(rows), width)
        with atomic_path(path) as temporary:
            np.savez(temporary, vectors=part.vectors, reasons=np.array(part.reasons, dtype=str))
        yield part


def read_part(path: Path, rows: int, width: int) -> Encoded:
    """A part that was written before. Raises InputError if it is damaged or has another shape."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            part = Encoded(stored["vectors"], [str(reason) for reason in stored["reasons"]])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: damaged; delete it, and it is made again with --resume") from error
    _check_width(path, part, rows, width)
    return part


def _check_width(path: Path, part: Encoded, rows: int, width: int) -> None:
    if part.vectors.shape != (rows, width):
        raise InputError(
            f"{path}: embeddings of shape {part.vectors.shape}, but {(rows, width)} is expected; the encoder "
            "or the table is another one than before; start again with --overwrite"
        )


def encode_texts(encoder: TextEncoder, width: int, cells: Sequence[str]) -> Encoded:
    """Embeddings of texts; an empty text is missing."""
    here = [row for row, text in enumerate(cells) if text.strip()]
    vectors = encoder.encode([cells[row] for row in here]) if here else None
    return _in_place(vectors, here, ["" if text.strip() else "no text" for text in cells], width)


def encode_pictures(
    encoder: PictureEncoder, width: int, folder: Path, batch_size: int, cells: Sequence[str]
) -> Encoded:
    """Embeddings of pictures; a picture that cannot be read is missing.

    Args:
        encoder: the encoder.
        width: numbers in an embedding.
        folder: where names of files begin that are not absolute.
        batch_size: pictures at a time.
        cells: names of files.
    """
    reasons, here, found, batch = [""] * len(cells), [], [], []
    for row, cell in enumerate(cells):
        try:
            batch.append(read_picture(cell, folder))
            here.append(row)
        except UnreadablePicture as fault:
            reasons[row] = str(fault)
        if len(batch) == batch_size or (batch and row == len(cells) - 1):
            found.append(encoder.encode(batch))
            batch = []
    return _in_place(np.concatenate(found) if found else None, here, reasons, width)


def _in_place(
    vectors: Float32[np.ndarray, "k d"] | None, here: Sequence[int], reasons: list[str], width: int
) -> Encoded:
    """Put k vectors at the rows `here`; the others become NaN."""
    found = np.zeros((0, width), np.float32) if vectors is None else vectors
    out = np.full((len(reasons), found.shape[1]), np.nan, dtype=np.float32)
    out[list(here)] = found
    return Encoded(out, reasons)


class UnreadablePicture(Exception):
    """Why a picture is missing, without the name of its file, which may be the name of a person."""


def read_picture(cell: str, folder: Path) -> Image.Image:
    """The picture in a file, in RGB. Raises UnreadablePicture."""
    if not cell.strip():
        raise UnreadablePicture("no picture named")
    path = folder / Path(cell.strip())
    try:
        if not path.is_file():
            raise UnreadablePicture("no such file")
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            with Image.open(path) as picture:
                return picture.convert("RGB")
    except UnidentifiedImageError as error:
        raise UnreadablePicture("no picture that can be read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(f"more than {Image.MAX_IMAGE_PIXELS:,} pixels") from error
    except PermissionError as error:
        raise UnreadablePicture("may not be read") from error
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, OverflowError) as error:
        raise UnreadablePicture("damaged or cut off") from error
