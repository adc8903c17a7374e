"""The figure: R2, MCC and F1 of every method in every case, with the published numbers as open diamonds."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from personax.experiments.method_table import title_of
from personax.experiments.numerical.report import PEERS, methods_in_order
from personax.numerical.numerical_cases import CASES
from personax.runs.figure_style import (
    GREY,
    MODALITY_COLOURS,
    ORANGE,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import wrap_to

DRAWN_COLUMNS = ("R2", "MCC", "F1")
LONGEST_CASE = 1.45  # inches of the name of a case
SPREAD_OF_METHODS = 0.7  # of the height of a case, from the first to the last method
COLOURS_OF_METHODS = (ORANGE, *MODALITY_COLOURS, GREY)
MARKS_OF_METHODS = "osDv^<>PX*"


@paper_style()
def draw_cases(runs: pd.DataFrame, stem: Path) -> list[Path]:
    """Draw a row for each case and a panel for each score: mean over seeds, and a line from worst to best.

    Args:
        runs: what `run.scores_of_runs` returns.
        stem: path of the pictures without the suffix.
    """
    cases, methods = list(dict.fromkeys(runs["case"])), methods_in_order(runs)
    rows = 0.2 + 0.085 * len(methods)
    figure = new_figure(PAGE_WIDTH, rows * len(cases) + 0.9 + 0.17 * -(-(len(methods) + 1) // 3))
    panels = figure.subplots(1, len(DRAWN_COLUMNS), sharey=True)
    for panel, column in zip(panels, DRAWN_COLUMNS, strict=True):
        for number, method in enumerate(methods):
            _draw_method(panel, runs[runs["method"] == method], cases, column, number, len(methods))
        known = [(getattr(PEERS[case], column.lower(), None), place) for place, case in enumerate(cases)]
        known = [(value, place) for value, place in known if value is not None]
        if known:
            panel.plot(*zip(*known, strict=True), "D", ms=6, mfc="none", mec="#22262b", lw=0)
        panel.set(xlabel={"R2": "held-out R²", "MCC": "held-out MCC"}.get(column, column), xlim=(-0.02, 1.03))
        panel.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    tidy_axes(panels)
    panels[0].set_yticks(range(len(cases)), [wrap_to(CASES[case].title, LONGEST_CASE) for case in cases])
    panels[0].set_ylim(len(cases) - 0.5, -0.5)
    for panel in panels:
        panel.tick_params(axis="y", length=0)
        for place in range(1, len(cases)):
            panel.axhline(place - 0.5, color=GREY, lw=0.4, alpha=0.5)
    if any(PEERS[case].r2 is not None for case in cases):
        panels[0].plot(np.nan, np.nan, "D", ms=6, mfc="none", mec="#22262b", lw=0, label="published")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return save_figure(figure, stem)


def _draw_method(
    panel: Axes, runs: pd.DataFrame, cases: list[str], column: str, number: int, methods: int
) -> None:
    """Draw one method's mean of a score in every case, and a thin line over the range of its seeds."""
    look: dict[str, Any] = {
        "color": COLOURS_OF_METHODS[number % len(COLOURS_OF_METHODS)],
        "marker": MARKS_OF_METHODS[number % len(MARKS_OF_METHODS)],
    }
    offset = SPREAD_OF_METHODS * ((number + 0.5) / methods - 0.5)
    for place, case in enumerate(cases):
        values = runs.loc[runs["case"] == case, column].dropna().clip(lower=0)
        if len(values):
            y = place + offset
            panel.plot([values.min(), values.max()], [y, y], color=look["color"], lw=0.9, alpha=0.7)
            panel.plot(values.mean(), y, **look, ms=4, lw=0)
    panel.plot(np.nan, np.nan, **look, ms=4, lw=0, label=title_of(str(runs["method"].iloc[0])))
