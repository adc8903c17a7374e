"""Runs of the synthetic experiment: draw the scenes, fit a method, score it, write the run folder."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from personax.experiments.cells import Metrics
from personax.experiments.fitting import (
    FolderOfData,
    fit_together_in_folders,
    is_untrained,
    with_latents_found,
)
from personax.experiments.mnist.config import MnistConfig
from personax.experiments.recovery import model_for
from personax.experiments.scored_runs import SCORES_KNOWN, SCORES_NEEDED, Scenes, fit_and_evaluate
from personax.runs.device import resolve_device
from personax.runs.errors import PersonaxError
from personax.runs.files import missing_folders, remove_empty, remove_path
from personax.runs.run_folder import (
    HISTORY,
    METRICS,
    RunFolder,
    open_run,
    typed_path,
)
from personax.runs.run_records import read_finished
from personax.variant_mnist.official_layout import write_dataset
from personax.variant_mnist.scene_data import load_scenes, split_scenes
from personax.views import MultiViewData, checksum_with_truth


def run_mnist_seed(config: MnistConfig, path: Path) -> Metrics:
    """Do one run in its folder; return its metrics.

    A finished run is read and not run again if `resume` is set in the configuration.
    """
    if is_finished(config, path):
        return read_finished(path, config, SCORES_NEEDED, SCORES_KNOWN)
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
        path: read_finished(path, config, SCORES_NEEDED, SCORES_KNOWN)
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
        model_for(runs[first].model, scenes[first].data),
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
