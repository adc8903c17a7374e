"""Many runs of Variant-MNIST side by side, each in a run folder of its own; finished ones are read back."""

import logging
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from joblib import Parallel, delayed
from tqdm import tqdm

from personax.experiments.mnist import MnistConfig, run_seed
from personax.runs.errors import InputError

log = logging.getLogger(__name__)


def run_cells(cells: Mapping[Path, MnistConfig], jobs: int) -> dict[Path, dict[str, Any]]:
    """Folder -> metrics of every run.

    Args:
        cells: folder -> configuration; one that says `resume` is read where finished, continued where not.
        jobs: processes; the machine's cores are shared out among them.

    Raises InputError naming the runs that failed, once all others are done.
    """
    threads = max(1, (os.cpu_count() or 1) // jobs)
    os.environ["TQDM_DISABLE"] = "1"  # read by the processes to come: one bar, not one for every run
    results: dict[Path, dict[str, Any]] = {}
    failed: dict[Path, str] = {}
    tasks = (delayed(_run)(path, config, threads) for path, config in cells.items())
    with _terminated_as_interrupted(), tqdm(total=len(cells), desc="runs", unit="run") as bar:
        for path, metrics, problem in Parallel(n_jobs=jobs, return_as="generator_unordered")(tasks):
            if metrics is None:
                failed[path] = problem
                log.warning("%s: %s", path, problem)
            else:
                results[path] = metrics
            bar.update()
            bar.set_postfix_str(f"{path.parent.name}/{path.name}")
    if failed:
        path, problem = next(iter(failed.items()))
        raise InputError(
            f"{len(failed)} of {len(cells)} runs failed, {path} first ({problem}); "
            "the others are finished and kept"
        )
    return {path: results[path] for path in cells}


def _run(path: Path, config: MnistConfig, threads: int) -> tuple[Path, dict[str, Any] | None, str]:
    """One run in a process of its own: folder, metrics or None, what went wrong."""
    torch.set_num_threads(threads)
    logging.getLogger("personax").setLevel(logging.DEBUG)  # for run.log
    try:
        return path, run_seed(config, path), ""
    except InputError as error:
        return path, None, str(error)
    except Exception as error:  # a defect; the other runs must go on
        log.exception("%s", path)
        return path, None, f"{type(error).__name__}: {error}"


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """A SIGTERM ends the block as Ctrl-C does; by default it would leave the other processes running."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
