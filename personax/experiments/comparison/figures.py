"""The figures of the comparison: bars per method, and scores against a quantity."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from personax.experiments.comparison.report import Panel, as_number
from personax.experiments.method_bars import COMPARISON_FORMATS, DRAWN_SCORES, draw_methods
from personax.runs.figure_style import (
    COLUMN_WIDTH,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)


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
