"""The same tests through causal-learn, hyppo and scipy, guarded against their traps.

For cross-checks, and for those who must cite them. Their memory is quadratic in n (3.7 to 5.8 GB at 9,444).
Guards, each with its reason:

    columns     numbers as z-scores, circular ones as (sin, cos), nominal ones as indicators - never codes;
                rows with a missing value are dropped before, since causal-learn takes NaN for a category.
    kci         `1 - cdf` ends at 0: such p are given as 2^-53, what the subtraction can resolve.
    hsic        hyppo takes the width of y from x: both are divided by their own median distance first.
    hsic, distance_correlation
                hyppo's fast p is an upper bound (most of the null lies at 1): the null is called
                "hyppo chi2 bound". A new object each time, for they keep state.
    rcit        causal-learn draws from numpy's global state: seeded, and put back afterwards.
"""

from collections.abc import Callable

import numpy as np
from scipy import stats

from personax.independence.columns import Column
from personax.independence.discrete import expected_counts, is_discrete
from personax.independence.grams import joint_counts
from personax.independence.linear import has_a_line, z_scores
from personax.independence.procedure import Null, Procedure, any_column

_RESOLUTION = 2.0**-53

# (x, y, rng) -> statistic, p-value, effect, name of the null
_Peer = Callable[[Column, Column, np.random.Generator], tuple[float, float, float, str]]


def coordinates(column: Column) -> np.ndarray:
    """(n, k) numbers for tests of several dimensions: z-scores, (sin, cos), or one indicator a category."""
    if column.kind == "nominal":
        return np.asarray(np.eye(len(column.distinct))[column.codes])
    if column.kind == "circular":
        return np.column_stack([np.sin(column.values), np.cos(column.values)])
    return np.asarray(column.standardised[column.codes][:, None])


def _peer_kci(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    from causallearn.utils.KCI.KCI import KCI_UInd

    p, statistic = KCI_UInd().compute_pvalue(coordinates(x), coordinates(y))
    return float(statistic), float(p), np.nan, "causal-learn gamma"


def _peer_rcit(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
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


def _peer_table(lambda_: str) -> _Peer:
    def test(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
        table = joint_counts(x.codes, y.codes, (len(x.counts), len(y.counts)))
        found = stats.chi2_contingency(table, correction=False, lambda_=lambda_)  # type: ignore[call-overload]  # plain str
        sparse = ", expected < 5" if expected_counts(x.counts, y.counts).min() < 5 else ""
        effect = float(stats.contingency.association(table.astype(int), method="cramer"))
        return float(found.statistic), float(found.pvalue), effect, f"scipy chi2{sparse}"

    return test


def _pearson(x: Column, y: Column, rng: np.random.Generator) -> tuple[float, float, float, str]:
    found = stats.pearsonr(z_scores(x), z_scores(y))
    return float(found.statistic), float(found.pvalue), float(found.statistic), "scipy beta"


def _procedure(name: str, title: str, peer: _Peer, applies: Callable[[Column], bool]) -> Procedure:
    def compare(
        columns: tuple[Column, Column],
        prepared: tuple[None, None],
        null: Null,
        rng: np.random.Generator,
        resamples: int,
    ) -> tuple[float, float, float, str]:
        statistic, p, effect, used = peer(*columns, rng)
        return statistic, float(np.log(max(p, _RESOLUTION))), effect, used

    return Procedure(name, title, ("peer",), applies, lambda rng: lambda column: None, compare)


# Takes the place of TESTS in `run_test` and `run_grid`. The effect is the peer's own statistic on the scale
# of a correlation where it has one, else NaN.
REFERENCE: dict[str, Procedure] = {
    test.name: test
    for test in (
        _procedure("kci", "KCI (causal-learn)", _peer_kci, any_column),
        _procedure("hsic", "HSIC (hyppo)", _hsic, any_column),
        _procedure("distance_correlation", "Distance correlation (hyppo)", _distance_correlation, any_column),
        _procedure("chi_square", "Chi-square (scipy)", _peer_table("pearson"), is_discrete),
        _procedure("fisher_z", "Pearson's r (scipy)", _pearson, has_a_line),
        _procedure("rcit", "RCIT (causal-learn)", _peer_rcit, any_column),
        _procedure("g_square", "G-square (scipy)", _peer_table("log-likelihood"), is_discrete),
    )
}
