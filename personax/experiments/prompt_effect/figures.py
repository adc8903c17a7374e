"""The figures of the effect of prompts: how many verdicts change, and where."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from personax.experiments.heat_blocks import title_and_source
from personax.experiments.independence.figures import Caption, ColourScale, HeatPanel, draw_heatmaps
from personax.experiments.prompt_effect.config import EffectConfig
from personax.experiments.prompt_effect.effect_grids import MatchedPeople
from personax.experiments.prompt_effect.verdict_changes import PromptEffect
from personax.runs.figure_style import (
    BLUE,
    GREY,
    MODALITY_COLOURS,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    SHARE_COLOURS,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import cut_to
from personax.traits.published import format_title
from personax.traits.verdicts import GRID_KEYS

COLOUR_OF = dict(zip(GRID_KEYS, (MODALITY_COLOURS[3], BLUE, MODALITY_COLOURS[1]), strict=True))
LINE, MARGINS, LONGEST_LABEL = 0.22, 1.5, 3.2  # inches


def draw_effect(config: EffectConfig, matched: MatchedPeople, found: PromptEffect, folder: Path) -> None:
    """Draw the changes by what varies, and a heatmap of where they are; nothing for a single grid."""
    if found.changes.empty:
        return
    simulated = matched.source.simulated or matched.table.simulated
    note = (
        "Filled: mean over the pairs of grids that differ only in what is named first; ring: in some pair. "
        f"Level {config.alpha:g}, {len(matched.people)} people. Answers: {matched.source.source}."
    )
    draw_changes(found.changes, note, folder / "changes", simulated=simulated)
    caption = Caption(matched.table.name, matched.source.source, len(matched.people), simulated)
    draw_where(found, caption, folder / "cells")


@paper_style()
def draw_changes(changes: pd.DataFrame, note: str, stem: Path, *, simulated: bool) -> None:
    """A row for everything that varies: a dot for the mean share of changed cells, a ring for "ever"."""
    most = int((PAGE_HEIGHT - MARGINS) / LINE)
    for number, first in enumerate(range(0, len(changes), most), start=1):
        rows = changes.iloc[first : first + most]
        figure = new_figure(PAGE_WIDTH, MARGINS + LINE * len(rows))
        axis = figure.subplots()
        places = np.arange(len(rows))
        colours = [COLOUR_OF[varied] for varied in rows["varied"]]
        axis.hlines(places, rows["changed"], rows["ever"], color=GREY, lw=0.6)
        axis.scatter(rows["ever"], places, s=22, facecolors="white", edgecolors=colours)
        axis.scatter(rows["changed"], places, s=22, c=colours, zorder=3)
        axis.set_yticks(places, [cut_to(setting_of(row), LONGEST_LABEL) for _, row in rows.iterrows()])
        end = max(0.05, 1.08 * float(changes["ever"].max()))
        axis.set(ylim=(len(rows) - 0.5, -0.5), xlim=(-0.015 * end, end))
        axis.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
        axis.set_xlabel("share of the cells whose verdict changes")
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="y", color=GREY, lw=0.3, alpha=0.5)
        tidy_axes([axis])
        title_and_source(figure, "Verdicts of Level I that change", note, simulated=simulated)
        save_figure(figure, stem if number == 1 else stem.with_name(f"{stem.name}_{number}"))


def setting_of(row: "pd.Series[str]") -> str:
    """What varies, and what is held fixed."""
    fixed = [text for text in (row["model"], format_title(row["format"]) if row["format"] else "") if text]
    return f"{row['varied']}: {', '.join(fixed)}" if fixed else f"{row['varied']}, all together"


def draw_where(found: PromptEffect, caption: Caption, stem: Path) -> None:
    """Features x traits, a panel for each thing that varies: mean over the tests of the pairs that differ."""
    panels = []
    features, traits = (list(dict.fromkeys(found.decided[key])) for key in ("feature", "trait"))
    for varied in GRID_KEYS:
        if found.cells[varied].isna().all():
            continue
        values = found.cells.groupby(["feature", "trait"], sort=False)[varied].mean().unstack("trait")
        values = values.reindex(index=features, columns=traits)
        texts = values.map(lambda value: "" if np.isnan(value) else f"{value:.2f}").to_numpy()
        blank = np.where(values.isna(), 2, 0)  # grey: undefined
        panels.append(HeatPanel(f"the {varied} varies", values, texts, np.zeros(values.shape, bool), blank))
    scale = ColourScale("share of the pairs whose verdicts differ", SHARE_COLOURS, Normalize(0, 1))
    draw_heatmaps(panels, scale, caption, "Verdicts that change, by what varies", stem)
