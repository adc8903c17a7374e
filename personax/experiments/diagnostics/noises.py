"""Checks of the noises: eps, eta, and Proposition 2, which ties eta to what can be seen."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from personax.experiments.diagnostics.dependence import Dependence, dependence
from personax.experiments.diagnostics.findings import (
    DOUBTFUL,
    HOLDS,
    ORDER,
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
    observed_pairs,
    pair_name,
    pairs_of,
    recovered,
    true,
)
from personax.runs.seeds import numpy_rng

# A coordinate of eta whose posterior mean varies by less than this share of its prior says less than
# -log(1 - 0.05) / 2 = 0.03 nats of the measurement (Burda et al. 2016 call it inactive).
ACTIVE = 0.05


def exogenous_noise(evidence: Evidence) -> Finding:
    """eps_k mutually independent, and independent of the parents of z_k (paper §4.1).

    Pairs of single columns are tested by HSIC, distance correlation and KCI, parents together by HSIC.
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
        silent="fewer than two latents",
    )


def active_noise(evidence: Evidence) -> dict[str, list[np.ndarray]]:
    """Modality -> per measurement, the coordinates of eta (n, k) that say something; k may be 0."""
    kept = {}
    for modality, views in evidence.test.eta.items():
        kept[modality] = [view[:, _variance(view) >= ACTIVE] for view in views]
    return kept


def _variance(view: np.ndarray) -> np.ndarray:
    rows = np.isfinite(view).all(1)
    return view[rows].var(0) if rows.any() else np.zeros(view.shape[1])


def _silence(evidence: Evidence) -> str:
    """Why there is nothing to say of eta."""
    largest = max(float(_variance(v).max(initial=0)) for its in evidence.test.eta.values() for v in its)
    if all(view.shape[1] == 0 for views in evidence.test.eta.values() for view in views):
        return "the model has no eta: model.noise is 0, or modalities seen once keep their style in z"
    return f"eta is unused or seen once: its posterior means vary by at most {largest:.2f} of the prior's 1"


def measurement_noise(evidence: Evidence) -> list[Finding]:
    """eta independent between measurements, of z and of eps (paper §4.1; Sun et al. 2025, Prop. 5.2)."""
    rng = numpy_rng(evidence.seed, "diagnostics/eta")
    eta = active_noise(evidence)
    silent = _silence(evidence)
    pairs = [each for group in noise_pairs(eta, rng).values() for each in group]
    findings = [
        independence_finding("eta", "eta independent of each other", pairs, evidence.alpha, silent=silent)
    ]
    for key, text, table in (
        ("eta_z", "eta independent of the latents z", evidence.test.z),
        ("eta_eps", "eta independent of eps", evidence.test.eps),
    ):
        found = [
            dependence(f"{modality} {number}", view, table.to_numpy(), rng)
            for modality, views in eta.items()
            for number, view in enumerate(views, start=1)
        ]
        tested = [each for each in found if each]
        findings.append(independence_finding(key, text, tested, evidence.alpha, silent=silent))
    return findings


def noise_pairs(
    eta: Mapping[str, Sequence[np.ndarray]], rng: np.random.Generator
) -> dict[str, list[Dependence]]:
    """Group of `pairs_of` -> tests of eta against eta."""
    found: dict[str, list[Dependence]] = {}
    for group, first, second, left, right in pairs_of({m: len(views) for m, views in eta.items()}):
        a = np.concatenate([eta[first][i] for i in left], 1)
        b = np.concatenate([eta[second][j] for j in right], 1)
        tested = dependence(pair_name(first, second, left, right), a, b, rng)
        found.setdefault(group, []).extend([tested] if tested else [])
    return found


def proposition_2(evidence: Evidence) -> list[Finding]:
    """x_i independent of x_j given z_m, and whether eta agrees: x_i _||_ x_j | z_m <=> eta_i _||_ eta_j.

    The paper's Proposition 2 (Sun et al. 2025, Prop. 5.1). It is a theorem, so where the two sides differ,
    the recovered z or eta are not those of the data.
    """
    seen = observed_pairs(evidence, recovered(evidence))
    alpha = evidence.alpha
    note = ""
    if evidence.test_data.truth is not None:
        truth = observed_pairs(evidence, true(evidence))
        effects = [each.effect for group in truth.values() for each in group]
        note = f"given the true latents {max(effects, default=0.0):.2f}"
    first = independence_finding(
        "x_given_z",
        "measurements x independent given their z",
        [each for group in seen.values() for each in group],
        alpha,
        silent="a single measurement in all",
        note=note,
    )
    noise = noise_pairs(active_noise(evidence), numpy_rng(evidence.seed, "diagnostics/eta"))
    corrected = [_corrected(side) for side in (seen, noise)]
    sides = {}
    for group in seen:
        x, eta = (judge(side.get(group, []), alpha) for side in corrected)
        sides[group] = (x.verdict if x else UNKNOWN, eta.verdict if eta else UNKNOWN)
    agreements = {group: agreement(*pair) for group, pair in sides.items()}
    second = Finding(
        "proposition_2",
        "Proposition 2, x given z and eta agree",
        worst(list(agreements.values())),
        "; ".join(f"{group}: x {_short(x)}, eta {_short(eta)}" for group, (x, eta) in sides.items()),
        "both sides independent, or both dependent",
        details={
            group: {"x_given_z": sides[group][0], "eta": sides[group][1], "verdict": agreements[group]}
            for group in sides
        },
    )
    return [first, second]


def _corrected(groups: Mapping[str, Sequence[Dependence]]) -> dict[str, list[Dependence]]:
    """Holm over the tests of all groups."""
    tests = iter(holm([each for group in groups.values() for each in group]))
    return {group: [next(tests) for _ in members] for group, members in groups.items()}


def _short(verdict: Verdict) -> str:
    return {HOLDS: "independent", DOUBTFUL: "doubtful", VIOLATED: "dependent", UNKNOWN: "silent"}[verdict]


def agreement(x: Verdict, eta: Verdict) -> Verdict:
    """Whether two verdicts on independence say the same: equal, neighbours, or opposite."""
    if UNKNOWN in (x, eta):
        return UNKNOWN
    return (HOLDS, DOUBTFUL, VIOLATED)[abs(ORDER.index(x) - ORDER.index(eta))]
