"""Several runs side by side, each in its own run folder; finished runs are read back."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from joblib import Parallel, delayed

from personax.runs.errors import InputError
from personax.runs.processor import use_threads
from personax.runs.progress import only_lines, progress

log = logging.getLogger(__name__)

Metrics = dict[str, Any]
"""What metrics.json holds."""
Cell = TypeVar("Cell")
RunOne = Callable[[Cell, Path], Metrics]
"""Makes one run in its folder, or reads it if it is finished; returns its metrics."""


class Outcome(NamedTuple):
    """The result of a run: its metrics; or None, and what went wrong."""

    path: Path
    metrics: Metrics | None
    problem: str = ""


def run_cells(cells: Mapping[Path, Cell], jobs: int, run_one: RunOne[Cell]) -> dict[Path, Metrics]:
    """Folder -> metrics of every run.

    Args:
        cells: folder -> configuration. If the configuration has `resume`, a finished run is read and an
            interrupted one is continued.
        jobs: number of processes, each with as many threads as this one (processor.py).
        run_one: makes each run.

    Raises InputError, which names the first run that failed, after all others are finished.
    """
    results: dict[Path, Metrics] = {}
    failed: list[Outcome] = []
    tasks = (delayed(_run_cell)(path, config, run_one) for path, config in cells.items())
    with progress(len(cells), "runs", "run") as bar, only_lines():  # one bar in all, not one for every run
        for outcome in Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks):
            path, metrics, problem = outcome
            if metrics is None:
                failed.append(outcome)
                log.warning("%s: %s", path, problem)
            else:
                results[path] = metrics
            bar.update()
            bar.set_postfix_str(f"{path.parent.name}/{path.name}")
    if failed:
        raise InputError(
            f"{len(failed)} of {len(cells)} runs failed, {failed[0].path} first ({failed[0].problem}); "
            "the others are finished and kept"
        )
    return {path: results[path] for path in cells}


def _run_cell(path: Path, config: Cell, run_one: RunOne[Cell]) -> Outcome:
    """One run, in a process of its own."""
    use_threads()
    logging.getLogger("personax").setLevel(logging.DEBUG)  # for run.log
    try:
        return Outcome(path, run_one(config, path))
    except InputError as error:
        return Outcome(path, None, str(error))
    except Exception as error:  # a mistake in our code; the other runs must go on
        log.exception("%s", path)
        return Outcome(path, None, f"{type(error).__name__}: {error}")
