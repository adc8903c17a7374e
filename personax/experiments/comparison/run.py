"""The runs of the comparison, and the table of their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from personax.experiments.comparison.config import ComparisonConfig, Part
from personax.experiments.comparison.variants import method_runs, varied_part
from personax.experiments.mnist.config import OURS, MnistConfig
from personax.experiments.summary import pick
from personax.runs.errors import InputError

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


class Request(NamedTuple):
    """The options of the command that are lists, parsed.

    Attributes:
        parts: parts of the comparison.
        baselines: names of the methods, without ours.
        seeds: seeds of the methods.
        few: seeds of the other parts.
    """

    parts: Sequence[Part]
    baselines: Sequence[str]
    seeds: Sequence[int]
    few: Sequence[int]


def comparison_cells(config: ComparisonConfig, request: Request, home: Path) -> dict[Path, MnistConfig]:
    """Run folder -> configuration of every run, seed by seed.

    With this order, even an interrupted comparison has runs of every part.
    """
    with_methods = "methods" in request.parts
    variants = method_runs(config, list(request.baselines) if with_methods else [])
    seeds_of = dict.fromkeys(variants, request.seeds if with_methods else request.few)
    for part in request.parts:
        varied = varied_part(part, config)
        for name, variation in varied.variations.items() if varied else ():
            variants[name] = replace(variation.change(variants[OURS]), ceiling_epochs=0)
            seeds_of[name] = request.few
    return {
        home / "runs" / name / f"seed-{seed}": replace(variants[name], seed=seed)
        for seed in request.seeds
        for name, seeds in seeds_of.items()
        if seed in seeds
    }


def table_of_runs(
    cells: Mapping[Path, MnistConfig], metrics: Mapping[Path, Mapping[str, Any]], home: Path
) -> pd.DataFrame:
    """One row per run: method (the name of its folder), seed, scores, ceiling R2 and source of the data.

    Raises InputError if the data of the runs come from different sources.
    """
    columns = SCORES | {"ceiling R2": "ceiling.r2"}
    rows = []
    for path, found in metrics.items():
        values = pick(found, list(columns.values()))
        scores = {column: values.get(key, np.nan) for column, key in columns.items()}
        rows.append(
            {"method": path.parent.name, "seed": cells[path].seed} | scores | {"data": found["source"]}
        )
    runs = pd.DataFrame(rows)
    if runs["data"].nunique() > 1:
        sources = " and ".join(runs["data"].unique())
        raise InputError(f"{home}: its runs have data from {sources}; keep only the runs of one source")
    return runs
