"""How many threads a command computes with."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "OMP_NUM_THREADS"
DEFAULT = 1
"""Threads where the variable says nothing. The networks are small, so a second thread has little to do, and
it mostly waits when other programs use the cores: on 2 cores with a load of 8, a small training took 20 s
with one thread, and was not ready after 60 s with two. With one of two cores busy it was 2.4 s and 5.3 s, on
an idle machine 3.1 s and 2.3 s (benchmarks/threads.py, one run each). So two threads gain little and can lose
much; OMP_NUM_THREADS asks for them."""


def thread_count() -> int:
    """What OMP_NUM_THREADS says; the default if it is not set, or is no positive number.

    It may have one number for each level of nesting, as `4,2`; the first one counts.
    """
    first = os.environ.get(VARIABLE, "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else DEFAULT


def use_threads() -> None:
    """Compute with `thread_count` threads in this process and in those that it starts.

    Numerical libraries read the variable when they are loaded, so this comes before their import. torch, if
    it is loaded already, is told.
    """
    os.environ[VARIABLE] = str(thread_count())
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(thread_count())


@contextmanager
def threads_unless_chosen(by_torch: int) -> Iterator[None]:
    """Within the block torch computes with `DEFAULT` threads, if nobody has chosen a number.

    OMP_NUM_THREADS is a choice, and so is torch.set_num_threads after the import of this package. Commands
    have chosen by `use_threads`.

    Args:
        by_torch: the threads that torch had at that import.
    """
    torch = sys.modules["torch"]
    before = torch.get_num_threads()
    if VARIABLE not in os.environ and before == by_torch:
        torch.set_num_threads(DEFAULT)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads_in_use() -> int:
    """The threads of torch if it is loaded, else `thread_count`."""
    return int(sys.modules["torch"].get_num_threads()) if "torch" in sys.modules else thread_count()
