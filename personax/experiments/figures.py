"""Figures of the training commands: samples, recovered against true latents, training curves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from personax.runs.files import atomic_path
from personax.views import MultiViewData

BLUE, ORANGE, GREY = "#2b6ca3", "#d9822b", "#8a8f98"
SHOWN_POINTS = 2000
MODALITY_COLOURS = (BLUE, "#3d8f5f", "#8e5ea2", "#b5793a")


UNDATED: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write `stem`.png and `stem`.svg (or other formats), atomically; the paths."""
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in formats]
    for path in paths:
        with atomic_path(path) as temporary:
            figure.savefig(
                temporary,
                dpi=180,
                bbox_inches="tight",
                metadata=UNDATED.get(path.suffix),
            )
    return paths


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, drawn off screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def draw_samples(data: MultiViewData, stem: Path, *, columns: int = 12) -> list[Path]:
    """A grid of pictures: a column per scene, a row per measurement; scenes sorted by their first latent."""
    rows = [(m, k, array) for m, arrays in data.measurements.items() for k, array in enumerate(arrays)]
    order = np.argsort(data.truth.iloc[:, 0].to_numpy())
    scenes = order[np.linspace(0, len(order) - 1, columns).round().astype(int)]
    figure = new_figure(0.62 * columns + 1.2, 0.66 * len(rows) + 0.4)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (modality, number, array) in enumerate(rows):
        for column, scene in enumerate(scenes):
            cell = axes[row, column]
            picture = np.moveaxis(array[scene], 0, -1)
            cell.imshow(picture.squeeze(), cmap="gray", vmin=0, vmax=1)
            cell.set(xticks=[], yticks=[])
            cell.spines[:].set_visible(False)
        axes[row, 0].set_ylabel(f"{modality} {number + 1}", rotation=0, ha="right", va="center", fontsize=8)
    first = data.truth.columns[0]
    figure.suptitle(f"{columns} scenes, sorted by {first}; one row per measurement", fontsize=9)
    return save_figure(figure, stem)


def draw_recovery(recovered: pd.DataFrame, truth: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Scatter matrix: row = matched recovered latent, column = true latent; |Pearson| in each panel.

    recovered and truth have the same columns (see metrics.matched) and rows (test people).
    """
    names = list(truth.columns)
    k = len(names)
    shown = np.linspace(0, len(truth) - 1, min(SHOWN_POINTS, len(truth))).round().astype(int)
    figure = new_figure(1.45 * k + 0.6, 1.45 * k + 0.7)
    axes = figure.subplots(k, k, squeeze=False, sharex="col", sharey="row")
    for i, row in enumerate(names):
        for j, column in enumerate(names):
            panel = axes[i, j]
            correlation = abs(np.corrcoef(recovered[row], truth[column])[0, 1])
            panel.scatter(
                truth[column].to_numpy()[shown],
                recovered[row].to_numpy()[shown],
                s=2,
                alpha=0.35,
                linewidths=0,
                color=BLUE if i == j else GREY,
                rasterized=True,
            )
            panel.text(
                0.05,
                0.95,
                f"{correlation:.2f}",
                transform=panel.transAxes,
                va="top",
                fontsize=8,
                fontweight="bold" if i == j else "normal",
                bbox={"facecolor": "white", "alpha": 0.8, "pad": 1, "lw": 0},
            )
            panel.tick_params(labelsize=6)
            if i == k - 1:
                panel.set_xlabel(f"true {column}", fontsize=8)
            if j == 0:
                panel.set_ylabel(f"recovered {row}", fontsize=8)
    figure.suptitle(title, fontsize=9)
    return save_figure(figure, stem)


TERMS = {
    "": "objective",
    "_reconstruction": "reconstruction, Eq. (2)",
    "_kl": "KL, Eq. (3)",
    "_align": "alignment, Eq. (4)",
    "_cross": "cross-modal contrast, Eq. (5)",
    "_shared": "contrast of s, Eq. (5)",
    "_edges": "expected edges, Eq. (6)",
}  # of our model; a baseline's terms are shown under their own names


def draw_curves(history: pd.DataFrame, stem: Path, *, ours: bool = True) -> list[Path]:
    """Training curves: the objective and its terms per epoch, then the population per generation, if any.

    Terms that are 0 throughout are left out.
    """
    generations = history[history["phase"] == "identification"]
    epochs = history[history["phase"] != "identification"]
    suffixes = [""] + [
        name.removeprefix("train")
        for name in epochs.columns
        if name.startswith("train_") and epochs[name].abs().max() > 0
    ]
    panels = len(suffixes) + bool(len(generations))
    columns = min(3, panels)
    rows = -(-panels // columns)
    figure = new_figure(3.0 * columns, 2.3 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, suffix in zip(axes, suffixes, strict=False):
        for part, colour in (("train", BLUE), ("validation", ORANGE)):
            panel.plot(epochs["epoch"], epochs[f"{part}{suffix}"], color=colour, label=part, lw=1.3)
        own = suffix.strip("_").replace("_", " ") or "objective"
        panel.set_title(TERMS.get(suffix, own) if ours else own, fontsize=9)
        panel.set_xlabel("epoch", fontsize=8)
    axes[0].legend(fontsize=7, frameon=False)
    if len(generations):
        _draw_population(axes[panels - 1], generations)
    for panel in axes[:panels]:
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in axes[panels:]:
        panel.set_visible(False)
    return save_figure(figure, stem)


def _draw_population(panel: Axes, generations: pd.DataFrame) -> None:
    """Eq. (9) of every model, generation by generation."""
    known = [[value for value in values if value is not None] for values in generations["objective"]]
    for generation, values in zip(generations["generation"], known, strict=True):
        panel.scatter([generation] * len(values), values, s=8, color=GREY, linewidths=0)
    best = [min(values, default=np.nan) for values in known]
    panel.plot(generations["generation"], best, color=ORANGE, lw=1.3, label="best")
    panel.set_title("identification, Eq. (9), validation rows", fontsize=9)
    panel.set_xlabel("generation", fontsize=8)
    panel.legend(fontsize=7, frameon=False)
