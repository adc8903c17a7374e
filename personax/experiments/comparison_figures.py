"""Figures of the comparison: bars per method (the paper's Fig. 5 (c)), and scores against a quantity."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from personax.experiments.figures import BLUE, GREY, ORANGE, new_figure, save_figure

SHOWN = (("R2", "held-out R²", BLUE), ("MCC", "held-out MCC", ORANGE))
WIDTH = 0.38


def draw_methods(
    rows: Mapping[str, pd.DataFrame],
    published: Mapping[str, tuple[float, float]],
    ceiling: float,
    stem: Path,
) -> list[Path]:
    """Bars of mean R2 and MCC with their standard deviation, a dot for every seed.

    Args:
        rows: title -> runs with the columns R2 and MCC.
        published: title -> published R2 and MCC, drawn as open diamonds.
        ceiling: R2 of supervised encoders, drawn as a line; NaN leaves it out.
    """
    figure = new_figure(1.15 * len(rows) + 1.6, 3.4)
    panel = figure.subplots()
    places = np.arange(len(rows))
    for k, (column, label, colour) in enumerate(SHOWN):
        x = places + (k - 0.5) * WIDTH
        values = [found[column].to_numpy(dtype=float) for found in rows.values()]
        means = [v.mean() for v in values]
        spreads = [v.std(ddof=1) if len(v) > 1 else np.nan for v in values]
        panel.bar(x, means, WIDTH * 0.94, color=colour, label=label, yerr=spreads, capsize=2.5, alpha=0.85)
        for place, points in zip(x, values, strict=True):
            beside = np.arange(len(points)) - (len(points) - 1) / 2
            offsets = 0.5 * WIDTH * beside / max(1, len(points) - 1)
            panel.plot(place + offsets, points, "o", ms=2, color="#22262b", alpha=0.6, lw=0)
        known = [
            (place, published[name][k]) for place, name in zip(x, rows, strict=True) if name in published
        ]
        if known:
            panel.plot(
                *zip(*known, strict=True),
                "D",
                ms=5,
                mfc="white",
                mec="#22262b",
                lw=0,
                label="published (in-sample, other data)" if k == 0 else None,
            )
    if np.isfinite(ceiling):
        panel.axhline(ceiling, color=GREY, lw=1, ls="--", label=f"supervised ceiling, R² {ceiling:.3f}")
    panel.set_xticks(places, [name.replace(" (", "\n(").replace(", ", ",\n") for name in rows], fontsize=8)
    panel.set_ylim(0, 1.04)
    panel.tick_params(axis="y", labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, fontsize=8, frameon=False)
    return save_figure(figure, stem, ("png", "svg", "pdf"))


def draw_trends(trends: Mapping[str, pd.DataFrame], stem: Path) -> list[Path]:
    """One panel per quantity: mean R2 and MCC against it, a dot for every run.

    trends: name of the quantity -> runs with the columns x, R2 and MCC. Wide ranges get a logarithmic axis.
    """
    figure = new_figure(3.6 * len(trends) + 0.4, 3.0)
    panels = figure.subplots(1, len(trends), squeeze=False, sharey=True)[0]
    for panel, (label, runs) in zip(panels, trends.items(), strict=True):
        for column, name, colour in SHOWN:
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
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].legend(fontsize=8, frameon=False)
    return save_figure(figure, stem, ("png", "svg", "pdf"))
