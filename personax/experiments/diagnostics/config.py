"""The options of the diagnostics."""

from dataclasses import dataclass, field
from typing import Annotated

from personax.runs.bounds import FAR, Between, FilePath, Level, Seed

LEAST_ROWS = 20  # least number of test rows for the checks


@dataclass(frozen=True)
class DiagnoseConfig:
    """The run that is checked, and how it is checked."""

    folder: list[FilePath] = field(default_factory=list)
    """A finished run folder of Variant-MNIST, athletes or celebrities."""
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
