"""Fisher's z: the correlation coefficient, where it means something."""

import numpy as np

from personax.independence.columns import Column
from personax.independence.procedure import Null
from personax.independence.resampling import ROUNDING, resampling_log_p
from personax.independence.tails import log_normal_two_sided

LINEAR_NULLS: tuple[Null, ...] = ("normal", "permutation")


def has_a_line(column: Column) -> bool:
    """Continuous, ordinal and binary columns. Codes of three categories or angles have no correlation."""
    return column.kind in ("continuous", "ordinal") or (
        column.kind == "nominal" and len(column.distinct) <= 2
    )


def z_scores(column: Column) -> np.ndarray:
    """(n,) z-scores with ddof = 1; of a binary nominal column those of its codes, 1 the rarer one."""
    return np.asarray(column.standardised[column.codes])


def compare_linear(
    columns: tuple[Column, Column],
    prepared: tuple[np.ndarray, np.ndarray],
    null: Null,
    rng: np.random.Generator,
    resamples: int,
) -> tuple[float, float, float, str]:
    """z = sqrt(n - 3) atanh(r), normal under independence (Fisher 1921); the effect is r.

    A nominal column has no direction: z and r are then given without their sign.
    """
    a, b = prepared
    n = len(a)
    correlation = float(np.clip(a @ b / (n - 1), -1.0, 1.0))
    if "nominal" in (columns[0].kind, columns[1].kind):
        correlation = abs(correlation)
    # |r| = 1 is kept below 1 by one rounding: the statistic stays finite, the p-value above 0.
    z = float(np.sqrt(n - 3) * np.arctanh(np.clip(correlation, -1.0 + 2**-53, 1.0 - 2**-53)))
    if null == "normal":
        return z, log_normal_two_sided(z), correlation, null
    a, b = sorted((np.sort(a), np.sort(b)), key=lambda scores: (len(np.unique(scores)), f"{scores[0]:.9e}"))
    threshold = abs(correlation) * (n - 1) * (1.0 - ROUNDING)
    exceeds = (np.array([abs(float(rng.permutation(a) @ b)) >= threshold]) for _ in range(resamples))
    return z, resampling_log_p(exceeds, resamples), correlation, null
