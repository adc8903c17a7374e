"""Tests from tables of counts: the same tests, for tables that were counted part by part.

Everything that a test computes from two columns depends only on how many people have each pair of values.
So a table of counts (d, e) with the d and e values is as good as the columns themselves. The filled cells
of the table become the rows of two columns with weights (`PreparedColumn`), and all tests work on these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from personax.independence.columns import ColumnPair, Kind, PreparedColumn
from personax.independence.grid import GridRows, PreparedForms, named_stream
from personax.independence.multiple import combine_strata
from personax.independence.procedure import Null, Procedure
from personax.independence.results import NOT_APPLICABLE, TestResult, without_pvalue
from personax.independence.threads import one_blas_thread


@dataclass(frozen=True, eq=False)
class Levels:
    """The values that a column may have.

    Attributes:
        name: of the column.
        kind: see `Kind`.
        values: (d,) all different, ascending, as `encode` returns them.
        counts: (d,) people with each value, whatever they have in other columns.
        is_gathered: whether each value stands for several that lie close together: then a table of counts of
            the values themselves is not known, and tests on tables do not apply.
        hidden_pairs: pairs of people who share a value here, although their own values differ.
    """

    name: str
    kind: Kind
    values: Float[np.ndarray, " d"]
    counts: Int[np.ndarray, " d"]
    is_gathered: bool = False
    hidden_pairs: int = 0

    def column(self) -> PreparedColumn:
        """The column over all people who have a value in it; each row is one value."""
        present = self.counts > 0
        numbers = np.arange(int(present.sum()))
        return self.of_rows(present, numbers, self.counts[present])

    def of_rows(
        self, present: Bool[np.ndarray, " d"], numbers: Int[np.ndarray, " n"], weights: Num[np.ndarray, " n"]
    ) -> PreparedColumn:
        """A column whose rows (n,) have `numbers` among the values that are `present`, all of which occur."""
        column = _counted_column(self.kind, self.values[present], numbers, weights)
        return replace(column, hidden_pairs=self.hidden_pairs)


class PairTable(NamedTuple):
    """Two columns, and how many people (d, e) have each pair of their values.

    People may be shared between neighbouring values that are gathered; their sum for each value is whole.
    """

    trait: Levels
    feature: Levels
    people: Num[np.ndarray, "d e"]


def _counted_column(
    kind: Kind,
    values: Float[np.ndarray, " d"],
    numbers: Int[np.ndarray, " n"],
    weights: Num[np.ndarray, " n"],
) -> PreparedColumn:
    """A column with weights from its distinct values, all of which occur."""
    counts = np.rint(np.bincount(numbers, weights=weights, minlength=len(values))).astype(int)
    if kind == "nominal":  # as `complete_column`: the most frequent category first
        order = np.argsort(-counts, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        values, numbers, counts = np.arange(len(order), dtype=float), rank[numbers], counts[order]
    return PreparedColumn(kind, values[numbers], values, numbers, counts, weights)


def counted_pair(table: PairTable) -> ColumnPair:
    """Two columns from a table of how many people have each pair of values."""
    cells = np.nonzero(table.people)
    weights = table.people[cells]
    columns = []
    for levels, numbers in zip((table.trait, table.feature), cells, strict=True):
        columns.append(levels.of_rows(*_renumbered(numbers, len(levels.values)), weights))
    return columns[0], columns[1]


def _renumbered(
    numbers: Int[np.ndarray, " n"], d: int
) -> tuple[Bool[np.ndarray, " d"], Int[np.ndarray, " n"]]:
    """Which of d numbers occur, and the numbers (n,) without the others."""
    present = np.zeros(d, dtype=bool)
    present[numbers] = True
    return present, (np.cumsum(present) - 1)[numbers]


@dataclass(frozen=True, eq=False)
class CountedTests:
    """All tests of pairs of columns.

    Attributes:
        tests: name -> the test and its null.
        root: the seed from which each test's stream is derived, as in `run_grid`.
        resamples: permutations or Monte-Carlo tables per test.
    """

    tests: Mapping[str, tuple[Procedure, Null]]
    root: int
    resamples: int

    def rows(self, tables: Sequence[PairTable]) -> GridRows:
        """The rows of `run_grid` for one pair of columns, with one table for each stratum."""
        trait, feature, _ = tables[0]
        applies = self._applies_as_a_whole(trait, feature) if len(tables) > 1 else {}
        found: dict[str, list[TestResult]] = {name: [] for name in self.tests}
        with one_blas_thread():
            for number, table in enumerate(tables):
                pair = counted_pair(table)
                prepared = PreparedForms(pair[0], self.root), PreparedForms(pair[1], self.root)
                for name in self.tests:
                    cell = f"{name}|{trait.name}|{feature.name}|{number}"
                    counted_only = not (trait.is_gathered or feature.is_gathered)
                    tested = self._test(name, prepared, cell, applies.get(name), exact=counted_only)
                    found[name].append(tested)
        return [
            {"trait": trait.name, "feature": feature.name}
            | (results[0] if len(tables) == 1 else combine_strata(name, results)).row()
            for name, results in found.items()
        ]

    def _applies_as_a_whole(self, trait: Levels, feature: Levels) -> dict[str, bool]:
        """Whether each test has a meaning for all people; a test that has is done in every stratum."""
        columns = trait.column(), feature.column()
        return {name: all(map(test.applies, columns)) for name, (test, _) in self.tests.items()}

    def _test(
        self,
        name: str,
        prepared: tuple[PreparedForms, PreparedForms],
        cell: str,
        applies: bool | None,
        *,
        exact: bool,
    ) -> TestResult:
        procedure, null = self.tests[name]
        pair = prepared[0].column, prepared[1].column
        if procedure.needs_labels and not exact:
            return without_pvalue(name, len(pair[0]), NOT_APPLICABLE)
        refused = procedure.refusal(*pair, applies=applies)
        if refused is not None:
            return refused
        forms = prepared[0].by(procedure), prepared[1].by(procedure)
        return procedure.test(pair, forms, null, named_stream(self.root, cell), self.resamples)
