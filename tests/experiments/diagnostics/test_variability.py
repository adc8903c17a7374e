"""Checks of variability, on models whose blocks depend on each other more or less."""

from dataclasses import replace

import numpy as np
import pytest
from perfect_model import NAMES, evidence
from scipy.stats import binom

from personax.experiments.diagnostics.findings import HOLDS, UNKNOWN, VIOLATED
from personax.experiments.diagnostics.variability import (
    predicted_shares,
    resamples_for,
    sufficient_variability,
)


@pytest.mark.parametrize(
    ("links", "verdict", "silent"),
    [("both", HOLDS, []), ("one", VIOLATED, ["z12", "z22"]), ("none", VIOLATED, NAMES)],
)
def test_latents_that_reach_no_other_block_are_named(links: str, verdict: str, silent: list[str]) -> None:
    _, reach = sufficient_variability(evidence(links=links))
    assert reach.verdict == verdict
    assert reach.details["not_reaching"] == silent


@pytest.mark.parametrize(("links", "verdict"), [("both", HOLDS), ("none", VIOLATED)])
def test_blocks_that_change_each_other_hold(links: str, verdict: str) -> None:
    changes, _ = sufficient_variability(evidence(links=links))
    assert changes.verdict == verdict


def test_a_single_block_tells_nothing() -> None:
    alone = replace(evidence(), blocks={"a": NAMES})
    assert {finding.verdict for finding in sufficient_variability(alone)} == {UNKNOWN}


def test_shares_of_directions_and_their_chance() -> None:
    """The level for the weakest direction, if the first direction is really predicted."""
    rng, trials, exceeded = np.random.default_rng(8), 100, 0
    for _ in range(trials):
        signal, noise = rng.standard_normal((200, 1)), rng.standard_normal((200, 2))
        actual = np.column_stack([signal[:, 0] + noise[:, 0], noise[:, 1]])
        found = predicted_shares(actual, np.column_stack([signal, rng.standard_normal(200)]), rng)
        assert found.shares[0] > found.chance[0]
        exceeded += bool(found.shares[1] > found.chance[1])
    assert exceeded <= binom.ppf(0.9995, trials, 0.05)


def test_resamples_suffice_for_the_first_step_of_holm() -> None:
    assert 1 / (resamples_for(40, 0.05) + 1) < 0.05 / 40
