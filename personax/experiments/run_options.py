"""The options of all commands that fit a model in a run folder: which seeds, where and how."""

from dataclasses import dataclass

from personax.runs.bounds import FilePath
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class RunOptions:
    """Options that do not change the result of a seed. The configurations of the commands inherit them."""

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
