"""The figures of a run on arrays of your own: training, the graph, recovered against true latents."""

from pathlib import Path

import pandas as pd

from personax.experiments.people.associations import without_imputed
from personax.experiments.people.block_scores import TruthScores
from personax.experiments.people.figures import draw_learned, draw_scored
from personax.experiments.people.report import MARK_OF_SIMULATION
from personax.experiments.training_curves import draw_curves
from personax.graphs.direction import with_decided_directions
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
    complete = without_imputed(latents, graph.blocks, data).dropna()
    decided = with_decided_directions(graph, complete, where=data.source)
    if scores is None:
        draw_learned(figures, decided, title=f"{Path(data.source).stem}, learned by the model")
    else:
        mark = MARK_OF_SIMULATION if graph.simulated else ""
        draw_scored(figures, decided, scores, data, latents, split, mark=mark)
