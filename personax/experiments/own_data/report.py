"""What the experiment on arrays of your own prints when its runs are finished."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from personax.experiments.summary import MARK_OF_SIMULATION, verdict_lines
from personax.runs.markdown import markdown_table
from personax.runs.run_folder import FIGURES, GRAPH, LATENTS

OWN_METRICS = (
    "heldout.r2",
    "heldout.mcc_pearson",
    "tmex.score",
    "graph.shd",
    "graph.f1",
    "criteria.representation",
    "criteria.identification",
    "seconds",
)  # the rows of the table, as keys of metrics.json


def own_report(results: Mapping[int, Mapping[str, Any]], table: pd.DataFrame, folders: Sequence[Path]) -> str:
    """The table, what it means, and where the latents, the graph and the pictures are.

    Args:
        results: seed -> metrics.
        table: summary of the seeds (summary.summarise).
        folders: their run folders.
    """
    several = len(folders) > 1
    lines = [markdown_table(table if several else table.drop(columns=["mean", "sd"]), index="metric"), ""]
    lines.append("criteria: objectives on validation rows, lower is better; they compare seeds of one model")
    if several:
        best = table.loc["criteria.representation", [f"seed {seed}" for seed in results]].idxmin()
        lines.append(f"lowest criteria.representation: {best}")
    lines += verdict_lines(results)
    mark = MARK_OF_SIMULATION if next(iter(results.values()))["simulated"] else ""
    lines.append(f"{mark}latents: {folders[0] / LATENTS}; learned graph: {folders[0] / GRAPH}")
    lines.append(f"pictures: {folders[0] / FIGURES}")
    return "\n".join(lines)
