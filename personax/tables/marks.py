"""Which cells of a column mean "no value", and how many there are of each spelling.

An empty cell (None, NaN, NaT, blanks) always means so. Other marks are those of the column's declaration:
`schema.MISSING`, unless a `--columns` file says otherwise. Marks are compared as texts; upper and lower case
are the same. A mark that is a number is found in a column of numbers however it is written (-9, -9.0).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from personax.tables.reading import is_empty, lowered

EMPTY = ""  # the mark of an empty cell


def marks_of(cells: pd.Series, missing: Sequence[str]) -> Shaped[np.ndarray, " n"]:
    """(n,) the text of each cell that means "no value" (`EMPTY` if it is empty), None for a value."""
    out: np.ndarray = np.full(len(cells), None, dtype=object)
    if pd.api.types.is_numeric_dtype(cells):
        numbers = cells.to_numpy(dtype=float, na_value=np.nan)
        out[np.isnan(numbers)] = EMPTY
        return with_number_marks(out, numbers, missing)
    markers = lowered(tuple(missing))
    for row, cell in enumerate(cells):
        if is_empty(cell):
            out[row] = EMPTY
        elif str(cell).strip().lower() in markers:
            out[row] = str(cell).strip()
    return out


def with_number_marks(
    marks: Shaped[np.ndarray, " n"], numbers: Float[np.ndarray, " n"], missing: Sequence[str]
) -> Shaped[np.ndarray, " n"]:
    """The marks (n,), and those of cells that are a number which means "no value"."""
    values = pd.to_numeric(pd.Series(list(missing), dtype=object), errors="coerce").to_numpy(dtype=float)
    for marker, value in zip(missing, values, strict=True):
        marks[np.logical_and(numbers == value, is_value(marks))] = marker
    return marks


def is_value(marks: Shaped[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """(n,) True where a cell holds a value."""
    return np.array([mark is None for mark in marks], dtype=bool)


def count_marks(marks: Shaped[np.ndarray, " n"]) -> dict[str, int]:
    """Mark -> how many cells show it, the most frequent first."""
    return dict(Counter(mark for mark in marks if mark is not None).most_common())


def marks_text(counts: Mapping[str, int], most: int = 4) -> str:
    """The counts as people read them.

    >>> marks_text({"": 3, "None": 42})
    "3 empty, 42 'None'"
    """
    texts = [f"{count} {repr(mark) if mark else 'empty'}" for mark, count in counts.items()]
    return ", ".join(texts[:most]) + (f", and {len(texts) - most} other marks" if len(texts) > most else "")
