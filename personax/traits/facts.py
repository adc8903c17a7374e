"""A file of facts about people, against which the texts of answers are checked.

A CSV (or .parquet, .jsonl) with the columns

    id          the person, as in the answers
    criterion   privacy: a private detail, which no answer may tell (the person's name, an address);
                context: said in the context of the prompt;
                factual: true or false of the person, and not in the context
    text        words that would be in the answer; other spellings after a bar: "NBA|National Basketball"
    holds       yes or no: whether the text is right of the person (for privacy it has no meaning)

Words are found wherever they stand in an answer as whole words; upper and lower case are the same.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import pandas as pd

from personax.runs.errors import InputError
from personax.tables.reading import is_missing, read_files, shown
from personax.tables.schema import plain

Subject = Literal["privacy", "context", "factual"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
FACT_COLUMNS = ("id", "criterion", "text", "holds")
YES_OR_NO = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


class Fact(NamedTuple):
    """Something that an answer may say of a person.

    Attributes:
        subject: what it is a fact for.
        pattern: finds it in a text.
        holds: whether it is right.
    """

    subject: str
    pattern: re.Pattern[str]
    holds: bool


def read_facts(path: Path) -> pd.DataFrame:
    """The file of facts: id, criterion, text, holds (bool). Raises InputError, which names the row."""
    raw = read_files([path])
    spelled = {plain(name): name for name in raw.names}
    lacking = next((name for name in FACT_COLUMNS if name not in spelled), None)
    if lacking:
        raise InputError(f"{path}: no column {lacking!r}; a file of facts has {', '.join(FACT_COLUMNS)}")
    frame = pd.DataFrame({name: raw.cells(spelled[name]) for name in FACT_COLUMNS})
    rows = []
    for number, cells in enumerate(frame.itertuples(index=False), start=1):
        where = f"{path}, row {number}"
        criterion = str(cells.criterion).strip().lower()
        if criterion not in SUBJECTS:
            raise InputError(
                f"{where}: criterion {shown(cells.criterion)}; choose from {', '.join(SUBJECTS)}"
            )
        if is_missing(cells.id) or is_missing(cells.text) or not _alternatives(str(cells.text)):
            raise InputError(f"{where}: a fact needs an id and a text")
        rows.append((str(cells.id), criterion, str(cells.text), _holds(cells.holds, criterion, where)))
    return pd.DataFrame(rows, columns=list(FACT_COLUMNS))


def _holds(cell: object, criterion: str, where: str) -> bool:
    if criterion == "privacy":
        return False
    word = str(cell).strip().lower()
    if word not in YES_OR_NO:
        raise InputError(f"{where}: holds {shown(cell)}; write yes or no")
    return YES_OR_NO[word]


def _alternatives(text: str) -> list[str]:
    return [part.strip() for part in text.split("|") if part.strip()]


def facts_by_person(facts: pd.DataFrame) -> Mapping[str, list[Fact]]:
    """Person -> what an answer may say of that person."""
    found: dict[str, list[Fact]] = {}
    for row in facts.itertuples(index=False):
        fact = Fact(str(row.criterion), fact_pattern(str(row.text)), bool(row.holds))
        found.setdefault(str(row.id), []).append(fact)
    return found


def fact_pattern(text: str) -> re.Pattern[str]:
    """Finds one of the spellings as whole words.

    >>> bool(fact_pattern("NBA|National League").search("in the national  league")), bool(
    ...     fact_pattern("NBA").search("the WNBA")
    ... )
    (True, False)
    """
    spellings = [r"\s+".join(map(re.escape, part.split())) for part in _alternatives(text)]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spellings)})(?!\w)", re.IGNORECASE)
