"""Several seeds as one table: each value, the mean and the standard deviation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from personax.runs.files import atomic_path, write_text


def pick(metrics: Mapping[str, Any], keys: Sequence[str]) -> dict[str, float]:
    """The values at dotted keys such as "heldout.r2"; absent ones are left out."""
    picked: dict[str, float] = {}
    for key in keys:
        value: Any = metrics
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            picked[key] = float(value)
    return picked


def summarise(per_seed: Mapping[int, Mapping[str, float]]) -> pd.DataFrame:
    """One row per metric: a column per seed, then mean and sd (ddof 1; empty for one seed)."""
    table = pd.DataFrame(
        {f"seed {seed}": pd.Series(values, dtype=float) for seed, values in per_seed.items()}
    )
    mean, sd = table.mean(axis=1), table.std(axis=1)
    return table.assign(mean=mean, sd=sd)


def write_summary(folder: Path, table: pd.DataFrame, title: str) -> list[Path]:
    """summary.csv and summary.md in `folder`; the paths."""
    with atomic_path(folder / "summary.csv") as temporary:
        table.to_csv(temporary, index_label="metric")
    write_text(folder / "summary.md", f"# {title}\n\n{markdown(table)}\n")
    return [folder / "summary.csv", folder / "summary.md"]


def markdown(table: pd.DataFrame) -> str:
    """A GitHub table with three decimals; missing values are blank."""
    header = ["metric", *map(str, table.columns)]
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(["---"] + ["---:"] * len(table.columns)) + "|"]
    for name, row in table.iterrows():
        cells = ["" if pd.isna(value) else f"{value:.3f}" for value in row]
        lines.append("| " + " | ".join([str(name), *cells]) + " |")
    return "\n".join(lines)
