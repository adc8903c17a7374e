"""Recover the latents of Variant-MNIST and their causal graph, and score them against the truth.

Examples:
  run_mnist_3measurement.py --seed 3
  run_mnist_3measurement.py --config configs/mnist.yaml --seeds 0-9 --jobs 2
  run_mnist_3measurement.py --config configs/mnist_paper.yaml
  run_mnist_3measurement.py --dataset FOLDER    a folder with color.csv, fashion.csv and their pictures
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from personax.crl import CRLConfig
from personax.experiments.run_options import OURS, RunOptions
from personax.runs.bounds import FilePath, Natural, RunName, Seed
from personax.runs.command_line import run_command
from personax.runs.options import where_or_how
from personax.variant_mnist.scene_config import SceneConfig


@dataclass(frozen=True)
class MnistConfig(RunOptions, SceneConfig):
    """Variant-MNIST: the scenes, and the method that is fitted to them."""

    name: RunName = "mnist"
    """Name of the experiment; results go to results/mnist/NAME/seed-K."""
    seed: Seed = 0
    """Seed of the model: initial weights, batches and starts. It is also the seed of the data, unless
    data_seed is given."""
    together: bool = where_or_how(False)
    """With --seeds: train all unfinished seeds in one batched pass, which is fast on a GPU. Each seed has the
    same result as alone, except for rounding, which the search for the graph can amplify. No checkpoints are
    written."""
    export: FilePath | None = where_or_how(None)
    """First write the scenes to this folder in the official layout (with --seeds: to seed-K in it)."""
    ceiling_epochs: Natural = 12
    """Epochs of the supervised ceiling: encoders that are given the true latents show what is possible at
    best; 0: do not train them."""
    method: str = OURS
    """Our method, or a baseline: autoencoder, beta_vae, causal_vae, causal_vae_supervised, mcl, mmcrl,
    official, official_published. Or a class of yours with fit and transform, as package.module:Class; its
    code is run (docs/tutorials/own_method.md)."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Settings of a baseline, such as {beta: 4.0}; they override the tuned ones in configs/baselines.yaml.
    Those of a class of yours are its keyword arguments."""
    latents: Literal["given", "auto"] = "given"
    """The numbers of latents of our model. given: those of model.latents, or the true ones if it has none.
    auto: found from the pictures, which takes about as long as phase 1 once more."""
    model: CRLConfig = field(default_factory=CRLConfig)
    """Our model and its training."""


def run_on(scenes: SceneConfig, **options: Any) -> MnistConfig:
    """A run on the scenes of another command's configuration; `options` are the other fields of the run."""
    chosen = {option.name: getattr(scenes, option.name) for option in fields(SceneConfig)}
    return MnistConfig(**chosen, **options)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(
        MnistConfig,
        "personax.experiments.mnist.command:run_mnist",
        argv,
        description=__doc__ or "",
        usual="config seed seeds jobs n scm measurements method device output resume overwrite",
    )
