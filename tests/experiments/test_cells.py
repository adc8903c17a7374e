"""Several runs side by side: a command that is asked to end takes all its processes with it."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from personax.experiments.cells import LoadedOnce, Metrics, SomeRunsFailed, run_and_report, run_cells
from personax.runs.command_line import EXIT_INTERRUPTED
from personax.runs.errors import InputError
from personax.runs.run_folder import ROOT
from personax.runs.workers import Workers

TEN_ENDLESS_RUNS = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
from personax.experiments.cells import run_cells
from personax.runs.command_line import run_command
from personax.runs.workers import Workers

@dataclass(frozen=True)
class Options:
    "None."

def endless(number, path):
    path.touch()
    time.sleep(600)

def body(options):
    run_cells({Path(sys.argv[1]) / str(number): number for number in range(10)}, Workers(jobs=2), endless)

sys.exit(run_command(Options, body, []))
"""


def test_terminated_it_leaves_no_process_behind(tmp_path: Path) -> None:
    words = [sys.executable, "-c", TEN_ENDLESS_RUNS, str(tmp_path)]
    process = subprocess.Popen(words, cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2, 120)
        process.terminate()
        assert process.wait(60) == EXIT_INTERRUPTED
        wait_until(lambda: not group_is_alive(process.pid), 30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert len(list(tmp_path.iterdir())) == 2  # no other run has begun


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def group_is_alive(group: int) -> bool:
    """Whether any process of the group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def refused_if_odd(number: int, path: Path) -> dict[str, Any]:
    path.touch()
    if number == 1:
        raise InputError("one: no")
    if number == 3:
        raise ZeroDivisionError("three\nlines")
    return {"ten": number * 10}


@pytest.mark.parametrize("jobs", [1, 2])
def test_failed_runs_are_listed_at_the_end_and_do_not_stop_the_rest(
    jobs: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells = {tmp_path / str(number): number for number in range(5)}
    with pytest.raises(InputError, match=rf"2 of 5 runs failed, {tmp_path}/1 first \(one: no\); the others"):
        run_cells(cells, Workers(jobs=jobs), refused_if_odd)
    listed = [record.message for record in caplog.records if record.message.startswith("failed: ")]
    assert listed == [
        f"failed: {tmp_path}/1: one: no",
        f"failed: {tmp_path}/3: ZeroDivisionError: three lines",
    ]
    assert len(list(tmp_path.iterdir())) == 5
    with pytest.raises(InputError, match=r"1 of 1 runs failed, .* \(one: no\)$"):
        run_cells({tmp_path / "1": 1}, Workers(jobs=2), refused_if_odd)
    del cells[tmp_path / "1"], cells[tmp_path / "3"]
    found = run_cells(cells, Workers(jobs=jobs), refused_if_odd)
    assert [(path.name, metrics["ten"]) for path, metrics in found.items()] == [
        ("0", 0),
        ("2", 20),
        ("4", 40),
    ]


@pytest.mark.parametrize(
    ("numbers", "reported"), [((0, 2), [0, 20]), ((0, 1, 2, 3), [0, 20]), ((1, 3), None)]
)
def test_what_is_finished_is_reported_though_others_failed(
    numbers: tuple[int, ...], reported: list[int] | None, tmp_path: Path
) -> None:
    told: list[list[int]] = []

    def tell(finished: Mapping[Path, Metrics]) -> None:
        told.append([metrics["ten"] for metrics in finished.values()])

    cells = {tmp_path / str(number): number for number in numbers}
    some_fail = pytest.raises(SomeRunsFailed) if 1 in numbers else nullcontext()
    with some_fail:
        run_and_report(cells, Workers(jobs=1), refused_if_odd, tell)
    assert told == ([] if reported is None else [reported])


def test_what_runs_share_is_loaded_once_in_a_process(tmp_path: Path) -> None:
    shared = LoadedOnce(partial(loaded, tmp_path / "times"))
    assert shared.get() == shared.get() == 1
    assert pickle.loads(pickle.dumps(shared)).get() == 2


def loaded(times: Path) -> int:
    """How often it was called."""
    with times.open("a") as stream:
        stream.write("x")
    return times.stat().st_size
