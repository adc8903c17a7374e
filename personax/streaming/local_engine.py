"""Where the parts of a table are worked on: in processes of this machine, or on a Dask cluster.

The sums of a part are the same wherever they are made, and add in any order: engines only differ in how they
communicate.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
from joblib import Parallel, delayed

from personax.streaming.partial_sums import Pass, Sums, in_tasks
from personax.streaming.parts import TablePart


def sums_of_task(
    work: Pass[Sums], parts: Sequence[TablePart], numbers: tuple[int, ...]
) -> tuple[tuple[int, ...], Sums]:
    """The sums over some parts, one in memory at a time, and the numbers of the parts."""
    pa.set_cpu_count(1)
    return numbers, reduce(work.merged, (work.of_part(part) for part in parts))


@dataclass(frozen=True)
class LocalEngine:
    """Processes of this machine.

    Attributes:
        jobs: how many; 1 starts no other process, -1 is one for each core.
        parts_of_task: how many parts a process adds before it hands them over.
    """

    jobs: int = 1
    parts_of_task: int = 2

    def sums(
        self, work: Pass[Sums], parts: Sequence[TablePart], numbers: Sequence[int]
    ) -> Iterable[tuple[tuple[int, ...], Sums]]:
        """See `Engine`."""
        tasks = [(work, [parts[n] for n in task], task) for task in in_tasks(numbers, self.parts_of_task)]
        if self.jobs == 1:
            return (sums_of_task(*task) for task in tasks)
        workers = Parallel(
            n_jobs=self.jobs,
            backend="loky",
            inner_max_num_threads=1,
            return_as="generator_unordered",
            max_nbytes=None,
        )
        found: Iterable[tuple[tuple[int, ...], Sums]] = workers(
            delayed(sums_of_task)(*task) for task in tasks
        )
        return found
