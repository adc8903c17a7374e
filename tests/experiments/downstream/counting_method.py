"""A method of other people whose latents say what it was given."""

from collections.abc import Mapping

import numpy as np

from personax.views import MultiViewData, Split


class CountingMethod:
    """Its latents are noise, as many as it was asked for; it stops if it is given the truth."""

    def __init__(self, latents: Mapping[str, int], seed: int = 0) -> None:
        self.size, self.seed = sum(latents.values()), seed

    def fit(self, data: MultiViewData, split: Split) -> None:
        """Learn nothing."""
        assert data.truth is None
        assert len(split.test)

    def transform(self, data: MultiViewData) -> np.ndarray:
        """Noise."""
        return np.random.default_rng(self.seed).standard_normal((len(data), self.size))
