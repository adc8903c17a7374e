"""Which conclusions of a run on people hold when the choices behind it are changed.

The analysis is made again without each language model, each modality and each measurement, with other seeds,
with halves of the people, other sizes of the compression, obfuscated embeddings, and other prompts and
repeats if there are answers to them. Latents are matched to those of the base run. For every edge and every
test of Level I the table says in which variants it holds, with direction and sign, and whether it is robust.

Examples:
  sensitivity.py results/athlete/default/seed-0                 the run in this folder, made again and varied
  sensitivity.py configs/sensitivity_quick.yaml --jobs 2    a file of options of a people command
  sensitivity.py results/celeb/default/seed-0 --answers results/infer_traits/people
  sensitivity.py my_run.yaml --seeds 1-5 --halves 6 --resume    more variants; what is there is not done again

Writes sensitivity.csv, sensitivity.md, variants.csv and the figure to results/sensitivity/NAME.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from personax.runs.bounds import Between, FilePath, Level, RunName
from personax.runs.command_line import run_command
from personax.runs.options import may_change, where_or_how
from personax.runs.workers import Workers


@dataclass(frozen=True)
class SensitivityConfig(Workers):
    """Which run is varied, and how."""

    run: list[FilePath] = field(default_factory=list)
    """A run folder of athletes or celebrities (finished or not), or a YAML file with the options of a run."""
    seeds: str = may_change("1,2")
    """Other seeds of split and model on the same people, as 1,2 or 1-5, or none. May grow when the command is
    continued, as may halves, compressions, conditions and obfuscated."""
    halves: Annotated[int, Between(0, 1000)] = may_change(2)
    """Number of halves: the people are cut in two at random, 1 and 2 are the two parts of the first cut, 3
    and 4 those of the next one, and so on."""
    compressions: str = may_change("0.5,1.5")
    """Keep so many times the coordinates that the compression of the embeddings would choose, or none."""
    conditions: str = may_change("10")
    """Obfuscated embeddings: a rotation, and general maps with these condition numbers; none: only the
    rotation."""
    obfuscated: bool = may_change(True)
    """Run variants with obfuscated embeddings."""
    answers: FilePath | None = None
    """Scores from other prompts and repeats for Level I: a folder of infer_traits, or a table with several
    rows for each person (columns id, traits, model, format, repeat)."""
    tests: str = "kci"
    """Tests of Level I, as in run_independence_tests.py: default, paper, all, or names with commas."""
    alpha: Level = 0.05
    """Level of the decisions of Level I, in (0, 1)."""
    correction: Literal["none", "fdr_bh", "holm"] = "fdr_bh"
    """Correction for multiplicity within each test of Level I."""
    resamples: Annotated[int, Between(1, 1e7)] = 1999
    """Largest number of random orders of the rows for the p-values that need them."""
    name: RunName | None = where_or_how(None)
    """Name of the results; they go to results/sensitivity/NAME. Default: from the run."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of the results."""
    resume: bool = where_or_how(False)
    """Continue: variants that are finished are read."""
    overwrite: bool = where_or_how(False)
    """Replace an existing folder of results."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        SensitivityConfig,
        "personax.experiments.sensitivity.command:run_sensitivity",
        argv,
        description=__doc__ or "",
        positional=("run", "a run folder of people, or a YAML file with the options of a run"),
        usual="seeds halves compressions obfuscated answers tests alpha jobs output resume overwrite",
    )
