"""Which verdicts of Level I change with the repeat, the prompt and the language model.

Examples:
  prompt_effect.py results/infer_traits/people --table people.csv --columns people_columns.yaml
  prompt_effect.py results/infer_traits/people --dataset athlete      features from the hub's table
  prompt_effect.py --source simulated                                 made-up annotators on made-up athletes

Every trait is tested against every feature of the table, on the scores of each model, format and repeat by
itself. Two grids that differ in one thing alone (the repeat, the format or the model) are compared cell by
cell. What changes with the repeat is noise; what changes more with the format or the model is their effect.
Writes report.md, verdicts.csv, changes.csv, cells.csv and figures to results/prompt_effect/NAME.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from personax.experiments.answer_options import ANSWER_FOLDERS, AnswersConfig
from personax.runs.bounds import Between, FilePath, Level, Processes
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how


@dataclass(frozen=True)
class EffectConfig(AnswersConfig):
    """Options of the effect of prompts."""

    table: FilePath | None = None
    """The table of the same people with their features, matched by its identifiers."""
    dataset: Literal["athlete", "celeb"] | None = None
    """Kind of the table, or the released table of the hub if there is no --table."""
    columns: FilePath | None = None
    """YAML file that says what the columns of the table are."""
    tests: str = "default"
    """Tests, as in run_independence_tests.py: default, paper, all, or names with commas between."""
    alpha: Level = 0.05
    """Level of the decisions, in (0, 1)."""
    correction: Literal["none", "fdr_bh", "holm"] = "none"
    """Correction for multiplicity within each test and grid."""
    resamples: Annotated[int, Between(1, 1e7)] = 1999
    """Largest number of Monte-Carlo tables for the p-values that need them (sparse tables of counts)."""
    jobs: Processes = where_or_how(1)
    """Number of processes; -1: one per core."""
    resume: bool = where_or_how(False)
    """Continue an interrupted run; grids that are there already are not computed again."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        EffectConfig,
        "personax.experiments.prompt_effect.command:run_effect",
        argv,
        description=__doc__ or "",
        positional=ANSWER_FOLDERS,
        usual="source table dataset columns tests alpha correction repeats jobs output resume overwrite",
    )
