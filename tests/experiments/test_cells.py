"""Several runs side by side: a command that is asked to end takes all its processes with it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from personax.runs.command_line import EXIT_INTERRUPTED
from personax.runs.run_folder import ROOT

TEN_ENDLESS_RUNS = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
from personax.experiments.cells import run_cells
from personax.runs.command_line import run_command

@dataclass(frozen=True)
class Options:
    "None."

def endless(number, path):
    path.touch()
    time.sleep(600)

def body(options):
    run_cells({Path(sys.argv[1]) / str(number): number for number in range(10)}, 2, endless)

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
