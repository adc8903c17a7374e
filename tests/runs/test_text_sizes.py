"""Texts are measured, wrapped and cut so that they fit."""

import pytest

from personax.runs.figure_style import TEXT_SIZE
from personax.runs.text_sizes import ELLIPSIS, cut_to, text_size, wrap_to


@pytest.mark.parametrize("text", ["a name that is too long", "W" * 40, "i" * 200])
def test_a_cut_text_fits_and_is_as_long_as_possible(text: str) -> None:
    cut = cut_to(text, 0.8)
    assert text_size(cut, TEXT_SIZE).width <= 0.8
    kept = cut.removesuffix(ELLIPSIS)
    assert text.startswith(kept)
    assert cut != kept
    assert text_size(text[: len(kept) + 2] + ELLIPSIS, TEXT_SIZE).width > 0.8


def test_a_text_that_fits_stays() -> None:
    assert cut_to("height", 1.0) == wrap_to("height", 1.0) == "height"
    assert wrap_to("", 1.0) == ""


def test_a_wrapped_text_has_every_word_or_an_ellipsis() -> None:
    text = "hair style and face visibility of people"
    assert wrap_to(text, 0.9, 9).split() == text.split()
    lines = wrap_to(text, 0.9, 2).split("\n")
    assert len(lines) == 2
    assert lines[1].endswith(ELLIPSIS)
    assert all(text_size(line, TEXT_SIZE).width <= 0.9 for line in lines)
