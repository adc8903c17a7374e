"""Match the rows of a file to the people of a table by their identifiers, and report how many were found."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from personax.runs.errors import InputError

# A whole number as different programs write it: 7, 007, 7.0.
_WHOLE_NUMBER = re.compile(r"(-?)0*([0-9]+)(?:\.0*)?")


class IdMatch(NamedTuple):
    """Where the rows of a file belong.

    Attributes:
        rows: (k,) row of the table for each row of the file, -1 if it belongs to nobody in the table.
        sentence: how many people were found, and the first identifiers that were not.
    """

    rows: Int[np.ndarray, " k"]
    sentence: str


def plain_id(text: str) -> str:
    """An identifier without blanks around it; a whole number also without leading zeros and `.0`.

    Examples:
        >>> plain_id(" 007 "), plain_id("7.0"), plain_id("a07"), plain_id("0")
        ('7', '7', 'a07', '0')
    """
    number = _WHOLE_NUMBER.fullmatch(text.strip())
    return number[1] + number[2] if number else text.strip()


def match_ids(people: Shaped[np.ndarray, " n"], rows: Shaped[np.ndarray, " k"], where: str) -> IdMatch:
    """Find the person that each row of a file belongs to.

    Identifiers are compared by `plain_id`, so that 1, "01", "1.0" and " 1" are the same. If this makes two
    identifiers of the table equal, or two of the file, all are compared as they are written.

    Args:
        people: (n,) identifiers of the table, all different.
        rows: (k,) identifiers of the rows of the file, in any order.
        where: the file, for messages.

    Raises:
        InputError: an identifier of a person occurs twice in the file, or fewer than half of the people are
            in it.
    """
    written, given = _as_texts(people), _as_texts(rows)
    own, other = [plain_id(text) for text in written], [plain_id(text) for text in given]
    if len(set(own)) < len(set(written)) or len(set(other)) < len(set(given)):
        own, other = written, given
    row_of = {text: row for row, text in enumerate(own)}
    target = np.array([row_of.get(text, -1) for text in other], dtype=np.int64)
    counts = np.bincount(target[target >= 0], minlength=len(own))
    if (counts > 1).any():
        raise InputError(f"{where}: ID {written[int(np.argmax(counts > 1))]!r} occurs twice; keep one row")
    sentence = _sentence(written, given, target)
    if 2 * (counts > 0).sum() < len(written):
        raise InputError(f"{where}: {sentence}; fewer than half: write the IDs in the same form as the table")
    return IdMatch(target, f"{where}: {sentence}")


def _as_texts(ids: Shaped[np.ndarray, " k"]) -> list[str]:
    """The identifiers as texts; ASCII bytes are decoded."""
    return [str(text) for text in (ids.astype(str) if ids.dtype.kind == "S" else ids)]


def _sentence(written: Sequence[str], given: Sequence[str], target: Int[np.ndarray, " k"]) -> str:
    """How many people were matched, who was not found, and which rows of the file belong to nobody."""
    found = set(target[target >= 0].tolist())
    lacking = [text for row, text in enumerate(written) if row not in found]
    strangers = [text for text, row in zip(given, target, strict=True) if row < 0]
    respelled = [(text, written[row]) for text, row in zip(given, target, strict=True) if row >= 0]
    respelled = [pair for pair in respelled if pair[0] != pair[1]]
    sentence = f"matched {len(found)} of {len(written)} people by ID"
    if respelled:
        (text, person), *_ = respelled
        sentence += f", {len(respelled)} of them spelled differently (such as {text!r} for {person!r})"
    if lacking:
        sentence += f"; not found: {_first_ids(lacking)}"
    if strangers:
        sentence += f"; rows of people who are not in the table: {_first_ids(strangers)}"
    return sentence


def _first_ids(ids: Sequence[str], most: int = 5) -> str:
    """The first few identifiers, and how many more there are."""
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(ids[:most]) + more
