"""A whole table of conditional tests: every column of one frame against every column of another, given Z."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import pandas as pd
from jaxtyping import Bool

from personax.independence.columns import refuse_other_index
from personax.independence.conditional import CONDITIONAL_TESTS, ConditionalProcedure
from personax.independence.conditional_columns import ColumnGroup, GroupTriple, group_of
from personax.independence.grid import (
    EncodedColumn,
    GridRows,
    Variables,
    named_stream,
    refuse_wrong_arguments,
    table_of_rows,
)
from personax.independence.resampling import RESAMPLES, Randomness, generator_of
from personax.runs.errors import InputError


def run_conditional_grid(
    traits: Variables,
    features: Variables,
    given: Variables,
    *,
    tests: Sequence[str],
    rng: Randomness = None,
    resamples: int = RESAMPLES,
    jobs: int = 1,
    procedures: Mapping[str, ConditionalProcedure] = CONDITIONAL_TESTS,
) -> pd.DataFrame:
    """Test every trait against every feature, given all columns of `given`.

    Arguments, columns of the result and errors as in `run_grid`; `tests` are names from `procedures`.
    Each pair uses the rows in which the trait, the feature and all columns of the condition are present.
    """
    refuse_wrong_arguments({"traits": traits, "features": features, "given": given}, tests, resamples, jobs)
    unknown = [test for test in tests if test not in procedures]
    if unknown:
        known = ", ".join(procedures)
        raise InputError(f"test {unknown[0]!r} has no conditional form; choose from {known}")
    refuse_other_index("traits and features", traits.frame, features.frame)
    refuse_other_index("traits and given", traits.frame, given.frame)
    lengths = {len(side.frame) for side in (traits, features, given)}
    if len(lengths) > 1:
        raise InputError(f"traits, features and given have different numbers of rows: {sorted(lengths)}")
    row_of_tests = _ConditionalRow(
        tuple(traits.encoded()),
        tuple(given.encoded()),
        {test: procedures[test] for test in tests},
        int(generator_of(rng).integers(2**63)),
        resamples,
    )
    return table_of_rows(row_of_tests, traits, features, jobs)


@dataclass(frozen=True, eq=False)
class _ConditionalRow:
    """All tests of one feature given Z: a call with the feature returns its rows of the grid's table."""

    traits: Sequence[EncodedColumn]
    given: Sequence[EncodedColumn]
    tests: Mapping[str, ConditionalProcedure]
    root: int
    resamples: int

    def __call__(self, feature: EncodedColumn) -> GridRows:
        known = np.all([~np.isnan(column.values) for column in (feature, *self.given)], axis=0)
        conditions: dict[bytes, ColumnGroup] = {}
        rows = []
        for trait in self.traits:
            complete = known & ~np.isnan(trait.values)
            pattern = complete.tobytes()
            if pattern not in conditions:
                conditions = {pattern: _group(self.given, complete)}
            groups = GroupTriple(_group([trait], complete), _group([feature], complete), conditions[pattern])
            rows += [self._row(test, trait.name, feature.name, groups) for test in self.tests]
        return rows

    def _row(self, test: str, trait: str, feature: str, groups: GroupTriple) -> dict[str, object]:
        started = perf_counter()
        rng = named_stream(self.root, f"{test}|{trait}|{feature}")
        found = self.tests[test].test(groups, None, rng, self.resamples)
        return {"trait": trait, "feature": feature} | found.row() | {"seconds": perf_counter() - started}


def _group(columns: Sequence[EncodedColumn], rows: Bool[np.ndarray, " n"]) -> ColumnGroup:
    return group_of([(column.values, column.kind) for column in columns], rows)
