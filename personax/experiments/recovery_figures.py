"""Pictures of what a run on people, or on arrays of your own, has recovered: the graph, and the latents."""

from pathlib import Path

import numpy as np
import pandas as pd

from personax.experiments.block_scores import TruthScores
from personax.experiments.fitting import without_imputed
from personax.graphs.direction import OPEN_LINES, with_decided_directions
from personax.graphs.drawing import draw_graph, draw_side_by_side
from personax.graphs.graph import Graph
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import BLUE, PAGE_WIDTH, new_figure, paper_style, save_figure
from personax.views import MultiViewData, Split


def draw_recovered(
    figures: Path,
    graph: Graph,
    scores: TruthScores | None,
    data: MultiViewData,
    latents: pd.DataFrame,
    split: Split,
    *,
    name: str,
    mark: str,
) -> None:
    """Draw the learned graph; with scores next to the true one, and recovered against true latents.

    Directions that the latents (n, d) do not decide are drawn as lines without an arrow.

    Args:
        figures: folder of the pictures.
        graph: the graph that the model has learned.
        scores: comparison with the truth; None if it is unknown.
        data: what the model was fitted to.
        latents: recovered latents (n, d) of all people.
        split: of the people; the picture of the latents shows test people.
        name: of the data, for the title and for warnings.
        mark: beginning of the title, which says that people are simulated.
    """
    complete = without_imputed(latents, graph.blocks, data).dropna()
    decided = with_decided_directions(graph, complete, where=name)
    if scores is None:
        title = f"{name}, learned by the model"
        draw_graph(decided, figures / "graph", title=title, note="names are given by the model")
        return
    # Each true latent is paired with a latent of its own block, so that the figure shows the scored pairs.
    paired = latents.iloc[split.test, scores.columns].reset_index(drop=True)
    true_test = data.true_latents.iloc[split.test].reset_index(drop=True)
    title = f"{mark}{len(true_test)} test people, MCC {scores.blocks['mcc']['all']:.3f}"
    draw_pairs(paired, true_test, figures / "recovery", title=title)
    note = OPEN_LINES if (decided.adjacency & decided.adjacency.T).any() else ""
    titles = ("true", f"recovered, SHD {scores.graph['shd']}")
    draw_side_by_side(scores.true_graph, decided, titles, figures / "graph", note=note)


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
