"""Runs of the synthetic experiment: draw the scenes, fit a method, score it, write the run folder."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, Protocol

import numpy as np

from personax.experiments.block_scores import renamed_truth
from personax.experiments.cells import Metrics
from personax.experiments.evaluation import evaluate_graph, evaluate_latents, matched_columns
from personax.experiments.exclusivity import exclusivity
from personax.experiments.fitting import (
    FolderOfData,
    begins,
    fit_together_in_folders,
    is_untrained,
    read_history,
    with_latents_found,
    write_latents,
)
from personax.experiments.mnist.config import MnistConfig
from personax.experiments.mnist.figures import draw_run
from personax.experiments.mnist.recovery import MethodRun, Recovery, model_for, recover
from personax.experiments.mnist.report import MNIST_METRICS
from personax.learning.ceiling import supervised_ceiling
from personax.runs.device import resolve_device
from personax.runs.errors import PersonaxError
from personax.runs.files import missing_folders, remove_empty, remove_path, write_json
from personax.runs.run_folder import (
    FIGURES,
    GRAPH,
    HISTORY,
    LATENTS,
    METRICS,
    TRUE_GRAPH,
    RunFolder,
    open_run,
    typed_path,
)
from personax.runs.run_records import read_finished, read_metrics
from personax.variant_mnist.official_layout import write_dataset
from personax.variant_mnist.scene_data import load_scenes, split_scenes
from personax.views import MultiViewData, Split, checksum_with_truth

# What reports, comparison and model choice read of it.
MNIST_NEEDED = {
    "source": "a text",
    "insample.r2": "a number",
    "heldout.r2": "a number",
    "heldout.r2_per_latent": "names with numbers",
    "heldout.mcc_pearson": "a number",
}
MNIST_KNOWN = {
    **dict.fromkeys(MNIST_METRICS, "a number"),
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


def run_mnist_seed(config: MnistConfig, path: Path) -> Metrics:
    """Do one run in its folder; return its metrics.

    A finished run is read and not run again if `resume` is set in the configuration.
    """
    if is_finished(config, path):
        return read_finished(path, config, MNIST_NEEDED, MNIST_KNOWN)
    scenes = make_scenes(config)
    with opened(config, path, scenes.data) as folder:
        return fit_and_evaluate(with_counted_latents(config, folder, scenes), folder, scenes)


def with_counted_latents(config: MnistConfig, folder: RunFolder, scenes: Scenes) -> MnistConfig:
    """The configuration with numbers of latents that are found, if they are to be, and nothing is learned."""
    if config.latents == "given":
        return config
    found = with_latents_found(folder, *scenes, config.model, seed=config.seed, device=config.device)
    return replace(config, model=found)


def run_mnist_together(runs: Mapping[Path, MnistConfig]) -> dict[Path, Metrics]:
    """Do several runs that differ only in their seeds, as `run_mnist_seed`, but train them in one pass."""
    results = {
        path: read_finished(path, config, MNIST_NEEDED, MNIST_KNOWN)
        for path, config in runs.items()
        if is_finished(config, path)
    }
    scenes = {path: make_scenes(config) for path, config in runs.items() if path not in results}
    with ExitStack() as every_record:
        folders: dict[Path, RunFolder] = {}
        records: dict[Path, ExitStack] = {}
        for path, (data, _) in scenes.items():
            records[path] = every_record.enter_context(ExitStack())
            folders[path] = records[path].enter_context(opened(runs[path], path, data))
        untrained = [path for path, folder in folders.items() if is_untrained(folder)]
        share = train_seeds_together(untrained, runs, folders, scenes) if untrained else 0.0
        for path in scenes:
            trained = share if path in untrained else 0.0
            folders[path].manifest["trained_together"] = len(untrained) if path in untrained else 0
            results[path] = fit_and_evaluate(runs[path], folders[path], scenes[path], trained)
            records[path].close()  # this run is finished, even if another one fails later
    return results


def train_seeds_together(
    paths: list[Path],
    runs: Mapping[Path, MnistConfig],
    folders: Mapping[Path, RunFolder],
    scenes: Mapping[Path, Scenes],
) -> float:
    """Train the models of these runs in one pass; return the average number of seconds per model."""
    started = monotonic()
    first = paths[0]
    fit_together_in_folders(
        [FolderOfData(folders[path], *scenes[path]) for path in paths],
        model_for(runs[first], scenes[first].data),
        seeds=[runs[path].seed for path in paths],
        device=runs[first].device,
    )
    return (monotonic() - started) / len(paths)


def is_finished(config: MnistConfig, path: Path) -> bool:
    """Whether the folder holds a finished run and the configuration has `resume`."""
    return config.resume and (path / METRICS).exists()


def make_scenes(config: MnistConfig) -> Scenes:
    """Draw or read the scenes, and split them."""
    data = load_scenes(config, config.seed)
    return Scenes(data, split_scenes(config, config.seed, data))


@contextmanager
def opened(config: MnistConfig, path: Path, data: MultiViewData) -> Iterator[RunFolder]:
    """The run folder of a run on these scenes; its manifest is kept while the block runs.

    The scenes are exported if `export` is set.
    """
    with open_run(
        path,
        config,
        resume=config.resume,
        overwrite=config.overwrite,
        data_source=data.source,
        data_sha256=checksum_with_truth(data),
        device=str(resolve_device(config.device)),
    ) as folder:
        if config.export is None:
            yield folder
            return
        home = typed_path(config.export)
        with exported(data, home if config.seeds is None else home / f"seed-{config.seed}", folder, config):
            yield folder


@contextmanager
def exported(data: MultiViewData, home: Path, folder: RunFolder, config: MnistConfig) -> Iterator[None]:
    """Write the scenes to `home`, and remove them if the block refuses its input before anything was learned.

    A resumed run leaves them as they are, if they are there.
    """
    fresh = not (config.resume and home.exists())
    made = missing_folders(home)
    if fresh:
        write_dataset(data, home)
    try:
        yield
    except PersonaxError:
        if fresh and not (folder / HISTORY).exists():
            remove_path(home)
            remove_empty(made)
        raise


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
    return read_metrics(folder.path, MNIST_NEEDED, MNIST_KNOWN)  # as every other reader of the file sees them


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
