"""A table of results that grows by the rows of one run after another, and is kept after each."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from personax.runs.files import atomic_path
from personax.runs.progress import progress


def grown_table(
    file: Path,
    wanted: Sequence[Mapping[str, Hashable]],
    rows_of: Callable[..., Sequence[Mapping[str, Any]]],
    *,
    title: str,
) -> pd.DataFrame:
    """Make the runs that are wanted and not in the table yet; a run that is stopped is made again.

    Args:
        file: the table as CSV; it need not exist, nor its folder.
        wanted: the names of the runs, each as column -> value, all with the same columns.
        rows_of: called with the values of a name; returns the rows of that run without its name.
        title: beside the progress bar.

    Returns:
        All rows of the table, those of earlier calls included.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    names = list(wanted[0]) if wanted else []
    table = pd.read_csv(file) if file.exists() else pd.DataFrame(columns=names)
    done = set(table[names].itertuples(index=False, name=None))
    missing = [name for name in wanted if tuple(name.values()) not in done]
    with progress(len(wanted), title, "run", initial=len(wanted) - len(missing)) as bar:
        for name in missing:
            rows = pd.DataFrame([{**name, **row} for row in rows_of(**name)])
            table = pd.concat([table, rows], ignore_index=True) if len(table) else rows
            with atomic_path(file) as path:
                table.to_csv(path, index=False)
            bar.update()
    return table
