"""The list of people of whom a language model is asked: identifiers, names, and what is said of each of them.

A name is needed for the question. It is in no file that is written: those have the identifiers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from personax.runs.errors import InputError
from personax.tables.reading import RawTable, is_missing, read_files
from personax.tables.schema import ANY_TABLE, ID_NAMES, SIMULATED_NAME, plain
from personax.traits.privacy import contains_name, without_name

NAME_COLUMN = "name"
USUAL_CONTEXT = (
    "league",
    "occupation",
    "description",
    "context",
)  # sent with the name if nothing else is said
MARKS_OF_INVENTION = ("invented", plain(SIMULATED_NAME))
YES = ("yes", "true", "1")


@dataclass(frozen=True)
class Person:
    """One person of the list.

    Attributes:
        id: as in the list; all that outputs have.
        name: sent to the model, and never written.
        context: what is sent beside the name, column -> text, without empty ones.
    """

    id: str
    name: str
    context: Mapping[str, str]


@dataclass(frozen=True)
class PeopleList:
    """All people of a list.

    Attributes:
        people: in the order of the file.
        features: (n, columns) what the schema of the two tables knows: birth date, height, league and so on.
            It goes to the table of the answers, not into the question.
        invented: (n,) whether the list says that a person does not exist.
        context: the columns that are sent beside the name.
        sha256: checksum of the file.
    """

    people: tuple[Person, ...]
    features: pd.DataFrame
    invented: tuple[bool, ...]
    context: tuple[str, ...]
    sha256: str


def read_people_list(path: Path, context: Sequence[str] = (), n: int | None = None) -> PeopleList:
    """Read a list of people: a table with the columns id, name and at least one that says something of them.

    Args:
        path: a .csv, .tsv, .jsonl, .parquet or .arrow file.
        context: the columns that are sent beside the name; empty: League, Occupation, Description and
            Context, those that the file has.
        n: only the first n people.

    Raises:
        InputError: a column is missing, a person has no name or no context, or an id occurs twice or holds
            the name. The message names the row.
    """
    raw = read_files([path])
    raw = raw if n is None else raw.head(n)
    ids = _cells_as_texts(raw, _column(raw, [plain(name) for name in ID_NAMES], "id"))
    names = _cells_as_texts(raw, _column(raw, [NAME_COLUMN], "name"))
    chosen = _context_columns(raw, context)
    told = {column: _cells_as_texts(raw, column) for column in chosen}
    contexts = [{column: told[column][row] for column in chosen if told[column][row]} for row in range(raw.n)]
    people = tuple(map(Person, ids, names, contexts))
    _refuse_incomplete(raw.label, people, chosen)
    return PeopleList(people, _features(raw, people), _invented(raw), tuple(chosen), raw.sha256)


def _column(raw: RawTable, spellings: Sequence[str], what: str) -> str:
    """The column of the file with one of the spellings, the first spelling first. Raises InputError."""
    for spelling in spellings:
        for column in raw.names:
            if plain(column) == spelling:
                return column
    raise InputError(
        f"{raw.label}: no column {what!r} among {', '.join(raw.names[:8])}; "
        "a list of people has the columns id, name and what is said of them, such as description"
    )


def _context_columns(raw: RawTable, wanted: Sequence[str]) -> list[str]:
    """The columns that are sent beside the name. Raises InputError if there are none."""
    for column in wanted:
        if column not in raw.names:
            raise InputError(
                f"{raw.label}: no column {column!r} for --context; it has {', '.join(raw.names)}"
            )
    found = list(wanted) or [column for column in raw.names if plain(column) in USUAL_CONTEXT]
    if not found:
        raise InputError(
            f"{raw.label}: no column says who a person is (League, Occupation, Description); "
            "name the columns that do with --context"
        )
    return found


def _cells_as_texts(raw: RawTable, column: str) -> list[str]:
    """The cells of a column as texts without blanks around them; "" for a cell without a value."""
    return ["" if is_missing(cell) else " ".join(str(cell).split()) for cell in raw.cells(column)]


def _refuse_incomplete(label: str, people: Sequence[Person], context: Sequence[str]) -> None:
    """Raise InputError for the first person without an id of its own, a name, or any context."""
    rows: dict[str, int] = {}
    for row, person in enumerate(people, start=1):
        where = f"{label}, row {row}"
        if not person.id:
            raise InputError(f"{where}: no id; give each person one, such as a number")
        if not person.name:
            raise InputError(f"{where}: no name; without one a language model cannot be asked")
        if contains_name(person.id, person.name):
            raise InputError(f"{where}: the id holds the name; ids are written to files, so use numbers")
        if person.id in rows:
            raise InputError(
                f"{where}: id {person.id!r} is also that of row {rows[person.id]}; ids are unique"
            )
        if not person.context:
            columns = ", ".join(context)
            raise InputError(f"{where}: id {person.id!r} has no context; fill at least one of {columns}")
        rows[person.id] = row


def _features(raw: RawTable, people: Sequence[Person]) -> pd.DataFrame:
    """The columns that the schema knows, under the names that they have in the file; numbers are numbers."""
    known = {plain(word) for declared in ANY_TABLE for word in (declared.name, *declared.aliases)}
    columns: dict[str, pd.Series] = {}
    for column in (name for name in raw.names if plain(name) in known):
        texts = [
            without_name(text, person.name) or None
            for text, person in zip(_cells_as_texts(raw, column), people, strict=True)
        ]
        cells = pd.Series(texts, dtype=object)
        numbers = pd.to_numeric(cells, errors="coerce")
        columns[column] = numbers.astype(float) if numbers.notna().equals(cells.notna()) else cells
    return pd.DataFrame(columns, index=range(raw.n))


def _invented(raw: RawTable) -> tuple[bool, ...]:
    """Whether a person does not exist, as a column Invented or Simulated says."""
    marks = [name for name in raw.names if plain(name) in MARKS_OF_INVENTION]
    said = [[text.lower() in YES for text in _cells_as_texts(raw, name)] for name in marks]
    return tuple(any(row) for row in zip(*said, strict=True)) if said else (False,) * raw.n
