"""Text of people stays text in Markdown."""

import pandas as pd
import pytest

from personax.runs.markdown import escape_cell, markdown_table

WORDS = ["a|b", "a\nb", "a\0b", "$x$", "<b>x</b>", "a`b", "a\\|b", "\x1b[31mred"]


@pytest.mark.parametrize("words", WORDS)
def test_a_row_of_a_table_stays_one_row_with_its_cells(words: str) -> None:
    table = markdown_table(pd.DataFrame({words: [words, "b"], "c": [1.0, 2.0]}), index=None)
    lines = table.split("\n")
    assert len(lines) == 4
    assert all(line.replace("\\\\", "").replace("\\|", "").count("|") == 3 for line in lines)
    assert all(character.isprintable() for line in lines for character in line)


@pytest.mark.parametrize("index", [None, "test"])
def test_a_table_without_rows_is_its_heading(index: str | None) -> None:
    frame = pd.DataFrame({"a|b": pd.Series(dtype=float), "c": pd.Series(dtype=object)})
    first = [] if index is None else [index]
    heading, line = markdown_table(frame, index=index).split("\n")
    assert heading == "| " + " | ".join([*first, "a\\|b", "c"]) + " |"
    assert line.count(":--") == 2 + len(first)


def test_formulas_tags_and_code_are_shown_as_they_are_written() -> None:
    assert escape_cell("$x$ <b> `c`") == r"\$x\$ \<b> \`c\`"
    assert escape_cell("p < 0.05, a_b") == "p < 0.05, a_b"


def test_emphasis_and_links_are_shown_as_they_are_written() -> None:
    assert escape_cell("**a** _b_ c_d ~~e~~") == r"\*\*a\*\* \_b\_ c_d \~~e\~~"
    assert escape_cell("[a](b)") == r"\[a](b)"
    assert escape_cell("0.5 [0.4, 0.6] (n = 3)") == "0.5 [0.4, 0.6] (n = 3)"
