"""The figures of the comparison: bars per method (the paper's Fig. 5 c), and scores against a quantity."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from personax.experiments.comparison.report import Panel, Published, as_number
from personax.runs.figure_style import BLUE, GREY, ORANGE, new_figure, save_figure, tidy_axes

DRAWN_SCORES = (("R2", "held-out R²", BLUE), ("MCC", "held-out MCC", ORANGE))  # column, label, colour
BAR_WIDTH = 0.38
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


def draw_methods(
    rows: Mapping[str, pd.DataFrame], published: Mapping[str, Published], ceiling: float, stem: Path
) -> list[Path]:
    """Bars of mean R2 and MCC with their standard deviation, and a dot for every seed.

    Args:
        rows: title -> runs with the columns R2 and MCC.
        published: title -> published R2 and MCC, drawn as open diamonds.
        ceiling: R2 of supervised encoders, drawn as a line; NaN leaves it out.
        stem: path of the pictures without the suffix.
    """
    figure = new_figure(1.15 * len(rows) + 1.6, 3.4)
    panel = figure.subplots()
    places = np.arange(len(rows))
    for k in range(len(DRAWN_SCORES)):
        _draw_bars(panel, places + (k - 0.5) * BAR_WIDTH, rows, published, k)
    if np.isfinite(ceiling):
        panel.axhline(ceiling, color=GREY, lw=1, ls="--", label=f"supervised ceiling, R² {ceiling:.3f}")
    tidy_axes([panel])
    panel.set_xticks(places, [name.replace(" (", "\n(").replace(", ", ",\n") for name in rows], fontsize=8)
    panel.set_ylim(0, 1.04)
    panel.tick_params(axis="y", labelsize=8)
    figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    return save_figure(figure, stem, COMPARISON_FORMATS)


def _draw_bars(
    panel: Axes,
    x: Float[np.ndarray, " rows"],
    rows: Mapping[str, pd.DataFrame],
    published: Mapping[str, Published],
    k: int,
) -> None:
    """Draw the bars, dots and diamonds of score number k at the places x, one for each row."""
    column, label, colour = DRAWN_SCORES[k]
    values = [runs[column].to_numpy(dtype=float) for runs in rows.values()]
    means = [v.mean() for v in values]
    spreads = [v.std(ddof=1) if len(v) > 1 else np.nan for v in values]
    panel.bar(x, means, BAR_WIDTH * 0.94, color=colour, label=label, yerr=spreads, capsize=2.5, alpha=0.85)
    for place, points in zip(x, values, strict=True):
        beside = np.arange(len(points)) - (len(points) - 1) / 2
        offsets = 0.5 * BAR_WIDTH * beside / max(1, len(points) - 1)
        panel.plot(place + offsets, points, "o", ms=2, color=DOT_COLOUR, alpha=0.6, lw=0)
    known = [(place, published[name][k]) for place, name in zip(x, rows, strict=True) if name in published]
    if known:
        note = "published (in-sample, other data)" if k == 0 else None
        panel.plot(*zip(*known, strict=True), "D", ms=5, mfc="white", mec=DOT_COLOUR, lw=0, label=note)


def draw_trends(trends: Mapping[str, pd.DataFrame], stem: Path) -> list[Path]:
    """Draw one panel per quantity: mean R2 and MCC against it, and a dot for every run.

    Args:
        trends: name of the quantity -> runs with the columns x, R2 and MCC. Wide ranges get a logarithmic
            axis.
        stem: path of the pictures without the suffix.
    """
    figure = new_figure(3.6 * len(trends) + 0.4, 3.0)
    panels = figure.subplots(1, len(trends), squeeze=False, sharey=True)[0]
    tidy_axes(panels)
    for panel, (label, runs) in zip(panels, trends.items(), strict=True):
        for column, name, colour in DRAWN_SCORES:
            means = runs.groupby("x")[column].mean()
            panel.plot(means.index, means, "-", color=colour, lw=1.4, label=name)
            panel.plot(runs["x"], runs[column], "o", ms=3, color=colour, alpha=0.6, lw=0)
        values = sorted(runs["x"].unique())
        if values[-1] > 8 * values[0]:
            panel.set_xscale("log")
        panel.set_xticks(values, [f"{value:,}" for value in values], fontsize=8)
        panel.minorticks_off()
        panel.set_xlabel(label, fontsize=9)
        panel.tick_params(axis="y", labelsize=8)
    panels[0].legend(fontsize=8, frameon=False)
    return save_figure(figure, stem, COMPARISON_FORMATS)
