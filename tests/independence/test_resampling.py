"""p-values by resampling."""

from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from personax.independence.resampling import generator_of, resampling_log_p
from personax.runs.errors import InputError


def test_resampling_stops_early_and_stays_exact() -> None:
    """Under the null P(p <= a) <= a for the sequential p, and it is close to a."""
    rng = np.random.default_rng(1)
    uniform = rng.random(4000)  # true p-value of each of 4,000 null statistics
    drawn = []

    def blocks(p: float) -> Iterator[np.ndarray]:
        for size in (200, 400, 399):
            drawn.append(size)
            yield rng.random(size) < p

    estimates = np.exp([resampling_log_p(blocks(p), 999).log_p for p in uniform])
    for level in (0.01, 0.05, 0.2, 0.5):
        low, high = (float(stats.binom.ppf(p, 4000, level)) for p in (1e-4, 1 - 1e-4))
        assert low <= np.sum(estimates <= level) <= high
    assert sum(drawn) < 4000 * 500
    assert np.exp(resampling_log_p([np.zeros(999, dtype=bool)], 999).log_p) == pytest.approx(1e-3)
    assert np.exp(resampling_log_p([np.ones(999, dtype=bool)], 999).log_p) == 1.0


def test_without_any_exceedance_drawing_goes_on_and_stays_exact() -> None:
    """With 19 resamples, then 190: P(p <= a) <= a below the floor 1/20 too; other p-values are the same."""
    rng = np.random.default_rng(2)
    uniform = rng.random(6000)
    exceeds = rng.random((len(uniform), 190)) < uniform[:, None]
    short = [resampling_log_p([row[:19]], 19) for row in exceeds]
    long = [resampling_log_p([row[:19], row[19:]], 19, longer=10) for row in exceeds]
    for before, after in zip(short, long, strict=True):
        assert after == before or before.is_bound
    pvalues = np.exp([found.log_p for found in long])
    for level in (1 / 191, 0.01, 0.03, 1 / 20, 0.2):
        high = float(stats.binom.ppf(1 - 1e-4, len(uniform), level))
        assert np.sum(pvalues <= level + 1e-12) <= high
    assert np.sum(pvalues < 1 / 20) > 100


def test_a_p_value_is_a_bound_only_if_nothing_was_as_extreme() -> None:
    none, one = np.zeros(40, dtype=bool), np.arange(40) == 39
    assert resampling_log_p([none], 40).is_bound
    assert not resampling_log_p([one], 40).is_bound
    late = resampling_log_p([none, one], 40, longer=2)
    assert not late.is_bound
    assert np.exp(late.log_p) == pytest.approx(2 / 81)


def test_a_seed_is_a_generator_and_anything_else_is_refused() -> None:
    assert generator_of(3).random() == np.random.default_rng(3).random()
    assert generator_of(None).random() == np.random.default_rng(0).random()
    given = np.random.default_rng(5)
    assert generator_of(given) is given
    for wrong in (True, -1):
        with pytest.raises(InputError, match="rng="):
            generator_of(wrong)
