"""The runs of several seeds. Runs on the same data share them; data are loaded only if a run needs them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from personax.experiments.cells import Loaded, LoadedOnce, run_cells
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.people.config import PeopleConfig
from personax.runs.run_folder import METRICS, refuse_changed_data
from personax.runs.run_records import read_finished

Config = TypeVar("Config", PeopleConfig, OwnDataConfig)

# What reports read of metrics.json.
NEEDED = {"simulated": "true or false", "criteria.representation": "a number"}


class DataOfDraws(Generic[Config, Loaded]):
    """The data that the last run used; a run with another seed of the data loads others in their place."""

    def __init__(self, load: Callable[[Config], Loaded]) -> None:
        self._load: Callable[[Config], Loaded] = load
        self._last: tuple[int, LoadedOnce[Loaded]] | None = None

    def of(self, run: Config) -> Loaded:
        """The data of a run."""
        if self._last is None or self._last[0] != run.drawn_by:
            self._last = (run.drawn_by, LoadedOnce(partial(self._load, run)))
        return self._last[1].get()


def run_every_seed(
    config: Config,
    seeds: Sequence[int],
    folder_of: Callable[[int], Path],
    load: Callable[[Config], Loaded],
    run_one: Callable[[Config, Path, Loaded], None],
    *,
    metrics: Sequence[str],
    checksum_of: Callable[[Loaded], str] | None = None,
) -> dict[int, dict[str, Any]]:
    """Seed -> metrics of every run.

    Args:
        config: the options, among them where the runs are made; their `seed` is replaced.
        seeds: the seeds.
        folder_of: the run folder of a seed.
        load: makes the data of a run. Runs whose seed of the data is the same share them.
        run_one: makes one run in its folder.
        metrics: dotted keys of metrics.json which, if they are there, are numbers.
        checksum_of: the checksum of data that the options do not identify. With it a finished run is read
            only if it was made with these data.

    Raises InputError as `run_cells` does, and for a finished run that was made with other data.
    """
    cells = {folder_of(seed): replace(config, seed=seed) for seed in seeds}
    shared = DataOfDraws[Config, Loaded](load)
    missing = [run for path, run in cells.items() if not _is_finished(run, path)]
    if missing and not config.apart:
        shared.of(missing[0])  # data that are refused are refused once, and not for every seed
    found = run_cells(cells, config, partial(_run_or_read, shared, run_one, metrics, checksum_of))
    return dict(zip(seeds, found.values(), strict=True))


def _is_finished(run: PeopleConfig | OwnDataConfig, path: Path) -> bool:
    return run.resume and (path / METRICS).exists()


def _run_or_read(
    shared: DataOfDraws[Config, Loaded],
    run_one: Callable[[Config, Path, Loaded], None],
    metrics: Sequence[str],
    checksum_of: Callable[[Loaded], str] | None,
    run: Config,
    path: Path,
) -> dict[str, Any]:
    """The metrics of one run, which is made if it is not finished."""
    if not _is_finished(run, path):
        run_one(run, path, shared.of(run))
    elif checksum_of is not None:
        refuse_changed_data(path, checksum_of(shared.of(run)), resume=True)
    return read_finished(path, run, NEEDED, dict.fromkeys(metrics, "a number"))
