"""Numbers and other values as texts of a page."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from personax.experiments.html_report.blocks import Column, DataTable, TableCell

RAISED = str.maketrans("0123456789-.", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻·")
MOST_CHOICES = 40  # a column with more different texts is searched, not chosen from


def plain_text(value: Any) -> str:
    """A value of YAML or JSON as a short text.

    >>> plain_text({"image": 1, "text": 3}), plain_text(None), plain_text(0.123456), plain_text(True)
    ('image: 1, text: 3', '–', '0.123', 'yes')
    """
    if value is None or value != value:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}" if 0.001 <= abs(value) < 1e6 or value == 0 else f"{value:.3g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain_text(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(plain_text, value))
    return str(value)


def number_cell(value: Any) -> TableCell:
    """A number as a cell, sorted by its exact value; other values as their text."""
    known = isinstance(value, int | float) and not isinstance(value, bool) and value == value
    return TableCell(plain_text(value), float(value) if known else None)


def table_of_frame(frame: pd.DataFrame, caption: str, *, filtered: bool = False) -> DataTable:
    """A data frame as a table of the page; columns of few different texts can be chosen from."""
    columns = []
    for name, values in frame.items():
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        few = not numeric and 1 < values.nunique() <= MOST_CHOICES
        columns.append(Column(str(name), numeric, filtered and few))
    rows = [[number_cell(value) for value in row] for row in frame.astype(object).to_numpy().tolist()]
    return DataTable(caption, columns, rows, filtered)


def raised(text: str) -> str:
    """A power of ten as people write it.

    >>> raised("≤ 10^-12.3"), raised("0.501")
    ('≤ 10⁻¹²·³', '0.501')
    """
    base, hat, power = text.partition("^")
    return base + power.translate(RAISED) if hat else text


def with_arrows(text: str) -> str:
    """The text of an edge with arrows as people write them.

    >>> with_arrows("s1 -> z11"), with_arrows("a o-> b"), with_arrows("a <-> b"), with_arrows("a <- b")
    ('s1 → z11', 'a o→ b', 'a ↔ b', 'a ← b')
    """
    for drawn, arrow in (("<->", "↔"), ("->", "→"), ("<-", "←"), ("---", "—"), ("o--", "o—")):
        text = text.replace(drawn, arrow)
    return text


def leaves(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value of nested mappings.

    >>> leaves({"truth": {"r2": {"s": 0.9}}, "people": 300})
    {'truth.r2.s': 0.9, 'people': 300}
    """
    flat: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            flat |= leaves(item, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = item
    return flat
