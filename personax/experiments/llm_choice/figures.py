"""The figure of the choice of a language model: models x criteria."""

from pathlib import Path

import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.heat_blocks import HeatBlock, HeatScale, draw_blocks
from personax.experiments.llm_choice.report import criteria_scores, overall_sentence
from personax.runs.figure_style import SHARE_COLOURS


def draw_choice(found: pd.DataFrame, source: AnswerSet, stem: Path) -> None:
    """The scores of every model, the best overall on top; a criterion that cannot be had is blank."""
    table = criteria_scores(found)
    shown = table.rename(columns=lambda title: title.replace(" ", "\n", 1))
    note = f"Blank: cannot be had. {overall_sentence(found)} Source: {source.source}."
    draw_blocks(
        [HeatBlock("", shown)],
        HeatScale(SHARE_COLOURS, 0.0, 1.0),
        "Language models by eight criteria: scores from 0 to 1 (best)",
        note,
        stem,
        simulated=source.simulated,
    )
