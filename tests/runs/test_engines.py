"""Engines: the same numbers everywhere, failures that do not stop the rest, one-line errors."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from jaxtyping import Float

from personax.runs.engines import Done, in_order, mapped
from personax.runs.errors import InputError
from personax.runs.workers import SlurmOptions, Workers, check_workers

HERE = Workers()
PROCESSES = Workers(jobs=2)


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask scheduler with one worker, which is a process of its own."""
    import dask
    from distributed import LocalCluster

    here = {"n_workers": 1, "threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0"}
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), LocalCluster(**here) as cluster:
        yield cluster.scheduler_address


def slurm_here(home: Path, jobs: int = 2) -> Workers:
    """Jobs on this machine, with the files that jobs of a cluster have."""
    return Workers(jobs=jobs, engine="slurm", slurm=SlurmOptions(cluster="local", folder=str(home)))


def spectrum(size: int, seed: int) -> tuple[int, Float[np.ndarray, " size"]]:
    """Numbers whose last bits depend on the number of threads, and the process that computes them."""
    x = np.random.default_rng(seed).standard_normal((size, size))
    return os.getpid(), np.linalg.svd(x @ x.T, compute_uv=False)


def troubled(folder: Path, number: int) -> int:
    """1 is refused, and 2 kills its process."""
    (folder / str(number)).touch()
    if number == 1:
        raise InputError("one: no")
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * 10


def test_every_engine_computes_the_same_bits_in_other_processes(scheduler: str, tmp_path: Path) -> None:
    task, items = partial(spectrum, 60), range(3)
    here = in_order(mapped(task, items, HERE), 3)
    for workers in (PROCESSES, Workers(engine="dask", scheduler=scheduler), slurm_here(tmp_path / "jobs")):
        there = in_order(mapped(task, items, workers, threads=1), 3)
        for (own, expected), (other, found) in zip(here, there, strict=True):
            assert own == os.getpid() != other
            np.testing.assert_array_equal(found, expected)
    assert list((tmp_path / "jobs").iterdir()) == []  # what went to the jobs is gone


@pytest.mark.parametrize("engine", ["local", "dask", "slurm"])
def test_what_fails_or_is_killed_does_not_stop_the_rest(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    workers = {
        "local": lambda: PROCESSES,
        "dask": lambda: Workers(engine="dask", scheduler=request.getfixturevalue("scheduler")),
        "slurm": lambda: slurm_here(tmp_path / "jobs", jobs=4),
    }[engine]()
    seen = tmp_path / "seen"
    seen.mkdir()
    done: dict[int, Done[int]] = {
        each.number: each for each in mapped(partial(troubled, seen), range(4), workers)
    }
    assert sorted(done) == sorted(int(path.name) for path in seen.iterdir()) == [0, 1, 2, 3]
    assert [done[number].result for number in range(4)] == [0, None, None, 30]
    assert isinstance(done[1].error, InputError)
    told = {"local": "was killed", "dask": "were killed or lost", "slurm": "ended without a result"}[engine]
    assert told in str(done[2].error)


def test_the_first_error_is_raised_where_every_result_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one: no"):
        in_order(mapped(partial(troubled, tmp_path), [0, 1], HERE), 2)


def test_an_error_that_cannot_be_sent_keeps_its_words() -> None:
    (done,) = mapped(stubborn, [0], HERE)
    assert isinstance(done.error, RuntimeError)
    assert str(done.error) == "Stubborn: a and b"


class Stubborn(Exception):
    """It holds what no other process can have."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")
        self.lock = threading.Lock()


def stubborn(number: int) -> None:
    raise Stubborn("a", "b")


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("address", "message"),
    [("tcp://127.0.0.1:{port}", "does not answer; start one"), ("no-address", "does not answer")],
)
def test_a_scheduler_that_is_not_there_is_refused(
    address: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personax.runs.engines.SECONDS_TO_ANSWER", 1)
    with pytest.raises(InputError, match=message) as refused:
        list(mapped(stubborn, [1], Workers(engine="dask", scheduler=address.format(port=free_port()))))
    assert "\n" not in str(refused.value)


def test_options_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="only with --engine dask"):
        check_workers(Workers(scheduler="tcp://node:8786"))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="no sbatch; run the command"):
        check_workers(Workers(engine="slurm"))
    check_workers(Workers(engine="slurm", slurm=SlurmOptions(cluster="local")))
    monkeypatch.setattr("personax.runs.workers.find_spec", lambda name: None)
    for engine in ("dask", "slurm"):
        with pytest.raises(InputError, match=r"not installed; pip install 'personax\[cluster\]'"):
            check_workers(Workers(engine=engine))
