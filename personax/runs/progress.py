"""Where a long computation is: a bar in a terminal or a notebook, elsewhere a line every half minute."""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tqdm.auto import tqdm

log = logging.getLogger(__name__)

Item = TypeVar("Item")

SECONDS_BETWEEN_LINES = 30.0
NO_BARS = "TQDM_DISABLE"  # the variable that tqdm has for this


class Progress(Protocol):
    """A bar, or the lines that take its place."""

    def update(self, n: int = 1) -> object:
        """Count `n` more steps as done."""

    def set_postfix_str(self, s: str) -> object:
        """Show this text after the number of steps."""

    def close(self) -> object:
        """End the display. The end of a `with` block does this, too."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


def progress(total: int, what: str, unit: str, *, initial: int = 0) -> Progress:
    """Show how many of `total` steps are done; `what` names the computation, `unit` a step.

    In a notebook tqdm's bar is a widget (with the package ipywidgets). Where standard error is no terminal,
    as in the log of a cluster, or where the variable TQDM_DISABLE is set, a line is logged every half minute.
    """
    if os.environ.get(NO_BARS):
        return LinesOfProgress(total, what, unit, initial)
    bar: Progress = tqdm(total=total, desc=what, unit=unit, initial=initial, disable=None)
    return LinesOfProgress(total, what, unit, initial) if getattr(bar, "disable", False) else bar


def tracked(items: Iterable[Item], total: int, what: str, unit: str) -> Iterator[Item]:
    """The items one after another, with `progress` counting those that the caller has got."""
    with progress(total, what, unit) as bar:
        for item in items:
            yield item
            bar.update()


@contextmanager
def only_lines() -> Iterator[None]:
    """Within the block `progress` makes no bar, here and in processes that are started there."""
    before = os.environ.get(NO_BARS)
    os.environ[NO_BARS] = "1"
    try:
        yield
    finally:
        os.environ.pop(NO_BARS)
        if before is not None:
            os.environ[NO_BARS] = before


class LinesOfProgress:
    """Logs a line at the first step that ends half a minute or more after the last line."""

    def __init__(self, total: int, what: str, unit: str, initial: int = 0) -> None:
        self._total, self._what, self._unit, self._done = total, what, unit, initial
        self._note = ""
        self._started = self._said = monotonic()

    def update(self, n: int = 1) -> None:
        """Count `n` more steps as done."""
        self._done += n
        now = monotonic()
        if now - self._said >= SECONDS_BETWEEN_LINES and self._done < self._total:
            self._said = now
            note = f" ({self._note})" if self._note else ""
            seconds = f"{now - self._started:.0f} s"
            log.info("%s: %s %d of %d%s, %s", self._what, self._unit, self._done, self._total, note, seconds)

    def set_postfix_str(self, s: str) -> None:
        """Show this text after the number of steps."""
        self._note = s

    def close(self) -> None:
        """There is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
