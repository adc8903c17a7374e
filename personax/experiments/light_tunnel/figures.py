"""The figure of the light tunnel: what the instruments show of some scenes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from personax.experiments.method_bars import COMPARISON_FORMATS
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import PAGE_WIDTH, SCORE_COLOURS, new_figure, paper_style, save_figure
from personax.views import MultiViewData

SHOWN_SCENES = 10
PICTURE_HEIGHT, LINE_HEIGHT = 0.62, 0.19  # inches of a row of pictures, and of a line of a table
BRIGHTEST = 0.99  # quantile of the pixels that is drawn as white: pictures of the tunnel are dark


@paper_style()
def draw_scenes(data: MultiViewData, stem: Path) -> list[Path]:
    """Some scenes, sorted by green: their pictures, the first sensor reading, and the true settings."""
    order = np.argsort(data.true_latents["green"].to_numpy())
    scenes = order[np.linspace(0, len(order) - 1, SHOWN_SCENES).round().astype(int)]
    pictures = [array[scenes] for array in data.measurements["image"]]
    readings = _standard(data.measurements["sensors"][0])[scenes]
    settings = _standard(data.true_latents.to_numpy())[scenes]
    heights = [PICTURE_HEIGHT] * len(pictures) + [
        LINE_HEIGHT * table.shape[1] for table in (readings, settings)
    ]
    figure = new_figure(PAGE_WIDTH, sum(heights) + 0.25 * len(heights) + 0.3)
    grid = figure.add_gridspec(len(heights), SHOWN_SCENES, height_ratios=heights)
    for row, array in enumerate(pictures):
        cells = [figure.add_subplot(grid[row, column]) for column in range(SHOWN_SCENES)]
        _draw_pictures(cells, array, f"picture {row + 1}")
    names = list(data.columns["sensors"][0] or ())
    _draw_table(figure.add_subplot(grid[-2, :]), readings, names, "first sensor reading")
    names = [pretty_name(str(name)) for name in data.true_latents]
    _draw_table(figure.add_subplot(grid[-1, :]), settings, names, "true settings")
    return save_figure(figure, stem, COMPARISON_FORMATS)


def _draw_pictures(cells: Sequence[Axes], pictures: Float[np.ndarray, "k 3 h w"], label: str) -> None:
    """Draw one picture in each cell, all brightened alike."""
    white = float(np.quantile(pictures, BRIGHTEST))
    for cell, picture in zip(cells, pictures, strict=True):
        cell.imshow(np.clip(np.moveaxis(picture, 0, -1) / white, 0, 1))
        cell.set(xticks=[], yticks=[])
    cells[0].set_ylabel(label, rotation=0, ha="right", va="center")


def _draw_table(panel: Axes, values: Float[np.ndarray, "k d"], names: Sequence[str], title: str) -> None:
    """Draw a line of colours for each name, a column for each scene."""
    panel.imshow(values.T, aspect="auto", cmap=SCORE_COLOURS, vmin=-2.5, vmax=2.5)
    panel.set_yticks(range(len(names)), names)
    panel.tick_params(axis="y", length=0)
    panel.set(xticks=[], title=f"{title}, in standard units (dark: high)")


def _standard(values: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    return np.asarray((values - values.mean(0)) / values.std(0))
