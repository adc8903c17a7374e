"""A table of several seeds: the value of each seed, the mean and the standard deviation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from personax.crl.trust import in_words
from personax.runs.files import atomic_path, write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.markdown import escape_cell, markdown_table
from personax.runs.run_records import entry_at

MARK_OF_SIMULATION = "SIMULATED DATA. "  # beginning of every text about simulated people


def pick(metrics: Mapping[str, Any], keys: Sequence[str]) -> dict[str, float]:
    """Dotted key, such as "heldout.r2" -> its value; keys that are missing or null are left out."""
    picked: dict[str, float] = {}
    for key in keys:
        value = entry_at(metrics, key)
        if value is not None:
            picked[key] = float(value)
    return picked


def verdict_lines(results: Mapping[int, Mapping[str, Any]]) -> list[str]:
    """A line for each seed with what its model says of itself (`CRL.verdict`); baselines say nothing."""
    verdicts = {seed: metrics.get("verdict") for seed, metrics in results.items()}
    return [f"seed {seed}: {in_words(verdict)}" for seed, verdict in verdicts.items() if verdict]


def summarise(per_seed: Mapping[int, Mapping[str, float]]) -> pd.DataFrame:
    """One row per metric: a column per seed, then mean and sd (divided by n - 1; empty for one seed).

    The rows are in the order in which the seeds have the metrics, also if one seed lacks some of them (the
    duration of a run that was killed is unknown).
    """
    rows = list(dict.fromkeys(key for values in per_seed.values() for key in values))
    table = pd.DataFrame(
        {f"seed {seed}": pd.Series(values, dtype=float) for seed, values in per_seed.items()}, index=rows
    )
    mean, sd = table.mean(axis=1), table.std(axis=1)
    return table.assign(mean=mean, sd=sd)


def mean_and_spread(values: Float[np.ndarray, " n"], digits: int = 3) -> str:
    """Mean ± standard deviation; the mean alone for a single value, nothing if all values are missing."""
    known = values[~np.isnan(values)]
    if not len(known):
        return ""
    mean = f"{known.mean():.{digits}f}"
    return mean if len(known) == 1 else f"{mean} ± {known.std(ddof=1):.{digits}f}"


def write_summary(folder: Path, table: pd.DataFrame, title: str) -> list[Path]:
    """Write summary.csv and summary.md to `folder`; return their paths.

    Raises InputError if another process is working in the folder itself.
    """
    with locked_folder(folder):  # which removes what a killed process has left half-written
        with atomic_path(folder / "summary.csv") as temporary:
            table.to_csv(temporary, index_label="metric")
        page = f"# {escape_cell(title)}\n\n{markdown_table(table, index='metric')}\n"
        write_text(folder / "summary.md", page)
    return [folder / "summary.csv", folder / "summary.md"]
