"""The options of the tuning of the baselines."""

from dataclasses import dataclass
from typing import Annotated

from personax.runs.bounds import FAR, Between, FilePath, Positive, Seed
from personax.runs.options import where_or_how
from personax.variant_mnist.scene_config import SceneConfig


@dataclass(frozen=True)
class TuningConfig(SceneConfig):
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
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    folder: FilePath = where_or_how("results/tuning")
    """Folder of the scores of all trials; an interrupted command continues from there."""
    output: FilePath = where_or_how("configs/baselines.yaml")
    """File for the chosen settings; it is written only if all methods are tuned."""
