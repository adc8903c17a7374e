"""Checks of the noises eps and eta, and of Proposition 2, which relates eta to the observed measurements.

eps is the exogenous noise of a latent in the causal model, eta the noise of a single measurement.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from personax.experiments.diagnostics.dependence import Dependence, dependence
from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    SEVERITY,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Finding,
    Verdict,
    holm,
    independence_finding,
    judge,
    worst,
)
from personax.experiments.diagnostics.observations import (
    given_recovered,
    given_true,
    observed_pairs,
    pairs_of,
)
from personax.runs.seeds import numpy_rng

# A coordinate of eta is inactive (Burda et al. 2016) if the variance of its posterior mean is below this
# share of its prior's variance: then it has less than -log(1 - 0.05) / 2 = 0.03 nats of information about the
# measurement.
ACTIVE = 0.05
DEPENDENCE_WORDS = {
    HOLDS: "independent",
    DOUBTFUL: "doubtful",
    VIOLATED: "dependent",
    UNKNOWN: "cannot be told",
}


def exogenous_noise(evidence: Evidence) -> Finding:
    """Check that the eps_k are mutually independent, and independent of the parents of z_k (paper §4.1).

    Pairs of single columns are tested by HSIC, distance correlation and KCI; all parents together by HSIC.
    """
    rng = numpy_rng(evidence.seed, "diagnostics/eps")
    eps, names = evidence.test.eps.to_numpy(), list(evidence.test.eps.columns)
    found = [
        dependence(f"{names[i]}, {names[j]}", eps[:, [i]], eps[:, [j]], rng)
        for i, j in combinations(range(len(names)), 2)
    ]
    z = evidence.test.z.to_numpy()
    for k, column in enumerate(evidence.graph.T):
        if column.any():
            parents = np.flatnonzero(column)
            label = f"{names[k]} and its parents"
            found.append(dependence(label, eps[:, [k]], z[:, parents], rng))
    return independence_finding(
        "eps",
        "eps independent of each other and of parents",
        [each for each in found if each],
        evidence.alpha,
        silent="there are fewer than two latents",
    )


def active_noise(evidence: Evidence) -> dict[str, list[Float[np.ndarray, "n _"]]]:
    """Modality -> for each measurement the active coordinates of eta (n, k); k may be 0."""
    return {
        modality: [values[:, variance_of(values) >= ACTIVE] for values in measurements]
        for modality, measurements in evidence.test.eta.items()
    }


def variance_of(values: Shaped[np.ndarray, "n k"]) -> Shaped[np.ndarray, " k"]:
    """Variance of every column over the rows without NaN; 0 if there are no such rows."""
    rows = np.isfinite(values).all(1)
    return values[rows].var(0) if rows.any() else np.zeros(values.shape[1])


def why_untested(evidence: Evidence) -> str:
    """The reason why eta cannot be tested, if fewer than two measurements have an active eta."""
    every = [values for measurements in evidence.test.eta.values() for values in measurements]
    if all(values.shape[1] == 0 for values in every):
        return (
            "the model has no eta: model.noise is 0, or each modality has a single measurement, whose noise "
            "is then part of z"
        )
    largest = max(float(variance_of(values).max(initial=0)) for values in every)
    return (
        "eta is unused, or used by a single measurement: the variance of its posterior means is at most "
        f"{largest:.2f}, the prior's is 1"
    )


def measurement_noise(evidence: Evidence) -> list[Finding]:
    """Check that the eta of different measurements are independent of each other, of z and of eps.

    Paper §4.1; Sun et al. 2025, Prop. 5.2.
    """
    rng = numpy_rng(evidence.seed, "diagnostics/eta")
    eta = active_noise(evidence)
    silent = why_untested(evidence)
    pairs = [each for group in noise_pairs(eta, rng).values() for each in group]
    findings = [
        independence_finding("eta", "eta independent of each other", pairs, evidence.alpha, silent=silent)
    ]
    for key, text, table in (
        ("eta_z", "eta independent of the latents z", evidence.test.z),
        ("eta_eps", "eta independent of eps", evidence.test.eps),
    ):
        found = [
            dependence(f"{modality} {number}", values, table.to_numpy(), rng)
            for modality, measurements in eta.items()
            for number, values in enumerate(measurements, start=1)
        ]
        tested = [each for each in found if each]
        findings.append(independence_finding(key, text, tested, evidence.alpha, silent=silent))
    return findings


def noise_pairs(
    eta: Mapping[str, Sequence[Float[np.ndarray, "n _"]]], rng: np.random.Generator
) -> dict[str, list[Dependence]]:
    """Group of `pairs_of` -> tests of eta against eta."""
    found: dict[str, list[Dependence]] = {}
    for pair in pairs_of({modality: len(measurements) for modality, measurements in eta.items()}):
        a = np.concatenate([eta[pair.first][i] for i in pair.left], 1)
        b = np.concatenate([eta[pair.second][j] for j in pair.right], 1)
        tested = dependence(pair.name, a, b, rng)
        found.setdefault(pair.group, []).extend([tested] if tested else [])
    return found


def proposition_2(evidence: Evidence) -> list[Finding]:
    """Check x_i _||_ x_j | z_m (independence), and that it agrees with eta_i _||_ eta_j.

    The paper's Proposition 2 (Sun et al. 2025, Prop. 5.1) says that the two are equivalent. It is a theorem,
    so if the two sides differ, the recovered z or eta are wrong.
    """
    seen = observed_pairs(evidence, given_recovered(evidence))
    note = ""
    if evidence.test_data.truth is not None:
        by_truth = observed_pairs(evidence, given_true(evidence))
        effects = [each.effect for group in by_truth.values() for each in group]
        note = f"given the true latents: {max(effects, default=0.0):.2f}"
    first = independence_finding(
        "x_given_z",
        "measurements x independent given their z",
        [each for group in seen.values() for each in group],
        evidence.alpha,
        silent="there is a single measurement in all",
        note=note,
    )
    noise = noise_pairs(active_noise(evidence), numpy_rng(evidence.seed, "diagnostics/eta"))
    return [first, agreement_finding(seen, noise, evidence.alpha)]


class Sides(NamedTuple):
    """The verdicts on both sides of Proposition 2."""

    x: Verdict
    eta: Verdict


def agreement_finding(
    seen: Mapping[str, Sequence[Dependence]], noise: Mapping[str, Sequence[Dependence]], alpha: float
) -> Finding:
    """Do both sides of Proposition 2 agree?

    Args:
        seen: group -> tests of x_i against x_j given z.
        noise: group -> tests of eta_i against eta_j.
        alpha: level of the tests.
    """
    corrected = [holm_over_groups(side) for side in (seen, noise)]
    sides: dict[str, Sides] = {}
    for group in seen:
        x, eta = (judge(side.get(group, []), alpha) for side in corrected)
        sides[group] = Sides(x.verdict if x else UNKNOWN, eta.verdict if eta else UNKNOWN)
    verdicts = {group: same_verdict(*both) for group, both in sides.items()}
    return Finding(
        "proposition_2",
        "Proposition 2, x given z and eta agree",
        worst(list(verdicts.values())),
        "; ".join(
            f"{group}: x {DEPENDENCE_WORDS[x]}, eta {DEPENDENCE_WORDS[eta]}"
            for group, (x, eta) in sides.items()
        ),
        "both sides are independent, or both dependent",
        details={
            group: {"x_given_z": both.x, "eta": both.eta, "verdict": verdicts[group]}
            for group, both in sides.items()
        },
    )


def holm_over_groups(groups: Mapping[str, Sequence[Dependence]]) -> dict[str, list[Dependence]]:
    """The same tests with p-values that are Holm-corrected over all groups."""
    tests = iter(holm([each for group in groups.values() for each in group]))
    return {group: [next(tests) for _ in members] for group, members in groups.items()}


def same_verdict(x: Verdict, eta: Verdict) -> Verdict:
    """Whether two verdicts on independence are equal (holds), neighbours (doubtful) or opposite (violated).

    >>> same_verdict("violated", "violated"), same_verdict("holds", "violated")
    ('holds', 'violated')
    """
    if UNKNOWN in (x, eta):
        return UNKNOWN
    return (HOLDS, DOUBTFUL, VIOLATED)[abs(SEVERITY.index(x) - SEVERITY.index(eta))]
