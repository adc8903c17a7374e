"""The runs of several seeds. Data that all share are loaded once, and only if a run is to be made."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.people.config import PeopleConfig
from personax.runs.run_folder import METRICS
from personax.runs.run_records import read_finished

Config = TypeVar("Config", PeopleConfig, OwnDataConfig)
Loaded = TypeVar("Loaded")

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
        config: the options; their `seed` is replaced.
        seeds: the seeds.
        folder_of: the run folder of a seed.
        load: makes the data of a run. Runs whose seed of the data is the same share them.
        run_one: makes one run in its folder.
        metrics: dotted keys of metrics.json which, if they are there, are numbers.
    """
    loaded: dict[int, Loaded] = {}
    results: dict[int, dict[str, Any]] = {}
    for seed in seeds:
        run: Config = replace(config, seed=seed)
        path = folder_of(seed)
        if not (run.resume and (path / METRICS).exists()):
            loaded = loaded if run.drawn_by in loaded else {run.drawn_by: load(run)}
            run_one(run, path, loaded[run.drawn_by])
        results[seed] = read_finished(path, run, NEEDED, dict.fromkeys(metrics, "a number"))
    return results
