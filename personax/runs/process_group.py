"""A command that torchrun has started in several processes: the first one leads, the others help it to train.

    torchrun --nproc_per_node 2 synthetic_experiment/run_mnist_3measurement.py --seed 0

The leader alone reads options and data, has the run folder with its lock, log and bars, and writes files. The
helpers wait for tasks of the leader (`everywhere`), and end when it ends. Without torchrun nothing of this
happens.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

from personax.runs.errors import PersonaxError
from personax.runs.progress import NO_BARS

TaskResult = TypeVar("TaskResult")
Task = Callable[[], object]
WAIT_FOR_TASK = timedelta(days=30)  # helpers wait while the leader loads data and does phase 2
EXIT_WITHOUT_LEADER = 1


def started_in_several() -> bool:
    """Whether torchrun has started this process beside others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_helper() -> bool:
    """Whether this process helps another one."""
    return started_in_several() and int(os.environ["RANK"]) > 0


def process_count() -> int:
    """How many processes train together; 1 without torchrun."""
    if "torch" not in sys.modules:
        return 1
    import torch.distributed as dist

    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


@contextmanager
def leading_helpers() -> Iterator[None]:
    """Within the block the helpers, if there are any, do what `everywhere` gives them; then they end.

    If a task fails here they may be in the middle of it. Then nothing is said to them: torchrun ends them.
    """
    if not started_in_several():
        yield
        return
    import torch.distributed as dist

    dist.init_process_group("gloo", timeout=WAIT_FOR_TASK)
    _Said.in_task = False
    try:
        yield
    finally:
        if not _Said.in_task:
            _broadcast(None)
            dist.destroy_process_group()


class _Said:
    """Whether the leader is within a task."""

    in_task = False


def everywhere(theirs: Task, own: Callable[[], TaskResult]) -> TaskResult:
    """Have every helper do `theirs`, which is sent to it, and do `own` here; returns what `own` returns."""
    _broadcast(theirs)
    _Said.in_task = True
    result = own()
    _Said.in_task = False
    return result


def help_leader() -> int:
    """Do what the leader says until it ends; the exit code of this process."""
    import torch.distributed as dist

    logging.disable(logging.ERROR)  # the leader says everything
    os.environ[NO_BARS] = "1"
    try:
        dist.init_process_group("gloo", timeout=WAIT_FOR_TASK)
        while (task := _broadcast(None)) is not None:
            try:
                task()
            except PersonaxError:  # it comes in all processes, and the leader tells it
                continue
        dist.destroy_process_group()
    except RuntimeError as error:
        text = str(error).splitlines()[0][:200]
        print(f"helper {os.environ['RANK']}: ended, since the leader did not go on ({text})", file=sys.stderr)
        return EXIT_WITHOUT_LEADER
    return 0


def _broadcast(task: Task | None) -> Task | None:
    """The leader's task, in every process."""
    import torch.distributed as dist

    sent: list[Task | None] = [task]
    dist.broadcast_object_list(sent, src=0)
    return sent[0]
