"""Tables in GitHub's Markdown."""

import re
from collections.abc import Sequence

import pandas as pd

_TAG = r"<(?=[a-zA-Z/!])"
_EMPHASIS = r"~(?=~)|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)"  # within a word, as in a_b, _ is itself
_LINK = r"\[(?=[^\]]*\]\()"


def markdown_table(frame: pd.DataFrame, *, index: str | None = None, digits: int = 3) -> str:
    r"""A table in Markdown; numbers have `digits` decimals, missing values are blank, "|" is escaped.

    Without rows it is the heading alone.

    Args:
        frame: the table; columns of text stay as they are.
        index: heading of the index, which becomes the first column; None leaves the index out.

    >>> print(markdown_table(pd.DataFrame({"score": [0.5]}, index=["KCI"]), index="test"))
    | test   |   score |
    |:-------|--------:|
    | KCI    |   0.500 |
    """
    table = frame if index is None else frame.rename_axis(None).reset_index(names=index)
    escaped = table.set_axis([escape_cell(column) for column in table.columns], axis=1)
    if escaped.empty:  # to_markdown would stop
        return "\n".join(
            f"| {' | '.join(row)} |" for row in (escaped.columns, [":--"] * len(escaped.columns))
        )
    escaped = escaped.apply(_escaped_column)
    return str(
        escaped.to_markdown(
            index=False, floatfmt=f".{digits}f", missingval="", disable_numparse=_texts(table)
        )
    )


def escape_cell(value: object) -> str:
    r"""Text that is shown as it is in Markdown, also within a cell of a table.

    >>> print(escape_cell("a|b"), escape_cell("$x$"), escape_cell("<b>"))
    a\|b \$x\$ \<b>
    """
    printable = "".join(c if c.isprintable() else " " for c in str(value))
    return re.sub(rf"([\\|`$*]|{_TAG}|{_EMPHASIS}|{_LINK})", r"\\\1", printable)


def _escaped_column(column: pd.Series) -> pd.Series:
    values: list[object] = column.tolist()
    missing = column.isna().tolist()
    if pd.api.types.is_numeric_dtype(column):
        shown = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    else:
        shown = ["" if gone else escape_cell(value) for value, gone in zip(values, missing, strict=True)]
    return pd.Series(shown, index=column.index, dtype=object)


def _texts(table: pd.DataFrame) -> Sequence[int]:
    """Numbers of the columns that hold text; texts that look like numbers are not reformatted in them."""
    return [k for k, kind in enumerate(table.dtypes) if not pd.api.types.is_numeric_dtype(kind)]
