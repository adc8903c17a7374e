"""Where a long computation is, told where there is no terminal."""

import io
import logging
import re
import sys

import pytest

from personax.runs import progress as module
from personax.runs.progress import LinesOfProgress, only_lines, progress, tracked
from personax.runs.run_folder import ROOT


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_without_a_terminal_a_line_tells_where_it_is_from_time_to_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = iter([0.0, 10.0, 31.0, 40.0, 62.0, 99.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with caplog.at_level(logging.INFO), progress(5, "training", "epoch") as bar:
        for loss in ("9", "8", "7", "6", "5"):
            bar.set_postfix_str(loss)
            bar.update()
    assert caplog.messages == ["training: epoch 2 of 5 (8), 31 s", "training: epoch 4 of 5 (6), 62 s"]


def test_in_a_terminal_there_is_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with progress(5, "training", "epoch", initial=2) as bar:
        assert not isinstance(bar, LinesOfProgress)
        bar.update(3)
    assert isinstance(sys.stderr, Terminal)
    assert "5/5" in sys.stderr.getvalue()


def test_no_bars_where_only_lines_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs of several processes have one bar in all, though each process writes to the same terminal."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with only_lines(), progress(5, "training", "epoch") as bar:
        assert isinstance(bar, LinesOfProgress)
    assert not isinstance(progress(5, "training", "epoch"), LinesOfProgress)


def test_tracked_items_are_those_given_and_counted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = iter([0.0, 31.0, 32.0, 63.0])
    monkeypatch.setattr(module, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with caplog.at_level(logging.INFO):
        assert list(tracked("abc", 3, "graphs", "resample")) == ["a", "b", "c"]
    assert caplog.messages == ["graphs: resample 1 of 3, 31 s"]


def test_nothing_in_the_library_makes_bars_of_its_own() -> None:
    """So each of them has its lines where there is no terminal."""
    own = [
        path.name
        for path in (ROOT / "personax").rglob("*.py")
        if re.search(r"^(from|import) tqdm", path.read_text(encoding="utf-8"), re.M)
    ]
    assert own == ["progress.py"]
