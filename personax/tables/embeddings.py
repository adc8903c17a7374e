"""Embeddings: which columns hold them, `.npy` files in the authors' names, and checks.

An image is an ImageBind vector (1,024 numbers). A text is a gte-Qwen2 vector (3,584 numbers) of the
description by one language model (paper §3). They are used as they are: nothing is rescaled, and a missing
embedding is masked, not filled.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Shaped

from personax.runs.errors import InputError
from personax.tables.schema import LLMS, plain
from personax.tables.trait_scores import RATERS

EmbeddingViews = dict[str, list[np.ndarray]]  # modality -> one array (n, d) per measurement
ObservedMasks = dict[str, np.ndarray]  # modality -> (n, measurements) bool, False where missing

_VECTOR = r"(?:embeddings?|embs?|vectors?|features?)?"
_IMAGE = re.compile(rf"(?:x(\d))?(?:profilepicture|picture|imagebind|image|img)(\d?){_VECTOR}(\d?)")
_LLM = "|".join(alias for llm in LLMS for alias in sorted(RATERS[llm], key=len, reverse=True))
_TEXT = re.compile(rf"(?:x\d+)?(?:text)?({_LLM})(?:descriptions?|text)?{_VECTOR}")
_NUMBERED_TEXT = re.compile(rf"text(\d?){_VECTOR}(\d?)")


@dataclass(frozen=True, order=True)
class Slot:
    """One measurement: "image" 1, 2, 3, or "text" 1 (ChatGPT), 2 (Gemini), 3 (Llama)."""

    modality: str
    number: int


def slot_of(name: str) -> Slot | None:
    """The measurement whose embeddings a column or file with this name may hold, or None.

    The name alone proves little (`Gemini_description` may hold a text), so callers also look at the cells.

    Example:
        >>> slot_of("X2_imagebind_embeddings")
        Slot(modality='image', number=2)
    """
    spelled = plain(name)
    if image := _IMAGE.fullmatch(spelled):
        number = next((digit for digit in image.groups() if digit), "1")
        return Slot("image", int(number))
    if text := _TEXT.fullmatch(spelled):
        llm = next(llm for llm in LLMS if text[1] in RATERS[llm])
        return Slot("text", LLMS.index(llm) + 1)
    if text := _NUMBERED_TEXT.fullmatch(spelled):
        return Slot("text", int(text[1] or text[2] or 1))
    return None


def numbered_columns(names: Iterable[str]) -> dict[str, list[str]]:
    """Stem -> columns in order, for columns such as `Gemini_embedding_0`, `Gemini_embedding_1`, ..."""
    stems: dict[str, dict[int, str]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)[_\-. \[]*(\d+)\]?", name)
        if match and slot_of(match[1]):
            stems.setdefault(match[1], {})[int(match[2])] = name
    return {stem: [columns[number] for number in sorted(columns)] for stem, columns in stems.items()}


def check_embeddings(
    array: Float32[np.ndarray, "n d"], present: Bool[np.ndarray, " n"], where: str
) -> tuple[Float32[np.ndarray, "n d"], Bool[np.ndarray, " n"]]:
    """The embeddings and their mask. A row in which every number is NaN counts as missing.

    Args:
        array: (n, d) embeddings. It is changed in place: missing rows become 0.
        present: (n,) mask.
        where: file and column, for messages.

    Raises:
        InputError: a row has some numbers that are not finite, or everybody has the same vector.
    """
    # Sums need no second array of the same size: if a number is not finite, the sum of its row is not either.
    suspicious = ~np.isfinite(array.sum(axis=1, dtype=np.float64))
    for row in np.flatnonzero(suspicious & present):
        finite = np.isfinite(array[row])
        if np.isnan(array[row]).all():
            present[row] = False
        elif not finite.all():
            position = int(np.argmin(finite))
            raise InputError(
                f"{where}, row {row + 1}: {array[row, position]} at position {position + 1} of the vector; "
                "every number must be finite, or the whole embedding missing"
            )
    array[~present] = 0
    rows = np.flatnonzero(present)
    if len(rows) > 1 and all((array[row] == array[rows[0]]).all() for row in rows):
        raise InputError(f"{where}: every embedding is the same; nothing can be learned from a constant")
    return array, present


def gather(found: Mapping[Slot, tuple[np.ndarray, np.ndarray]]) -> tuple[EmbeddingViews, ObservedMasks]:
    """Embeddings and masks in the order of modality (image, text) and number, as PeopleTable holds them."""
    embeddings: EmbeddingViews = {}
    masks: dict[str, list[np.ndarray]] = {}
    for slot in sorted(found):
        array, present = found[slot]
        embeddings.setdefault(slot.modality, []).append(array)
        masks.setdefault(slot.modality, []).append(present)
    return embeddings, {modality: np.column_stack(mask) for modality, mask in masks.items()}


def load_embeddings(
    folder: Path | str, ids: Shaped[np.ndarray, " n"]
) -> tuple[EmbeddingViews, ObservedMasks]:
    """Read the embeddings of the people `ids` from `.npy` files in the authors' names.

    Args:
        folder: holds some of the files `X1_imagebind_embeddings.npy` (and X2, X3), `X1_text_gpt.npy`,
            `X2_text_gemini.npy`, `X3_text_llama.npy` (or X21, X22, X23), each (n, d). A row of NaN is a
            missing embedding. Row i belongs to `ids[i]`. If there is a file `ids.npy` (k,) as well, the files
            have k rows that belong to the people in it, in any order; people without a row lack the
            embedding.
        ids: (n,) identifiers of the table.

    Returns:
        modality -> list of (n, d) float32, and modality -> (n, measurements) bool, where False means missing.

    Raises:
        InputError: there are no files, a file is damaged, has a wrong number of rows or numbers that are not
            finite, or all its embeddings are the same. The message names file and row.
    """
    folder = Path(folder)
    files = _embedding_files(folder)
    target = _target_rows(folder / "ids.npy", ids)
    found = {}
    for slot, path in files.items():
        source = _load_npy(path)
        expected = len(ids) if target is None else len(target)
        if source.ndim != 2 or len(source) != expected:
            raise InputError(
                f"{path}: shape {source.shape}, but {expected} people are expected, one row each "
                f"({'the table' if target is None else 'ids.npy'} has {expected})"
            )
        view = check_embeddings(
            np.array(source, dtype=np.float32), np.ones(len(source), dtype=bool), str(path)
        )
        found[slot] = view if target is None else _at_rows(*view, target, len(ids))
    return gather(found)


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


def _at_rows(
    source: np.ndarray, present: np.ndarray, target: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (k, d) and mask (k,) moved to the rows `target` of n people; -1 drops a row."""
    array, mask = np.zeros((n, source.shape[1]), np.float32), np.zeros(n, dtype=bool)
    known = target >= 0
    array[target[known]], mask[target[known]] = source[known], present[known]
    return array, mask


def _target_rows(path: Path, ids: np.ndarray) -> np.ndarray | None:
    """(k,) row of the table for each entry of `ids.npy`, -1 if there is none; None without such a file."""
    if not path.exists():
        return None
    row_of = {str(person): row for row, person in enumerate(ids)}
    target = np.array([row_of.get(str(person), -1) for person in _load_npy(path)])
    known = target[target >= 0]
    if not len(known):
        raise InputError(f"{path}: none of its IDs is in the table")
    if len(np.unique(known)) < len(known):
        raise InputError(f"{path}: an ID occurs twice")
    return target


def _load_npy(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError) as error:
        raise InputError(
            f"{path}: damaged or incomplete .npy file ({error}); copy or make it again"
        ) from error
