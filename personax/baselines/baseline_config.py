"""The options that all baselines have."""

from dataclasses import dataclass, field

from personax.learning.checks import require_least, require_positive
from personax.learning.optimisation import OptimisationConfig


@dataclass(frozen=True)
class BaselineConfig:
    """The options that all baselines have. The defaults are those of our own model."""

    latents: dict[str, int] = field(default_factory=dict)
    """Number of latents per modality, such as {digit: 2, garment: 2}."""
    noise: int = 4
    """Dimensions of eta, the noise of a single measurement. The decoder gets the latents and eta."""
    hidden: int = 128
    """Width of the networks' hidden layers."""
    observation_sd: float = 0.1
    """Standard deviation of the measurements around the output of the decoder: of pixels in [0, 1], or of
    standardised embeddings, whose mean variance is 1 (standardisation.py)."""
    training: OptimisationConfig = field(default_factory=OptimisationConfig)
    """Epochs, batches and learning rate; the training loop is the same as for our model."""


def check_baseline(config: BaselineConfig) -> None:
    """Raise InputError for values with which no training is possible."""
    training = config.training
    require_least(
        {
            "noise": (config.noise, 0),
            "hidden": (config.hidden, 1),
            "training.epochs": (training.epochs, 1),
            "training.batch_size": (training.batch_size, 2),
            "training.patience": (training.patience, 1),
        }
    )
    require_positive(
        {"observation_sd": config.observation_sd, "training.learning_rate": training.learning_rate}
    )
