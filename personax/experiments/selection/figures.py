"""The figure of the model choice: the criteria of every candidate next to its MCC."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from personax.experiments.selection.run import (
    CRITERIA,
    mcc_is_known,
    rank_correlations,
    with_as_many_latents,
)
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
from personax.runs.text_sizes import cut_to

LONGEST_CANDIDATE = 1.9  # inches of the name of a candidate


@paper_style()
def draw_criteria(table: pd.DataFrame, choice: str, stem: Path) -> list[Path]:
    """A row per candidate, the best one on top, the chosen one in orange; a panel per criterion, then MCC.

    The best has the largest MCC, or the best prediction where not every candidate has an MCC. Above a
    criterion stands its rank correlation with MCC over all candidates, in brackets that over the candidates
    that have as many latents as the chosen one.

    table: a row per candidate with the criteria and, where the truth is known, MCC.
    """
    known = mcc_is_known(table)
    ordered = table.sort_values("MCC" if known else "prediction")
    colours = [ORANGE if name == choice else BLUE for name in ordered.index]
    titles = criterion_titles(table, choice) if known else {name: name for name in CRITERIA}
    figure = new_figure(PAGE_WIDTH, 0.26 * len(ordered) + 1.3)
    panels = figure.subplots(1, len(titles), squeeze=False, sharey=True, gridspec_kw={"wspace": 0.1})[0]
    tidy_axes(panels)
    for panel, (column, title) in zip(panels, titles.items(), strict=True):
        panel.scatter(ordered[column].astype(float), range(len(ordered)), s=22, c=colours, zorder=2)
        panel.grid(axis="y", color=GREY, lw=0.4, alpha=0.4)
        panel.set_title(title)
        panel.margins(x=0.15, y=0.06)
        panel.xaxis.set_major_locator(MaxNLocator(nbins=2, min_n_ticks=2))  # more would overlap
        panel.ticklabel_format(axis="x", useOffset=False)
        panel.tick_params(length=2)
    panels[0].set_yticks(
        range(len(ordered)), [cut_to(str(name), LONGEST_CANDIDATE) for name in ordered.index]
    )
    note = "; rank corr.: with MCC, in brackets of candidates with as many latents" if known else ""
    figure.supxlabel(f"orange: chosen{note}")
    return save_figure(figure, stem, ("png", "svg", "pdf"))


def criterion_titles(table: pd.DataFrame, choice: str) -> dict[str, str]:
    """Column -> what stands above its panel, with how well each criterion agrees with MCC."""
    alike = rank_correlations(with_as_many_latents(table, choice))

    def number(value: float) -> str:
        return "–" if np.isnan(value) else f"{value:.2f}"

    titles = {
        criterion: f"{criterion}\nrank corr.\n{number(value)} ({number(alike[criterion])})"
        for criterion, value in rank_correlations(table).items()
    }
    return titles | {"MCC": "MCC\ntest rows\n"}
