"""Fisher's z: a test of the correlation coefficient, for columns with a meaningful correlation."""

import numpy as np
from jaxtyping import Float

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.counted_grams import CountedFactor
from personax.independence.effects import correlation_effect
from personax.independence.grams import FactorGram
from personax.independence.nulls import choose_p, is_smooth
from personax.independence.permutations import Groups, permutation_p, two_by_two_p
from personax.independence.procedure import Comparison, Null
from personax.independence.results import LogPValue
from personax.independence.tails import log_correlation_two_sided, log_normal_two_sided

LINEAR_NULLS: tuple[Null, ...] = ("auto", "t", "normal", "permutation")


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
    """z = sqrt(n - 3) atanh(r), the effect is r.

    The null "auto" is the t distribution of r sqrt((n - 2) / (1 - r^2)), exact for normal columns, if the
    data bear it (`choose_p`); "normal" is that of z (Fisher 1921). A nominal column has no direction: if
    there is one, z and r are absolute values.
    """
    a, b = prepared
    n = len(columns[0])
    signed = "nominal" not in (columns[0].kind, columns[1].kind)
    effect = correlation_effect(a, b, columns[0].weights, is_signed=signed)
    # |r| = 1 is moved below 1 by one rounding, so that the statistic is finite and the p-value positive.
    r = float(np.clip(effect.value, -1.0 + 2**-53, 1.0 - 2**-53))
    z = float(np.sqrt(n - 3) * np.arctanh(r))
    return Comparison(z, _linear_p(r, z, columns, prepared, null, rng, resamples), effect)


def _gram_of_scores(column: PreparedColumn, scores: Float[np.ndarray, " n"]) -> FactorGram | CountedFactor:
    """The kernel whose only feature is the z-score."""
    if column.weights is None:
        return FactorGram(np.asfortranarray(scores[:, None]))
    return CountedFactor(column.standardised[:, None], column.numbers, column.counts, column.weights)


def _linear_p(
    r: float,
    z: float,
    columns: ColumnPair,
    prepared: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
    null: Null,
    rng: np.random.Generator,
    resamples: int,
) -> LogPValue:
    n = len(columns[0])

    def by_t() -> LogPValue:
        return LogPValue(log_correlation_two_sided(r, n), "t")

    def resampled() -> LogPValue:
        first, second = (Groups(c.numbers, c.counts, c.standardised[:, None], c.weights) for c in columns)
        return permutation_p(first, second, rng, resamples)

    def exact() -> LogPValue:
        expected = float(columns[0].counts[0] * columns[1].counts[0]) / n
        return two_by_two_p(columns, lambda cell: np.abs(cell - expected))

    if null == "auto":
        a, b = (_gram_of_scores(*each) for each in zip(columns, prepared, strict=True))
        return choose_p(n, is_smooth(a, b), by_t, columns, exact, resampled)
    if null == "normal":
        return LogPValue(log_normal_two_sided(z), "normal")
    return by_t() if null == "t" else resampled()
