"""Checks of eps, eta and Proposition 2 on models with and without the flaw that each check should find."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from perfect_model import NAMES, TRAIN, evidence, verdicts
from scipy.stats import binom

from personax.crl.estimator import Encoding
from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Verdict,
    holm,
    judge,
)
from personax.experiments.diagnostics.noises import (
    exogenous_noise,
    measurement_noise,
    proposition_2,
    same_verdict,
)
from personax.experiments.diagnostics.observations import given_recovered, observed_pairs
from personax.views import MultiViewData


def with_eps(eps: pd.DataFrame) -> Evidence:
    """A perfect model that reports these exogenous noises."""
    good = evidence()
    return replace(good, test=replace(good.test, eps=eps))


def with_eta(eta: dict[str, list[np.ndarray]]) -> Evidence:
    """A perfect model that reports these noises of measurements."""
    good = evidence(seed=1)
    return replace(good, test=replace(good.test, eta=eta))


def test_independent_eps_hold() -> None:
    assert exogenous_noise(evidence()).verdict == HOLDS


def test_eps_that_are_dependent_but_uncorrelated_are_seen() -> None:
    eps = evidence().test.eps
    finding = exogenous_noise(with_eps(eps.assign(z22=eps["z12"] ** 2 + 0.5 * eps["z22"])))
    assert finding.verdict == VIOLATED
    assert "z12, z22" in finding.measured


def test_eps_that_depends_on_a_parent_is_seen() -> None:
    """As if the edge z11 -> z12 explained nothing."""
    good = evidence()
    finding = exogenous_noise(with_eps(good.test.eps.assign(z12=good.test.z["z12"])))
    assert finding.verdict == VIOLATED
    assert "z12" in finding.measured


@pytest.mark.slow
def test_false_alarms_on_independent_eps_are_as_rare_as_the_level_says() -> None:
    base, rng, alarms = evidence(), np.random.default_rng(7), 0
    for seed in range(15):
        eps = pd.DataFrame(rng.standard_normal((60, 4)), columns=NAMES)
        z = pd.DataFrame(rng.standard_normal((60, 4)), columns=NAMES)
        found = exogenous_noise(replace(base, test=replace(base.test, eps=eps, z=z), seed=seed))
        alarms += found.verdict in (DOUBTFUL, VIOLATED)
    assert alarms <= binom.ppf(0.9995, 15, 0.05)


@pytest.mark.parametrize(
    ("style", "claimed", "seen", "noise", "proposition"),
    [
        ("own", "own", HOLDS, HOLDS, HOLDS),
        ("shared", "shared", VIOLATED, VIOLATED, HOLDS),  # both sides dependent, as the proposition says
        ("shared", "own", VIOLATED, HOLDS, VIOLATED),  # the reported eta is not that of the data
    ],
)
def test_proposition_2(style: str, claimed: str, seen: str, noise: str, proposition: str) -> None:
    model = evidence(seed=1, style=style, claimed=claimed)
    found = verdicts([*measurement_noise(model), *proposition_2(model)])
    assert found["x_given_z"] == seen
    assert found["eta"] == noise
    assert found["proposition_2"] == proposition
    assert found["eta_z"] == found["eta_eps"] == HOLDS


@pytest.mark.parametrize(
    ("x", "eta", "verdict"),
    [(UNKNOWN, VIOLATED, UNKNOWN), (DOUBTFUL, VIOLATED, DOUBTFUL), (HOLDS, HOLDS, HOLDS)],
)
def test_verdicts_agree_if_they_are_equal(x: Verdict, eta: Verdict, verdict: Verdict) -> None:
    assert same_verdict(x, eta) == verdict


def test_that_z_is_inferred_from_the_measurements_is_allowed_for() -> None:
    """x_i = z + noise, and z is inferred as the mean: given it, errors correlate by -1/2."""
    rng = np.random.default_rng(9)
    z = rng.standard_normal((TRAIN + 200, 2))
    measurements = [(z + 0.5 * rng.standard_normal(z.shape)).astype(np.float32) for _ in range(3)]
    data = MultiViewData({"a": measurements}, np.arange(len(z)))

    def encode(people: MultiViewData) -> Encoding:
        mean = np.mean(people.measurements["a"], axis=0)
        table = pd.DataFrame(mean, columns=NAMES[:2])
        return Encoding(table, table, {"a": mean}, {}, {})

    train, test = data.rows(np.arange(TRAIN)), data.rows(np.arange(TRAIN, len(z)))
    model = replace(
        evidence(),
        train=encode(train),
        test=encode(test),
        train_data=train,
        test_data=test,
        encode=encode,
    )
    unaware = replace(model, encode=None)
    aware_judged, naive = (
        judge(holm(observed_pairs(each, given_recovered(each))["a"]), 0.05) for each in (model, unaware)
    )
    assert aware_judged is not None
    assert naive is not None
    assert aware_judged.verdict == HOLDS
    assert naive.verdict == VIOLATED


def test_eta_that_carries_z_is_seen() -> None:
    good = evidence(seed=1)
    z = good.test.z[["z11"]].to_numpy()
    leaking = {"a": [good.test.eta["a"][0] + z, good.test.eta["a"][1]], "b": list(good.test.eta["b"])}
    found = verdicts(measurement_noise(with_eta(leaking)))
    assert found["eta_z"] == found["eta_eps"] == VIOLATED
    assert found["eta"] == HOLDS


@pytest.mark.parametrize("size", [0.1, 0.0])
def test_unused_eta_cannot_be_told(size: float) -> None:
    eta = {m: [size * values for values in members] for m, members in evidence(seed=1).test.eta.items()}
    findings = measurement_noise(with_eta(eta))
    assert {finding.verdict for finding in findings} == {UNKNOWN}
    assert "unused" in findings[0].measured


def test_a_model_without_eta_says_so() -> None:
    none = {m: [values[:, :0] for values in members] for m, members in evidence(seed=1).test.eta.items()}
    assert "no eta" in measurement_noise(with_eta(none))[0].measured
