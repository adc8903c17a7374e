"""How large a text is in a figure, and texts that are wrapped or cut to fit. All lengths are in inches."""

from functools import lru_cache
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

from personax.runs.figure_style import TEXT_SIZE, new_figure, take_texts_as_written

MEASURING_DPI = 200
LINE_SPACING = 1.15
ELLIPSIS = "…"


class TextSize(NamedTuple):
    """The width and height of a text."""

    width: float
    height: float


@lru_cache(maxsize=1)
def _measuring_figure() -> Figure:
    figure = new_figure(4, 4)
    figure.set_dpi(MEASURING_DPI)
    return figure


def text_size(text: str, font: float) -> TextSize:
    """Measure a text that is written with this font size, in points, in the present fonts."""
    return _size_in_fonts(text, font, tuple(matplotlib.rcParams["font.family"]))


@lru_cache(maxsize=4096)
def _size_in_fonts(text: str, font: float, families: tuple[str, ...]) -> TextSize:
    """Measure a text in the fonts `families`, matplotlib's current ones; sizes are cached for each font."""
    figure = _measuring_figure()
    drawn = figure.text(0.5, 0.5, text, fontsize=font, family=families, linespacing=LINE_SPACING)
    take_texts_as_written(figure)
    extent = drawn.get_window_extent()
    drawn.remove()
    return TextSize(extent.width / MEASURING_DPI, extent.height / MEASURING_DPI)


def cut_to(text: str, width: float, font: float = TEXT_SIZE) -> str:
    """The text, or its beginning and an ellipsis where the whole is wider than `width`.

    >>> cut_to("height", 1.0), cut_to("height of the mother", 1.0)
    ('height', 'height of the…')
    """
    if text_size(text, font).width <= width:
        return text
    shortest, longest = 0, len(text)  # in letters that are kept
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        fits = text_size(text[:middle].rstrip() + ELLIPSIS, font).width <= width
        shortest, longest = (middle, longest) if fits else (shortest, middle - 1)
    return text[:shortest].rstrip() + ELLIPSIS


def wrap_to(text: str, width: float, lines: int = 2, font: float = TEXT_SIZE) -> str:
    r"""The text in at most so many lines of this width; a word or a last line that is too long is cut.

    >>> wrap_to("alignment of the measurements", 1.0)
    'alignment of\nthe measure…'
    """
    wrapped: list[str] = []
    for word in text.split():
        longer = f"{wrapped[-1]} {word}" if wrapped else word
        if wrapped and (len(wrapped) == lines or text_size(longer, font).width <= width):
            wrapped[-1] = longer
        else:
            wrapped.append(word)
    return "\n".join(cut_to(line, width, font) for line in wrapped)
