"""How a text table is written, where its name does not tell: the section `file:` of a `--columns` file.

file:
  delimiter: ";"       # found by itself, if the header shows it
  encoding: latin-1    # utf-8, unless it says otherwise
  decimal: ","         # 1,75
  format: csv          # for files that are not called .csv, such as .data and .txt
  header: [age, work]  # names of the columns, if the file has no line with them
"""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from personax.runs.errors import InputError
from personax.tables.column_map import read_document
from personax.tables.declarations import texts_of

_FORM_KEYS = ("delimiter", "encoding", "decimal", "format", "header")


@dataclass(frozen=True)
class FileForm:
    """How a text table is written.

    Attributes:
        delimiter: between cells; "" is the one that the suffix and the header suggest.
        encoding: of the text, as Python names it.
        decimal: mark before the decimals of a number, "." or ",".
        is_csv: whether a file of another name is read as CSV.
        header: names of the columns of a file without such a line; () if the first line has them.
        can_be_said: whether the command has the option `--columns`, so that messages may advise it.
    """

    delimiter: str = ""
    encoding: str = "utf-8-sig"
    decimal: str = "."
    is_csv: bool = False
    header: tuple[str, ...] = ()
    can_be_said: bool = True


USUAL_FORM = FileForm()
ONLY_FORM = FileForm(can_be_said=False)  # of commands that read a list and have no option `--columns`


def read_form(columns: Path | None) -> FileForm:
    """The section `file:` of a `--columns` file; the usual form without one. Raises InputError."""
    entry = {} if columns is None else read_document(columns).get("file") or {}
    where = f"{columns}: file"
    if not isinstance(entry, Mapping):
        raise InputError(f"{where}: expected keys {', '.join(_FORM_KEYS)}")
    for key in entry:
        if key not in _FORM_KEYS:
            raise InputError(f"{where}: unknown key {key!r}; known are {', '.join(_FORM_KEYS)}")
    return FileForm(
        delimiter=_one_letter(where, entry, "delimiter", ""),
        encoding=_encoding(where, entry.get("encoding", "utf-8-sig")),
        decimal=_one_letter(where, entry, "decimal", "."),
        is_csv=_is_csv(where, entry.get("format")),
        header=texts_of(where, "header", entry.get("header", [])),
    )


def form_lines(form: FileForm) -> list[str]:
    """The line that says a guessed form in a `--columns` file; none if it is the usual one."""
    said = {
        "encoding": form.encoding if form.encoding != USUAL_FORM.encoding else "",
        "decimal": f'"{form.decimal}"' if form.decimal != USUAL_FORM.decimal else "",
        "format": "csv" if form.is_csv else "",
    }
    inner = ", ".join(f"{key}: {value}" for key, value in said.items() if value)
    return [f"file: {{{inner}}}   # how the text is written"] if inner else []


def _one_letter(where: str, entry: Mapping[str, Any], key: str, default: str) -> str:
    letter = entry.get(key, default)
    if not isinstance(letter, str) or len(letter) > 1:
        raise InputError(f"{where}: {key} {letter!r}; write one letter in quotes")
    return letter


def _encoding(where: str, name: Any) -> str:
    try:
        found = codecs.lookup(str(name)).name
    except LookupError:
        raise InputError(f"{where}: encoding {name!r} is unknown; try utf-8, latin-1 or cp1252") from None
    return "utf-8-sig" if found == "utf-8" else found  # a mark of the byte order is no part of the header


def _is_csv(where: str, name: Any) -> bool:
    if name not in (None, "csv"):
        raise InputError(f"{where}: format {name!r}; only csv can be said here")
    return name is not None
