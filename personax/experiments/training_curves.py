"""Training curves from the history of a run: objective and terms per epoch, models per generation."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from personax.runs.figure_style import (
    BLUE,
    COLUMN_WIDTH,
    GREY,
    ORANGE,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import wrap_to

TERMS = {
    "": "objective",
    "_reconstruction": "reconstruction, Eq. (2)",
    "_kl": "KL, Eq. (3)",
    "_align": "alignment, Eq. (4)",
    "_cross": "cross-modal contrast, Eq. (5)",
    "_shared": "contrast of s, Eq. (5)",
    "_edges": "expected edges, Eq. (6)",
}  # names of our model's terms; the terms of a baseline keep their own names


@paper_style()
def draw_curves(history: pd.DataFrame, stem: Path, *, ours: bool = True) -> list[Path]:
    """Draw the objective and its terms per epoch, then the population per generation, if there is one.

    Terms that are 0 in every epoch are left out.

    Args:
        history: a run's metrics.jsonl.
        stem: path of the pictures without the suffix.
        ours: True for the history of our model, whose terms have equation numbers.
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
    width = PAGE_WIDTH if panels > 1 else COLUMN_WIDTH
    figure = new_figure(width, 2.0 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, suffix in zip(axes, suffixes, strict=False):
        for part, colour in (("train", BLUE), ("validation", ORANGE)):
            panel.plot(epochs["epoch"], epochs[f"{part}{suffix}"], color=colour, label=part, lw=1.3)
        plain = suffix.strip("_").replace("_", " ") or "objective"
        title = TERMS.get(suffix, plain) if ours else plain
        panel.set_title(wrap_to(title, 0.9 * width / columns))
        panel.set_xlabel("epoch")
    axes[0].legend()
    if len(generations):
        _draw_population(axes[panels - 1], generations)
    tidy_axes(axes[:panels])
    for panel in axes[:panels]:
        panel.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    for panel in axes[panels:]:
        panel.set_visible(False)
    return save_figure(figure, stem)


def _draw_population(panel: Axes, generations: pd.DataFrame) -> None:
    """Draw Eq. (9) of every model, generation by generation."""
    known = [[value for value in values if value is not None] for values in generations["objective"]]
    for generation, values in zip(generations["generation"], known, strict=True):
        panel.scatter([generation] * len(values), values, s=8, color=GREY, linewidths=0)
    best = [min(values, default=np.nan) for values in known]
    panel.plot(generations["generation"], best, color=ORANGE, lw=1.3, label="best")
    panel.set_title("identification, Eq. (9)")
    panel.set_xlabel("generation")
    panel.legend()
