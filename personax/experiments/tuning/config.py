"""The options of the tuning of the baselines."""

from dataclasses import dataclass
from typing import Annotated

from personax.runs.bounds import FAR, Between, FilePath, Positive, Seed
from personax.runs.options import where_or_how
from personax.variant_mnist.scene_config import SceneConfig


@dataclass(frozen=True)
class TuningConfig(SceneConfig):
    """Which methods are tuned, and on which scenes."""

    methods: str | None = None
    """Methods, such as beta_vae,mcl; by default all that have something to tune."""
    n: Annotated[int, Between(200, FAR)] = 8000
    epochs: Positive = 30
    """Largest number of passes over the training rows per trial."""
    data_seed: Seed | None = 1000
    seed: Seed = 1000
    """Seed of the models."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    folder: FilePath = where_or_how("results/tuning")
    """Folder of the scores of all trials, from which an interrupted command continues."""
    output: FilePath = where_or_how("configs/baselines.yaml")
    """File of the chosen settings, which is written if all methods are tuned."""
