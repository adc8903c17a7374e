"""Check each assumption of a trained model on the test rows of its run folder, and say what that means.

Examples:
  diagnose.py results/mnist/mnist/seed-0
  diagnose.py results/mnist/mnist/seed-0 --rows 500 --alpha 0.01
  diagnose.py results/athlete/default/seed-0
  diagnose.py results/own_data/example/seed-0
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from personax.runs.bounds import FAR, Between, FilePath, Level, Seed
from personax.runs.command_line import run_command

LEAST_ROWS = 20  # least number of test rows for the checks


@dataclass(frozen=True)
class DiagnoseConfig:
    """The run that is checked, and how it is checked."""

    folder: list[FilePath] = field(default_factory=list)
    """A finished run folder of Variant-MNIST, athletes, celebrities or your own arrays."""
    rows: Annotated[int, Between(LEAST_ROWS, FAR)] = 2000
    """Largest number of test rows that are used; all of them if there are fewer."""
    alpha: Level = 0.05
    """Level of the tests, in (0, 1); p-values are Holm-corrected within each assumption."""
    seed: Seed = 0
    """Seed of shuffles, random features and rotations."""
    data_dir: FilePath | None = None
    """Folder where the pictures of Variant-MNIST are now, if they have moved since the run."""
    device: str = "auto"
    """Device of the encoders: auto (a GPU if there is one), cpu or cuda."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        DiagnoseConfig,
        "personax.experiments.diagnostics.command:run_diagnosis",
        argv,
        description=__doc__ or "",
        positional=("folder", "a finished run folder"),
        usual="rows alpha seed data_dir device",
    )
