"""Many p-values: corrections for multiplicity, decisions over a grid, one p-value from several strata.

All of it works on logarithms of p-values, which do not underflow.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

from personax.independence.effects import Effect
from personax.independence.results import LN10, LogPValue, TestResult, result, without_pvalue
from personax.independence.tails import log_chi2_sf

# p = alpha is a rejection, however its logarithm was rounded.
ROUNDING_OF_LOG10 = 1e-9
Correction = Literal["none", "fdr_bh", "holm"]


def adjust(log10_p: Float[np.ndarray, " m"], method: Correction) -> Float[np.ndarray, " m"]:
    """log10 of adjusted p-values (q-values), (m,) -> (m,); NaN stays NaN and does not count as a test.

    fdr_bh: Benjamini & Hochberg (1995), q_(i) = min_{j >= i} m p_(j) / j; holm: Holm (1979),
    q_(i) = max_{j <= i} (m - j + 1) p_(j); none: p itself.

    >>> adjust(np.log10([0.01, 0.5]), "holm").round(3)
    array([-1.699, -0.301])
    """
    adjusted = np.array(log10_p, dtype=float)
    known = np.flatnonzero(~np.isnan(adjusted))
    if method == "none" or len(known) == 0:
        return adjusted
    ascending = known[np.argsort(adjusted[known], kind="stable")]
    m = len(ascending)
    place = np.arange(1, m + 1)
    if method == "fdr_bh":
        scaled = adjusted[ascending] + np.log10(m / place)
        monotone = np.minimum.accumulate(scaled[::-1])[::-1]
    else:
        monotone = np.maximum.accumulate(adjusted[ascending] + np.log10(m - place + 1))
    adjusted[ascending] = np.minimum(monotone, 0.0)
    return adjusted


def combine_strata(test: str, strata: Sequence[TestResult]) -> TestResult:
    """One result from the same test in disjoint strata: is there dependence in any of them?

    This is Fisher's combination: -2 sum log p ~ chi-square with 2k degrees of freedom for k strata with a
    p-value. Kernel and table tests have no sign, so dependences of different shape in different strata must
    add up. A product of p-values does this; Stouffer's z, which is made for one-sided effects in one
    direction, would average them. No combination has a larger Bahadur slope, a measure of power (Littell &
    Folks 1971), and this one needs only log p. Permutation p-values are discrete, so with them the
    combination is conservative: its p-value is a little too large. If one of them is a bound, so is the
    result.
    Small strata have exact p-values (choose_p in nulls.py); those without a p-value are left out, and `null`
    says how many were used. The effect is the mean over these strata, weighted by their rows; n is the sum
    of their rows.
    """
    used = [stratum for stratum in strata if stratum.defined]
    if not used:
        reasons = [stratum.null for stratum in strata]
        return without_pvalue(
            test, sum(s.n for s in strata), reasons[0] if reasons else "undefined: no strata"
        )
    statistic = -2.0 * LN10 * sum(stratum.log10_pvalue for stratum in used)
    n = sum(stratum.n for stratum in used)
    effect = sum(stratum.n * stratum.effect for stratum in used) / n
    of_all = "" if len(used) == len(strata) else f" of {len(strata)}"
    null = f"fisher over {len(used)}{of_all} strata ({', '.join(sorted({stratum.null for stratum in used}))})"
    p = LogPValue(log_chi2_sf(statistic, 2 * len(used)), null, any(stratum.bound for stratum in used))
    below, above = (
        float(np.sqrt(sum((s.n * (s.effect - end) / n) ** 2 for s, end in zip(used, ends, strict=True))))
        for ends in ([s.effect_low for s in used], [s.effect_high for s in used])
    )
    return result(test, statistic, p, n, Effect(effect, effect - below, effect + above))


def decide(grid: pd.DataFrame, alpha: float, correction: Correction) -> pd.DataFrame:
    """Add the columns log10_q_value, q_value and rejected (q <= alpha) to the grid.

    p-values are corrected separately for each test and each source of scores: one family of tests is one
    panel of a figure, traits x features. So another test or another language model does not change these
    decisions.

    Args:
        grid: as `run_grid` returns it, with a column `scores`, which names the source of the scores.
        alpha: level of the decisions.
        correction: see `adjust`.
    """
    decided = grid.copy()
    log10_q = grid.groupby(["scores", "test"], sort=False)["log10_pvalue"].transform(
        lambda column: adjust(column.to_numpy(), correction)
    )
    decided["log10_q_value"] = log10_q
    tiny = float(np.log10(np.finfo(float).tiny))
    decided["q_value"] = 10.0 ** log10_q.clip(lower=tiny)
    decided["rejected"] = log10_q <= np.log10(alpha) + ROUNDING_OF_LOG10
    return decided
