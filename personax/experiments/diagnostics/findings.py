"""The input of a check (Evidence), its result (Finding), and how a number becomes a verdict.

A p-value alone is not enough: with thousands of people every dependence is significant. So an assumption
counts as violated only if a test is significant (Holm 1979, over all tests of a check) and the effect is
large enough. As for correlations, an effect of 0.1 counts as small and one of 0.3 as medium (Cohen 1988).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from personax.crl.estimator import Encoding
from personax.experiments.diagnostics.dependence import Dependence
from personax.independence.multiple import adjust
from personax.views import MultiViewData

Verdict = Literal["holds", "doubtful", "violated", "cannot be told here"]
HOLDS: Verdict = "holds"
DOUBTFUL: Verdict = "doubtful"
VIOLATED: Verdict = "violated"
UNKNOWN: Verdict = "cannot be told here"
SEVERITY: tuple[Verdict, ...] = (UNKNOWN, HOLDS, DOUBTFUL, VIOLATED)  # each is worse than those before

NEGLIGIBLE, CLEAR = 0.1, 0.3  # effects below the first are negligible, from the second on clear
CHANCE_QUANTILE = 0.95  # an effect "by chance" is below this quantile of the effects after shuffling
NAMED_AT_MOST = 4  # latents or edges that a line of the report names; the JSON has all


@dataclass(frozen=True)
class Evidence:
    """The input of all checks.

    Attributes:
        train: what the model infers about training people; regressions are fitted on them.
        test: what it infers about test people; everything is measured on them.
        train_data: the measurements of the same training people.
        test_data: the measurements of the same test people.
        blocks: block ("s" and the modalities) -> names of its latents.
        graph: (d, d) over the latents; [i, j] = 1 means the edge i -> j.
        edge_probability: (d, d) probability of each edge of the graph, with its direction (sureness.py).
        alpha: level of the tests.
        seed: seed of shuffles, random features and rotations.
        encode: function that returns what the model infers from other measurements; None if z is known and
            not inferred.
    """

    train: Encoding
    test: Encoding
    train_data: MultiViewData
    test_data: MultiViewData
    blocks: Mapping[str, Sequence[str]]
    graph: Int[np.ndarray, "d d"]
    edge_probability: Float[np.ndarray, "d d"]
    alpha: float = 0.05
    seed: int = 0
    encode: Callable[[MultiViewData], Encoding] | None = None


@dataclass(frozen=True)
class Finding:
    """One assumption: what was measured, what to compare it with, and the verdict.

    Attributes:
        key: short name.
        assumption: what is assumed.
        verdict: whether it holds.
        measured: what was measured, a phrase with numbers.
        reference: the values to compare it with.
        details: all numbers, for diagnostics.json.
        curves: arrays for the figure; they are not written to diagnostics.json.
    """

    key: str
    assumption: str
    verdict: Verdict
    measured: str
    reference: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Any] = field(default_factory=dict)


class Judged(NamedTuple):
    """Several tests of one assumption, judged together.

    Attributes:
        verdict: the verdict on the assumption that all pairs are independent.
        strongest: the dependence with the largest effect.
        p: its Holm-corrected p-value.
        significant: number of significant tests.
        tests: number of all tests.
        chance: in 95 % of shuffles the largest effect is below this.
    """

    verdict: Verdict
    strongest: Dependence
    p: float
    significant: int
    tests: int
    chance: float


def holm(found: Sequence[Dependence]) -> list[Dependence]:
    """The same tests with Holm-corrected p-values."""
    corrected = adjust(np.array([each.log10_p for each in found]), "holm")
    return [each._replace(log10_p=float(p)) for each, p in zip(found, corrected, strict=True)]


def judge(corrected: Sequence[Dependence], alpha: float) -> Judged | None:
    """The verdict on independence from tests with corrected p-values; None if there are no tests.

    "holds": nothing is significant, or all significant effects are below 0.1. "violated": a significant
    effect is 0.3 or more. "cannot be told here": nothing is significant, but chance alone would reach 0.3.
    """
    if not corrected:
        return None
    significant = np.array([each.log10_p for each in corrected]) < np.log10(alpha)
    draws = min(len(each.chance) for each in corrected)
    chance = float(np.quantile(np.max([each.chance[:draws] for each in corrected], axis=0), CHANCE_QUANTILE))
    effects = np.array([each.effect for each in corrected])
    at = int(effects.argmax())
    certain = float(effects[significant].max(initial=0.0))
    if not significant.any():
        verdict = UNKNOWN if chance >= CLEAR else HOLDS
    else:
        verdict = HOLDS if certain < NEGLIGIBLE else DOUBTFUL if certain < CLEAR else VIOLATED
    strongest = corrected[at]
    return Judged(verdict, strongest, 10**strongest.log10_p, int(significant.sum()), len(corrected), chance)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of several verdicts; "cannot be told here" only if this is the verdict of all."""
    return max(verdicts, key=SEVERITY.index, default=UNKNOWN)


