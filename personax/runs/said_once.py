"""Messages that are the same for many runs reach the screen once."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _NotSaidBefore(logging.Filter):
    """Lets a message through if it has not come before; for one handler."""

    def __init__(self) -> None:
        super().__init__()
        self._said: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        new = text not in self._said
        self._said.add(text)
        return new


@contextmanager
def each_said_once() -> Iterator[None]:
    """Within the block a message that was shown before is not shown again; run.log gets them all.

    It is for commands that load the same data for every run.
    """
    handlers = logging.getLogger().handlers  # those of run folders are added later
    filters = [(handler, _NotSaidBefore()) for handler in handlers]
    for handler, only_new in filters:
        handler.addFilter(only_new)
    try:
        yield
    finally:
        for handler, only_new in filters:
            handler.removeFilter(only_new)
