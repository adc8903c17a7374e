"""The same tests by causal-learn, hyppo and scipy (the peers), protected against their known pitfalls.

They are for cross-checks, and for work that must cite these libraries. Their memory is quadratic in n (3.7 to
5.8 GB at n = 9,444). The precautions, each with its reason:

    columns     Numbers become z-scores, circular columns (sin, cos), and nominal columns indicators; category
                numbers are never used. Rows with a missing value are left out before, since causal-learn
                treats NaN as a category.
    kci         Its `1 - cdf` can be 0. Such a p is replaced by 2^-53, the resolution of the subtraction.
    hsic        hyppo uses the kernel width of x for y, too. Both columns are divided by their own median
                distance first.
    hsic, distance_correlation
                hyppo's fast p is an upper bound (for independent columns it is mostly 1), so the null is
                called "hyppo chi2 bound". hyppo's objects keep state, so each test makes a new one.
    rcit        causal-learn draws from numpy's global generator. It is seeded, and restored afterwards.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import stats

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.discrete import expected_counts, is_discrete
from personax.independence.effects import Effect
from personax.independence.joint_counts import joint_counts
from personax.independence.linear import has_a_line, z_scores
from personax.independence.procedure import Comparison, Null, Procedure, any_column
from personax.independence.registry import TESTS
from personax.independence.results import LogPValue

_RESOLUTION = 2.0**-53


class PeerResult(NamedTuple):
    """The result of a peer for two columns.

    `effect` is the size of the dependence on the scale of a correlation, or NaN if the peer has none.
    """

    statistic: float
    pvalue: float
    effect: float
    null: str


# (x, y, rng) -> PeerResult
PeerTest = Callable[[PreparedColumn, PreparedColumn, np.random.Generator], PeerResult]


def points_of(column: PreparedColumn) -> Float[np.ndarray, "n k"]:
    """(n, k) points for tests of several dimensions: z-scores, (sin, cos), or one indicator per category."""
    if column.kind == "nominal":
        return np.asarray(np.eye(len(column.distinct))[column.numbers])
    if column.kind == "circular":
        return np.column_stack([np.sin(column.values), np.cos(column.values)])
    return np.asarray(column.standardised[column.numbers][:, None])


def _peer_kci(x: PreparedColumn, y: PreparedColumn, rng: np.random.Generator) -> PeerResult:
    from causallearn.utils.KCI.KCI import KCI_UInd

    p, statistic = KCI_UInd().compute_pvalue(points_of(x), points_of(y))
    return PeerResult(float(statistic), float(p), np.nan, "causal-learn gamma")


def _peer_rcit(x: PreparedColumn, y: PreparedColumn, rng: np.random.Generator) -> PeerResult:
    from causallearn.utils.RCIT.RCIT import RIT

    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
    try:
        p, statistic = RIT().compute_pvalue(points_of(x), points_of(y))
    finally:
        np.random.set_state(state)  # noqa: NPY002
    return PeerResult(float(statistic), float(np.real(p)), np.nan, "causal-learn lpd4")


def _unit_median(points: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Points divided by the median of their pairwise distances (hyppo's width); unchanged if that is 0."""
    from scipy.spatial.distance import pdist

    return points / (float(np.median(pdist(points))) or 1.0)


def _peer_hsic(x: PreparedColumn, y: PreparedColumn, rng: np.random.Generator) -> PeerResult:
    from hyppo.independence import Hsic

    return _hyppo_result(*Hsic().test(_unit_median(points_of(x)), _unit_median(points_of(y)))[:2])


def _peer_distance_correlation(x: PreparedColumn, y: PreparedColumn, rng: np.random.Generator) -> PeerResult:
    from hyppo.independence import Dcorr

    return _hyppo_result(*Dcorr().test(points_of(x), points_of(y))[:2])


def _hyppo_result(statistic: float, p: float) -> PeerResult:
    effect = float(np.sqrt(np.clip(statistic, 0, 1)))
    return PeerResult(float(statistic), float(p), effect, "hyppo chi2 bound")


def _peer_table(lambda_: str, x: PreparedColumn, y: PreparedColumn, rng: np.random.Generator) -> PeerResult:
    table = joint_counts(x, y)
    found = stats.chi2_contingency(table, correction=False, lambda_=lambda_)  # type: ignore[call-overload]  # plain str
    sparse = ", expected < 5" if expected_counts(x.counts, y.counts).min() < 5 else ""
    effect = float(stats.contingency.association(table.astype(int), method="cramer"))
    return PeerResult(float(found.statistic), float(found.pvalue), effect, f"scipy chi2{sparse}")


def _peer_pearson(x: PreparedColumn, y: PreparedColumn, rng: np.random.Generator) -> PeerResult:
    found = stats.pearsonr(z_scores(x), z_scores(y))
    return PeerResult(float(found.statistic), float(found.pvalue), float(found.statistic), "scipy beta")


def _compare_by_peer(
    peer: PeerTest,
    columns: ColumnPair,
    prepared: tuple[None, None],
    null: Null,
    rng: np.random.Generator,
    resamples: int,
) -> Comparison:
    statistic, p, effect, used = peer(*columns, rng)
    return Comparison(statistic, LogPValue(float(np.log(max(p, _RESOLUTION))), used), Effect(effect))


def _peer_procedure(
    name: str, title: str, peer: PeerTest, applies: Callable[[PreparedColumn], bool]
) -> Procedure:
    compare = partial(_compare_by_peer, peer)
    return Procedure(name, title, ("peer",), applies, lambda rng: lambda column: None, compare)


# The peers' tests under our names: `run_grid` accepts this instead of TESTS, `run_test` one of its values.
REFERENCE: dict[str, Procedure] = {
    test.name: test
    for test in (
        _peer_procedure("kci", "KCI (causal-learn)", _peer_kci, any_column),
        _peer_procedure("hsic", "HSIC (hyppo)", _peer_hsic, any_column),
        _peer_procedure(
            "distance_correlation", "Distance correlation (hyppo)", _peer_distance_correlation, any_column
        ),
        _peer_procedure("chi_square", "Chi-square (scipy)", partial(_peer_table, "pearson"), is_discrete),
        _peer_procedure("fisher_z", "Pearson's r (scipy)", _peer_pearson, has_a_line),
        _peer_procedure("rcit", "RCIT (causal-learn)", _peer_rcit, any_column),
        _peer_procedure("g_square", "G-square (scipy)", partial(_peer_table, "log-likelihood"), is_discrete),
    )
}


def procedures_of(implementation: str) -> Mapping[str, Procedure]:
    """The tests by name: ours for "exact", those of the other libraries for "reference"."""
    return TESTS if implementation == "exact" else REFERENCE
