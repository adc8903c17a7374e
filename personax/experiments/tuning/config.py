"""The options of the tuning of the baselines."""

from dataclasses import dataclass

from personax.runs.options import where_or_how
from personax.variant_mnist.scene_config import SceneConfig


@dataclass(frozen=True)
class TuningConfig(SceneConfig):
    """Which methods are tuned, and on which scenes."""

    methods: str | None = None
    """Methods, such as beta_vae,mcl; by default all that have something to tune."""
    n: int = 8000
    epochs: int = 30
    """Largest number of passes over the training rows per trial."""
    data_seed: int | None = 1000
    seed: int = 1000
    """Seed of the models."""
    device: str = where_or_how("auto")
    """auto (a GPU if there is one), cpu or cuda."""
    folder: str | None = where_or_how(None)
    """Folder of the scores of all trials, from which an interrupted command continues. Default:
    results/tuning."""
    output: str | None = where_or_how(None)
    """File of the chosen settings, which is written if all methods are tuned. Default:
    configs/baselines.yaml."""
