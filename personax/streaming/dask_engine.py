"""Parts of a table on a Dask cluster: the same sums, added in a tree on the workers.

Dask does again what a lost worker had done. Only sums travel: a few workers' results are added where they
are, and so on, until one of each batch of parts comes here and goes into the file of partial sums.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from distributed import CancelledError, Client, Future, KilledWorker, as_completed
from distributed.comm.core import CommClosedError

from personax.runs.errors import InputError
from personax.streaming.local_engine import sums_of_task
from personax.streaming.partial_sums import Pass, Sums, in_tasks
from personax.streaming.parts import TablePart

SECONDS_TO_CONNECT = 10.0
ADDED_TOGETHER = 4  # so many sums meet in each step of the tree
TASKS_OF_BATCH = 4  # for each thread of the cluster
_GO_ON = "the sums so far are kept; continue with --resume"


@dataclass(frozen=True)
class DaskEngine:
    """A Dask cluster that is already running.

    Attributes:
        address: of its scheduler, as tcp://host:8786.
        parts_of_task: how many parts a worker adds in one task.
        seconds: how long to wait for an answer of the scheduler.
    """

    address: str
    parts_of_task: int = 2
    seconds: float = SECONDS_TO_CONNECT

    def sums(
        self, work: Pass[Sums], parts: Sequence[TablePart], numbers: Sequence[int]
    ) -> Iterator[tuple[tuple[int, ...], Sums]]:
        """See `Engine`. Raises InputError if the scheduler does not answer, or is lost."""
        with self._client() as client:
            threads = max(1, sum(client.nthreads().values()))
            tasks = list(in_tasks(numbers, self.parts_of_task))
            batches = in_tasks(tasks, TASKS_OF_BATCH * threads)
            try:
                yield from _results(client, (_of_batch(client, work, parts, batch) for batch in batches))
            except KilledWorker as error:
                raise InputError(
                    f"--scheduler {self.address}: workers die of a task ({str(error)[:120]}); give them more "
                    f"memory; {_GO_ON}"
                ) from error
            except (CancelledError, CommClosedError, OSError, TimeoutError) as error:
                raise InputError(f"--scheduler {self.address}: the connection was lost; {_GO_ON}") from error

    def _client(self) -> Client:
        logging.getLogger("distributed").setLevel(logging.ERROR)
        try:
            return Client(self.address, timeout=self.seconds, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise InputError(
                f"--scheduler {self.address}: no Dask scheduler answers there within {self.seconds:g} s; "
                "start one with `dask scheduler`, and give the address that it prints"
            ) from error


def added_sums(
    work: Pass[Sums], found: Sequence[tuple[tuple[int, ...], Sums]]
) -> tuple[tuple[int, ...], Sums]:
    """Several results of `sums_of_task` as one."""
    numbers = tuple(number for each, _ in found for number in each)
    return numbers, reduce(work.merged, (sums for _, sums in found))


def _of_batch(
    client: Client, work: Pass[Any], parts: Sequence[TablePart], tasks: Sequence[tuple[int, ...]]
) -> Future:
    """The sums of a batch of tasks, added in a tree on the cluster."""
    level = [client.submit(sums_of_task, work, [parts[n] for n in task], task, pure=False) for task in tasks]
    while len(level) > 1:
        level = [
            client.submit(added_sums, work, level[first : first + ADDED_TOGETHER], pure=False)
            for first in range(0, len(level), ADDED_TOGETHER)
        ]
    return level[0]


def _results(client: Client, batches: Iterable[Future]) -> Iterator[Any]:
    """The results of all batches as they come, two batches being worked on at a time."""
    left = iter(batches)
    running = as_completed([next(left)], loop=client.loop)
    for future in left:
        running.add(future)
        yield next(running).result()
    for future in running:
        yield future.result()
