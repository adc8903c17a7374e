"""p-values by resampling: how often a random permutation or table reaches the observed statistic."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool

from personax.runs.errors import InputError

Randomness: TypeAlias = np.random.Generator | int | None

RESAMPLES = 1999  # largest number of permutations or Monte-Carlo tables by default
# Sampling stops when this many resamples reach the observed statistic: the standard error of p is then a
# tenth of p.
ENOUGH = 100
# Because of rounding, two equal statistics may differ by this share.
ROUNDING = 1e-10


def generator_of(rng: Randomness) -> np.random.Generator:
    """The generator itself, or one seeded with the number; None is the seed 0, so that a call repeats itself.

    Raises InputError for anything else.
    """
    if isinstance(rng, bool) or not isinstance(rng, np.random.Generator | int | np.integer | None):
        raise InputError(f"rng={rng!r}: give a seed (a whole number) or a numpy.random.Generator")
    if isinstance(rng, int | np.integer) and rng < 0:
        raise InputError(f"rng={rng}: a seed must be at least 0")
    return np.random.default_rng(0 if rng is None else rng)


class Resampled(NamedTuple):
    """A p-value by resampling.

    Attributes:
        log_p: natural logarithm of p.
        is_bound: whether no resample at all reached the observed statistic. p is then the smallest that so
            many resamples can give, and the evidence may be any amount stronger.
    """

    log_p: float
    is_bound: bool


def resampling_log_p(
    exceeds: Iterable[Bool[np.ndarray, " _"]], resamples: int, *, longer: int = 1
) -> Resampled:
    """log p from blocks of booleans, True where a resample's statistic reaches the observed one.

    If all resamples are drawn, p = (1 + #) / (1 + resamples), where # is the number of True (Phipson & Smyth
    2010). If the ENOUGH-th True comes earlier, at resample l, drawing stops and p = ENOUGH / l (Besag &
    Clifford 1991). In both cases P(p <= a) <= a under the null hypothesis. A p-value of 0.5 then takes 200
    resamples instead of thousands.

    If # is 0, the p-value is only known to be small. Then, and only then, drawing goes on to `longer` times
    as many resamples, with the same two rules. P(p <= a) <= a still holds: such a p-value would have been
    the smallest anyway, and for a below that, all resamples together decide.

    >>> round(np.exp(resampling_log_p([np.array([True, False, False])], 3).log_p), 3)
    np.float64(0.5)
    """
    drawn = found = 0
    for block in exceeds:
        part = block[: resamples - drawn] if drawn < resamples else block
        reached = found + np.cumsum(part)
        if reached[-1] >= ENOUGH:
            number = drawn + 1 + int(np.searchsorted(reached, ENOUGH))
            return Resampled(float(np.log(ENOUGH / number)), is_bound=False)
        drawn, found = drawn + len(part), int(reached[-1])
        if drawn >= resamples * longer or (drawn == resamples and found):
            break
    return Resampled(float(np.log((1 + found) / (1 + drawn))), is_bound=found == 0)
