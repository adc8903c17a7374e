"""The runs of several seeds on the same data, which a process loads once, and only if a run is to be made."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from personax.experiments.cells import Loaded, LoadedOnce, run_cells
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.people.config import PeopleConfig
from personax.runs.run_folder import METRICS
from personax.runs.run_records import read_finished

Config = TypeVar("Config", PeopleConfig, OwnDataConfig)

# What reports read of metrics.json.
NEEDED = {"simulated": "true or false", "criteria.representation": "a number"}


def run_every_seed(
    config: Config,
    seeds: Sequence[int],
    folder_of: Callable[[int], Path],
    load: Callable[[Config], Loaded],
    run_one: Callable[[Config, Path, Loaded], None],
    *,
    metrics: Sequence[str],
) -> dict[int, dict[str, Any]]:
    """Seed -> metrics of every run.

    Args:
        config: the options, among them where the runs are made; their `seed` is replaced.
        seeds: the seeds.
        folder_of: the run folder of a seed.
        load: makes what all runs share.
        run_one: makes one run in its folder.
        metrics: dotted keys of metrics.json which, if they are there, are numbers.

    Raises InputError as `run_cells` does.
    """
    cells = {folder_of(seed): replace(config, seed=seed) for seed in seeds}
    shared = LoadedOnce(partial(load, config))
    if not config.apart and not all(_is_finished(run, path) for path, run in cells.items()):
        shared.get()  # data that are refused are refused once, and not for every seed
    found = run_cells(cells, config, partial(_run_or_read, shared, run_one, metrics))
    return dict(zip(seeds, found.values(), strict=True))


def _is_finished(run: PeopleConfig | OwnDataConfig, path: Path) -> bool:
    return run.resume and (path / METRICS).exists()


def _run_or_read(
    shared: LoadedOnce[Loaded],
    run_one: Callable[[Config, Path, Loaded], None],
    metrics: Sequence[str],
    run: Config,
    path: Path,
) -> dict[str, Any]:
    """The metrics of one run, which is made if it is not finished."""
    if not _is_finished(run, path):
        run_one(run, path, shared.get())
    return read_finished(path, run, NEEDED, dict.fromkeys(metrics, "a number"))
