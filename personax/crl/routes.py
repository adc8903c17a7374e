"""The ways in which latents are read from measurements, and which of them a model takes.

A model has one route. It is chosen here from the shapes of the measurements and the configuration; only
whether style takes the place of latents is seen in the training rows (styled_pictures.py).
"""

from collections.abc import Mapping, Sequence
from enum import Enum, auto

from personax.crl.closed_form import has_closed_form
from personax.crl.model_config import CRLConfig


class LatentRoute(Enum):
    """One way from measurements to latents and their graph."""

    ALIGNED = auto()
    """Phase 1 learns encoders by alignment, phase 2 searches coordinates and graph."""
    STYLED = auto()
    """Encoders of pictures of one style are found before phase 1 (styled_pictures.py); then as above."""
    CLOSED_FORM = auto()
    """Latents and graph of compressed embeddings are computed before phase 1 (closed_form.py)."""
    PAIRED = auto()
    """Paired codes of vectors that are measured once, without noise, are the latents (paired_codes.py)."""
    GUIDED = auto()
    """As ALIGNED, but phase 2 begins at paired codes of vectors that are measured once and have noise."""

    @property
    def has_pairs(self) -> bool:
        """Whether it uses what the modalities tell of each other, latent by latent."""
        return self in (LatentRoute.PAIRED, LatentRoute.GUIDED)

    @property
    def trains_encoders(self) -> bool:
        """Whether encoders are learned in phase 1, and not before it."""
        return self in (LatentRoute.ALIGNED, LatentRoute.GUIDED)


def route_of(shapes: Mapping[str, Sequence[Sequence[int]]], config: CRLConfig) -> LatentRoute:
    """The route for these measurements, before training rows say that it is STYLED.

    Args:
        shapes: modality -> shape of each of its measurements.
        config: the configuration, with the nuisance of modalities that are seen once filled in.
    """
    widths = {modality: config.width(modality) for modality in shapes}
    linear = config.flexible and config.noise == 0 and config.compress
    if linear and has_closed_form(shapes, config.shared, widths):
        return LatentRoute.CLOSED_FORM
    once = all(len(of_m) == 1 and len(of_m[0]) == 1 for of_m in shapes.values())
    several = len(shapes) > 1 and config.shared == 0
    if not (config.linked and once and several):
        return LatentRoute.ALIGNED
    return LatentRoute.GUIDED if config.noise or any(config.nuisance.values()) else LatentRoute.PAIRED
