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
_BETWEEN = r"[\s\-.,'’_·]"  # what may stand between the parts of a name
# No letter before a name, and none behind it but a plural or genitive s. Digits and _ are no letters.
_BEFORE, _BEHIND = r"(?<![^\W\d_])", r"(?=s?(?![^\W\d_]))"
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def without_name(text: str, name: str) -> str:
    """The text with the name, and each part of it, replaced by "[name]".

    Upper and lower case and accents do not matter, nor what stands between the parts. A part of two letters
    is replaced only where it has a capital letter, an initial never. A part that is lower case in the name
    ("van") is replaced only within the whole name, unless all parts are. Names in a script without capital
    letters, such as Chinese, are replaced as a whole, wherever they stand.

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


def in_one_line(text: str, most: int) -> str:
    """The text in one line of at most so many characters. Names and keys must be taken out before.

    (A name that is cut in two would not be recognised.)
    """
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


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
    cased = name.lower() != name.upper()
    words = [word for word in re.split(_BETWEEN, name) if len(word) > cased]
    whole = f"{_BETWEEN}*".join(re.escape(_folded(word)[0]) for word in words)
    if not cased:  # such scripts have no blanks between words
        yield from (match.span() for match in re.finditer(whole, folded) if whole)
        return
    every = name == name.lower()
    for word in [None, *words]:
        if word is not None and word[0].islower() and not every:
            continue
        pattern = whole if word is None else re.escape(_folded(word)[0])
        for match in re.finditer(f"{_BEFORE}{pattern}{_BEHIND}", folded) if pattern else ():
            if word is None or len(word) >= SHORTEST_PART or text[places[match.start()]].isupper():
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
