"""The figure of the model choice: the criteria of every candidate next to its MCC."""

from pathlib import Path

import pandas as pd

from personax.experiments.selection.run import rank_correlations, with_as_many_latents
from personax.runs.figure_style import BLUE, GREY, ORANGE, new_figure, save_figure, tidy_axes


def draw_criteria(table: pd.DataFrame, choice: str, stem: Path) -> list[Path]:
    """Draw one row per candidate, best MCC on top, the chosen one in orange; one panel per criterion and MCC.

    The title of a criterion has its rank correlation with MCC over all candidates, and in brackets that over
    the candidates with as many latents as the chosen one.

    Args:
        table: one row per candidate with the criteria and MCC.
        choice: name of the chosen candidate.
        stem: path of the pictures without the suffix.
    """
    ordered = table.sort_values("MCC")
    colours = [ORANGE if name == choice else BLUE for name in ordered.index]
    alike = rank_correlations(with_as_many_latents(table, choice))
    titles = {
        criterion: f"{criterion}\nrank corr. {value:.2f} ({alike[criterion]:.2f})"
        for criterion, value in rank_correlations(table).items()
    }
    titles["MCC"] = "MCC\ntest rows"
    figure = new_figure(2.1 * len(titles) + 1.2, 0.24 * len(ordered) + 1.2)
    panels = figure.subplots(1, len(titles), squeeze=False, sharey=True)[0]
    tidy_axes(panels)
    for panel, (column, title) in zip(panels, titles.items(), strict=True):
        panel.scatter(ordered[column].astype(float), range(len(ordered)), s=22, c=colours, zorder=2)
        panel.grid(axis="y", color=GREY, lw=0.4, alpha=0.4)
        panel.set_title(title, fontsize=8.5)
        panel.margins(x=0.12, y=0.06)
        panel.tick_params(length=2)
    panels[0].set_yticks(range(len(ordered)), [str(name) for name in ordered.index], fontsize=8)
    figure.supxlabel("orange: chosen; in brackets: among candidates with as many latents", fontsize=7.5)
    return save_figure(figure, stem, ("png", "svg", "pdf"))
