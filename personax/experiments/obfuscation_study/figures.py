"""The figures of the study: who is found, what is linked, and what changes in Level II."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from personax.experiments.obfuscated_releases import PLAIN
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
    figure = new_figure(PAGE_WIDTH, 3.2 + 0.16 * len(links))
    curves, bars = figure.subplots(1, 2)
    _draw_curves_of_known(curves, best_by_known(attacks))
    _draw_links(bars, links)
    tidy_axes([curves, bars])
    figure.suptitle(title)
    parts = [panel.get_legend_handles_labels() for panel in (curves, bars)]
    handles, labels = ([*first, *second] for first, second in zip(*parts, strict=True))
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8)
    return save_figure(figure, stem, STUDY_FORMATS)


def _draw_curves_of_known(panel: Axes, best: pd.DataFrame) -> None:
    """A line for each way of obfuscation over known people; points for attackers who know nobody."""
    kinds = list(map(str, best.columns))
    places, pairs = np.arange(len(kinds)), np.array([kind.split(",")[0] != "0" for kind in kinds])
    for number, (release, shares) in enumerate(best.iterrows()):
        colour, marker = MODALITY_COLOURS[number % len(MODALITY_COLOURS)], MARKERS[number % len(MARKERS)]
        dash = "-" if number < len(MODALITY_COLOURS) else "--"
        style: dict[str, Any] = {"color": colour, "marker": marker, "ms": 4, "lw": 1.2, "clip_on": False}
        panel.plot(places[pairs], shares[pairs], ls=dash, label=str(release), **style)
        aside = 0.09 * (number - (len(best) - 1) / 2)  # else equal shares would hide each other
        panel.plot(places[~pairs] + aside, shares[~pairs], ls="none", **style)
    panel.axvline((~pairs).sum() - 0.5, color=GREY, lw=0.8, ls=":")
    panel.set_xticks(places, [kind_of_attacker(kind) for kind in kinds])
    panel.set(ylim=(0, 1.02), xlim=(-0.5, len(kinds) - 0.7))
    panel.set_xlabel("people that the attacker knows\n(none: but has plain vectors of half, of all)")
    panel.set_ylabel("share of the others found")
    panel.set_title("who is found: best attack")


def kind_of_attacker(kind: str) -> str:
    """The label of a column of `best_by_known`: how many people are known, and without any, whose vectors."""
    known, _, half = kind.partition(", ")
    return kind if known != "0" else f"none,\n{'half' if half else 'all'}"


def _draw_links(panel: Axes, links: pd.DataFrame) -> None:
    """For each way of obfuscation the best share of people who are linked between two keys."""
    shares = links.drop(columns=["release", "AUC", "chance"]).max(axis=1)
    places = np.arange(len(links))
    panel.barh(places, shares, height=0.6, color=BLUE, linewidth=0, label="linked")
    panel.plot(links["AUC"], places, "D", ms=4, color=ORANGE, label="AUC", clip_on=False)
    panel.axvline(0.5, color=GREY, lw=0.8, ls=":")
    panel.set_yticks(places, [wrap_to(str(name), LONGEST_RELEASE) for name in links["release"]])
    panel.set(xlim=(0, 1.02), ylim=(len(links) - 0.5, -0.5), xlabel="share; AUC")
    panel.set_title("two releases with two keys")


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
