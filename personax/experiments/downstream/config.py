"""How well recovered latents predict held-out traits and features, beside raw embeddings and other methods.

The people are cut into folds. For each fold every method learns from the other people alone: the compression
of the embeddings, the latents, and the linear map from them to each trait and feature (ridge, or logistic
regression for labels). The people of the fold are only used to score it. All methods have the same folds.

Examples:
  downstream.py results/athlete/default/seed-0                  the data and the model of this run
  downstream.py configs/sensitivity_quick.yaml --jobs 2     a file of options of a people command
  downstream.py my_run.yaml --methods beta_vae,my.module:Method --resume

Writes downstream.csv, downstream.md and the figure to results/downstream/NAME.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from personax.runs.bounds import Between, FilePath, Positive, RunName, Seed
from personax.runs.command_line import run_command
from personax.runs.options import may_change, where_or_how
from personax.runs.workers import Workers


@dataclass(frozen=True)
class DownstreamConfig(Workers):
    """Whose latents are compared, and on which people."""

    run: list[FilePath] = field(default_factory=list)
    """A run folder of athletes or celebrities (finished or not), or a YAML file with the options of a run."""
    methods: str = may_change("mmcrl,mcl,beta_vae,causal_vae,autoencoder")
    """Baselines beside our model, the raw embeddings and the principal components of the compressed ones;
    also classes of yours with fit and transform, as package.module:Class; or none. May grow with --resume."""
    folds: Annotated[int, Between(2, 100)] = 5
    """Number of folds."""
    epochs: Positive = 100
    """Largest number of epochs of each baseline; it stops early when validation people say so. Our model has
    the epochs of the run."""
    seed: Seed = 0
    """Seed of the folds and of all models."""
    name: RunName | None = where_or_how(None)
    """Name of the results; they go to results/downstream/NAME. Default: from the run."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    output: FilePath | None = where_or_how(None)
    """Folder of the results."""
    resume: bool = where_or_how(False)
    """Continue: folds that are finished are read."""
    overwrite: bool = where_or_how(False)
    """Replace an existing folder of results."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        DownstreamConfig,
        "personax.experiments.downstream.command:run_downstream",
        argv,
        description=__doc__ or "",
        positional=("run", "a run folder of people, or a YAML file with the options of a run"),
        usual="methods folds epochs seed jobs device output resume overwrite",
    )
