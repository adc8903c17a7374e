"""The figure of the comparison: held-out scores of every method, with intervals."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from personax.experiments.downstream.report import SCORE_TITLES, titles_of
from personax.runs.figure_style import (
    GREY,
    MODALITY_COLOURS,
    ORANGE,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import wrap_to

MARKERS_OF_METHODS = "oDs^vP*X<>"
COLOURS_OF_OTHERS = (*MODALITY_COLOURS, GREY)
ROW, AROUND = 0.42, 2.2  # inches of a row at most, and of everything else
FURTHEST_LEFT = 0.3  # of the axis from the smallest mean: an interval over few folds may be very wide
LONGEST_PREDICTED = 1.3  # inches of the name of a column


@paper_style()
def draw_downstream(scores: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Draw a panel for R2 and one for AUC: a row per predicted column, a mark and interval per method."""
    kinds = [kind for kind in SCORE_TITLES if (scores["score"] == kind).any()]
    rows = [scores.loc[scores["score"] == kind, "column"].nunique() for kind in kinds]
    figure = new_figure(PAGE_WIDTH, min(PAGE_HEIGHT, AROUND + ROW * sum(rows)))
    panels = np.atleast_1d(figure.subplots(len(kinds), 1, height_ratios=rows))
    titles = titles_of(list(dict.fromkeys(scores["method"])))
    for panel, kind in zip(panels, kinds, strict=True):
        draw_scores(panel, scores[scores["score"] == kind], titles)
        panel.set_xlabel(f"held-out {SCORE_TITLES[kind]}")
    tidy_axes(panels)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    figure.suptitle(title)
    return save_figure(figure, stem, ("png", "svg", "pdf"))


def draw_scores(panel: Axes, part: pd.DataFrame, titles: Mapping[str, str]) -> None:
    """The scores of one kind, the first method in orange."""
    columns = list(dict.fromkeys(part["column"]))
    step = 0.8 / len(titles)
    for number, (method, label) in enumerate(titles.items()):
        rows = part[part["method"] == method].set_index("column").loc[columns]
        places = np.arange(len(columns)) + (number - (len(titles) - 1) / 2) * step
        colour = ORANGE if number == 0 else COLOURS_OF_OTHERS[(number - 1) % len(COLOURS_OF_OTHERS)]
        around = np.abs([rows[end] - rows["mean"] for end in ("low", "high")])
        marker = MARKERS_OF_METHODS[number % len(MARKERS_OF_METHODS)]
        panel.errorbar(
            rows["mean"],
            places,
            xerr=np.nan_to_num(around),
            fmt=marker,
            ms=3.5,
            lw=0.9,
            color=colour,
            label=label,
        )
    panel.set_yticks(
        range(len(columns)), [wrap_to(name.replace("_", " "), LONGEST_PREDICTED) for name in columns]
    )
    panel.set_ylim(len(columns) - 0.45, -0.55)
    panel.set_xlim(left=max(panel.get_xlim()[0], part["mean"].min() - FURTHEST_LEFT))
    for edge in np.arange(0.5, len(columns) - 1):
        panel.axhline(edge, color=GREY, lw=0.3, alpha=0.5)
    panel.tick_params(axis="y", length=0)
