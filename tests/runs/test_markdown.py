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


def test_formulas_tags_and_code_are_shown_as_they_are_written() -> None:
    assert escape_cell("$x$ <b> `c`") == r"\$x\$ \<b> \`c\`"
    assert escape_cell("p < 0.05, a_b") == "p < 0.05, a_b"
