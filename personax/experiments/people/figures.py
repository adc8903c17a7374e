"""The figures of a run on people: training, latents against features, graphs, recovery."""

from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize

from personax.experiments.people.block_scores import TruthScores
from personax.experiments.training_curves import draw_curves
from personax.graphs.direction import OPEN_LINES
from personax.graphs.drawing import draw_graph, draw_side_by_side
from personax.graphs.graph import Graph
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import (
    BLUE,
    CELL_TEXT_SIZE,
    EFFECT_COLOURS,
    PAGE_WIDTH,
    ink_on,
    new_figure,
    paper_style,
    save_figure,
)
from personax.runs.text_sizes import cut_to
from personax.views import MultiViewData, Split

LONGEST_ROW = 1.7  # inches of the name of a feature


def draw_people(figures: Path, history: pd.DataFrame, associations: pd.DataFrame, *, title: str) -> None:
    """Draw the figures that every run has into the folder `figures`."""
    draw_curves(history, figures / "training")
    draw_associations(associations, figures / "associations", title=title)


def draw_learned(figures: Path, graph: Graph, *, title: str) -> None:
    """Draw the learned graph, if no truth is known."""
    draw_graph(graph, figures / "graph", title=title, note="names are given by the model")


def draw_scored(
    figures: Path,
    graph: Graph,
    scores: TruthScores,
    data: MultiViewData,
    latents: pd.DataFrame,
    split: Split,
    *,
    mark: str,
) -> None:
    """Draw recovered latents and graph next to the true ones; `mark` is written before the title.

    Lines without an arrow in `graph` are directions that the latents do not decide.
    """
    true_test = data.true_latents.iloc[split.test].reset_index(drop=True)
    # Each true latent is paired with a latent of its own block, so that the figure shows the scored pairs.
    paired = latents.iloc[split.test, scores.columns].reset_index(drop=True)
    title = f"{mark}{len(true_test)} test people, MCC {scores.blocks['mcc']['all']:.3f}"
    draw_pairs(paired, true_test, figures / "recovery", title=title)
    titles = ("true", f"recovered, SHD {scores.graph['shd']}")
    undecided = (graph.adjacency & graph.adjacency.T).any()
    note = OPEN_LINES if undecided else ""
    draw_side_by_side(scores.true_graph, graph, titles, figures / "graph", note=note)


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


@paper_style()
def draw_pairs(recovered: pd.DataFrame, true_latents: pd.DataFrame, stem: Path, *, title: str) -> list[Path]:
    """Draw one panel per true latent: its recovered latent against it, with a sign such that it rises.

    Both tables are (n, k), their rows are test people, and column i of one belongs to column i of the other.
    Above a panel stands the recovered latent's name, as in the picture of the graph, and |Pearson|.
    """
    names = list(map(str, recovered.columns))
    columns = min(6, len(names))
    rows = -(-len(names) // columns)
    figure = new_figure(PAGE_WIDTH, PAGE_WIDTH / columns * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for i, (panel, name) in enumerate(zip(panels, names, strict=False)):
        x, y = true_latents.iloc[:, i], recovered.iloc[:, i]
        correlation = np.corrcoef(x, y)[0, 1]
        rising = -y if correlation < 0 else y
        panel.scatter(x, rising, s=4, alpha=0.5, linewidths=0, color=BLUE, rasterized=True)
        panel.set_title(f"{pretty_name(name)}: {abs(correlation):.2f}")
    for panel in panels:
        panel.set(xticks=[], yticks=[])
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    figure.supxlabel("true")
    figure.supylabel("recovered")
    figure.suptitle(title)
    return save_figure(figure, stem)
