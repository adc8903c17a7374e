"""Tune every baseline with the same number of trials, without the truth; write configs/baselines.yaml.

Examples:
  tune_baselines.py
  tune_baselines.py --methods beta_vae,mcl    print the scores of these methods, write no settings
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from personax.runs.bounds import FAR, Between, FilePath, Positive, Processes, Seed
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how
from personax.runs.workers import Workers
from personax.variant_mnist.scene_config import SceneConfig


@dataclass(frozen=True)
class TuningConfig(SceneConfig, Workers):
    """The methods that are tuned, and the scenes for it."""

    methods: str | None = None
    """Methods, such as beta_vae,mcl; by default all methods with more than one trial."""
    n: Annotated[int, Between(200, FAR)] = 8000
    """Number of scenes: 80 % for training, 10 % for validation, 10 % for the test."""
    epochs: Positive = 30
    """Largest number of passes over the training rows per trial."""
    data_seed: Seed | None = 1000
    """Seed of the scenes and of their split; no reported result may use the same scenes."""
    seed: Seed = 1000
    """Seed of the models."""
    jobs: Processes = where_or_how(1)
    """Number of methods that are tuned at a time, each in its own process; -1: one per core."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    folder: FilePath | None = where_or_how(None)
    """Folder of the scores of all trials; an interrupted command continues from there. Default:
    results/tuning."""
    output: FilePath | None = where_or_how(None)
    """File for the chosen settings; it is written only if all methods are tuned. Default:
    configs/baselines.yaml."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        TuningConfig,
        "personax.experiments.tuning.command:run_tuning",
        argv,
        description=__doc__ or "",
        usual="config methods n epochs jobs device folder output",
    )
