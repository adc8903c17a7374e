"""The options of the diagnostics."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class DiagnoseConfig:
    """The run that is checked, and how it is checked."""

    folder: list[str] = field(default_factory=list)
    """A finished run folder of Variant-MNIST, athletes, celebrities or your own arrays."""
    rows: int = 2000
    """Largest number of test rows that are used; all of them if there are fewer."""
    alpha: float = 0.05
    """Level of the tests, in (0, 1); p-values are Holm-corrected within each assumption."""
    seed: int = 0
    """Seed of shuffles, random features and rotations."""
    data_dir: str | None = None
    """Folder where the pictures of Variant-MNIST are now, if they have moved since the run."""
    device: str = "auto"
    """Device of the encoders: auto (a GPU if there is one), cpu or cuda."""
