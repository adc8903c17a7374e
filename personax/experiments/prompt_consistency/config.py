"""How much a language model's scores vary: over repeats of one prompt, and between prompts (Fig. 2).

Examples:
  prompt_consistency.py results/infer_traits/people
  prompt_consistency.py --table repeats.csv                 a table with a row for each person and repeat
  prompt_consistency.py --source simulated                  made-up annotators whose noise is known

Radar charts of the standard deviation over repeats for each trait, box plots of its mean for each person,
Manhattan distances of the paper's six pairs of prompts with the published numbers beside them, TARr@N,
TARa@N and Krippendorff's alpha with intervals. docs/consistency.md defines all of them.
Writes report.md, consistency.csv, distances.csv, spreads.csv and figures to results/prompt_consistency/NAME.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from personax.experiments.answer_options import ANSWER_FOLDERS, AnswersConfig
from personax.runs.bounds import Between, FilePath
from personax.runs.command_line import run_command


@dataclass(frozen=True)
class ConsistencyConfig(AnswersConfig):
    """Options of the consistency of answers."""

    table: FilePath | None = None
    """Instead of folders: a table with several rows for each person (id, the five traits; optional: model,
    format, repeat, raw)."""
    resamples: Annotated[int, Between(20, 100_000)] = 1000
    """Bootstrap samples of the people, from which the intervals are computed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        ConsistencyConfig,
        "personax.experiments.prompt_consistency.command:run_consistency",
        argv,
        description=__doc__ or "",
        positional=ANSWER_FOLDERS,
        usual="table source n repeats resamples seed data_seed output overwrite",
    )
