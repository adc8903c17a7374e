"""The report of the model choice as Markdown."""

from collections.abc import Mapping

import pandas as pd

from personax.experiments.selection.config import SelectionConfig
from personax.experiments.selection.run import mcc_is_known, rank_correlations, with_as_many_latents
from personax.experiments.summary import MARK_OF_SIMULATION
from personax.runs.markdown import markdown_table


def selection_report(
    table: pd.DataFrame, choice: str, config: SelectionConfig, *, simulated: bool = False
) -> str:
    """The criteria of every candidate, the choice, and how well each criterion agrees with MCC.

    simulated: the people of the run are made up; the report then says so.
    """
    mark = MARK_OF_SIMULATION if simulated else ""
    lines = [
        f"# {mark}Model choice without the truth, {data_text(config)}, seeds {config.seeds}",
        "",
        markdown_table(table, index="candidate"),
        "",
        f"chosen: {choice} (fewest latents within {config.tolerance:g} of the best prediction, then the most "
        "stable)",
    ]
    return "\n".join([*lines, *mcc_lines(table, choice)])


def data_text(config: SelectionConfig) -> str:
    """What the candidates are compared on."""
    if config.run is not None:
        return f"data of {config.run}"
    return f"{config.scm}, n = {config.n:,}" if config.dataset is None else config.dataset


def mcc_lines(table: pd.DataFrame, choice: str) -> list[str]:
    """How well each criterion agrees with MCC, if the truth is known."""
    if "MCC" not in table:
        return ["the truth is unknown here, so nothing says how far the criteria can be trusted"]
    if not mcc_is_known(table):
        return ["blocks of other sizes than the true ones have no MCC, so it judges no criterion here"]
    if len(table) < 3:
        return ["at least three candidates are needed to compare each criterion with MCC"]
    alike = with_as_many_latents(table, choice)
    return [
        "rank correlation of each criterion with MCC, which the choice does not use:",
        f"  over all {len(table)} candidates: {values_text(rank_correlations(table))}",
        f"  over the {len(alike)} that have as many latents as the chosen one: "
        f"{values_text(rank_correlations(alike))}",
    ]


def values_text(values: Mapping[str, float]) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())
