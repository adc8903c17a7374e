"""The shape that all tests share: a column is prepared once, two prepared columns are compared."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from personax.independence.columns import Column
from personax.independence.results import (
    CONSTANT,
    NOT_APPLICABLE,
    TOO_FEW_ROWS,
    TestResult,
    result,
    without_pvalue,
)

Null = Literal["auto", "spectral", "gamma", "permutation", "chi2", "normal", "peer"]
MIN_ROWS = 5

# (columns, what `prepare` made of them, null, rng, resamples) -> statistic, log p, effect, name of the null
Comparison = Callable[
    [tuple[Column, Column], tuple[Any, Any], Null, np.random.Generator, int],
    tuple[float, float, float, str],
]


def any_column(column: Column) -> bool:
    """Applies to columns of every kind."""
    return True


@dataclass(frozen=True)
class Procedure:
    """One test.

    Attributes:
        title: its name in figures.
        nulls: the null distributions it offers; the first is the default.
        applies: whether the test means anything for a column.
        preparation: given a generator (for random features), the function that prepares a column.
        compare: see `Comparison`.
    """

    name: str
    title: str
    nulls: tuple[Null, ...]
    applies: Callable[[Column], bool]
    preparation: Callable[[np.random.Generator], Callable[[Column], Any]]
    compare: Comparison

    def choose_null(self, null: str | None) -> Null:
        """`null`, or the default if None; ValueError if the test does not offer it."""
        if null is None:
            return self.nulls[0]
        for offered in self.nulls:
            if offered == null:
                return offered
        raise ValueError(f"{self.name}: null {null!r} is not offered; choose from {', '.join(self.nulls)}")

    def refusal(self, x: Column, y: Column) -> TestResult | None:
        """The result without a p-value for columns that cannot be tested, else None."""
        if not (self.applies(x) and self.applies(y)):
            return without_pvalue(self.name, len(x), NOT_APPLICABLE)
        if len(x) < MIN_ROWS:
            return without_pvalue(self.name, len(x), TOO_FEW_ROWS)
        if len(x.distinct) < 2 or len(y.distinct) < 2:
            return without_pvalue(self.name, len(x), CONSTANT)
        return None

    def test(
        self,
        columns: tuple[Column, Column],
        prepared: tuple[Any, Any],
        null: Null,
        rng: np.random.Generator,
        resamples: int,
    ) -> TestResult:
        """Compare two columns that `refusal` let pass."""
        statistic, log_p, effect, used = self.compare(columns, prepared, null, rng, resamples)
        return result(self.name, statistic, log_p, len(columns[0]), effect, used)
