"""The common form of all tests: each column is prepared once, then two prepared columns are compared."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.effects import Effect
from personax.independence.results import (
    ALL_DIFFERENT,
    CONSTANT,
    NOT_APPLICABLE,
    TOO_FAR_APART,
    TOO_FEW_ROWS,
    LogPValue,
    TestResult,
    result,
    without_pvalue,
)

Null = Literal["auto", "spectral", "gamma", "permutation", "chi2", "t", "normal", "peer"]
# What a whole command may ask for: each test's default, its asymptotic distribution, or random orders.
NullChoice = Literal["auto", "asymptotic", "permutation"]
MIN_ROWS = 5


class Comparison(NamedTuple):
    """The result of comparing two columns.

    Attributes:
        statistic: the test's statistic.
        p: its p-value.
        effect: size of the dependence, see effects.py.
    """

    statistic: float
    p: LogPValue
    effect: Effect


# (columns, the prepared columns, null, rng, resamples) -> Comparison
Compare = Callable[[ColumnPair, tuple[Any, Any], Null, np.random.Generator, int], Comparison]


def any_column(column: PreparedColumn) -> bool:
    """True: a test with this condition applies to columns of every kind."""
    return True


@dataclass(frozen=True)
class OfferedNulls:
    """What a test is called, and which null distributions it offers.

    Attributes:
        name: its name in calls and tables.
        title: its name in figures.
        nulls: the null distributions it offers; the first is the default.
    """

    name: str
    title: str
    nulls: tuple[Null, ...]

    def choose_null(self, null: str | None) -> Null:
        """`null`, or the default if None; ValueError if the test does not offer it."""
        if null is None:
            return self.nulls[0]
        for offered in self.nulls:
            if offered == null:
                return offered
        raise ValueError(f"{self.name}: null {null!r} is not offered; choose from {', '.join(self.nulls)}")


AnyTest = TypeVar("AnyTest", bound=OfferedNulls)


@dataclass(frozen=True)
class Procedure(OfferedNulls):
    """One test.

    Attributes:
        applies: function of a column: True if the test has a meaning for it.
        preparation: takes a generator (for random features) and returns the function that prepares a column.
        compare: compares two prepared columns, see `Compare`.
        needs_labels: whether it compares the distinct values as labels, so that values that lie close
            together must not be taken for one.
    """

    applies: Callable[[PreparedColumn], bool]
    preparation: Callable[[np.random.Generator], Callable[[PreparedColumn], Any]]
    compare: Compare
    needs_labels: bool = False

    def refusal(
        self, x: PreparedColumn, y: PreparedColumn, *, applies: bool | None = None
    ) -> TestResult | None:
        """The result without a p-value for columns that cannot be tested, else None.

        applies: whether the test has a meaning, if that was decided on more rows than these (strata).
        """
        if not (self.applies(x) and self.applies(y) if applies is None else applies):
            return without_pvalue(self.name, len(x), NOT_APPLICABLE)
        if len(x) < MIN_ROWS:
            return without_pvalue(self.name, len(x), TOO_FEW_ROWS)
        if len(x.distinct) < 2 or len(y.distinct) < 2:
            return without_pvalue(self.name, len(x), CONSTANT)
        if not (x.is_measurable and y.is_measurable):
            return without_pvalue(self.name, len(x), TOO_FAR_APART)
        if any(column.kind == "nominal" and len(column.distinct) == len(column) for column in (x, y)):
            return without_pvalue(self.name, len(x), ALL_DIFFERENT)
        return None

    def test(
        self,
        columns: ColumnPair,
        prepared: tuple[Any, Any],
        null: Null,
        rng: np.random.Generator,
        resamples: int,
    ) -> TestResult:
        """Compare two columns for which `refusal` returned None."""
        found = self.compare(columns, prepared, null, rng, resamples)
        return result(self.name, found.statistic, found.p, len(columns[0]), found.effect)


def with_null(tests: Mapping[str, AnyTest], choice: NullChoice) -> dict[str, AnyTest]:
    """The same tests with another default null.

    "asymptotic" is the one that each test offers second: spectral, chi2 or t. A test with one null only (of
    another library, or conditional) keeps it.
    """

    def default(test: AnyTest) -> AnyTest:
        if choice == "auto" or len(test.nulls) == 1:
            return test
        chosen = test.nulls[1] if choice == "asymptotic" else test.choose_null(choice)
        return replace(test, nulls=(chosen, *test.nulls))

    return {name: default(test) for name, test in tests.items()}
