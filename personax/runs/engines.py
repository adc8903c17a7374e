"""A function is applied to many items: in this process, in several, on a Dask cluster, or by SLURM.

All engines do the same with an item: the same function in a process with the same number of threads. So the
result does not depend on the engine, on machines of one kind. An item that fails, or whose process is killed,
does not stop the others.
"""

import os
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from personax.runs.errors import InputError
from personax.runs.files import remove_path
from personax.runs.processor import VARIABLE, thread_count, use_threads
from personax.runs.progress import Item, only_lines
from personax.runs.run_folder import path_or_default
from personax.runs.workers import Workers, check_workers

if TYPE_CHECKING:
    from distributed import Client, Future
    from submitit import Executor, Job

Result = TypeVar("Result")
SECONDS_TO_ANSWER = 20  # of a scheduler and its first worker


@dataclass(frozen=True)
class Done(Generic[Result]):
    """What has become of an item.

    Attributes:
        number: its place among the items, from 0.
        result: what the function returned; None if it failed.
        error: why it failed; None if it did not.
    """

    number: int
    result: Result | None
    error: Exception | None = None


NumberedItem = tuple[int, Item]
Attempt = Callable[[NumberedItem[Any]], Done[Any]]
"""Applies the function to an item, and never raises an exception."""


def mapped(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: Workers,
    *,
    threads: int | None = None,
) -> Iterator[Done[Result]]:
    """What becomes of each item, in the order in which they are finished.

    Args:
        function: of a module, or a partial of one; it goes to other processes together with the items.
        items: what it is applied to.
        workers: where, and how many at a time.
        threads: threads of numerical libraries for an item in another process; default: as in this process
            (processor.py).

    Raises InputError if the engine is not there.
    """
    check_workers(workers)
    numbered = list(enumerate(items))
    if workers.engine == "local":
        yield from _locally(partial(_attempt, function), numbered, workers.jobs, threads)
        return
    elsewhere = partial(_attempt_elsewhere, function, threads or thread_count())
    yield from (_on_dask if workers.engine == "dask" else _by_slurm)(elsewhere, numbered, workers)


def in_order(done: Iterable[Done[Result]], total: int) -> list[Result]:
    """The results of all `total` items in their order. Raises the first error that comes."""
    results: dict[int, Any] = {}
    for each in done:
        if each.error is not None:
            raise each.error
        results[each.number] = each.result
    return [results[number] for number in range(total)]


def _attempt(function: Callable[[Item], Result], numbered: NumberedItem[Item]) -> Done[Result]:
    number, item = numbered
    try:
        return Done(number, function(item))
    except Exception as error:
        return Done(number, None, _portable(error))


def _attempt_elsewhere(
    function: Callable[[Item], Result], threads: int, numbered: NumberedItem[Item]
) -> Done[Result]:
    """`_attempt` in a process that did not inherit the settings of this one."""
    os.environ[VARIABLE] = str(threads)
    use_threads()
    with only_lines(), threadpool_limits(threads):
        return _attempt(function, numbered)


def _attempt_each(attempt: Attempt, several: Sequence[NumberedItem[Any]]) -> list[Done[Any]]:
    return [attempt(numbered) for numbered in several]


