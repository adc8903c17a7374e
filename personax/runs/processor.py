"""How many threads a command computes with."""

import os
import sys

VARIABLE = "OMP_NUM_THREADS"
DEFAULT = 1
"""Threads where the variable says nothing. The networks are small, so a second thread saves little time when
the machine is idle, and mostly waits when others use it: on 2 cores with a load of 8, a small training
took 20 s with one thread, and more than 60 s with two (benchmarks/threads.py)."""


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


def threads_in_use() -> int:
    """The threads of torch if it is loaded, else `thread_count`."""
    return int(sys.modules["torch"].get_num_threads()) if "torch" in sys.modules else thread_count()
