"""The figures of a scored run: scenes, recovered against true latents, training, graphs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from personax.experiments.evaluation import matched_columns, matched_graph
from personax.experiments.recovery import Recovery
from personax.experiments.training_curves import draw_curves
from personax.graphs.direction import OPEN_LINES, with_decided_directions
from personax.graphs.drawing import draw_side_by_side
from personax.graphs.graph import Graph
from personax.graphs.panels import pretty_name
from personax.learning.metrics import matched
from personax.runs.figure_style import (
    BLUE,
    CELL_TEXT_SIZE,
    COLUMN_WIDTH,
    GREY,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
)
from personax.runs.text_sizes import cut_to
from personax.views import MultiViewData, Split, Truth

LIGHTENING = 0.55  # share of white that colours of the samples are mixed with
SHOWN_POINTS = 2000  # most points in a panel of the scatter matrix
LONGEST_MODALITY = 0.8  # inches of the name of a measurement


def draw_run(
    figures: Path,
    data: MultiViewData,
    split: Split,
    recovery: Recovery,
    metrics: Mapping[str, Any],
    history: pd.DataFrame,
) -> None:
    """Draw all figures of a run into the folder `figures`."""
    test = data.rows(split.test)
    draw_samples(test, figures / "samples")
    recovered = matched(recovery.latents.iloc[split.test].reset_index(drop=True), test.true_latents)
    mcc = metrics["heldout"]["mcc_pearson"]
    draw_recovery(
        recovered, test.true_latents, figures / "recovery", title=f"{len(test)} test scenes, MCC {mcc:.3f}"
    )
    draw_curves(history, figures / "training", ours="criteria" in metrics)
    truth = data.known_truth
    if truth.graph is not None and recovery.graph is not None:
        columns = matched_columns(recovery.latents, data, split)
        draw_recovered_graph(truth, recovery, columns, figures / "graph", shd=metrics["graph"]["shd"])


def draw_recovered_graph(
    truth: Truth, recovery: Recovery, columns: Int[np.ndarray, " k"], stem: Path, *, shd: int
) -> list[Path]:
    """Draw the true graph next to the recovered one, without directions that the latents do not decide.

    `columns` are the columns of the recovered latents to which the k true ones are matched. `shd` is the
    distance of the model's graph from the true one.
    """
    assert truth.graph is not None
    assert recovery.graph is not None
    decided = with_decided_directions(recovery.graph, recovery.latents, where=str(stem))
    weights = None if decided.weights is None else matched_graph(decided.weights, columns)
    names = list(truth.latents.columns)
    return draw_side_by_side(
        Graph(names, truth.graph, blocks=truth.blocks),
        Graph(names, matched_graph(decided.adjacency, columns), weights=weights, blocks=truth.blocks),
        ("true", f"recovered, SHD {shd}"),
        stem,
        note=OPEN_LINES if (decided.adjacency != recovery.graph.adjacency).any() else "",
    )


@paper_style()
def draw_samples(data: MultiViewData, stem: Path, *, columns: int = 12) -> list[Path]:
    """Draw a grid of pictures: one column per scene, one row per measurement, sorted by the first latent.

    Measurements that are no pictures are left out.
    """
    rows = [
        (modality, number, array)
        for modality, arrays in data.measurements.items()
        for number, array in enumerate(arrays)
        if array.ndim == 4
    ]
    order = np.argsort(data.true_latents.iloc[:, 0].to_numpy())
    scenes = order[np.linspace(0, len(order) - 1, columns).round().astype(int)]
    side = (PAGE_WIDTH - LONGEST_MODALITY) / columns  # of a picture with the space around it
    figure = new_figure(PAGE_WIDTH, side * len(rows) + 0.4)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for row, (modality, number, array) in enumerate(rows):
        for column, scene in enumerate(scenes):
            cell = axes[row, column]
            picture = np.moveaxis(array[scene], 0, -1)
            cell.imshow(_lightened(picture).squeeze(), cmap="gray", vmin=0, vmax=1)
            cell.set(xticks=[], yticks=[])
            cell.spines[:].set_visible(False)
        label = f"{cut_to(modality, LONGEST_MODALITY - 0.2)} {number + 1}"
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center")
    first = pretty_name(str(data.true_latents.columns[0]))
    figure.suptitle(f"{columns} scenes, sorted by {first}; one row per measurement")
    return save_figure(figure, stem)


def _lightened(picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w c"]:
    """A picture (height, width, channels) whose colours are mixed with white, as pure blue is hardly seen.

    A grey picture stays as it is.
    """
    if picture.shape[-1] != 3:
        return picture
    brightest = picture.max(-1, keepdims=True)
    return np.asarray(picture + LIGHTENING * (brightest - picture))


@paper_style()
def draw_recovery(
    recovered: pd.DataFrame, true_latents: pd.DataFrame, stem: Path, *, title: str
) -> list[Path]:
    """Draw a scatter matrix: row = matched recovered latent, column = true latent; |Pearson| in each panel.

    Both tables have the same columns (see metrics.matched) and the same rows, those of the test scenes.
    """
    names = list(true_latents.columns)
    k = len(names)
    shown = np.linspace(0, len(recovered) - 1, min(SHOWN_POINTS, len(recovered))).round().astype(int)
    width = COLUMN_WIDTH if k < 3 else PAGE_WIDTH
    figure = new_figure(width, width)
    axes = figure.subplots(k, k, squeeze=False, sharex="col", sharey="row")
    for i, row in enumerate(names):
        for j, column in enumerate(names):
            panel = axes[i, j]
            x, y = true_latents[column].to_numpy(), recovered[row].to_numpy()
            colour = BLUE if i == j else GREY
            panel.scatter(x[shown], y[shown], s=4, alpha=0.35, linewidths=0, color=colour, rasterized=True)
            panel.text(
                0.05,
                0.95,
                f"{abs(np.corrcoef(y, x)[0, 1]):.2f}",
                transform=panel.transAxes,
                va="top",
                fontsize=CELL_TEXT_SIZE,
                fontweight="bold" if i == j else "normal",
                bbox={"facecolor": "white", "alpha": 0.8, "pad": 1, "lw": 0},
            )
            panel.locator_params(nbins=4)
        axes[i, 0].set_ylabel(f"recovered {pretty_name(row)}")
    for panel, column in zip(axes[-1], names, strict=True):
        panel.set_xlabel(f"true {pretty_name(column)}")
    figure.align_ylabels(axes[:, 0])
    figure.suptitle(title)
    return save_figure(figure, stem)
