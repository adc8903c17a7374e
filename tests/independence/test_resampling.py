"""p-values by resampling."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from personax.independence.resampling import resampling_log_p


def test_resampling_stops_early_and_stays_exact() -> None:
    """Under the null P(p <= a) <= a for the sequential p, and it is close to a."""
    rng = np.random.default_rng(1)
    uniform = rng.random(4000)  # true p-value of each of 4,000 null statistics
    drawn = []

    def blocks(p: float) -> Iterator[np.ndarray]:
        for size in (200, 400, 399):
            drawn.append(size)
            yield rng.random(size) < p

    estimates = np.exp([resampling_log_p(blocks(p), 999) for p in uniform])
    for level in (0.01, 0.05, 0.2, 0.5):
        low, high = (float(stats.binom.ppf(p, 4000, level)) for p in (1e-4, 1 - 1e-4))
        assert low <= np.sum(estimates <= level) <= high
    assert sum(drawn) < 4000 * 500
    assert np.exp(resampling_log_p([np.zeros(999, dtype=bool)], 999)) == pytest.approx(1e-3)
    assert np.exp(resampling_log_p([np.ones(999, dtype=bool)], 999)) == 1.0
