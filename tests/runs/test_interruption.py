"""A process that is asked to end."""

import os
import signal
import threading
from dataclasses import dataclass

import pytest

from personax.runs.command_line import EXIT_INTERRUPTED, run_command
from personax.runs.interruption import terminated_as_interrupted


@dataclass(frozen=True)
class Options:
    """Options."""

    resume: bool = False
    """Resume."""


def ask_to_end(options: Options) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_command_that_is_asked_to_end_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(
            signal.SIGTERM, signal.SIG_IGN
        )  # so that this process survives if the command does nothing
        assert run_command(Options, ask_to_end, []) == EXIT_INTERRUPTED
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "what was saved can be continued with --resume" in capsys.readouterr().err


def test_a_thread_changes_nothing() -> None:
    seen = []

    def body() -> None:
        with terminated_as_interrupted():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [before]
