"""Many p-values: corrections for multiplicity, and one p-value from several strata. All in logarithms."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from personax.independence.results import LN10, TestResult, result, without_pvalue
from personax.independence.tails import log_chi2_sf

Correction = Literal["none", "fdr_bh", "holm"]


def adjust(log10_p: np.ndarray, method: Correction) -> np.ndarray:
    """log10 of adjusted p-values (q-values), (m,) -> (m,); NaN stays NaN and counts for nothing.

    fdr_bh: Benjamini & Hochberg (1995), q_(i) = min_{j >= i} m p_(j) / j; holm: Holm (1979),
    q_(i) = max_{j <= i} (m - j + 1) p_(j); none: p itself.
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

    Fisher's combination, -2 sum log p ~ chi-square with 2k degrees of freedom for k strata with a p-value.
    Kernel and table tests have no sign, so dependences of different shape in different strata must add up,
    which a product of p-values does (Stouffer's z, made for one-sided effects of a common direction, would
    average them); no combination has a larger Bahadur slope (Littell & Folks 1971), and
    it needs log p only. Permutation p-values are discrete and make it conservative.
    The effect is the mean over these strata, weighted by their rows; n is their sum.
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
    null = f"fisher over {len(used)} strata ({', '.join(sorted({stratum.null for stratum in used}))})"
    return result(test, statistic, log_chi2_sf(statistic, 2 * len(used)), n, effect, null)


def decide(grid: pd.DataFrame, alpha: float, correction: Correction) -> pd.DataFrame:
    """The grid with log10_q_value, q_value and rejected (q <= alpha).

    Corrected within each test and source of scores: one family is one panel of a figure, traits x
    features. Adding a test or a language model leaves the others' decisions alone.
    """
    decided = grid.copy()
    log10_q = grid.groupby(["scores", "test"], sort=False)["log10_pvalue"].transform(
        lambda column: adjust(column.to_numpy(), correction)
    )
    decided["log10_q_value"] = log10_q
    tiny = float(np.log10(np.finfo(float).tiny))
    decided["q_value"] = 10.0 ** log10_q.clip(lower=tiny)
    decided["rejected"] = log10_q <= np.log10(alpha)
    return decided
