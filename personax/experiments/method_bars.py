"""Bars of a comparison of methods: one row per method (the paper's Fig. 5 c)."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from personax.experiments.method_table import Published
from personax.runs.figure_style import (
    BLUE,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import wrap_to

DRAWN_SCORES = (("R2", "held-out R²", BLUE), ("MCC", "held-out MCC", ORANGE))  # column, label, colour
BAR_WIDTH = 0.38
LONGEST_METHOD = 1.7  # inches of the name of a method
DOT_COLOUR = "#22262b"
COMPARISON_FORMATS = ("png", "svg", "pdf")


@paper_style()
def draw_methods(
    rows: Mapping[str, pd.DataFrame], published: Mapping[str, Published], ceiling: float, stem: Path
) -> list[Path]:
    """Bars of mean R2 and MCC with their standard deviation, a row per method, and a dot for every seed.

    Args:
        rows: title -> runs with the columns R2 and MCC.
        published: title -> published R2 and MCC, drawn as open diamonds.
        ceiling: R2 of supervised encoders, drawn as a line; NaN leaves it out.
        stem: path of the pictures without the suffix.
    """
    figure = new_figure(PAGE_WIDTH, 0.42 * len(rows) + 1.1)
    panel = figure.subplots()
    places = np.arange(len(rows))
    for k in range(len(DRAWN_SCORES)):
        _draw_bars(panel, places + (k - 0.5) * BAR_WIDTH, rows, published, k)
    if np.isfinite(ceiling):
        panel.axvline(ceiling, color=GREY, lw=1, ls="--", label=f"supervised ceiling, R² {ceiling:.3f}")
    tidy_axes([panel])
    panel.set_yticks(places, [wrap_to(name, LONGEST_METHOD) for name in rows])
    panel.tick_params(axis="y", length=0)
    panel.set(xlim=(0, 1.04), ylim=(len(rows) - 0.4, -0.6))
    figure.legend(loc="outside upper center", ncols=2)
    return save_figure(figure, stem, COMPARISON_FORMATS)


def _draw_bars(
    panel: Axes,
    y: Float[np.ndarray, " rows"],
    rows: Mapping[str, pd.DataFrame],
    published: Mapping[str, Published],
    k: int,
) -> None:
    """Draw the bars, dots and diamonds of score number k at the heights y, one for each row."""
    column, label, colour = DRAWN_SCORES[k]
    values = [runs[column].to_numpy(dtype=float) for runs in rows.values()]
    means = [v.mean() for v in values]
    spreads = [v.std(ddof=1) if len(v) > 1 else np.nan for v in values]
    panel.barh(y, means, BAR_WIDTH * 0.94, color=colour, label=label, xerr=spreads, capsize=2.5, alpha=0.85)
    for place, points in zip(y, values, strict=True):
        beside = np.arange(len(points)) - (len(points) - 1) / 2
        offsets = 0.5 * BAR_WIDTH * beside / max(1, len(points) - 1)
        panel.plot(points, place + offsets, "o", ms=2, color=DOT_COLOUR, alpha=0.6, lw=0)
    known = [(published[name][k], place) for place, name in zip(y, rows, strict=True) if name in published]
    if known:
        note = "published (in-sample, other data)" if k == 0 else None
        panel.plot(*zip(*known, strict=True), "D", ms=5, mfc="white", mec=DOT_COLOUR, lw=0, label=note)
