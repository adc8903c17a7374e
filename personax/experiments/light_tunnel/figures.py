"""The figures of the light tunnel: scores of the methods, and what the instruments show of some scenes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import SubFigure

from personax.experiments.method_bars import COMPARISON_FORMATS, draw_methods
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import PAGE_WIDTH, SCORE_COLOURS, new_figure, paper_style, save_figure
from personax.views import MultiViewData

SHOWN_SCENES = 12
BRIGHTEST = 0.99  # quantile of the pixels that is drawn as white: pictures of the tunnel are dark


def draw_scores(rows: Mapping[str, pd.DataFrame], ceiling: float, stem: Path) -> list[Path]:
    """Bars of held-out R2 and MCC of every method (title -> runs), and the ceiling as a line."""
    return draw_methods(rows, {}, ceiling, stem)


@paper_style()
def draw_scenes(data: MultiViewData, stem: Path) -> list[Path]:
    """Some scenes, sorted by green: their pictures, the first sensor reading, and the true settings."""
    order = np.argsort(data.true_latents["green"].to_numpy())
    scenes = order[np.linspace(0, len(order) - 1, SHOWN_SCENES).round().astype(int)]
    shown = data.rows(scenes)
    tables = {
        "sensors, first reading": (
            _standard(data.measurements["sensors"][0])[scenes],
            list(data.columns["sensors"][0] or ()),
        ),
        "true settings": (
            _standard(data.true_latents.to_numpy())[scenes],
            [pretty_name(str(name)) for name in data.true_latents],
        ),
    }
    heights = [0.62 * len(shown.measurements["image"])]
    heights += [0.2 * len(labels) + 0.3 for _, labels in tables.values()]
    figure = new_figure(PAGE_WIDTH, sum(heights) + 0.2)
    parts: list[SubFigure] = list(np.ravel(figure.subfigures(len(heights), 1, height_ratios=heights)))
    _draw_pictures(parts[0], shown)
    for part, (title, (values, labels)) in zip(parts[1:], tables.items(), strict=True):
        panel = part.subplots()
        panel.imshow(values.T, aspect="auto", cmap=SCORE_COLOURS, vmin=-2.5, vmax=2.5)
        panel.set_yticks(range(len(labels)), labels)
        panel.set(xticks=[], title=f"{title} (dark: high)")
    return save_figure(figure, stem, COMPARISON_FORMATS)


def _draw_pictures(part: SubFigure, shown: MultiViewData) -> None:
    pictures = shown.measurements["image"]
    white = float(np.quantile(np.concatenate(pictures), BRIGHTEST))
    cells = part.subplots(len(pictures), len(shown), squeeze=False)
    for row, array in zip(cells, pictures, strict=True):
        for cell, picture in zip(row, array, strict=True):
            cell.imshow(np.clip(np.moveaxis(picture, 0, -1) / white, 0, 1))
            cell.set(xticks=[], yticks=[])
    for number, row in enumerate(cells):
        row[0].set_ylabel(str(number + 1), rotation=0, ha="right", va="center")
    part.suptitle("pictures 1, 2, ... of twelve scenes, brightened")


def _standard(values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    return np.asarray((values - values.mean(0)) / values.std(0))
