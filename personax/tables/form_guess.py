"""Guess how a text table is written (file_form.py), for a `--columns` file that a person then corrects."""

import zlib
from dataclasses import replace
from pathlib import Path

from personax.tables.file_form import USUAL_FORM, FileForm
from personax.tables.marks import is_value, marks_of
from personax.tables.proposal import is_numeric
from personax.tables.reading import (
    BINARY_FORMATS,
    DECIMAL_COMMA,
    PACKED,
    RawTable,
    begins_as_utf16,
    open_text,
    read_files,
)
from personax.tables.schema import MISSING

# cp1252 is the latin-1 of Windows; a few bytes are no letters in it, while any byte is one in latin-1.
ENCODINGS = (USUAL_FORM.encoding, "cp1252", "latin-1")
CSV_SUFFIXES = (".txt", ".data", ".dat")
# 1,234 may be a thousand or a little more than one, so it does not show what the comma is.
THOUSANDS = r"^\s*[+-]?\d{1,3},\d{3}\s*$"


def guess_form(path: Path) -> FileForm:
    """Encoding, decimal mark and format of a table, as its text suggests. Raises InputError."""
    suffix = path.with_suffix("").suffix if path.suffix.lower() == PACKED else path.suffix
    if not path.is_file() or suffix.lower() in BINARY_FORMATS:
        return USUAL_FORM
    form = FileForm(encoding=guess_encoding(path), is_csv=suffix.lower() in CSV_SUFFIXES)
    return replace(form, decimal="," if has_decimal_commas(read_files([path], form=form)) else ".")


def guess_encoding(path: Path) -> str:
    """UTF-16 where the file begins with its mark, else the first of `ENCODINGS` in which the file is text."""
    for encoding in ENCODINGS[:-1]:
        try:
            with open_text(path, encoding) as stream:
                for _ in stream:
                    pass
        except UnicodeDecodeError:
            if begins_as_utf16(path):
                return "utf-16"
            continue
        except (OSError, EOFError, zlib.error):  # damaged or not readable, which `read_files` says
            break
        return encoding
    return ENCODINGS[-1]


def has_decimal_commas(raw: RawTable) -> bool:
    """Whether a column is one of numbers if its commas are decimal marks, and one shows that they are."""
    for name in raw.names:
        cells = raw.cells(name).astype(object)
        texts = cells[is_value(marks_of(cells, MISSING))].astype(str)
        commas = texts[texts.str.fullmatch(DECIMAL_COMMA)]
        if not len(commas) or commas.str.fullmatch(THOUSANDS).all():
            continue
        if is_numeric(texts.str.replace(",", ".")):
            return True
    return False
