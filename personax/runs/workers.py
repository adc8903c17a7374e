"""Options: where the parts of a long computation are done, and how many at a time (engines.py does them)."""

import shutil
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Annotated, Any, Literal

from personax.runs.bounds import Between, FilePath, Positive, Processes
from personax.runs.errors import InputError
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class SlurmOptions:
    """What SLURM, the job scheduler of many clusters, is asked for. docs/clusters.md has examples."""

    partition: str | None = None
    """Partition (queue) of the jobs. Default: that of the cluster."""
    minutes: Positive = 240
    """Longest time of a job. A job that needs more is ended, and its parts are listed as failed."""
    memory_gb: Annotated[float, Between(0, 1e5, above=True)] = 4.0
    """Memory of a job in gigabytes."""
    cells_per_job: Positive = 1
    """How many parts a job does one after another; several are better for parts of seconds, as resamples."""
    setup: list[str] = field(default_factory=list)
    """Lines of shell at the beginning of each job, such as 'module load cuda'."""
    sbatch: dict[str, Any] = field(default_factory=dict)
    """Further options of sbatch without their dashes, such as {gpus: 1, account: mine}."""
    folder: FilePath | None = None
    """Folder that all machines see, for what goes to the jobs and comes back; it is removed after success.
    Default: results/slurm."""
    cluster: Literal["slurm", "local"] = "slurm"
    """local: the jobs are processes of this machine, to try a command before it goes to the cluster."""


@dataclass(frozen=True)
class Workers:
    """Where the parts of the work (runs, resamples, trials; "cells" in the code) are done.

    None of these options changes a result.
    """

    jobs: Processes = where_or_how(1)
    """How many parts of the work at a time, each in its own process; -1: one per core. With --engine slurm
    the number of jobs at a time (-1: all); a Dask scheduler uses all its workers."""
    engine: Literal["local", "dask", "slurm"] = where_or_how("local")
    """local: processes of this machine; dask: the workers of --scheduler, or as many of this machine as
    --jobs says; slurm: jobs of a cluster (see slurm). Results are the same."""
    scheduler: str | None = where_or_how(None)
    """Address of a Dask scheduler, such as tcp://node1:8786."""
    slurm: SlurmOptions = where_or_how(SlurmOptions())
    """What SLURM is asked for."""

    @property
    def apart(self) -> bool:
        """Whether cells are done in other processes than this one."""
        return self.jobs != 1 or self.engine != "local"

    @property
    def described(self) -> str:
        """The option that asks for other processes, for messages."""
        return f"jobs {self.jobs}" if self.engine == "local" else f"engine {self.engine}"


HERE = Workers()  # in this process


def check_workers(workers: Workers) -> None:
    """Raise InputError for options that do not fit together, and for an engine that is not installed."""
    if workers.scheduler is not None and workers.engine != "dask":
        raise InputError(f"scheduler {workers.scheduler!r}: only with --engine dask")
    if workers.engine == "dask":
        _require_package("distributed", "dask")
    if workers.engine == "slurm":
        _require_package("submitit", "slurm")
        if workers.slurm.cluster == "slurm" and shutil.which("sbatch") is None:
            raise InputError(
                "engine slurm: this machine has no sbatch; run the command on a machine of the cluster, or "
                "try it with --slurm.cluster local"
            )


def _require_package(package: str, engine: str) -> None:
    if find_spec(package) is None:
        raise InputError(
            f"engine {engine}: the package {package} is not installed; pip install 'personax[cluster]'"
        )