def _portable(error: Exception) -> Exception:
    """The error, or one with the same words if it cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _locally(
    attempt: Attempt, numbered: Sequence[NumberedItem[Any]], jobs: int, threads: int | None
) -> Iterator[Done[Any]]:
    """By processes of this machine, or in this one for one job."""
    left = dict(numbered)
    with parallel_config(backend="loky", inner_max_num_threads=threads) if threads else nullcontext():
        try:
            pool = Parallel(n_jobs=jobs, return_as="generator_unordered")
            for done in pool(delayed(attempt)(each) for each in numbered):
                left.pop(done.number)
                yield done
        except TerminatedWorkerError:  # one process was killed, and the pool with it
            for number in tuple(left):
                yield _in_own_process(attempt, (number, left[number]))


def _in_own_process(attempt: Attempt, numbered: NumberedItem[Any]) -> Done[Any]:
    """A second attempt, alone: so it is seen whose process is killed each time."""
    try:
        done: Done[Any] = Parallel(n_jobs=2, backend="loky")([delayed(attempt)(numbered)])[0]
    except TerminatedWorkerError:
        return Done(numbered[0], None, RuntimeError("its process was killed; it may need more memory"))
    return done


def _on_dask(
    attempt: Attempt, numbered: Sequence[NumberedItem[Any]], workers: Workers
) -> Iterator[Done[Any]]:
    """By the workers of a Dask scheduler. What a killed worker was doing is done by another one."""
    import cloudpickle
    from distributed import as_completed

    with dask_client(workers) as client:
        # sent once, not with every item; as a task, because a scattered value is lost with a killed worker
        shared = client.submit(cloudpickle.loads, cloudpickle.dumps(attempt), pure=False)
        futures = {client.submit(_call, shared, each, pure=False): each for each in numbered}
        lost = []
        for future, done in as_completed(futures, with_results=True, raise_errors=False):
            if future.status == "finished":
                yield done
            else:
                lost.append(futures[future])
        for each in lost:  # alone: Dask also blames an item that only waited where a worker was killed
            yield _done_on_dask(client.submit(_call, shared, each, pure=False), each[0])


def _call(attempt: Attempt, numbered: NumberedItem[Any]) -> Done[Any]:
    return attempt(numbered)


def _done_on_dask(future: "Future[Any]", number: int) -> Done[Any]:
    error = future.exception()
    if error is None:
        done: Done[Any] = future.result()
        return done
    return Done(number, None, RuntimeError(f"its workers were killed or lost ({type(error).__name__})"))


@contextmanager
def dask_client(workers: Workers) -> Iterator["Client"]:
    """A client of the scheduler, or of `jobs` workers that live on this machine as long as the block runs.

    Raises InputError if the scheduler does not answer or has no workers, or if workers have several threads:
    cells set what belongs to a process, such as its messages and its number of threads.
    """
    from distributed import Client, LocalCluster

    if workers.scheduler is None:
        count = cpu_count() if workers.jobs == -1 else workers.jobs
        here = {
            "n_workers": count,
            "threads_per_worker": 1,
            "memory_limit": 0,
            "dashboard_address": "127.0.0.1:0",
        }
        with LocalCluster(**here) as cluster, Client(cluster) as client:
            yield client
        return
    with _client_of(workers.scheduler) as client:
        yield client


def _client_of(address: str) -> "Client":
    """A client of a scheduler somewhere. Raises InputError."""
    from distributed import Client

    try:
        client = Client(address, timeout=SECONDS_TO_ANSWER)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"scheduler {address!r}: does not answer; start one with `dask scheduler`, and give its address, "
            "as tcp://node1:8786"
        ) from error
    try:
        client.wait_for_workers(1, timeout=SECONDS_TO_ANSWER)
    except TimeoutError as error:
        client.close()
        raise InputError(
            f"scheduler {address!r}: has no workers; start some with `dask worker {address} --nthreads 1`"
        ) from error
    if max(client.nthreads().values()) > 1:
        client.close()
        raise InputError(f"scheduler {address!r}: a worker has several threads; start it with --nthreads 1")
    return client


def _by_slurm(
    attempt: Attempt, numbered: Sequence[NumberedItem[Any]], workers: Workers
) -> Iterator[Done[Any]]:
    """By jobs of SLURM; they are cancelled if this process is interrupted."""
    from submitit.helpers import as_completed

    options, jobs = workers.slurm, len(numbered) if workers.jobs == -1 else workers.jobs
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex[:6]}"
    home = path_or_default(options.folder, "results/slurm") / stamp
    # Jobs of this machine all start at once, so there are as many as may run at a time.
    size = options.cells_per_job if options.cluster == "slurm" else ceil(len(numbered) / jobs)
    groups = [numbered[start : start + size] for start in range(0, len(numbered), size)]
    submitted = slurm_executor(workers, str(home), jobs).map_array(partial(_attempt_each, attempt), groups)
    group_of = {job.job_id: group for job, group in zip(submitted, groups, strict=True)}
    lost = False
    try:
        for job in as_completed(submitted, poll_frequency=10 if options.cluster == "slurm" else 0.1):
            found = _done_by_job(job, group_of[job.job_id])
            lost = lost or any(each.error for each in found)
            yield from found
    except BaseException:
        for job in submitted:
            job.cancel(check=False)
        raise
    if not lost:
        remove_path(home)


def slurm_executor(workers: Workers, home: str, jobs: int) -> "Executor":
    """What sends functions to SLURM, at most `jobs` at a time; its files and messages are in `home`."""
    from submitit import AutoExecutor

    options = workers.slurm
    executor = AutoExecutor(folder=home, cluster=options.cluster)
    executor.update_parameters(
        name="personax",
        timeout_min=options.minutes,
        mem_gb=options.memory_gb,
        cpus_per_task=thread_count(),
        slurm_array_parallelism=jobs,
        slurm_setup=options.setup or None,
        slurm_additional_parameters=options.sbatch,
        **({} if options.partition is None else {"slurm_partition": options.partition}),
    )
    return executor


def _done_by_job(job: "Job[list[Done[Any]]]", group: Sequence[NumberedItem[Any]]) -> list[Done[Any]]:
    try:
        return job.result()
    except Exception:  # submitit tells a killed or expired job by exceptions with pages of text
        error = RuntimeError(f"job {job.job_id} ended without a result; its messages: {job.paths.stderr}")
        return [Done(number, None, error) for number, _ in group]
