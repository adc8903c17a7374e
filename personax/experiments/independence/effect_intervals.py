"""The figure of effect sizes with their 95 % intervals: a panel for each target, a row for each feature."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from personax.experiments.independence.figures import (
    FULL_NAMES,
    HEADINGS,
    LONGEST_FEATURE,
    TEXT_AS_TEXT,
    Caption,
    abbreviated,
    finish_figure,
    slices,
)
from personax.runs.figure_style import (
    MODALITY_COLOURS,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    TEXT_SIZE,
    new_figure,
    paper_style,
)
from personax.runs.text_sizes import cut_to, text_size
from personax.tables import TRAITS

# In inches: a row of one source, the space between features, title and axis of a panel.
SOURCE_HEIGHT, FEATURE_GAP, PANEL_HEADINGS = 0.09, 0.12, 0.85
LEGEND_HEIGHT, WIDEST_TARGET = 0.15, 1.1
MOST_PANELS_BESIDE = 5
NOTE = "Whiskers: 95 % intervals (delta method); filled: rejected; no whisker: the interval is not known. "


@paper_style()
def draw_intervals(cells: pd.DataFrame, title: str, caption: Caption, stem: Path) -> None:
    """Draw the effects of one test with their intervals, sources of scores in colours.

    What does not fit on a page continues on further ones: `stem`, `stem`_2, ... Nothing is drawn without
    effects.
    """
    if cells["effect"].isna().all():
        return
    features, targets = (list(dict.fromkeys(cells[name])) for name in ("feature", "trait"))
    row = SOURCE_HEIGHT * cells["scores"].nunique() + FEATURE_GAP
    pages = [
        (features[rows], targets[columns])
        for columns in slices(len(targets), MOST_PANELS_BESIDE)
        for rows in slices(len(features), int((PAGE_HEIGHT - HEADINGS - PANEL_HEADINGS) / row))
    ]
    for number, (some, beside) in enumerate(pages, 1):
        name = stem if number == 1 else stem.with_name(f"{stem.name}_{number}")
        of_all = f" ({number} of {len(pages)})" if len(pages) > 1 else ""
        with matplotlib.rc_context(TEXT_AS_TEXT):
            figure = _page_of_intervals(cells, some, beside, row * len(some))
            finish_figure(figure, caption.with_note(NOTE), f"{title}: effect sizes{of_all}", name)


def _page_of_intervals(
    cells: pd.DataFrame, features: Sequence[object], targets: Sequence[object], height: float
) -> Figure:
    """A figure of some features and targets; `height` of the rows in inches."""
    figure = new_figure(PAGE_WIDTH, HEADINGS + PANEL_HEADINGS + height)
    grid = figure.add_gridspec(2, len(targets), height_ratios=[LEGEND_HEIGHT, height])
    sources, limits = list(dict.fromkeys(cells["scores"])), _limits(cells)
    _name_sources(figure.add_subplot(grid[0, :]), sources)
    for column, target in enumerate(targets):
        axis = figure.add_subplot(grid[1, column])
        of_target = cells[cells["trait"] == target]
        for place, source in enumerate(sources):
            shown = of_target[of_target["scores"] == source].set_index("feature").reindex(features)
            _draw_whiskers(axis, shown, (place - (len(sources) - 1) / 2) / (len(sources) + 1), place)
        _label(axis, str(target), features if column == 0 else [""] * len(features), limits)
    return figure


def _limits(cells: pd.DataFrame) -> tuple[float, float]:
    """The common range of all panels; it contains 0."""
    ends = cells[["effect", "effect_low", "effect_high"]].to_numpy(dtype=float)
    low, high = min(float(np.nanmin(ends)), 0.0), max(float(np.nanmax(ends)), 0.1)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _draw_whiskers(axis: Axes, shown: pd.DataFrame, shift: float, colour: int) -> None:
    """Draw a mark and a whisker for each feature, `shift` rows below its middle."""
    place = np.arange(len(shown)) + shift
    ink = MODALITY_COLOURS[colour % len(MODALITY_COLOURS)]
    axis.hlines(place, shown["effect_low"], shown["effect_high"], color=ink, linewidth=1.2)
    is_filled = shown["rejected"].fillna(value=False).to_numpy(dtype=bool)
    faces = np.where(is_filled, ink, "white")
    axis.scatter(shown["effect"], place, s=12, c=faces, edgecolors=ink, linewidths=0.9, zorder=3)


def _label(axis: Axes, target: str, features: Sequence[object], limits: tuple[float, float]) -> None:
    is_wide = text_size(target, TEXT_SIZE).width > WIDEST_TARGET
    axis.set_title(cut_to(abbreviated(target) if is_wide and target in TRAITS else target, WIDEST_TARGET))
    axis.set_yticks(range(len(features)), [cut_to(str(name), LONGEST_FEATURE - 0.1) for name in features])
    axis.set(xlim=limits, ylim=(len(features) - 0.5, -0.5), xlabel="effect")
    axis.axvline(0.0, color="0.6", linewidth=0.8, zorder=0)
    axis.hlines(np.arange(len(features) - 1) + 0.5, *limits, color="0.9", linewidth=0.6, zorder=0)
    axis.locator_params(axis="x", nbins=3)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)


def _name_sources(axis: Axes, sources: Sequence[object]) -> None:
    """What the colours mean, in a row of its own; nothing for a single source."""
    axis.set_axis_off()
    if len(sources) == 1:
        return
    for place, source in enumerate(sources):
        ink = MODALITY_COLOURS[place % len(MODALITY_COLOURS)]
        axis.plot(
            [], [], color=ink, marker="o", markersize=3.5, label=FULL_NAMES.get(str(source), str(source))
        )
    axis.legend(loc="center", ncols=4, borderpad=0, handlelength=1.2, columnspacing=1.2)
