"""The text of the effect of prompts: how many verdicts change with what, and which."""

from collections.abc import Iterator

import pandas as pd

from personax.experiments.heat_blocks import SIMULATED_SENTENCE
from personax.experiments.prompt_effect.config import EffectConfig
from personax.experiments.prompt_effect.effect_grids import MatchedPeople
from personax.experiments.prompt_effect.verdict_changes import PromptEffect
from personax.runs.markdown import escape_cell, markdown_table
from personax.traits.published import format_title
from personax.traits.verdicts import GRID_KEYS

MOST_CELLS = 30  # of the report; cells.csv has all


def effect_report(config: EffectConfig, matched: MatchedPeople, found: PromptEffect) -> str:
    """The text of report.md."""
    return "\n\n".join(_effect_parts(config, matched, found)) + "\n"


def _effect_parts(config: EffectConfig, matched: MatchedPeople, found: PromptEffect) -> Iterator[str]:
    yield "# Effect of prompt, repeat and language model on Level I"
    if matched.source.simulated or matched.table.simulated:
        yield f"**{SIMULATED_SENTENCE.strip()}**"
    yield f"Answers: {escape_cell(matched.source.source)}. Features: {escape_cell(matched.table.source)}."
    yield (
        f"n = {len(matched.people)} of {matched.asked} people with answers. Verdict: rejected or not at "
        f"{config.alpha:g}, correction: {config.correction}. A cell is one trait, feature and test."
    )
    yield "## How many verdicts change"
    yield changes_table(found.changes)
    yield (
        "changed: share of the cells whose verdict differs between two grids, mean over the pairs of grids "
        "that differ only in what varies. ever: share of the cells whose verdict differs in some pair; it "
        "grows with the number of pairs."
    )
    yield "## Share of the pairs that differ, by trait and by feature"
    for key in ("trait", "feature"):
        shares = found.cells.groupby(key, sort=False)[list(GRID_KEYS)].mean()
        yield markdown_table(shares.loc[list(dict.fromkeys(found.decided[key]))], index=key, digits=2)
    yield "## The cells that change most"
    yield cells_table(found.cells)


def changes_table(changes: pd.DataFrame) -> str:
    """What varies, with shares in per cent; "all" where nothing is held fixed."""
    if changes.empty:
        return "No two grids that differ in one thing alone have verdicts to compare."
    shown = changes.assign(
        model=changes["model"].replace("", "all"),
        format=changes["format"].map(lambda name: format_title(name) if name else "all"),
        changed=changes["changed"].map("{:.1%}".format),
        ever=changes["ever"].map("{:.1%}".format),
    )
    return markdown_table(shown)


def cells_table(cells: pd.DataFrame) -> str:
    """The cells that change most: the share of grids that reject, and of pairs that differ."""
    changing = cells[(cells[list(GRID_KEYS)].fillna(0) > 0).any(axis=1)]
    if changing.empty:
        return "No verdict changes."
    table = markdown_table(changing.head(MOST_CELLS), digits=2)
    more = len(changing) - MOST_CELLS
    return table + (f"\n\nand {more} more in cells.csv" if more > 0 else "")
