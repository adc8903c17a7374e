"""Checks of pictures: that something is drawn, which words are in it, and whether a page bears it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from personax.runs.figure_style import (
    CELL_TEXT_SIZE,
    COLUMN_WIDTH,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    TEXT_SIZE,
    shown_ticks,
)


def is_drawn(png: Path) -> bool:
    """Whether a PNG is a picture of some size in which not all pixels are alike."""
    pixels = np.asarray(imread(png))[..., :3]
    return min(pixels.shape[:2]) > 100 and float(np.ptp(pixels)) > 0.5


def words_in(svg: Path) -> set[str]:
    """All texts of an SVG; matplotlib writes each as a comment before its shapes."""
    return set(re.findall(r"<!-- (.*?) -->", svg.read_text(encoding="utf-8")))


@contextmanager
def figures_saved() -> Iterator[list[Figure]]:
    """Inside the with statement, every figure that is saved is appended to the list; files stay empty."""
    saved: list[Figure] = []

    def keep(figure: Figure, path: Path, **_: Any) -> None:
        if figure not in saved:
            saved.append(figure)
            figure.draw_without_rendering()
        Path(path).touch()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", keep)
        yield saved


def assert_fits_a_page(figure: Figure, *, cells: bool = False, any_width: bool = False) -> None:
    """Column or page width, text of one size (`cells`: two), nothing beyond the borders, labels apart."""
    width, height = figure.get_size_inches()
    assert width in (COLUMN_WIDTH, PAGE_WIDTH) or (any_width and width <= PAGE_WIDTH)
    assert height <= PAGE_HEIGHT
    every = list(figure.findobj(Text))
    axes_of = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    beyond = {label for axis in axes_of for label in axis.get_ticklabels()}
    beyond -= {label for axis in axes_of if axis.axes.get_visible() for _, label in shown_ticks(axis)}
    texts = [text for text in every if text not in beyond and _is_shown(text)]
    assert {text.get_fontsize() for text in texts} <= {TEXT_SIZE, *([CELL_TEXT_SIZE] if cells else [])}
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width * figure.dpi + 1, (text, box)
        assert box.y1 <= height * figure.dpi + 1, text
    for axis in axes_of:
        assert overlapping_tick_labels(axis) == []


def _is_shown(text: Text) -> bool:
    """Whether a text is written: visible, not empty, and on axes that are visible, too."""
    axes = text.axes
    hidden = axes is not None and not (axes.get_visible() and axes.axison)
    return bool(text.get_visible() and text.get_text()) and not hidden


def overlapping_tick_labels(axis: Axis) -> list[tuple[str, str]]:
    """Pairs of tick labels of an axis that have an area in common."""
    if not (axis.axes.get_visible() and axis.axes.axison and axis.get_visible()):
        return []
    labels = [label for _, label in shown_ticks(axis)]
    boxes = [label.get_window_extent() for label in labels]
    pairs = combinations(range(len(labels)), 2)
    return [(labels[i].get_text(), labels[j].get_text()) for i, j in pairs if boxes[i].overlaps(boxes[j])]
