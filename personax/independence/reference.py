"""The same tests through causal-learn, hyppo and scipy, guarded against their traps.

For cross-checks, and for those who must cite them. Their memory is quadratic in n (3.7 to 5.8 GB at n = 9,444).
Guards, each with its reason:

    columns     numbers as z-scores, circular ones as (sin, cos), nominal ones as indicators - never codes;
                rows with a missing value are dropped here, since causal-learn takes NaN for a category.
    kci         `1 - cdf` ends at 0: such p are given as 2^-53, what the subtraction can resolve.
    hsic        hyppo takes the width of y from x: both columns are divided by their own median distance first.
    hsic, distance_correlation
                hyppo's fast p is an upper bound (most of the null lies at 1): the null is called
                "hyppo chi2 bound". A new object each time, for they keep state.
    rcit        causal-learn draws from numpy's global state: seeded, and put back afterwards.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from personax.independence.columns import Column, Kind, complete_column, encode
from personax.independence.discrete import expected_counts, is_discrete
from personax.independence.grams import joint_counts
from personax.independence.linear import has_a_line, z_scores
from personax.independence.procedure import MIN_ROWS
from personax.independence.results import (
    CONSTANT,
    NOT_APPLICABLE,
    TOO_FEW_ROWS,
    TestResult,
    result,
    without_pvalue,
)

_RESOLUTION = 2.0**-53

# (x, y, rng) -> statistic, p-value, effect, name of the null
_Peer = Callable[[Column, Column, np.random.Generator], tuple[float, float, float, str]]


def _any_column(column: Column) -> bool:
    return True


def coordinates(column: Column) -> np.ndarray:
    """(n, k) numbers for tests of several dimensions: z-scores, (sin, cos), or one indicator a category."""
    if column.kind == "nominal":
        return np.eye(len(column.distinct))[column.codes]
    if column.kind == "circular":
        return np.column_stack([np.sin(column.values), np.cos(column.values)])
    return column.standardised[column.codes][:, None]


def _kci(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    from causallearn.utils.KCI.KCI import KCI_UInd

    p, statistic = KCI_UInd().compute_pvalue(coordinates(x), coordinates(y))
    return float(statistic), float(p), np.nan, "causal-learn gamma"


def _rcit(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    from causallearn.utils.RCIT.RCIT import RIT

    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
    try:
        p, statistic = RIT().compute_pvalue(coordinates(x), coordinates(y))
    finally:
        np.random.set_state(state)  # noqa: NPY002
    return float(statistic), float(np.real(p)), np.nan, "causal-learn lpd4"


def _unit_median(points: np.ndarray) -> np.ndarray:
    """Points divided by the median of their pairwise distances, the median hyppo takes (1 if it is 0)."""
    from scipy.spatial.distance import pdist

    return points / (float(np.median(pdist(points))) or 1.0)


def _hsic(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    from hyppo.independence import Hsic

    found = Hsic().test(_unit_median(coordinates(x)), _unit_median(coordinates(y)))
    statistic, p = float(found[0]), float(found[1])
    return statistic, p, float(np.sqrt(np.clip(statistic, 0, 1))), "hyppo chi2 bound"


def _distance_correlation(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    from hyppo.independence import Dcorr

    found = Dcorr().test(coordinates(x), coordinates(y))
    statistic, p = float(found[0]), float(found[1])
    return statistic, p, float(np.sqrt(np.clip(statistic, 0, 1))), "hyppo chi2 bound"


def _table(lambda_: str) -> _Peer:
    def test(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
        table = joint_counts(x.codes, y.codes, (len(x.counts), len(y.counts)))
        found = stats.chi2_contingency(table, correction=False, lambda_=lambda_)
        sparse = ", expected < 5" if expected_counts(x.counts, y.counts).min() < 5 else ""
        effect = float(stats.contingency.association(table.astype(int), method="cramer"))
        return float(found.statistic), float(found.pvalue), effect, f"scipy chi2{sparse}"

    return test


def _pearson(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    found = stats.pearsonr(z_scores(x), z_scores(y))
    return float(found.statistic), float(found.pvalue), float(found.statistic), "scipy beta"


_PEERS: dict[str, tuple[_Peer, Callable[[Column], bool]]] = {
    "kci": (_kci, _any_column),
    "hsic": (_hsic, _any_column),
    "distance_correlation": (_distance_correlation, _any_column),
    "chi_square": (_table("pearson"), is_discrete),
    "fisher_z": (_pearson, has_a_line),
    "rcit": (_rcit, _any_column),
    "g_square": (_table("log-likelihood"), is_discrete),
}


def reference_test(
    name: str,
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind],
    periods: tuple[float | None, float | None] = (None, None),
    rng: np.random.Generator | None = None,
) -> TestResult:
    """The test `name` through its peer; arguments, missing values and undefined cases as `run_test`.

    The effect is the peer's own statistic on the scale of a correlation where it has one, else NaN.
    """
    peer, applies = _PEERS[name]
    a, b = encode(x, kinds[0], periods[0]), encode(y, kinds[1], periods[1])
    complete = ~(np.isnan(a) | np.isnan(b))
    first, second = complete_column(a[complete], kinds[0]), complete_column(b[complete], kinds[1])
    if not (applies(first) and applies(second)):
        return without_pvalue(name, len(first), NOT_APPLICABLE)
    if len(first) < MIN_ROWS:
        return without_pvalue(name, len(first), TOO_FEW_ROWS)
    if len(first.distinct) < 2 or len(second.distinct) < 2:
        return without_pvalue(name, len(first), CONSTANT)
    rng = np.random.default_rng(0) if rng is None else rng
    statistic, p, effect, null = peer(first, second, rng)
    return result(name, statistic, float(np.log(max(p, _RESOLUTION))), len(first), effect, null)


def _bound(name: str) -> Callable[..., TestResult]:
    def test(x: Any, y: Any, **options: Any) -> TestResult:
        return reference_test(name, x, y, **options)

    return test


PEERS: dict[str, Callable[..., TestResult]] = {name: _bound(name) for name in _PEERS}
