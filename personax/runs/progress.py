"""Where a long computation is: a bar in a terminal or a notebook, elsewhere a line every half minute."""

import logging
from time import monotonic
from types import TracebackType
from typing import Protocol, Self

from tqdm.auto import tqdm

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 30.0


class Progress(Protocol):
    """A bar, or what stands for it."""

    def update(self, n: int = 1) -> object:
        """So many steps more are done."""

    def set_postfix_str(self, s: str) -> object:
        """What to show behind the number of steps."""

    def close(self) -> object:
        """Nothing more will be done. A `with` statement closes by itself."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> object: ...


def progress(total: int, what: str, unit: str, *, initial: int = 0) -> Progress:
    """Show how many of `total` steps are done; `what` names the computation, `unit` a step.

    In a notebook tqdm's bar is a widget. Where standard error is no terminal, as in the log of a cluster, a
    line is logged every half minute.
    """
    bar: Progress = tqdm(total=total, desc=what, unit=unit, initial=initial, disable=None)
    return LinesOfProgress(total, what, unit, initial) if getattr(bar, "disable", False) else bar


class LinesOfProgress:
    """Logs a line when half a minute has passed since the last one."""

    def __init__(self, total: int, what: str, unit: str, initial: int = 0) -> None:
        self._total, self._what, self._unit, self._done = total, what, unit, initial
        self._note = ""
        self._started = self._said = monotonic()

    def update(self, n: int = 1) -> None:
        """So many steps more are done."""
        self._done += n
        now = monotonic()
        if now - self._said >= SECONDS_BETWEEN_LINES and self._done < self._total:
            self._said = now
            note = f" ({self._note})" if self._note else ""
            seconds = f"{now - self._started:.0f} s"
            log.info("%s: %s %d of %d%s, %s", self._what, self._unit, self._done, self._total, note, seconds)

    def set_postfix_str(self, s: str) -> None:
        """What to show behind the number of steps."""
        self._note = s

    def close(self) -> None:
        """There is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
