"""The heatmap of latents against observed features, and recovered against true latents."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize

from personax.experiments.figures import BLUE, new_figure, save_figure
from personax.graphs.drawing import pretty_name


def draw_associations(associations: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Features by latents, coloured by effect; bold: significant after correction; blank: undefined."""
    effect = associations.pivot(index="feature", columns="latent", values="effect")
    rejected = associations.pivot(index="feature", columns="latent", values="rejected")
    rows, columns = (list(dict.fromkeys(associations[key])) for key in ("feature", "latent"))
    values = effect.loc[rows, columns].to_numpy(dtype=float)
    bold = rejected.loc[rows, columns].to_numpy(dtype=bool)
    top = max(0.3, float(np.nanmax(values, initial=0.0)))
    figure = new_figure(1.9 + 0.48 * len(columns), 1.1 + 0.24 * len(rows))
    axis = figure.subplots()
    picture = axis.imshow(values, norm=Normalize(0, top), cmap="magma_r", aspect="auto")
    for i, j in np.ndindex(*values.shape):
        if not np.isnan(values[i, j]):
            text = axis.text(
                j,
                i,
                f"{values[i, j]:.2f}".lstrip("0"),
                ha="center",
                va="center",
                fontsize=6.5,
                fontweight="bold" if bold[i, j] else "normal",
                color="white" if values[i, j] > 0.55 * top else "black",
            )
            text.set_in_layout(False)  # it lies within the axes; measuring hundreds takes seconds
    axis.set_xticks(range(len(columns)), [pretty_name(name) for name in columns])
    axis.set_yticks(range(len(rows)), [row.replace("_", " ") for row in rows], fontsize=8)
    axis.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(picture, ax=axis, fraction=0.04, pad=0.02)
    bar.set_label("KCI effect", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    figure.suptitle(f"Latents against observed features (bold: significant)\n{title}", fontsize=8.5)
    return save_figure(figure, stem)


def draw_pairs(recovered: pd.DataFrame, truth: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """A panel per true latent: it against the recovered one it is matched to; |Pearson| above.

    recovered and truth: (n, k) with the same columns (metrics.matched), test people.
    """
    names = list(truth.columns)
    columns = min(6, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(1.5 * columns + 0.3, 1.6 * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, name in zip(panels, names, strict=False):
        panel.scatter(truth[name], recovered[name], s=2, alpha=0.5, linewidths=0, color=BLUE, rasterized=True)
        correlation = abs(np.corrcoef(truth[name], recovered[name])[0, 1])
        panel.set_title(f"{name}: {correlation:.2f}", fontsize=8)
    for panel in panels:
        panel.set(xticks=[], yticks=[])
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    figure.supxlabel("true", fontsize=8)
    figure.supylabel("recovered", fontsize=8)
    figure.suptitle(title, fontsize=9)
    return save_figure(figure, stem)
