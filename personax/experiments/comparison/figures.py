"""The figures of the comparison: bars per method (the paper's Fig. 5 c), and scores against a quantity."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from personax.experiments.comparison.report import Panel, Published, as_number
from personax.runs.figure_style import (
    BLUE,
    COLUMN_WIDTH,
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


def draw_comparison(panels: Iterable[Panel], ceiling: float, home: Path) -> list[Path]:
    """Draw the methods, the ablations, and one picture of the scores against varied numbers.

    Args:
        panels: the panels of the report.
        ceiling: R2 of supervised encoders, which are given the true latents; NaN if it is unknown.
        home: folder of the pictures.
    """
    paths: list[Path] = []
    trends: dict[str, pd.DataFrame] = {}
    for panel in panels:
        if panel.varied is None:
            paths += draw_methods(panel.rows, panel.published, ceiling, home / "comparison")
        elif not panel.varied.axis:
            paths += draw_methods(panel.rows, {}, ceiling, home / "ablations")
        else:
            numbered = [runs.assign(x=as_number(title)) for title, runs in panel.rows.items()]
            trends[panel.varied.axis] = pd.concat(numbered)
    if trends:
        paths += draw_trends(trends, home / "trends")
    return paths


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


@paper_style()
def draw_trends(trends: Mapping[str, pd.DataFrame], stem: Path) -> list[Path]:
    """Draw one panel per quantity: mean R2 and MCC against it, and a dot for every run.

    Args:
        trends: name of the quantity -> runs with the columns x, R2 and MCC. Wide ranges get a logarithmic
            axis.
        stem: path of the pictures without the suffix.
    """
    columns = min(2, len(trends))
    rows = -(-len(trends) // columns)
    figure = new_figure(PAGE_WIDTH if columns > 1 else COLUMN_WIDTH, 2.7 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
    tidy_axes(panels)
    for panel in panels[len(trends) :]:
        panel.set_visible(False)
    for panel, (label, runs) in zip(panels, trends.items(), strict=False):
        for column, name, colour in DRAWN_SCORES:
            means = runs.groupby("x")[column].mean()
            panel.plot(means.index, means, "-", color=colour, lw=1.4, label=name)
            panel.plot(runs["x"], runs[column], "o", ms=3, color=colour, alpha=0.6, lw=0)
        values = sorted(runs["x"].unique())
        if values[-1] > 8 * values[0]:
            panel.set_xscale("log")
        panel.set_xticks(values, [f"{value:,}" for value in values])
        panel.minorticks_off()
        panel.set_xlabel(label)
    panels[0].legend()
    return save_figure(figure, stem, COMPARISON_FORMATS)
