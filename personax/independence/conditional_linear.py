"""Partial correlation: a test of linear dependence given Z, for one or several columns on each side."""

import numpy as np
from jaxtyping import Float

from personax.independence.conditional_columns import ColumnGroup, GivenFinding, GroupTriple
from personax.independence.procedure import Null
from personax.independence.results import DETERMINED
from personax.independence.tails import log_beta_cdf

_RANK = 1e-9  # singular values below this share of the largest are 0


class SingularColumns(Exception):
    """Too few rows, or nothing is left of x or y after the regression on Z."""


def _design(group: ColumnGroup) -> Float[np.ndarray, "n k"]:
    """(n, k) z-scores and indicators."""
    return np.column_stack([group.z_scores, group.indicators])


def _orthonormal(columns: Float[np.ndarray, "n k"], whole: float) -> Float[np.ndarray, "n r"]:
    """An orthonormal basis (n, r) of the columns; directions below `_RANK` times `whole` do not count."""
    u, s, _ = np.linalg.svd(columns, full_matrices=False)
    return np.asarray(u[:, s > _RANK * whole])


def compare_partial(
    groups: GroupTriple, null: Null, rng: np.random.Generator, resamples: int
) -> GivenFinding:
    """Partial correlation of x and y given Z; Wilks' lambda if a side has several columns.

    For one column on each side, p is Student's t of the partial correlation r, exact for Gaussian noise; the
    statistic is sqrt(n - k - 3) atanh(r), k columns of Z (Fisher 1921), the effect r. For several, the
    statistic is Rao's F approximation of Wilks' lambda (exact if one side has at most two columns; Rao 1951),
    the effect sqrt(1 - lambda^(1/s)), s being the smaller number of columns. Raises SingularColumns.
    """
    z = _design(groups.given)
    condition = _orthonormal(z - z.mean(axis=0), float(np.sqrt(z.size or 1)))
    n, k = groups.x.n, condition.shape[1]
    bases = []
    for side in (_design(groups.x), _design(groups.y)):
        centred = side - side.mean(axis=0)
        left = centred - condition @ (condition.T @ centred)
        bases.append(_orthonormal(left, float(np.linalg.norm(centred))))
    p, q = (basis.shape[1] for basis in bases)
    if min(p, q) == 0:
        raise SingularColumns(DETERMINED)
    if n - 1 - k <= p + q:
        raise SingularColumns(f"undefined: {n} rows are too few for {k} columns of the condition")
    inner = bases[0].T @ bases[1]
    correlations = np.clip(np.linalg.svd(inner, compute_uv=False), 0.0, 1.0 - 2.0**-53)
    log_lambda = float(np.sum(np.log1p(-(correlations**2))))
    if p == q == 1:
        r = _signed(groups, float(correlations[0]), condition)
        log_p = log_beta_cdf(float(np.exp(log_lambda)), 0.5 * (n - k - 2), 0.5)
        return GivenFinding(float(np.sqrt(max(n - k - 3, 0)) * np.arctanh(r)), log_p, r, "t")
    power = np.sqrt((p * p * q * q - 4.0) / (p * p + q * q - 5.0)) if p * p + q * q > 5 else 1.0
    df1, df2 = p * q, (n - 1 - k - 0.5 * (p + q + 1)) * power - 0.5 * p * q + 1.0
    ratio = float(np.exp(log_lambda / power))
    f = (1.0 - ratio) / ratio * df2 / df1
    effect = float(np.sqrt(-np.expm1(log_lambda / min(p, q))))
    return GivenFinding(f, log_beta_cdf(ratio, 0.5 * df2, 0.5 * df1), effect, "F")


def _signed(groups: GroupTriple, r: float, condition: Float[np.ndarray, "n _"]) -> float:
    """The correlation with its sign; without one if a side is nominal."""
    if groups.x.labels.size or groups.y.labels.size:
        return r
    left = [_design(side)[:, 0] for side in (groups.x, groups.y)]
    left = [each - condition @ (condition.T @ each) for each in left]
    return float(np.copysign(r, (left[0] - left[0].mean()) @ (left[1] - left[1].mean())))
