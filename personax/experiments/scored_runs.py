"""Runs whose latents are scored against a known truth: any method, fitted in a run folder."""

from time import monotonic
from typing import Any, NamedTuple, Protocol

import numpy as np

from personax.experiments.block_scores import renamed_truth
from personax.experiments.cells import Metrics
from personax.experiments.evaluation import evaluate_graph, evaluate_latents, matched_columns
from personax.experiments.exclusivity import exclusivity
from personax.experiments.fitting import begins, read_history, write_latents
from personax.experiments.recovery import MethodRun, Recovery, recover
from personax.experiments.scored_run_figures import draw_run
from personax.learning.ceiling import supervised_ceiling
from personax.runs.device import resolve_device
from personax.runs.files import write_json
from personax.runs.run_folder import FIGURES, GRAPH, LATENTS, METRICS, TRUE_GRAPH, RunFolder
from personax.runs.run_records import read_metrics
from personax.views import MultiViewData, Split

SCORES_IN_TABLES = (
    "heldout.r2",
    "heldout.mcc_pearson",
    "heldout.mcc_spearman",
    "tmex.score",
    "graph.shd",
    "graph.f1",
    "ceiling.r2",
    "insample.r2",
    "seconds",
)  # the rows of the table, as keys of metrics.json
# What reports, comparison and model choice read of it.
SCORES_NEEDED = {
    "source": "a text",
    "insample.r2": "a number",
    "heldout.r2": "a number",
    "heldout.r2_per_latent": "names with numbers",
    "heldout.mcc_pearson": "a number",
}
SCORES_KNOWN = {
    **dict.fromkeys(SCORES_IN_TABLES, "a number"),
    "latents": "names with numbers",
    "verdict": "a text",
    "criteria": "names with numbers",
    "ceiling": "names with values",
    "ceiling.r2_per_latent": "names with numbers",
}


class ScoredRun(MethodRun, Protocol):
    """The options of a run that `fit_and_evaluate` reads: `MnistConfig` has them, and others do."""

    @property
    def ceiling_epochs(self) -> int:
        """Epochs of the supervised ceiling."""

    @property
    def figures(self) -> bool:
        """Whether to draw the figures."""


class Scenes(NamedTuple):
    """Scenes, and which of them are for training, validation and test."""

    data: MultiViewData
    split: Split


def fit_and_evaluate(config: ScoredRun, folder: RunFolder, scenes: Scenes, trained: float = 0.0) -> Metrics:
    """Fit the method, write its latents, graph and scores; return the metrics.

    Args:
        config: the options of the run.
        folder: the run folder.
        scenes: the scenes and their split.
        trained: seconds of training if the model was trained together with others, else 0.
    """
    data, split = scenes
    uninterrupted = trained > 0 or begins(folder)
    started = monotonic() - trained
    recovery = recover(config, folder, data, split)
    seconds = monotonic() - started if uninterrupted else None
    write_latents(folder / LATENTS, recovery.latents, data, split)
    _write_graphs(folder, recovery, scenes)
    metrics = score_recovery(config, recovery, scenes) | {"seconds": seconds, "source": data.source}
    if config.figures:
        draw_run(folder / FIGURES, data, split, recovery, metrics, read_history(folder.path))
    write_json(folder / METRICS, metrics)  # last: its presence means that the run is complete
    return read_metrics(
        folder.path, SCORES_NEEDED, SCORES_KNOWN
    )  # as every other reader of the file sees them


def _write_graphs(folder: RunFolder, recovery: Recovery, scenes: Scenes) -> None:
    """Write the recovered graph, and beside it the true one under the same names, if each latent has one."""
    if recovery.graph is None:
        return
    recovery.graph.to_json(folder / GRAPH)
    truth, columns = scenes.data.known_truth, matched_columns(recovery.latents, *scenes)
    if truth.graph is not None and columns.max() < len(recovery.graph.names):
        renamed_truth(truth, recovery.graph, columns).to_json(folder / TRUE_GRAPH)


def score_recovery(config: ScoredRun, recovery: Recovery, scenes: Scenes) -> Metrics:
    """Compare recovered latents and graph with the truth; train the supervised ceiling if configured."""
    data, split = scenes
    metrics = evaluate_latents(recovery.latents, data, split)
    if config.ceiling_epochs:
        ceiling: dict[str, Any] = supervised_ceiling(
            data,
            split,
            hidden=config.model.hidden,
            epochs=config.ceiling_epochs,
            seed=config.seed,
            device=resolve_device(config.device),
        )
        metrics["ceiling"] = ceiling | {"r2": float(np.mean(list(ceiling["r2_per_latent"].values())))}
    columns = matched_columns(recovery.latents, data, split)
    metrics["tmex"] = exclusivity(
        recovery.latents.iloc[split.test], data.true_latents.iloc[split.test], columns
    )
    if recovery.graph is not None and data.known_truth.graph is not None:
        metrics["graph"] = evaluate_graph(recovery.graph.adjacency, columns, data)
    return metrics | recovery.metrics
