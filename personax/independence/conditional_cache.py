"""KCI between many columns of one table, as graph search needs it: what two tests share is computed once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Float

from personax.independence.conditional_columns import ColumnGroup, Kinds, Periods, encoded_columns, group_of
from personax.independence.conditional_kernels import (
    DeterminedByCondition,
    GivenColumns,
    GivenResiduals,
    compare_residuals,
    kernel_residuals,
)
from personax.independence.grams import Gram
from personax.independence.registry import TESTS
from personax.independence.resampling import RESAMPLES, generator_of
from personax.independence.threads import one_blas_thread
from personax.runs.errors import InputError

Kept = TypeVar("Kept")

CACHE_BYTES = 400_000_000
# About what a condition (its bases) and the residuals of a column (factors of it) take, in numbers a row.
_NUMBERS_OF_CONDITION, _NUMBERS_OF_RESIDUALS = 500, 120


class RecentlyUsed(Generic[Kept]):
    """A dictionary that keeps the `most` values that were used last."""

    def __init__(self, most: int) -> None:
        self.most = max(1, most)
        self._values: OrderedDict[Hashable, Kept] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """The value of `key`, which is made if it is not there (any more)."""
        if key in self._values:
            self._values.move_to_end(key)
        else:
            self._values[key] = make()
            while len(self._values) > self.most:
                self._values.popitem(last=False)
        return self._values[key]


class ManyKci:
    """p-values of KCI between columns of one complete table, given any others.

    Without a condition it is `kci`, else `kci(x, y, given=Z)`: the same numbers, and faster from the
    second test with the same Z on. At most about `CACHE_BYTES` bytes are kept.

    Args:
        data: (n, d) complete table.
        kinds: one kind for all columns, or one for each.
        periods: likewise, the length of a turn of circular columns.

    Raises InputError for missing values and for kinds that do not match the columns, ValueError as `encode`.
    """

    def __init__(
        self,
        data: Float[np.ndarray, "n d"],
        kinds: Kinds = "continuous",
        periods: Periods = None,
    ) -> None:
        encoded = encoded_columns("the table", data, kinds, periods)
        for place, (values, _) in enumerate(encoded):
            if np.isnan(values).any():
                raise InputError(f"column {place} has missing values; leave out these rows")
        everybody = np.ones(len(data), dtype=bool)
        self._groups = [group_of([column], everybody) for column in encoded]
        self._grams: RecentlyUsed[Gram] = RecentlyUsed(len(encoded))
        bytes_a_number = 8 * max(1, len(data))
        self._conditions: RecentlyUsed[GivenColumns] = RecentlyUsed(
            CACHE_BYTES // 2 // (_NUMBERS_OF_CONDITION * bytes_a_number)
        )
        self._residuals: RecentlyUsed[GivenResiduals | None] = RecentlyUsed(
            CACHE_BYTES // 2 // (_NUMBERS_OF_RESIDUALS * bytes_a_number)
        )

    def pvalue(self, x: int, y: int, given: Sequence[int] = ()) -> float:
        """p-value of two columns by their numbers; 1 if one is constant or a function of the condition."""
        x, y = sorted((x, y))
        given = tuple(sorted(given))
        if not given:
            return self._unconditional(x, y)
        with one_blas_thread():
            first, second = (self._residuals_of(side, given) for side in (x, y))
            if first is None or second is None:
                return 1.0
            found = compare_residuals(first, second, self._condition(given))
        return float(np.exp(min(found.log_p, 0.0)))

    def _unconditional(self, x: int, y: int) -> float:
        if not (self._groups[x].columns and self._groups[y].columns):
            return 1.0
        test, rng = TESTS["kci"], generator_of(None)
        (a,), (b,) = self._groups[x].columns, self._groups[y].columns
        if test.refusal(a, b) is not None:
            return 1.0
        prepare = test.preparation(rng)
        with one_blas_thread():
            gram_a, gram_b = (
                self._grams.get(place, partial(prepare, column)) for place, column in ((x, a), (y, b))
            )
            return test.test((a, b), (gram_a, gram_b), test.choose_null(None), rng, RESAMPLES).pvalue

    def _condition(self, given: tuple[int, ...]) -> GivenColumns:
        def make() -> GivenColumns:
            columns = tuple(column for place in given for column in self._groups[place].columns)
            return GivenColumns(ColumnGroup(self._groups[0].n, columns))

        return self._conditions.get(given, make)

    def _residuals_of(self, side: int, given: tuple[int, ...]) -> GivenResiduals | None:
        """GivenResiduals of a column; None if nothing is left of it."""

        def make() -> GivenResiduals | None:
            if not self._groups[side].columns:
                return None
            try:
                return kernel_residuals(self._groups[side], self._condition(given))
            except DeterminedByCondition:
                return None

        return self._residuals.get((side, given), make)
