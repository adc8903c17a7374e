"""p-values by resampling."""

from collections.abc import Iterable

import numpy as np

# Sampling stops at this many exceedances: p is then known to a tenth of itself.
ENOUGH = 100
# An observed statistic and an equal one of a resample differ by rounding.
ROUNDING = 1e-10


def resampling_log_p(exceeds: Iterable[np.ndarray], resamples: int) -> float:
    """log p from blocks of booleans, True where a resample's statistic reaches the observed one.

    (1 + #) / (1 + resamples) if all are drawn (Phipson & Smyth 2010). If the ENOUGH-th exceedance comes
    earlier, at resample l, drawing stops and p = ENOUGH / l (Besag & Clifford 1991). Either way
    P(p <= a) <= a under the null; a p-value of 0.5 takes 200 resamples instead of thousands.
    """
    drawn = found = 0
    for block in exceeds:
        reached = found + np.cumsum(block)
        if reached[-1] >= ENOUGH:
            return float(np.log(ENOUGH / (drawn + 1 + int(np.searchsorted(reached, ENOUGH)))))
        drawn, found = drawn + len(block), int(reached[-1])
    return float(np.log((1 + found) / (1 + resamples)))
