"""Checks of variability: do blocks depend on each other enough to distinguish latents from mixtures of them?

Two conditions of the literature, each in a form that can be checked with a sample:

- Sufficient changes (Zhang et al. 2024, Thm 3.4, A2; here s or the other blocks are the domain): the
  derivatives of log p(z_m | rest) must span 2 d dimensions as the rest varies. For a location-scale family
  they are linear in the conditional means and precisions, so the means of d directions and the log-variances
  of d directions must vary over people, and none may be a linear function of the others. `responses` counts
  the directions that vary, by their share of the variance of z_m on test rows. Their sample covariance can
  have full rank even if a single number drives all d directions, by different nonlinear functions.
- Linear independence (Sun et al. 2025, Cond. 4.1 A2; Yao et al. 2023, Def. 2.3 of content): the columns of
  the Jacobian of the other modalities by z_m must be linearly independent at almost every z. A column is 0
  exactly if a latent reaches the other modalities only through other latents of its block. `reach_finding`
  tests each latent against all other blocks given the other latents of its block. A latent that fails, such
  as one without children in another block, is determined neither by other modalities nor by sparsity across
  them; only orthogonality determines it.
"""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from personax.experiments.diagnostics.alignment import inverse_root
from personax.experiments.diagnostics.dependence import Dependence, Regression, conditional_dependence
from personax.experiments.diagnostics.findings import (
    CHANCE_QUANTILE,
    CLEAR,
    DOUBTFUL,
    HOLDS,
    NAMED_AT_MOST,
    NEGLIGIBLE,
    UNKNOWN,
    VIOLATED,
    Evidence,
    Finding,
    Verdict,
    all_hold,
    as_row,
    holm,
)
from personax.runs.seeds import numpy_rng, torch_rng

SHUFFLES = 200  # number of shuffles that show which shares are reached by chance
LEAST_RESAMPLES = 199  # least number of local permutations of a conditional test

CHANGES = "other blocks change every direction of a block"
REACHES = "every latent reaches another block directly"


def sufficient_variability(evidence: Evidence) -> list[Finding]:
    """Check both conditions that the module describes; the verdict is unknown if there is a single block."""
    if len(evidence.blocks) < 2:
        why = "there is a single block"
        return [Finding("variability", CHANGES, UNKNOWN, why), Finding("reach", REACHES, UNKNOWN, why)]
    return [changes_finding(evidence), reach_finding(evidence)]


def changes_finding(evidence: Evidence) -> Finding:
    """Do the other blocks change the mean or the variance of every direction of a block?"""
    blocks = {block: responses(evidence, block) for block in evidence.blocks}
    return Finding(
        "variability",
        CHANGES,
        all_hold([found["verdict"] for found in blocks.values()]),
        "; ".join(
            f"{block}: {found['means']} of {found['latents']} means and {found['variances']} variances "
            f"respond (shares of the means {found['mean_shares'][0]:.0%} to {found['mean_shares'][-1]:.1%})"
            for block, found in blocks.items()
        ),
        "by chance, the smallest share is "
        + ", ".join(f"{block} < {found['mean_chance'][-1]:.1%}" for block, found in blocks.items()),
        details=blocks,
    )


def responses(evidence: Evidence, block: str) -> dict[str, Any]:
    """How many directions of a block's means and log-variances vary with the other blocks, and how much.

    Shares are shares of the variance of z_m (for log-variances: of log squared residuals), all on test rows,
    along directions in the order in which the prediction from the other blocks explains most to least. They
    are eigenvalues of the covariance of prediction and truth, which correspond to the singular values in the
    rank condition.
    """
    rng = numpy_rng(evidence.seed, f"diagnostics/responses/{block}")
    generator = torch_rng(evidence.seed, f"diagnostics/responses/{block}")
    own, rest = list(evidence.blocks[block]), names_outside(evidence, block)
    z, v = evidence.train.z[own].to_numpy(), evidence.train.z[rest].to_numpy()
    z_test, v_test = evidence.test.z[own].to_numpy(), evidence.test.z[rest].to_numpy()
    mean = Regression.fit(v, z, generator)
    log_square = np.log((z - mean(v)) ** 2 + 1e-6)
    log_square_test = np.log((z_test - mean(v_test)) ** 2 + 1e-6)
    spread = Regression.fit(v, log_square, generator)
    means = predicted_shares(z_test, mean(v_test), rng)
    variances = predicted_shares(log_square_test, spread(v_test), rng)
    found: dict[str, Any] = {
        "latents": len(own),
        "means": leading(means.shares > means.chance),
        "variances": leading(variances.shares > variances.chance),
        "mean_shares": means.shares.tolist(),
        "mean_chance": means.chance.tolist(),
        "variance_shares": variances.shares.tolist(),
        "variance_chance": variances.chance.tolist(),
    }
    return found | {"verdict": variability_verdict(found)}


def variability_verdict(found: Mapping[str, Any]) -> Verdict:
    """Verdict from the numbers of means and variances of a block that respond."""
    if found["means"] == found["latents"]:
        return HOLDS
    if found["mean_chance"][found["means"]] > CLEAR**2:
        return UNKNOWN
    return DOUBTFUL if found["means"] + found["variances"] >= found["latents"] else VIOLATED


def leading(passed: Bool[np.ndarray, " d"]) -> int:
    """How many entries are True before the first False.

    >>> leading(np.array([True, True, False, True]))
    2
    """
    return int(np.cumprod(passed).sum())


