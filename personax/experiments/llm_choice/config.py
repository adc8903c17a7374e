"""Compare language models by the eight criteria of the paper's Tab. 1, with definitions of our own.

Examples:
  choose_llm.py results/infer_traits/people                       several models, asked of the same people
  choose_llm.py results/infer_traits/people --facts facts.csv     privacy, context and factual accuracy, too
  choose_llm.py --source simulated                                made-up annotators whose faults are known

The criteria: generation time, missing rate, hesitation rate, privacy protection, output format, context
consistency, factual accuracy, overall. docs/consistency.md defines them. A criterion that cannot be had is
blank. A file of facts has the columns id, criterion (privacy, context, factual), text and holds (yes, no);
data/example_facts.csv is one for data/example_people.csv.
Writes report.md, criteria.csv and a figure to results/choose_llm/NAME.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from personax.experiments.answer_options import ANSWER_FOLDERS, AnswersConfig
from personax.runs.bounds import Between, FilePath
from personax.runs.command_line import run_command


@dataclass(frozen=True)
class ChoiceConfig(AnswersConfig):
    """Options of the choice of a language model."""

    table: FilePath | None = None
    """Instead of folders: a table with several rows for each person (id, the five traits; optional: model,
    format, repeat, raw, seconds)."""
    facts: FilePath | None = None
    """File of facts about the people (.csv, .parquet, .jsonl)."""
    resamples: Annotated[int, Between(20, 100_000)] = 1000
    """Bootstrap samples of the people, from which the intervals are computed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        ChoiceConfig,
        "personax.experiments.llm_choice.command:run_choice",
        argv,
        description=__doc__ or "",
        positional=ANSWER_FOLDERS,
        usual="table source facts n repeats resamples seed data_seed output overwrite",
    )
