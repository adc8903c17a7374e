"""The figures of the study: who is found, what is linked, and what changes in Level II."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from personax.experiments.obfuscation_study.releases import PLAIN
from personax.experiments.obfuscation_study.report import best_by_known
from personax.runs.figure_style import (
    BLUE,
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

MARKERS = "osD^vP*X"
LONGEST_RELEASE = 1.1  # inches of the name of a way of obfuscation
STUDY_FORMATS = ("png", "svg", "pdf")
LATENT_SCORES = {
    "R2": "R²",
    "MCC": "MCC",
    "SHD": "SHD (wrong edges)",
    "same latents": "|correlation| with\nplain vectors' latents",
}


@paper_style()
def draw_attacks(attacks: pd.DataFrame, links: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Draw the share of people found against the number of known ones, and the share linked over two keys."""
    figure = new_figure(PAGE_WIDTH, 3.4)
    curves, bars = figure.subplots(1, 2, width_ratios=(1.5, 1))
    _draw_curves_of_known(curves, best_by_known(attacks))
    _draw_links(bars, links)
    tidy_axes([curves, bars])
    figure.suptitle(title)
    return save_figure(figure, stem, STUDY_FORMATS)


def _draw_curves_of_known(panel: Axes, best: pd.DataFrame) -> None:
    """A line for each way of obfuscation; 0 known people have their own place on the left."""
    numbers = [int(str(column).removeprefix("k = ")) for column in best.columns]
    places = np.arange(len(numbers))
    for number, (release, shares) in enumerate(best.iterrows()):
        panel.plot(
            places,
            shares,
            marker=MARKERS[number % len(MARKERS)],
            ms=4,
            lw=1.2,
            color=MODALITY_COLOURS[number % len(MODALITY_COLOURS)],
            ls="-" if number < len(MODALITY_COLOURS) else "--",
            label=str(release),
            clip_on=False,
        )
    panel.set_xticks(places, [f"{number:,}" for number in numbers])
    panel.set(ylim=(0, 1.02), xlabel="people that the attacker knows", ylabel="share of the others found")
    panel.set_title("best attack")
    panel.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))


def _draw_links(panel: Axes, links: pd.DataFrame) -> None:
    """For each way of obfuscation the best share of people who are linked between two keys."""
    shares = links.drop(columns=["release", "AUC", "chance"]).max(axis=1)
    places = np.arange(len(links))
    panel.barh(places, shares, height=0.6, color=BLUE, linewidth=0, label="linked, best attack")
    panel.plot(links["AUC"], places, "D", ms=4, color=ORANGE, label="AUC, direct comparison", clip_on=False)
    panel.axvline(0.5, color=GREY, lw=0.8, ls=":")
    panel.set_yticks(places, [wrap_to(str(name), LONGEST_RELEASE) for name in links["release"]])
    panel.set(xlim=(0, 1.02), ylim=(len(links) - 0.5, -0.5), xlabel="two keys, no known people")
    panel.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0))


@paper_style()
def draw_latents(latents: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Draw every score of Level II, a row per way of obfuscation, a dot per seed; a line at plain vectors."""
    names = list(dict.fromkeys(latents["release"]))
    figure = new_figure(PAGE_WIDTH, 0.3 * len(names) + 1.3)
    panels = figure.subplots(1, len(LATENT_SCORES), sharey=True)
    for panel, (score, label) in zip(panels, LATENT_SCORES.items(), strict=True):
        for place, name in enumerate(names):
            values = latents.loc[latents["release"] == name, score]
            panel.plot(values, np.full(len(values), place), "o", ms=3.5, color=BLUE, alpha=0.6, clip_on=False)
            panel.plot(values.mean(), place, "|", ms=12, mew=1.6, color=ORANGE)
        plain = latents.loc[latents["release"] == PLAIN, score]
        panel.axvline(plain.mean(), color=GREY, lw=0.8, ls=":")
        panel.set_xlabel(label)
        panel.margins(x=0.15)
    panels[0].set_yticks(range(len(names)), [wrap_to(name, LONGEST_RELEASE) for name in names])
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    tidy_axes(panels)
    figure.suptitle(title)
    return save_figure(figure, stem, STUDY_FORMATS)