class Shares(NamedTuple):
    """Shares of variance (d,) by direction, largest first, and their 95 % quantiles by chance."""

    shares: Float[np.ndarray, " d"]
    chance: Float[np.ndarray, " d"]


def predicted_shares(
    actual: Num[np.ndarray, "n d"], predicted: Num[np.ndarray, "n d"], rng: np.random.Generator
) -> Shares:
    """The shares of the variance of `actual` that `predicted` explains, by direction.

    For the k-th share, chance is the largest share after shuffling, in the directions without the first k -
    1.
    """
    whitening = inverse_root(np.atleast_2d(np.cov(actual.T)))
    y, p = (actual - actual.mean(0)) @ whitening, (predicted - predicted.mean(0)) @ whitening

    def product(order: Int[np.ndarray, " n"]) -> Float[np.ndarray, "d d"]:
        both = y.T @ p[order] / len(y)
        return np.asarray((both + both.T) / 2)

    values, vectors = np.linalg.eigh(product(np.arange(len(y))))
    shares, vectors = values[::-1], vectors[:, ::-1]
    shuffled = np.array([vectors.T @ product(rng.permutation(len(y))) @ vectors for _ in range(SHUFFLES)])
    largest = [np.linalg.eigvalsh(shuffled[:, k:, k:])[:, -1] for k in range(len(shares))]
    return Shares(shares, np.quantile(largest, CHANCE_QUANTILE, axis=1))


def names_outside(evidence: Evidence, block: str) -> list[str]:
    """Names of the latents of all other blocks."""
    return [name for other, names in evidence.blocks.items() if other != block for name in names]


def resamples_for(tests: int, alpha: float) -> int:
    """Number of permutations with which the smallest p of this number of tests can pass Holm's first step.

    >>> resamples_for(1, 0.05), resamples_for(40, 0.05)
    (199, 1600)
    """
    return max(LEAST_RESAMPLES, ceil(2 * tests / alpha))


class Reach(NamedTuple):
    """Which latents reach another block directly.

    Attributes:
        tested: latent -> its test; latents that do not vary are left out.
        p: latent -> Holm-corrected p-value.
        reaching: latents with a significant effect that is not negligible.
        silent: all other latents.
    """

    tested: dict[str, Dependence]
    p: dict[str, float]
    reaching: list[str]
    silent: list[str]


def reach_finding(evidence: Evidence) -> Finding:
    """Does every latent depend on another block, given the other latents of its own block?"""
    reach = reach_of_latents(evidence)
    if not reach.tested:
        return Finding("reach", REACHES, UNKNOWN, "the latents do not vary")
    effects = {name: each.effect for name, each in reach.tested.items()}
    chance = max(float(np.quantile(each.chance, CHANCE_QUANTILE)) for each in reach.tested.values())
    ascending = sorted(effects, key=lambda name: effects[name])
    shown = ", ".join(f"{name} {effects[name]:.2f}" for name in ascending[:NAMED_AT_MOST])
    more = f"; the others up to {effects[ascending[-1]]:.2f}" if len(effects) > NAMED_AT_MOST else ""
    only = f"; only orthogonality determines {', '.join(reach.silent)}" if reach.silent else ""
    number = f"{len(reach.reaching)} of {len(reach.reaching) + len(reach.silent)} do"
    return Finding(
        "reach",
        REACHES,
        HOLDS if not reach.silent else UNKNOWN if chance >= CLEAR else VIOLATED,
        f"{number}; HSIC effect given its block: {shown}{more}{only}",
        f"by chance < {chance:.2f}",
        details={
            "latents": {
                name: as_row(each) | {"holm_p": reach.p[name]} for name, each in reach.tested.items()
            },
            "not_reaching": reach.silent,
        },
        curves={"effects": effects, "chance": chance, "silent": reach.silent},
    )


def reach_of_latents(evidence: Evidence) -> Reach:
    """Test every latent against all other blocks, given the other latents of its own block."""
    resamples = resamples_for(evidence.test.z.shape[1], evidence.alpha)
    found: dict[str, Dependence | None] = {}
    for block, own in evidence.blocks.items():
        rest = names_outside(evidence, block)
        for name in own:
            mates = [other for other in own if other != name]
            found[name] = direct_dependence(evidence, name, rest, mates, resamples)
    tested = {name: each for name, each in found.items() if each}
    corrected = holm(list(tested.values())) if tested else []
    p = {name: 10**each.log10_p for name, each in zip(tested, corrected, strict=True)}
    reaching = [
        name for name, each in tested.items() if p[name] < evidence.alpha and each.effect >= NEGLIGIBLE
    ]
    return Reach(tested, p, reaching, [name for name in found if name not in reaching])


def direct_dependence(
    evidence: Evidence, name: str, rest: Sequence[str], mates: Sequence[str], resamples: int
) -> Dependence | None:
    """Test a latent against the latents `rest`, given the latents `mates`, on test rows."""
    targets = [name, *rest]
    regression = Regression.fit(
        evidence.train.z[list(mates)].to_numpy(),
        evidence.train.z[targets].to_numpy(),
        torch_rng(evidence.seed, f"diagnostics/reach/{name}"),
    )
    given = evidence.test.z[list(mates)].to_numpy()
    left = evidence.test.z[targets].to_numpy() - regression(given)
    rng = numpy_rng(evidence.seed, f"diagnostics/reach/{name}")
    return conditional_dependence(name, left[:, :1], left[:, 1:], given, rng, resamples)
