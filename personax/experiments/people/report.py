"""The texts of the real-world experiment: what it prints, and the page of suggested names."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from personax.experiments.people.associations import LEAST_LABEL_EFFECT
from personax.experiments.summary import MARK_OF_SIMULATION, verdict_lines
from personax.runs.markdown import escape_cell, markdown_table

PEOPLE_METRICS = (
    "truth.r2.s",
    "truth.r2.image",
    "truth.r2.text",
    "truth.mcc.s",
    "truth.mcc.image",
    "truth.mcc.text",
    "tmex.score",
    "graph.shd",
    "graph.f1",
    "graph.skeleton_f1",
    "prediction.mean_r2.latents",
    "prediction.mean_r2.pca",
    "prediction.mean_r2.autoencoder",
    "criteria.representation",
    "seconds",
)  # the rows of the table, as keys of metrics.json


def people_report(results: Mapping[int, Mapping[str, Any]], table: pd.DataFrame, home: Path) -> str:
    """The table, the seed that is best by a criterion without the truth, and the folder of the files.

    Args:
        results: seed -> metrics.
        table: summary of the seeds (summary.summarise).
        home: folder that holds all runs.
    """
    several = len(results) > 1
    lines = [markdown_table(table if several else table.drop(columns=["mean", "sd"]), index="metric")]
    if several:
        best = table.loc["criteria.representation", [f"seed {seed}" for seed in results]].idxmin()
        lines.append(f"lowest criteria.representation (validation people, without the truth): {best}")
    lines += verdict_lines(results)
    mark = MARK_OF_SIMULATION if next(iter(results.values()))["simulated"] else ""
    lines.append(f"{mark}Written to {home}")
    return "\n".join(lines)


def names_page(names: Mapping[str, str], alpha: float, simulated: bool) -> str:
    """A page with the features that suggest a name for each latent."""
    lines = ["# What each latent depends on", ""]
    lines.append(
        "Suggestions, not findings: the features with the strongest dependence on each latent (KCI effect), "
        f"among those that are significant at a false discovery rate of {alpha:g}. A feature becomes a "
        f"label in labels.yaml only from an effect of {LEAST_LABEL_EFFECT:g} on, and for one latent only."
    )
    if simulated:
        lines += ["", f"{MARK_OF_SIMULATION.strip(' .')}: these people do not exist."]
    lines += [
        "",
        *(f"- {name}: {escape_cell(text) or 'nothing significant'}" for name, text in names.items()),
    ]
    return "\n".join(lines) + "\n"
