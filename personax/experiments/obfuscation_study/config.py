"""Measure what obfuscated embeddings give away, and what obfuscation changes in the results of Level II.

Examples:
  obfuscation_study.py                                       everything, on simulated people
  obfuscation_study.py --latents false                       only the attacks
  obfuscation_study.py --embeddings embeddings.parquet --column Profile_picture --latents false     your own
  obfuscation_study.py --noises 0.5,1,2 --seeds 0-4 --jobs 2
  obfuscation_study.py --seeds 0-9 --resume                  more seeds; what is there is not done again

The options of configs/obfuscation_study.yaml are read first; --config FILE and options override them.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from personax.crl import CRLConfig
from personax.runs.bounds import FAR, Between, FilePath, Positive, Processes, RunName, Seed, Width
from personax.runs.command_line import run_command
from personax.runs.options import may_change, where_or_how
from personax.runs.run_folder import shipped_config
from personax.runs.workers import Workers

LEAST_ATTACKED = 50


@dataclass(frozen=True)
class ObfuscationStudyConfig(Workers):
    """Which ways of obfuscation are attacked, by whom, and what Level II is run with."""

    embeddings: FilePath | None = may_change(None)
    """Attack these vectors (a parquet file of extract_embeddings) in place of those of simulated people.
    Their checksum identifies the study."""
    column: str | None = None
    """Which column of them; default: the first column of vectors."""
    people: Annotated[int, Between(LEAST_ATTACKED, FAR)] = 2000
    """Number of people who are attacked: the first ones of a file, or simulated ones."""
    conditions: str = may_change("10,100")
    """Condition numbers of general maps, separated by commas, or none. A study that is continued may have
    more of them; what is there already is not done again."""
    noises: str = may_change("0.1,0.5,1,2")
    """Noise on top of a rotation, in typical standard deviations of a coordinate, or none. May grow, too."""
    known: str = "1,10,100,1000"
    """How many people the attacker knows. Attacks without known people are always made."""
    repeats: Positive = 3
    """How often the known people are drawn."""
    latents: bool = may_change(True)
    """Run Level II, too: the latents of simulated athletes from obfuscated vectors."""
    seeds: str = may_change("0-2")
    """Seeds of the model of Level II, as 0,1,2 or 0-9. May grow, too."""
    n: Positive | None = None
    """Number of simulated athletes in Level II; default: the published number."""
    image_dim: Width = 1024
    """Length of simulated image embeddings."""
    text_dim: Width = 1024
    """Length of simulated text embeddings. (gte-Qwen2 has 3,584; the attacks take the images.)"""
    seed: Seed = 0
    """Seed of the keys, the noise and the known people."""
    data_seed: Seed = 0
    """Seed of simulated people and of their split."""
    jobs: Processes = where_or_how(1)
    """Number of runs of Level II at a time."""
    name: RunName = where_or_how("default")
    """Name of the study; results go to results/obfuscation_study/NAME."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of results."""
    resume: bool = where_or_how(False)
    """Continue an interrupted study."""
    overwrite: bool = where_or_how(False)
    """Replace an existing folder of results."""
    model: CRLConfig = field(default_factory=CRLConfig.embeddings)
    """The model of Level II."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command on top of its own configuration, and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    return run_command(
        ObfuscationStudyConfig,
        "personax.experiments.obfuscation_study.command:run_study",
        ["--config", str(shipped_config("obfuscation_study.yaml")), *words],
        description=__doc__ or "",
        usual="config embeddings column people conditions noises known latents seeds jobs output resume",
    )
