"""Embeddings: recognise the columns and files that hold them by their names, and check them.

An image is an ImageBind vector (1,024 numbers). A text is a gte-Qwen2 vector (3,584 numbers) of the
description by one language model (paper §3). They are used as they are: nothing is rescaled, and a missing
embedding is masked, not filled. A vector of zeros, which many programs write when they fail, counts as
missing, too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Shaped

from personax.runs.errors import InputError
from personax.tables.equal_vectors import describe_equal
from personax.tables.schema import LLMS, plain
from personax.tables.trait_scores import RATERS

EmbeddingViews = dict[str, list[Float[np.ndarray, "n _"]]]  # modality -> one array per measurement
ObservedMasks = dict[str, Bool[np.ndarray, "n _"]]  # modality -> False where a measurement is missing

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

    def __str__(self) -> str:
        return f"{self.modality} embedding {self.number}"


def slot_of(name: str) -> Slot | None:
    """The measurement whose embeddings a column or file with this name may hold, or None.

    The name alone proves little (`Gemini_description` may hold a text), so callers also look at the cells.

    Examples:
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


class CheckedVectors(NamedTuple):
    """One measurement of n people.

    Attributes:
        array: (n, d) embeddings, 0 where missing.
        present: (n,) bool, False where missing.
        zeros: (n,) bool, True where the embedding is missing because it had only zeros.
    """

    array: Float32[np.ndarray, "n d"]
    present: Bool[np.ndarray, " n"]
    zeros: Bool[np.ndarray, " n"]


class PeopleEmbeddings(NamedTuple):
    """All embeddings of n people.

    Attributes:
        views: modality -> list of (n, d) float32, one per measurement.
        observed: modality -> (n, measurements) bool, False where missing.
        warnings: sentences about who lacks a measurement and about equal vectors.
        matching: how the rows of files were matched to the people; "" for columns of the table itself.
    """

    views: EmbeddingViews
    observed: ObservedMasks
    warnings: tuple[str, ...] = ()
    matching: str = ""


def check_embeddings(
    array: Float32[np.ndarray, "n d"], present: Bool[np.ndarray, " n"], where: str
) -> CheckedVectors:
    """Check embeddings and complete their mask. A row with only NaN, or only 0, counts as missing.

    Args:
        array: (n, d) embeddings. It is changed in place: missing rows become 0.
        present: (n,) mask. It is changed in place, too.
        where: file and column, for messages.

    Raises:
        InputError: a row has some numbers that are not finite, all vectors are the same, or all are zero.
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
    zeros = np.zeros(len(array), dtype=bool)
    # Few rows begin with a zero, so only these are read in full.
    doubtful = np.flatnonzero(present & (array[:, :1] == 0).all(axis=1))
    zeros[doubtful] = ~array[doubtful].any(axis=1)
    if zeros.any() and (zeros == present).all():
        raise InputError(f"{where}: every embedding is zero; make them again, or leave them out")
    present[zeros] = False
    rows = np.flatnonzero(present)
    if len(rows) > 1 and all((array[row] == array[rows[0]]).all() for row in rows):
        raise InputError(f"{where}: every embedding is the same; nothing can be learned from a constant")
    return CheckedVectors(array, present, zeros)


def gather(found: Mapping[Slot, CheckedVectors], ids: Shaped[np.ndarray, " n"]) -> PeopleEmbeddings:
    """Put the measurements in the order of modality (image, text) and number, as PeopleTable holds them.

    Measurements that nobody has are left out. The warnings name how many people lack a measurement, and
    people with equal vectors.
    """
    ordered = {slot: found[slot] for slot in sorted(found)}
    views: EmbeddingViews = {}
    masks: dict[str, list[np.ndarray]] = {}
    warnings = []
    for slot, (array, present, zeros) in ordered.items():
        if not present.all():
            why = f", {int(zeros.sum())} of them because it is all zeros" if zeros.any() else ""
            lacking = int(np.logical_not(present).sum())
            warnings.append(f"{slot}: {lacking} of {len(ids)} people lack it{why}")
        if present.any():
            views.setdefault(slot.modality, []).append(array)
            masks.setdefault(slot.modality, []).append(present)
    equal = describe_equal(
        [(str(slot), vectors.array, vectors.present) for slot, vectors in ordered.items()], ids
    )
    if equal is not None:
        warnings.append(equal)
    observed = {modality: np.column_stack(mask) for modality, mask in masks.items()}
    return PeopleEmbeddings(views, observed, tuple(warnings))
