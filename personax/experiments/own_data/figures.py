"""The figures of a run on arrays of your own: training, the graph, recovered against true latents."""

from pathlib import Path

import pandas as pd

from personax.experiments.block_scores import TruthScores
from personax.experiments.recovery_figures import draw_recovered
from personax.experiments.summary import MARK_OF_SIMULATION
from personax.experiments.training_curves import draw_curves
from personax.graphs.graph import Graph
from personax.views import MultiViewData, Split


def draw_own_run(
    figures: Path,
    data: MultiViewData,
    split: Split,
    scores: TruthScores | None,
    latents: pd.DataFrame,
    graph: Graph,
    history: pd.DataFrame,
) -> None:
    """Draw all figures of a run into the folder `figures`; without scores, the learned graph alone."""
    draw_curves(history, figures / "training")
    name, mark = Path(data.source).stem, MARK_OF_SIMULATION if graph.simulated else ""
    draw_recovered(figures, graph, scores, data, latents, split, name=name, mark=mark)
