"""The figures of a run on people beside those of its recovery: training, and latents against features."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from personax.experiments.training_curves import draw_curves
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import (
    CELL_TEXT_SIZE,
    EFFECT_COLOURS,
    PAGE_WIDTH,
    ink_on,
    new_figure,
    paper_style,
    save_figure,
)
from personax.runs.text_sizes import cut_to

LONGEST_ROW = 1.7  # inches of the name of a feature


def draw_people(figures: Path, history: pd.DataFrame, associations: pd.DataFrame, *, title: str) -> None:
    """Draw the figures that every run has into the folder `figures`."""
    draw_curves(history, figures / "training")
    draw_associations(associations, figures / "associations", title=title)


@paper_style()
def draw_associations(associations: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Draw features by latents; dark: large effect, bold: significant after correction, blank: undefined."""
    effect = associations.pivot(index="feature", columns="latent", values="effect")
    rejected = associations.pivot(index="feature", columns="latent", values="rejected")
    rows, columns = (list(dict.fromkeys(associations[key])) for key in ("feature", "latent"))
    values = effect.loc[rows, columns].to_numpy(dtype=float)
    bold = rejected.loc[rows, columns].to_numpy(dtype=bool)
    top = max(0.3, float(np.nanmax(values, initial=0.0)))
    figure = new_figure(PAGE_WIDTH, 1.1 + 0.21 * len(rows))
    axis = figure.subplots()
    picture = axis.imshow(values, norm=Normalize(0, top), cmap=EFFECT_COLOURS, aspect="auto")
    _write_effects(axis, values, bold, top)
    axis.set_xticks(range(len(columns)), [pretty_name(name) for name in columns])
    axis.set_yticks(range(len(rows)), [cut_to(row.replace("_", " "), LONGEST_ROW) for row in rows])
    axis.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(picture, ax=axis, fraction=0.04, pad=0.02)
    bar.set_label("KCI effect")
    figure.suptitle(f"Latents against observed features (bold: significant)\n{title}")
    return save_figure(figure, stem)


def _write_effects(
    axis: Axes, values: Float[np.ndarray, "rows columns"], bold: Bool[np.ndarray, "rows columns"], top: float
) -> None:
    """Write every effect (rows, columns) into its cell."""
    for i, j in np.ndindex(*values.shape):
        if not np.isnan(values[i, j]):
            text = axis.text(
                j,
                i,
                f"{values[i, j]:.2f}".lstrip("0"),
                ha="center",
                va="center",
                fontsize=CELL_TEXT_SIZE,
                fontweight="bold" if bold[i, j] else "normal",
                color=ink_on(EFFECT_COLOURS(float(values[i, j]) / top)),
            )
            text.set_in_layout(False)  # the text is within the axes, and measuring hundreds takes seconds