def overall(findings: Sequence[Finding], reason: str = "") -> str:
    """What all findings together say, in one or two plain sentences.

    reason: why this run cannot judge the assumptions (reliability.py); "" if it can.
    """
    by_verdict: dict[str, list[str]] = {verdict: [] for verdict in SEVERITY}
    for finding in findings:
        by_verdict[finding.verdict].append(finding.assumption)
    counts = [f"{verdict}: {len(names)}" for verdict, names in reversed(by_verdict.items()) if names]
    if reason:
        meaning = f"this run cannot judge the assumptions: {reason}"
    elif by_verdict[VIOLATED]:
        meaning = f"do not rely on this run before you have read: {'; '.join(by_verdict[VIOLATED])}"
    elif by_verdict[DOUBTFUL]:
        meaning = f"usable, with care about: {'; '.join(by_verdict[DOUBTFUL])}"
    elif by_verdict[HOLDS]:
        meaning = "nothing here speaks against this run"
    else:
        meaning = "these data are too few, or of a kind that tells nothing"
    return f"{meaning} ({', '.join(counts)})"


def all_hold(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of several verdicts that must all hold; unknown if one is unknown and the others hold."""
    found = worst(verdicts)
    return UNKNOWN if found == HOLDS and UNKNOWN in verdicts else found


def independence_finding(
    key: str, assumption: str, found: Sequence[Dependence], alpha: float, *, silent: str, note: str = ""
) -> Finding:
    """The finding on an assumption of independence.

    Args:
        key: short name.
        assumption: what is assumed.
        found: tests of independence.
        alpha: level of the tests.
        silent: text of the finding if there are no tests.
        note: added to the text of the values to compare with.
    """
    judged = judge(holm(found), alpha)
    if judged is None:
        return Finding(key, assumption, UNKNOWN, silent)
    measured = (
        f"HSIC effect {judged.strongest.effect:.2f} ({judged.strongest.name}), p {p_text(judged.p)}, "
        f"{judged.significant} of {judged.tests} significant"
    )
    reference = f"by chance < {judged.chance:.2f}" + (f"; {note}" if note else "")
    return Finding(
        key,
        assumption,
        judged.verdict,
        measured,
        reference,
        details={"tests": [as_row(each) for each in found], "holm_p": judged.p, "chance": judged.chance},
        curves={"effect": judged.strongest.effect, "chance": judged.chance},
    )


def as_row(found: Dependence) -> dict[str, Any]:
    """A test as it is written to diagnostics.json."""
    return {
        "what": found.name,
        "effect": found.effect,
        "log10_p": found.log10_p,
        "chance": float(np.quantile(found.chance, CHANCE_QUANTILE)),
        "n": found.n,
    }


def p_text(p: float) -> str:
    """A p-value as text.

    >>> p_text(0.2345), p_text(0.00417), p_text(1e-9)
    ('0.23', '0.004', '< 1e-6')
    """
    if p < 1e-6:
        return "< 1e-6"
    return f"{p:.2g}" if p >= 0.1 else f"{p:.1g}"
