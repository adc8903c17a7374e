"""The options of all commands that fit a model in a run folder: which seeds, where and how."""

from dataclasses import dataclass

from personax.runs.bounds import FilePath, Processes
from personax.runs.errors import InputError
from personax.runs.options import where_or_how
from personax.runs.workers import Workers, check_workers

OURS = "personax"  # the name of our own method
OUR_TITLE = "PersonaX (ours)"  # and what tables call it


@dataclass(frozen=True)
class RunOptions(Workers):
    """Options that do not change the result of a seed. The configurations of the commands inherit them."""

    jobs: Processes = where_or_how(1)
    """With --seeds: number of seeds that run at a time, each in its own process; -1: one per core. On a CPU
    this is the fastest way: two processes with one thread each train nearly twice as many scenes per second
    as one process with two threads."""
    seeds: str | None = where_or_how(None)
    """Several seeds, as 0,1,2 or 0-9: one run for each, and a table with mean and standard deviation."""
    figures: bool = where_or_how(True)
    """Draw the figures."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Run folder (with --seeds: the folder that holds the run folders)."""
    resume: bool = where_or_how(False)
    """Continue an interrupted run; finished seeds are read and not run again."""
    overwrite: bool = where_or_how(False)
    """Replace an existing run folder."""


def check_several_seeds(options: RunOptions) -> None:
    """Raise InputError for processes or an engine without several seeds, and as `check_workers` does."""
    check_workers(options)
    if options.apart and options.seeds is None:
        raise InputError(f"{options.described}: needs --seeds")
