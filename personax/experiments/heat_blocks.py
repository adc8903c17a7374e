"""Tables drawn as coloured cells: blocks of rows below each other over the same columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure

from personax.runs.figure_style import (
    CELL_TEXT_SIZE,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    ink_on,
    new_figure,
    paper_style,
    save_figure,
)
from personax.runs.text_sizes import cut_to, wrap_to

LONGEST_ROW_NAME = 1.7  # inches
ROW_HEIGHT, BLOCK_HEADING, FIGURE_MARGINS = 0.23, 0.45, 1.0  # inches
SIMULATED_COLOUR, SOURCE_COLOUR = "#b00020", "0.35"
SIMULATED_SENTENCE = "SIMULATED DATA – these people do not exist. "


@dataclass(frozen=True, eq=False)
class HeatBlock:
    """Some rows with a title.

    Attributes:
        title: above the rows.
        values: what the colours show and, with two decimals, the cells say; NaN is a blank cell.
    """

    title: str
    values: pd.DataFrame


@dataclass(frozen=True)
class HeatScale:
    """What the colours mean: the map, and the values of its two ends."""

    colours: Colormap
    low: float
    high: float


@paper_style()
def draw_blocks(
    blocks: Sequence[HeatBlock], scale: HeatScale, heading: str, note: str, stem: Path, *, simulated: bool
) -> None:
    """Draw the blocks below each other; what does not fit on a page continues on stem_2, stem_3, ..."""
    pages = _blocks_of_pages(blocks)
    for number, page in enumerate(pages, start=1):
        name = stem if number == 1 else stem.with_name(f"{stem.name}_{number}")
        heights = [len(block.values) for block in page]
        figure = new_figure(
            PAGE_WIDTH, FIGURE_MARGINS + BLOCK_HEADING * len(page) + ROW_HEIGHT * sum(heights)
        )
        axes = figure.subplots(len(page), 1, squeeze=False, gridspec_kw={"height_ratios": heights})
        for axis, block in zip(axes.ravel(), page, strict=True):
            _draw_block(axis, block, scale)
        title_and_source(figure, heading, note, simulated=simulated)
        save_figure(figure, name)


def title_and_source(figure: Figure, heading: str, note: str, *, simulated: bool, lines: int = 6) -> None:
    """The title above the figure; below it the note and, in red, that the data are simulated if they are."""
    figure.suptitle(wrap_to(heading, 0.95 * PAGE_WIDTH), fontweight="bold")
    figure.supxlabel(
        wrap_to((SIMULATED_SENTENCE if simulated else "") + note, 0.95 * PAGE_WIDTH, lines=lines),
        color=SIMULATED_COLOUR if simulated else SOURCE_COLOUR,
        ha="left",
        x=0.01,
    )


def _blocks_of_pages(blocks: Sequence[HeatBlock]) -> list[list[HeatBlock]]:
    """The blocks of each page; a block with more rows than a page is divided."""
    room = PAGE_HEIGHT - FIGURE_MARGINS
    most = int((room - BLOCK_HEADING) / ROW_HEIGHT)
    pages: list[list[HeatBlock]] = [[]]
    used = 0.0
    for block in blocks:
        for first in range(0, len(block.values), most):
            part = HeatBlock(block.title, block.values.iloc[first : first + most])
            height = BLOCK_HEADING + ROW_HEIGHT * len(part.values)
            if pages[-1] and used + height > room:
                pages.append([])
                used = 0.0
            pages[-1].append(part)
            used += height
    return pages


def _draw_block(axis: Axes, block: HeatBlock, scale: HeatScale) -> None:
    values = block.values.to_numpy(float)
    norm = Normalize(scale.low, scale.high, clip=True)
    axis.set_facecolor("white")
    axis.pcolormesh(
        np.ma.masked_invalid(values), norm=norm, cmap=scale.colours, edgecolors="white", linewidth=0.8
    )
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            text = axis.text(column + 0.5, row + 0.5, f"{value:.2f}", ha="center", va="center")
            text.set(fontsize=CELL_TEXT_SIZE, color=ink_on(scale.colours(float(norm(value)))))
            text.set_in_layout(False)
    axis.set(xlim=(0, values.shape[1]), ylim=(len(values), 0))
    axis.set_xticks(np.arange(values.shape[1]) + 0.5, [str(name) for name in block.values.columns])
    axis.set_yticks(
        np.arange(len(values)) + 0.5, [cut_to(str(name), LONGEST_ROW_NAME) for name in block.values.index]
    )
    axis.tick_params(length=0, top=False, bottom=False, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    axis.set_title(block.title, loc="left", fontsize=None)
