"""Verdicts need significance and an effect, and several verdicts are combined."""

import numpy as np
import pytest

from personax.experiments.diagnostics.dependence import dependence
from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Verdict,
    all_hold,
    holm,
    judge,
    worst,
)


@pytest.mark.parametrize(
    ("correlation", "n", "verdict"),
    [
        (0.0, 500, HOLDS),
        (0.06, 20000, HOLDS),  # significant, but negligible
        (0.2, 2000, DOUBTFUL),
        (0.6, 500, VIOLATED),
        (0.0, 12, UNKNOWN),  # any effect is reached by chance
    ],
)
def test_a_verdict_needs_significance_and_an_effect(correlation: float, n: int, verdict: Verdict) -> None:
    rng = np.random.default_rng(6)
    x, noise = rng.standard_normal((n, 1)), rng.standard_normal((n, 1))
    found = dependence("x, y", x, correlation * x + np.sqrt(1 - correlation**2) * noise, rng)
    assert found is not None
    judged = judge(holm([found]), 0.05)
    assert judged is not None
    assert judged.verdict == verdict


def test_without_tests_there_is_no_verdict() -> None:
    assert judge([], 0.05) is None


@pytest.mark.parametrize(
    ("several", "taken_together"),
    [([], UNKNOWN), ([HOLDS, UNKNOWN, DOUBTFUL], DOUBTFUL), ([UNKNOWN, HOLDS], HOLDS)],
)
def test_the_worst_verdict_counts(several: list[Verdict], taken_together: Verdict) -> None:
    assert worst(several) == taken_together


def test_what_cannot_be_told_keeps_all_from_holding() -> None:
    assert all_hold([HOLDS, UNKNOWN]) == UNKNOWN
    assert all_hold([VIOLATED, UNKNOWN]) == VIOLATED
    assert all_hold([HOLDS, HOLDS]) == HOLDS
