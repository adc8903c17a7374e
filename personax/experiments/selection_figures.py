"""Figure of the model choice: every candidate's criteria beside its MCC."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from personax.experiments.figures import BLUE, GREY, ORANGE, new_figure, save_figure


def draw_criteria(table: pd.DataFrame, choice: str, notes: Mapping[str, str], stem: Path) -> list[Path]:
    """A row per candidate, best MCC on top, the chosen one in orange; a panel per criterion, then MCC.

    table: a row per candidate with the criteria and MCC. notes: criterion -> what stands over its panel.
    """
    ordered = table.sort_values("MCC")
    colours = [ORANGE if name == choice else BLUE for name in ordered.index]
    titles = {criterion: f"{criterion}\n{note}" for criterion, note in notes.items()} | {
        "MCC": "MCC\ntest rows"
    }
    figure = new_figure(2.1 * len(titles) + 1.2, 0.24 * len(ordered) + 1.2)
    panels = figure.subplots(1, len(titles), squeeze=False, sharey=True)[0]
    for panel, (column, title) in zip(panels, titles.items(), strict=True):
        panel.scatter(ordered[column].astype(float), range(len(ordered)), s=22, c=colours, zorder=2)
        panel.grid(axis="y", color=GREY, lw=0.4, alpha=0.4)
        panel.set_title(title, fontsize=8.5)
        panel.margins(x=0.12, y=0.06)
        panel.tick_params(labelsize=7, length=2)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_yticks(range(len(ordered)), [str(name) for name in ordered.index], fontsize=8)
    figure.supxlabel("orange: chosen; in brackets: among candidates with as many latents", fontsize=7.5)
    return save_figure(figure, stem, ("png", "svg", "pdf"))
