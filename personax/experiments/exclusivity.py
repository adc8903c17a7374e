"""T-MEX: does each recovered latent measure its own true latent only?

MCC hides mixtures: a recovered latent that is its true latent plus a tenth of another one still has a
correlation of .99 with its own. T-MEX (test-based measurement exclusivity, Yao et al. 2025) asks by tests: is
the recovered latent independent of each other true latent, given its own?
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from personax.independence.conditional_cache import ManyKci
from personax.independence.multiple import adjust

ALPHA = 0.05
MOST_ROWS = 1000  # of the tests: more rows would find ever smaller mixtures, and scores could not be compared


class Pair(NamedTuple):
    """A recovered latent, and a true latent that is not its own.

    Attributes:
        recovered: column of the recovered latent.
        own: number of the true latent that it is matched to.
        other: number of the other true latent.
    """

    recovered: int
    own: int
    other: int


def exclusivity(latents: pd.DataFrame, truth: pd.DataFrame, columns: Int[np.ndarray, " k"]) -> dict[str, Any]:
    """Test every recovered latent against every true latent that is not its own, given its own.

    The test is KCI on at most `MOST_ROWS` rows, evenly spaced, and Holm's method corrects for the number of
    pairs. So latents that measure nothing but their own truth have score 0 in about 95 % of runs or more.
    Yao et al. (2025) condition on all other true latents and do not correct. Given its own alone, the test
    keeps its power where the other true latents together nearly determine one of them.

    Args:
        latents: (n, d) recovered latents of test rows.
        truth: (n, k) true latents of the same rows.
        columns: (k,) for each true latent the column of its recovered one; d or larger if it has none.

    Returns:
        score: number of pairs that are dependent, 0 is the best; pairs: number of pairs tested; share:
        score / pairs, None without pairs; mixed: the dependent pairs, each as "recovered (own): other"; rows:
        number of rows tested; alpha. A constant recovered latent has no pairs.
    """
    step = max(1, -(-len(latents) // MOST_ROWS))
    tested = pd.concat([latents, truth], axis=1)[::step]
    first_true = latents.shape[1]
    pairs = list(_pairs(latents, columns))
    kci = ManyKci(tested.to_numpy(dtype=float))
    p = [kci.pvalue(i, first_true + other, [first_true + own]) for i, own, other in pairs]
    log_p = np.log10(np.maximum(p, np.finfo(float).tiny))
    mixed = [pair for pair, q in zip(pairs, adjust(log_p, "holm"), strict=True) if q <= np.log10(ALPHA)]
    return {
        "score": len(mixed),
        "pairs": len(pairs),
        "share": len(mixed) / len(pairs) if pairs else None,
        "mixed": [f"{latents.columns[i]} ({truth.columns[j]}): {truth.columns[k]}" for i, j, k in mixed],
        "rows": len(tested),
        "alpha": ALPHA,
    }


def _pairs(latents: pd.DataFrame, columns: Int[np.ndarray, " k"]) -> Iterator[Pair]:
    """All pairs; a true latent without a recovered one has none, nor has a constant recovered latent."""
    for own, column in enumerate(columns):
        if column < latents.shape[1] and latents.iloc[:, column].nunique() > 1:
            yield from (Pair(int(column), own, other) for other in range(len(columns)) if other != own)
