"""Several runs of Variant-MNIST side by side, each in its own run folder; finished runs are read back."""

import logging
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from personax.experiments.mnist.config import MnistConfig
from personax.experiments.mnist.run import Metrics, run_mnist_seed
from personax.runs.errors import InputError

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """The result of a run: its metrics; or None, and what went wrong."""

    path: Path
    metrics: Metrics | None
    problem: str = ""


def run_cells(cells: Mapping[Path, MnistConfig], jobs: int) -> dict[Path, Metrics]:
    """Folder -> metrics of every run.

    Args:
        cells: folder -> configuration. If the configuration has `resume`, a finished run is read and an
            interrupted one is continued.
        jobs: number of processes, which share the cores of the machine. A single process uses as many threads
            as this process.

    Raises InputError, which names the first run that failed, after all others are finished.
    """
    threads = torch.get_num_threads() if jobs == 1 else max(1, (os.cpu_count() or 1) // jobs)
    os.environ["TQDM_DISABLE"] = "1"  # read by the new processes: only one bar, not one for every run
    results: dict[Path, Metrics] = {}
    failed: list[Outcome] = []
    tasks = (delayed(_run_cell)(path, config, threads) for path, config in cells.items())
    with _terminated_as_interrupted(), tqdm(total=len(cells), desc="runs", unit="run") as bar:
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


def _run_cell(path: Path, config: MnistConfig, threads: int) -> Outcome:
    """One run, in a separate process."""
    torch.set_num_threads(threads)
    logging.getLogger("personax").setLevel(logging.DEBUG)  # for run.log
    try:
        return Outcome(path, run_mnist_seed(config, path))
    except InputError as error:
        return Outcome(path, None, str(error))
    except Exception as error:  # a mistake in our code; the other runs must go on
        log.exception("%s", path)
        return Outcome(path, None, f"{type(error).__name__}: {error}")


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """A SIGTERM ends the block as Ctrl-C does; by default the other processes would go on."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
