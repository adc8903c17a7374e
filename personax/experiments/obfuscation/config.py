"""Obfuscate embeddings with an invertible map that is drawn from a secret key, or restore them with the key.

Examples:
  obfuscate.py embeddings.parquet --key ~/keys/release.json --output release/embeddings.parquet
  obfuscate.py embeddings.parquet --key ~/keys/b.json --method general --condition 10 --output b.parquet
  obfuscate.py embeddings.parquet --key ~/keys/c.json --noise 0.5 --output c.parquet
  obfuscate.py release/embeddings.parquet --key ~/keys/release.json --inverse --output plain.parquet

A key that does not exist yet is made. Who has plain vectors of the same people finds them without the key:
read docs/embeddings.md, and run obfuscation_study.py, before you release anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from personax.runs.bounds import Between, FilePath, Seed
from personax.runs.command_line import run_command

MOST_CONDITION = 1e4  # beyond it, float32 keeps too few digits of what is least stretched
Noise = Annotated[float, Between(0, 100)]
ConditionNumber = Annotated[float, Between(1, MOST_CONDITION)]


@dataclass(frozen=True)
class ObfuscationConfig:
    """What is obfuscated, with which key and which map."""

    source: list[FilePath] = field(default_factory=list)
    """A parquet file with a column ID and columns of vectors, as extract_embeddings writes it."""
    key: FilePath = ""
    """The file of the key. It is made if it does not exist. It may not lie in the folder of the output."""
    output: FilePath = ""
    """The parquet file that is written."""
    inverse: bool = False
    """Restore the plain vectors."""
    method: Literal["orthogonal", "general"] | None = None
    """Map of a new key. orthogonal (the default): a rotation, which keeps all distances. general: it
    stretches them, too."""
    condition: ConditionNumber | None = None
    """Condition number of a general map: its largest stretch divided by its smallest. Default: 10."""
    noise: Noise | None = None
    """Noise that is added and not kept, in typical standard deviations of a coordinate. Default: 0. It
    stays in what is restored."""
    seed: Seed | None = None
    """Make a new key and the noise from this number, for studies only: a number can be guessed."""
    keep: str | None = None
    """Columns that are copied as they are, separated by commas. Default: none, identifiers only."""
    overwrite: bool = False
    """Replace an existing output."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        ObfuscationConfig,
        "personax.experiments.obfuscation.command:run_obfuscation",
        argv,
        description=__doc__ or "",
        positional=("source", "a parquet file of vectors"),
        usual="key output inverse method condition noise seed keep overwrite",
    )
