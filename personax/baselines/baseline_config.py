"""The options that all baselines have."""

from dataclasses import dataclass, field
from typing import Annotated

from personax.learning.optimisation import OptimisationConfig
from personax.runs.bounds import Between, Dimensions, Spread, Width


@dataclass(frozen=True)
class BaselineConfig:
    """The options that all baselines have. The defaults are those of our own model."""

    latents: dict[str, Annotated[int, Between(1, 10_000)]] = field(default_factory=dict)
    """Number of latents per modality, such as {digit: 2, garment: 2}."""
    noise: Dimensions = 4
    """Dimensions of eta, the noise of a single measurement. The decoder gets the latents and eta."""
    hidden: Width = 128
    """Width of the networks' hidden layers."""
    observation_sd: Spread = 0.1
    """Standard deviation of the measurements around the output of the decoder: of pixels in [0, 1], or of
    standardised embeddings, whose mean variance is 1 (standardisation.py)."""
    training: OptimisationConfig = field(default_factory=OptimisationConfig)
    """Epochs, batches and learning rate; the training loop is the same as for our model."""
