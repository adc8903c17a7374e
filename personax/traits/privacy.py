"""Names of people, and keys of endpoints, are taken out of every text before it is written.

A language model repeats the name of whom it was asked about, with or without accents, whole or in part. An
endpoint may repeat a key in its error.
"""

import re
import unicodedata
from collections.abc import Iterable

NAME_MARK = "[name]"
KEY_MARK = "[key]"
SHORTEST_PART = 3  # letters of a part of a name that is taken out in lower case, too
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def without_name(text: str, name: str) -> str:
    """The text with the name, and each part of it, replaced by "[name]".

    Upper and lower case and accents do not matter. A part of two letters is replaced only where it has a
    capital letter, a part that is lower case in the name ("van") only within the whole name, and an initial
    never.

    >>> without_name("Björn's sister met bjorn BERG.", "Björn Berg")
    "[name]'s sister met [name]."
    """
    text = _ESCAPED.sub(_letter, text) if "\\u" in text else text
    folded, places = _folded(text)
    spans = [(places[start], places[end]) for start, end in _spans(folded, text, places, name)]
    for start, end in sorted(_joined(spans), reverse=True):
        text = text[:start] + NAME_MARK + text[end:]
    return re.sub(rf"{re.escape(NAME_MARK)}(?:[\s\-]+{re.escape(NAME_MARK)})+", NAME_MARK, text)


def contains_name(text: str, name: str) -> bool:
    """Whether the text has the name or a part of it."""
    return without_name(text, name) != text


def without_keys(text: str, keys: Iterable[str]) -> str:
    """The text with every one of the secret keys replaced by "[key]"."""
    for key in keys:
        text = text.replace(key, KEY_MARK) if key else text
    return text


def _letter(escaped: re.Match[str]) -> str:
    """The letter that JSON writes as u00f6 after a backslash; other escapes stay as they are."""
    character = chr(int(escaped[1], 16))
    return character if character.isalpha() else escaped[0]


def _folded(text: str) -> tuple[str, list[int]]:
    """The text in lower case without accents, and where each of its characters, and its end, was before."""
    letters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        plain_letters = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
        for letter in "".join(plain_letters).casefold():
            letters.append(letter)
            places.append(place)
    return "".join(letters), [*places, len(text)]


def _spans(folded: str, text: str, places: list[int], name: str) -> Iterable[tuple[int, int]]:
    """Where the name or a part of it is in the folded text."""
    words = [word for word in re.split(r"[\s\-.,'’]+", name) if len(word) > 1]
    whole = r"[\s\-.,'’]+".join(re.escape(_folded(word)[0]) for word in words)
    for pattern in [whole] if whole else []:
        yield from (match.span() for match in re.finditer(rf"(?<!\w){pattern}(?!\w)", folded))
    for word in words:
        if word[0].islower():
            continue
        for match in re.finditer(rf"(?<!\w){re.escape(_folded(word)[0])}(?!\w)", folded):
            if len(word) >= SHORTEST_PART or text[places[match.start()]].isupper():
                yield match.span()


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping spans as one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined
