"""Fisher's z: a test of the correlation coefficient, for columns with a meaningful correlation."""

import numpy as np
from jaxtyping import Float

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.procedure import Comparison, Null
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.tails import log_normal_two_sided

LINEAR_NULLS: tuple[Null, ...] = ("normal", "permutation")


def has_a_line(column: PreparedColumn) -> bool:
    """True for continuous, ordinal and binary columns; angles and 3+ categories have no correlation."""
    return column.kind in ("continuous", "ordinal") or (
        column.kind == "nominal" and len(column.distinct) <= 2
    )


def z_scores(column: PreparedColumn) -> Float[np.ndarray, " n"]:
    """(n,) z-scores with ddof = 1; a binary nominal column counts as 0 and 1, 1 for the rarer category."""
    return np.asarray(column.standardised[column.numbers])


def compare_linear(
    columns: ColumnPair,
    prepared: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    null: Null,
    rng: np.random.Generator,
    resamples: int,
) -> Comparison:
    """z = sqrt(n - 3) atanh(r), normal under independence (Fisher 1921); the effect is r.

    A nominal column has no direction: if there is one, z and r are absolute values.
    """
    a, b = prepared
    n = len(a)
    correlation = float(np.clip(a @ b / (n - 1), -1.0, 1.0))
    if "nominal" in (columns[0].kind, columns[1].kind):
        correlation = abs(correlation)
    # |r| = 1 is moved below 1 by one rounding, so that the statistic is finite and the p-value positive.
    z = float(np.sqrt(n - 3) * np.arctanh(np.clip(correlation, -1.0 + 2**-53, 1.0 - 2**-53)))
    if null == "normal":
        return Comparison(z, log_normal_two_sided(z), correlation, null)
    a, b = sorted((np.sort(a), np.sort(b)), key=lambda scores: (len(np.unique(scores)), f"{scores[0]:.9e}"))
    threshold = abs(correlation) * (n - 1) * (1.0 - ROUNDING)
    exceeds = (np.array([abs(float(rng.permutation(a) @ b)) >= threshold]) for _ in range(resamples))
    return Comparison(z, resampling_log_p(exceeds, resamples), correlation, null)
