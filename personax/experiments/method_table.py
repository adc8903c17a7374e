"""Tables of methods: one row per run, then mean and spread over seeds, beside published scores."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd

from personax.baselines.methods import METHODS
from personax.baselines.plug_in import is_plug_in
from personax.experiments.run_options import OUR_TITLE, OURS
from personax.experiments.summary import mean_and_spread, pick
from personax.runs.errors import InputError
from personax.runs.markdown import markdown_table

# Column of the tables -> key of metrics.json.
SCORES = {
    "R2": "heldout.r2",
    "MCC": "heldout.mcc_pearson",
    "MCC, ranks": "heldout.mcc_spearman",
    "T-MEX": "tmex.score",
    "SHD": "graph.shd",
    "F1": "graph.f1",
    "in-sample R2": "insample.r2",
    "in-sample MCC": "insample.mcc_pearson",
    "seconds": "seconds",
}


class Published(NamedTuple):
    """The scores of a method in a publication."""

    r2: float
    mcc: float


def title_of(method: str) -> str:
    """A method's title in tables; with a star if the method is given the truth."""
    if method == OURS:
        return OUR_TITLE
    if is_plug_in(method):
        return method.partition(":")[2]
    return METHODS[method].title + ("*" if METHODS[method].uses_truth else "")


class RunWithSeed(Protocol):
    """The options of a run that `table_of_runs` reads."""

    @property
    def method(self) -> str:
        """Ours, the name of a baseline, or a class elsewhere."""

    @property
    def seed(self) -> int:
        """Of the method."""


def table_of_runs(
    cells: Mapping[Path, RunWithSeed], metrics: Mapping[Path, Mapping[str, Any]], home: Path
) -> pd.DataFrame:
    """One row per run: method, seed, scores, ceiling R2 and source of the data.

    The method is the name of the folder that holds the run, since ours may have several variants; a plug-in's
    name is its own.

    Args:
        cells: run folder -> the run.
        metrics: run folder -> what its metrics.json holds.
        home: the folder of all runs, for the message.

    Raises InputError if the data of the runs come from different sources.
    """
    columns = SCORES | {"ceiling R2": "ceiling.r2"}
    rows = []
    for path, found in metrics.items():
        values = pick(found, list(columns.values()))
        scores = {column: values.get(key, np.nan) for column, key in columns.items()}
        run = cells[path]
        name = run.method if is_plug_in(run.method) else path.parent.name
        rows.append({"method": name, "seed": run.seed} | scores | {"data": found["source"]})
    runs = pd.DataFrame(rows)
    if runs["data"].nunique() > 1:
        sources = " and ".join(runs["data"].unique())
        raise InputError(f"{home}: its runs have data from {sources}; keep only the runs of one source")
    return runs


def score_table(rows: Mapping[str, pd.DataFrame], published: Mapping[str, Published]) -> str:
    """The number of seeds, the mean and spread of every score, and the published scores, as Markdown.

    Args:
        rows: title of a row -> its runs, one per seed.
        published: title of a row -> published scores.
    """
    cells = {
        title: {"seeds": str(len(runs))}
        | {
            column: mean_and_spread(runs[column].to_numpy(dtype=float), 0 if column == "seconds" else 3)
            for column in SCORES
        }
        for title, runs in rows.items()
    }
    if published:
        for title, row in cells.items():
            scores = published.get(title)
            row["published R2"] = f"{scores.r2:.2f}" if scores else ""
            row["published MCC"] = f"{scores.mcc:.2f}" if scores else ""
    return markdown_table(pd.DataFrame.from_dict(cells, orient="index"), index="")
