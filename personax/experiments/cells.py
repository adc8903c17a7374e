"""Several runs, each in its own folder, one after another or side by side; finished ones are read back."""

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from personax.runs.engines import mapped
from personax.runs.errors import InputError, PersonaxError
from personax.runs.processor import use_threads
from personax.runs.progress import only_lines, progress
from personax.runs.workers import Workers

log = logging.getLogger(__name__)

Metrics = dict[str, Any]
"""What metrics.json holds."""
Cell = TypeVar("Cell")
Loaded = TypeVar("Loaded")
RunOne = Callable[[Cell, Path], Metrics]
"""Makes one run in its folder, or reads it if it is finished; returns its metrics."""


class LoadedOnce(Generic[Loaded]):
    """What the runs of a process share; another process loads it again."""

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self._load = load
        self._kept: list[Loaded] = []

    def __getstate__(self) -> dict[str, Any]:
        """What goes to another process: how to load it, not what was loaded."""
        return {"_load": self._load, "_kept": []}

    def get(self) -> Loaded:
        """What `load` returns; it is called at the first use."""
        if not self._kept:
            self._kept.append(self._load())
        return self._kept[0]


class SomeRunsFailed(InputError):
    """Some of several runs failed; the others are finished.

    Attributes:
        finished: folder -> metrics of the others; empty if all failed.
    """

    def __init__(self, message: str, finished: Mapping[Path, Metrics]) -> None:
        """Keep the metrics of the runs that are finished."""
        super().__init__(message)
        self.finished: Mapping[Path, Metrics] = finished


class Outcome(NamedTuple):
    """The result of a run: its metrics; or None, and what went wrong."""

    metrics: Metrics | None
    problem: str = ""


def run_cells(cells: Mapping[Path, Cell], workers: Workers, run_one: RunOne[Cell]) -> dict[Path, Metrics]:
    """Folder -> metrics of every run.

    A run that fails does not stop the others. The failed ones are listed at the end, one line each.

    Args:
        cells: folder -> configuration. If the configuration has `resume`, a finished run is read and an
            interrupted one is continued.
        workers: where the runs are made and how many at a time, each with as many threads as this process
            (processor.py).
        run_one: makes each run. A single run of this process raises its own errors.

    Raises SomeRunsFailed, which names the first run that failed, after all others are finished.
    """
    if len(cells) == 1 and not workers.apart:
        return {path: run_one(config, path) for path, config in cells.items()}
    outcomes = _outcomes(cells, workers, run_one)
    finished = {path: outcome.metrics for path, outcome in outcomes.items() if outcome.metrics is not None}
    failed = {path: outcome.problem for path, outcome in outcomes.items() if outcome.metrics is None}
    for path, problem in failed.items():
        log.error("failed: %s: %s", path, problem)
    if failed:
        first = next(iter(failed))
        kept = "; the others are finished and kept" if finished else ""
        message = f"{len(failed)} of {len(cells)} runs failed, {first} first ({failed[first]}){kept}"
        raise SomeRunsFailed(message, finished)
    return finished


def run_and_report(
    cells: Mapping[Path, Cell],
    workers: Workers,
    run_one: RunOne[Cell],
    report: Callable[[Mapping[Path, Metrics]], None],
) -> None:
    """Make every run as `run_cells` does and report those that are finished, though others may have failed.

    Raises SomeRunsFailed, after the report.
    """
    try:
        finished = run_cells(cells, workers, run_one)
    except SomeRunsFailed as error:
        if error.finished:
            report(error.finished)
        raise
    report(finished)


def _outcomes(cells: Mapping[Path, Cell], workers: Workers, run_one: RunOne[Cell]) -> dict[Path, Outcome]:
    """Folder -> outcome of every run, in the order of the cells."""
    paths = list(cells)
    outcomes: dict[Path, Outcome] = {}
    one_bar_in_all = only_lines() if workers.apart else nullcontext()
    with progress(len(cells), "runs", "run") as bar, one_bar_in_all:
        for done in mapped(partial(_run_cell, run_one), list(cells.items()), workers):
            path = paths[done.number]
            outcomes[path] = done.result or Outcome(None, _in_one_line(done.error))
            bar.update()
            bar.set_postfix_str(f"{path.parent.name}/{path.name}")
    return {path: outcomes[path] for path in paths}


def _run_cell(run_one: RunOne[Cell], cell: tuple[Path, Cell]) -> Outcome:
    """One run, mostly in a process of its own."""
    path, config = cell
    use_threads()
    logging.getLogger("personax").setLevel(logging.DEBUG)  # for run.log
    try:
        return Outcome(run_one(config, path))
    except PersonaxError as error:
        return Outcome(None, str(error))
    except Exception as error:  # a mistake in our code; the other runs must go on
        log.exception("%s", path)
        return Outcome(None, f"{type(error).__name__}: {_in_one_line(error)}")


def _in_one_line(error: Exception | None) -> str:
    return " ".join(str(error).split())
