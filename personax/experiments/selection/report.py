"""The report of the model choice as Markdown."""

from collections.abc import Mapping

import pandas as pd

from personax.experiments.selection.config import SelectionConfig
from personax.experiments.selection.run import rank_correlations, with_as_many_latents
from personax.runs.markdown import markdown_table


def selection_report(table: pd.DataFrame, choice: str, config: SelectionConfig) -> str:
    """The criteria of every candidate, the choice, and how well each criterion agrees with MCC."""
    alike = with_as_many_latents(table, choice)
    scenes = f"{config.scm}, n = {config.n:,}" if config.dataset is None else config.dataset
    return "\n".join(
        [
            f"# Model choice without the truth, {scenes}, seeds {config.seeds}",
            "",
            markdown_table(table, index="candidate"),
            "",
            f"chosen: {choice} (fewest latents within {config.tolerance:g} of the best prediction, then the "
            "most stable)",
            "rank correlation of each criterion with MCC, which the choice does not use:",
            f"  over all {len(table)} candidates: {values_text(rank_correlations(table))}",
            f"  over the {len(alike)} that have as many latents as the chosen one: "
            f"{values_text(rank_correlations(alike))}",
        ]
    )


def values_text(values: Mapping[str, float]) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())
