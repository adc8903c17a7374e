"""Conditional tests: are x and y independent given Z? Each a plain function of x, y and the condition.

Words: x and y are conditionally independent given Z if, among people with the same Z, x says nothing about y.
x, y and Z may each have several columns, of mixed kinds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np

from personax.independence.conditional_columns import (
    GivenFinding,
    GroupTriple,
    Kinds,
    Periods,
    complete_groups,
)
from personax.independence.conditional_kernels import (
    DeterminedByCondition,
    compare_distances,
    compare_fixed,
    compare_gcm,
    compare_kci,
    compare_rcit,
    compare_rcot,
)
from personax.independence.conditional_linear import SingularColumns, compare_partial
from personax.independence.conditional_tables import NothingVaries, compare_strata, discrete_groups
from personax.independence.discrete import TABLE_NULLS, likelihood_ratio, pearson
from personax.independence.effects import Effect
from personax.independence.linear import has_a_line
from personax.independence.procedure import MIN_ROWS, Null, OfferedNulls
from personax.independence.resampling import RESAMPLES, Randomness, generator_of
from personax.independence.results import (
    CONSTANT,
    DETERMINED,
    NOT_APPLICABLE,
    TOO_FEW_ROWS,
    LogPValue,
    TestResult,
    result,
    without_pvalue,
)
from personax.independence.threads import one_blas_thread
from personax.runs.errors import InputError

# (groups, null, rng, resamples) -> GivenFinding
CompareGiven = Callable[[GroupTriple, Null, np.random.Generator, int], GivenFinding]


@dataclass(frozen=True)
class ConditionalProcedure(OfferedNulls):
    """One conditional test; it has the name of the unconditional one where there is one.

    The null "auto" stands for the only one, or for a choice by the columns.

    Attributes:
        applies: function of x, y and Z: True if the test has a meaning for their kinds.
        compare: compares x and y given Z.
    """

    applies: Callable[[GroupTriple], bool]
    compare: CompareGiven

    def test(
        self, groups: GroupTriple, null: str | None, rng: np.random.Generator, resamples: int
    ) -> TestResult:
        """Test complete columns; a result without a p-value says why there is none."""
        n = groups.x.n
        chosen = self.choose_null(null)
        if not self.applies(groups):
            return without_pvalue(self.name, n, NOT_APPLICABLE)
        if n < MIN_ROWS:
            return without_pvalue(self.name, n, TOO_FEW_ROWS)
        if not (groups.x.columns and groups.y.columns):
            return without_pvalue(self.name, n, CONSTANT)
        try:
            found = self.compare(groups, chosen, rng, resamples)
        except (DeterminedByCondition, NothingVaries):
            return without_pvalue(self.name, n, DETERMINED)
        except SingularColumns as reason:
            return without_pvalue(self.name, n, str(reason))
        p = LogPValue(found.log_p, found.null, found.is_bound)
        return result(self.name, found.statistic, p, n, Effect(found.effect))


def _any_groups(groups: GroupTriple) -> bool:
    return True


def _groups_with_lines(groups: GroupTriple) -> bool:
    """Whether x and y have a meaningful correlation; Z may have any kind."""
    return all(has_a_line(column) for side in (groups.x, groups.y) for column in side.columns)


CONDITIONAL_TESTS: dict[str, ConditionalProcedure] = {
    test.name: test
    for test in (
        ConditionalProcedure("kci", "KCI", ("gamma",), _any_groups, compare_kci),
        ConditionalProcedure("kci_fixed", "KCI, fixed widths", ("gamma",), _any_groups, compare_fixed),
        ConditionalProcedure(
            "distance_correlation", "Distance correlation", ("gamma",), _any_groups, compare_distances
        ),
        ConditionalProcedure(
            "chi_square", "Chi-square", TABLE_NULLS, discrete_groups, compare_strata(pearson)
        ),
        ConditionalProcedure(
            "fisher_z", "Partial correlation", ("auto",), _groups_with_lines, compare_partial
        ),
        ConditionalProcedure("rcit", "RCIT", ("spectral",), _any_groups, compare_rcit),
        ConditionalProcedure("rcot", "RCoT", ("spectral",), _any_groups, compare_rcot),
        ConditionalProcedure(
            "g_square", "G-square", TABLE_NULLS, discrete_groups, compare_strata(likelihood_ratio)
        ),
        ConditionalProcedure("gcm", "GCM", ("auto",), _any_groups, compare_gcm),
    )
}


class ConditionalOptions(TypedDict, total=False):
    """The keyword arguments of every conditional test; `run_conditional` explains them."""

    kinds: tuple[Kinds, Kinds, Kinds]
    periods: tuple[Periods, Periods, Periods]
    null: str | None
    rng: Randomness
    resamples: int


def run_conditional(
    test: str, x: Any, y: Any, given: Any, **options: Unpack[ConditionalOptions]
) -> TestResult:
    """Test whether x and y are independent given Z.

    Args:
        test: a name in `CONDITIONAL_TESTS`.
        x, y, given: (n,) columns, or (n, k) arrays or frames of several columns. Rows in which any of them is
            missing are left out.
        options: kinds: three entries, for x, y and given, each one kind for all its columns or a sequence
            with one for each column; all continuous if left out. periods: likewise, the length of a turn of
            circular columns. null, rng, resamples: as in `run_test`.

    There is no p-value (see `TestResult.null`) if the test does not apply to the kinds of column, if fewer
    than 5 rows are complete, if x or y is constant, or if one of them is a function of Z.

    Raises ValueError as `run_test`; InputError for a test without a conditional form, and for kinds that do
    not match the columns.

    >>> rng = np.random.default_rng(0)
    >>> z = rng.normal(size=400)
    >>> x, y = z + rng.normal(size=400), z + rng.normal(size=400)
    >>> found = run_conditional("kci", x, y, z)
    >>> found.null, found.n, found.pvalue > 0.05
    ('gamma', 400, True)
    >>> run_conditional("kci", x, x + y, z).pvalue < 1e-6
    True
    """
    if test not in CONDITIONAL_TESTS:
        raise InputError(f"test {test!r} has no conditional form; choose from {', '.join(CONDITIONAL_TESTS)}")
    kinds = options.get("kinds", ("continuous",) * 3)
    periods = options.get("periods", (None,) * 3)
    if {len(kinds), len(periods)} != {3}:
        raise InputError("kinds and periods need three entries: of x, of y, and of given")
    resamples = options.get("resamples", RESAMPLES)
    if resamples < 1:
        raise ValueError(f"resamples={resamples} must be at least 1")
    groups = complete_groups((x, y, given), kinds, periods)
    generator = generator_of(options.get("rng"))
    with one_blas_thread():
        return CONDITIONAL_TESTS[test].test(groups, options.get("null"), generator, resamples)


def gcm(x: Any, y: Any, *, given: Any, **options: Unpack[ConditionalOptions]) -> TestResult:
    """Generalised covariance measure (Shah & Peters 2020); arguments and errors as in `run_conditional`.

    The residuals of regressions of x and of y on Z (kernel ridge, cross-validated; normal scores of numbers,
    indicators of categories) should have covariance 0. It does not detect dependences whose sign changes
    with Z or whose covariance is 0. The statistic is standard normal; for several columns it is the largest
    absolute one, with a p-value by the multiplier bootstrap. The effect is the (largest) correlation of
    residuals.
    """
    return run_conditional("gcm", x, y, given, **options)


def rcot(x: Any, y: Any, *, given: Any, **options: Unpack[ConditionalOptions]) -> TestResult:
    """RCoT (Strobl et al. 2019), which is `rcit` with features of x in the place of (x, Z).

    Arguments and errors as in `run_conditional`. Less sensitive to dependences that change with Z than
    `rcit`.
    """
    return run_conditional("rcot", x, y, given, **options)
