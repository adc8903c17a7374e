"""A whole table of tests: every column of one frame against every column of another."""

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple, TypeGuard

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from joblib import Parallel, delayed

from personax.independence.columns import (
    Kind,
    PreparedColumn,
    complete_column,
    encode,
    label_numbers,
    refuse_other_index,
)
from personax.independence.multiple import combine_strata
from personax.independence.procedure import Null, Procedure
from personax.independence.registry import DEFAULT_TESTS, TESTS
from personax.independence.resampling import RESAMPLES, Randomness, generator_of
from personax.independence.results import TestResult
from personax.independence.threads import one_blas_thread
from personax.runs.errors import InputError
from personax.runs.progress import tracked

# Rows of the grid's table: column name -> value.
GridRows = list[dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Variables:
    """Columns, their kinds and periods.

    Attributes:
        frame: (n, columns); NaN or None is missing.
        kinds: the kind of each column.
        periods: circular column -> length of one turn; 2 pi for columns that are not in it.
    """

    frame: pd.DataFrame
    kinds: Mapping[str, Kind]
    periods: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the types, and the names of the columns. Raises InputError."""
        frame: object = self.frame
        if not isinstance(frame, pd.DataFrame):
            raise InputError(f"Variables: {type(frame).__name__} in place of a data frame of columns")
        maps: Sequence[object] = (self.kinds, self.periods)
        if not all(isinstance(given, Mapping) for given in maps):
            raise InputError("Variables: kinds and periods map names of columns, as {'Height': 'continuous'}")
        names = list(self.frame.columns)
        if not names or not len(self.frame):
            raise InputError(
                f"a frame of shape {self.frame.shape}: at least one column and one row are needed"
            )
        for name in names:
            if not isinstance(name, str):
                raise InputError(f"column {name!r}: names must be texts; write frame.rename(columns=str)")
        repeated = self.frame.columns[self.frame.columns.duplicated()]
        if len(repeated):
            raise InputError(f"column {repeated[0]!r} occurs twice; rename or remove one")

    def encoded(self) -> Iterator["EncodedColumn"]:
        """The columns in the form that tests take. Raises ValueError, which names the column with a fault."""
        for name, series in self.frame.items():
            if name not in self.kinds:
                raise ValueError(f"column {name!r} has no kind")
            kind = self.kinds[str(name)]
            try:
                values = encode(series, kind, self.periods.get(str(name)))
            except ValueError as error:
                raise ValueError(f"column {name!r}: {error}") from error
            yield EncodedColumn(str(name), values, kind)


class EncodedColumn(NamedTuple):
    """A column as (n,) floats (`encode`), with its name and kind."""

    name: str
    values: Float[np.ndarray, " n"]
    kind: Kind


def run_grid(
    traits: Variables,
    features: Variables,
    *,
    tests: Sequence[str] = DEFAULT_TESTS,
    given: pd.Series | None = None,
    rng: Randomness = None,
    resamples: int = RESAMPLES,
    jobs: int = 1,
    procedures: Mapping[str, Procedure] = TESTS,
) -> pd.DataFrame:
    """Test every trait against every feature.

    Args:
        traits, features: columns over the same n rows; each pair uses the rows in which both are present.
        tests: names from `procedures`; each uses its default null distribution.
        given: (n,) labels of strata, disjoint groups of rows. If given, each test is done within each stratum
            and the p-values are combined (`combine_strata`). Rows without a label are left out, and so are
            strata of fewer than 5 rows. Whether a test applies is decided on the whole columns.
        rng: source of randomness (permutations, Monte Carlo, RCIT's features): a generator, or a seed; None
            means the seed 0. Each cell has its own stream, named after test, trait and feature: its result
            depends neither on `jobs` nor on the other cells of the grid.
        resamples: largest number of permutations or Monte-Carlo tables per test.
        jobs: number of processes, with one BLAS thread each; 1 starts no other process, -1 means one per
            core. Starting a process takes a second or two, which pays off for permutation nulls, many traits
            or large n.
        procedures: `TESTS`, or `REFERENCE` for the implementations of other libraries (reference.py).

    Returns a row for each trait, feature and test, in that order: trait, feature, and the fields of
    `TestResult` with `applicable` and `seconds` (preparing a column counts for the first test that needs it).
    Progress is shown on standard error (runs/progress.py).

    A feature is prepared once for each pattern of missing rows, and only one at a time is held: memory is
    about 16 m n bytes a process, with m = 50 to 130 features of the cosine series (25 MB at n = 10,000).
    Raises ValueError as `run_test`, with the name of the column; InputError for an unknown name of a test and
    for frames with different numbers of rows or indexes (and `Variables` for frames without columns or rows,
    for names that are no texts or occur twice).

    >>> frame = pd.DataFrame({"Openness": [1, 2, 3, 1, 2, 3], "Height": [171, 180, 192, 168, 184, 190]})
    >>> traits = Variables(frame[["Openness"]], {"Openness": "ordinal"})
    >>> features = Variables(frame[["Height"]], {"Height": "continuous"})
    >>> run_grid(traits, features, tests=("kci", "fisher_z"))[["trait", "feature", "test", "n"]]
          trait feature      test  n
    0  Openness  Height       kci  6
    1  Openness  Height  fisher_z  6
    """
    refuse_wrong_arguments({"traits": traits, "features": features}, tests, resamples, jobs)
    _refuse_wrong_labels(given, len(traits.frame))
    unknown = [test for test in tests if test not in procedures]
    if unknown:
        raise InputError(f"test {unknown[0]!r} is unknown; choose from {', '.join(procedures)}")
    if len(traits.frame) != len(features.frame):
        raise InputError(f"traits have {len(traits.frame)} rows, features {len(features.frame)}")
    refuse_other_index("traits and features", traits.frame, features.frame)
    refuse_other_index("traits and given", traits.frame, given)
    row_of_tests = _FeatureRow(
        traits=tuple(traits.encoded()),
        tests={test: (procedures[test], procedures[test].choose_null(None)) for test in tests},
        strata=_strata_masks(given, len(traits.frame)),
        root=int(generator_of(rng).integers(2**63)),
        resamples=resamples,
    )
    return table_of_rows(row_of_tests, traits, features, jobs)


def table_of_rows(
    row_of_tests: Callable[[EncodedColumn], GridRows], traits: Variables, features: Variables, jobs: int
) -> pd.DataFrame:
    """The rows of all features, computed in `jobs` processes with a bar, in the order of the traits."""
    bar = partial(tracked, total=features.frame.shape[1], what="tests", unit="feature")
    per_feature = _rows_in_processes(row_of_tests, features.encoded(), jobs, bar)
    rows = [row for feature_rows in per_feature for row in feature_rows]
    order = {str(name): position for position, name in enumerate(traits.frame.columns)}
    rows.sort(key=lambda row: order[row["trait"]])  # stable: features and tests stay in order
    return pd.DataFrame(rows)


def refuse_wrong_arguments(
    sides: Mapping[str, object], tests: object, resamples: object, jobs: object
) -> None:
    """Raise InputError for arguments of a grid of another type, and for impossible numbers.

    `sides` are the tables of columns, by their names.
    """
    for name, side in sides.items():
        if not isinstance(side, Variables):
            raise InputError(
                f"{name}: {type(side).__name__}, must be Variables(frame, {{'Height': 'continuous'}})"
            )
    if isinstance(tests, str) or not isinstance(tests, Sequence):
        raise InputError(f"tests {tests!r}: a list of names, as ['kci', 'hsic']")
    if not (_is_whole(resamples) and _is_whole(jobs)) or resamples < 1 or jobs == 0:
        raise InputError(
            f"resamples {resamples!r}, jobs {jobs!r}: whole numbers from 1; jobs -1 is all cores"
        )


def _refuse_wrong_labels(given: object, rows: int) -> None:
    """Raise InputError for labels of strata that are no Series, or not one for each row."""
    if given is None:
        return
    if not isinstance(given, pd.Series):
        raise InputError(f"given: {type(given).__name__}, must be a Series of labels, one for each row")
    if len(given) != rows:
        raise InputError(f"given: {len(given)} labels for {rows} rows")


def _is_whole(number: object) -> TypeGuard[int]:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def _rows_in_processes(
    task: Callable[[EncodedColumn], GridRows],
    columns: Iterator[EncodedColumn],
    jobs: int,
    bar: Callable[[Iterable[Any]], Iterable[Any]],
) -> list[GridRows]:
    """The rows of every column, computed in `jobs` processes with one BLAS thread each."""
    if jobs == 1:
        with one_blas_thread():
            return [task(column) for column in bar(columns)]
    workers = Parallel(
        n_jobs=jobs, backend="loky", inner_max_num_threads=1, return_as="generator", max_nbytes=None
    )
    return list(bar(workers(delayed(task)(column) for column in columns)))


def _strata_masks(given: pd.Series | None, n: int) -> list[Bool[np.ndarray, " n"]]:
    """Boolean masks (n,) of the strata; without `given` a single mask with all rows."""
    if given is None:
        return [np.ones(n, dtype=bool)]
    try:
        numbers = label_numbers(given, in_order=True)
    except ValueError as error:
        raise InputError(f"given: {error}") from error
    return [numbers == number for number in range(numbers.max() + 1)]


class PreparedForms:
    """One column, and the form that each test prepares from it. It is prepared at its first use."""

    def __init__(self, column: PreparedColumn, root: int) -> None:
        self.column = column
        self._root = root
        self._made: dict[str, Any] = {}

    def by(self, procedure: Procedure) -> Any:
        """The column as `procedure` prepares it."""
        name = procedure.name
        if name not in self._made:
            # One stream for all columns: RCIT's frequencies are shared.
            self._made[name] = procedure.preparation(named_stream(self._root, name))(self.column)
        return self._made[name]


def _whole(column: EncodedColumn) -> PreparedColumn:
    """The column over all rows in which it is present."""
    return complete_column(column.values[~np.isnan(column.values)], column.kind)


def named_stream(root: int, name: str) -> np.random.Generator:
    """The random numbers of one cell: they do not depend on the other cells."""
    return np.random.default_rng([root, zlib.crc32(name.encode())])


@dataclass(frozen=True, eq=False)
class _FeatureRow:
    """All tests of one feature: a call with the feature returns its rows of the grid's table.

    Attributes:
        traits: the traits to test it against.
        tests: name -> the test and its null.
        strata: (n,) masks of the strata.
        root: the seed from which each cell's stream is derived.
        resamples: permutations or Monte-Carlo tables per test.
    """

    traits: Sequence[EncodedColumn]
    tests: Mapping[str, tuple[Procedure, Null]]
    strata: Sequence[Bool[np.ndarray, " n"]]
    root: int
    resamples: int

    def __call__(self, feature: EncodedColumn) -> GridRows:
        found: dict[tuple[str, str], list[TestResult]] = {
            (trait.name, test): [] for trait in self.traits for test in self.tests
        }
        seconds = dict.fromkeys(found, 0.0)
        applies = self._applies_as_a_whole(feature)
        for number, stratum in enumerate(self.strata):
            for complete, traits in self._by_pattern(stratum & ~np.isnan(feature.values)):
                column = self._prepared(feature, complete)
                for trait in traits:
                    other = self._prepared(trait, complete)
                    for test in self.tests:
                        started = perf_counter()
                        cell = f"{test}|{trait.name}|{feature.name}|{number}"
                        found[trait.name, test].append(
                            self._test(test, other, column, cell, applies.get((trait.name, test)))
                        )
                        seconds[trait.name, test] += perf_counter() - started
        return [
            {"trait": trait, "feature": feature.name}
            | (results[0] if len(self.strata) == 1 else combine_strata(test, results)).row()
            | {"seconds": seconds[trait, test]}
            for (trait, test), results in found.items()
        ]

    def _prepared(self, column: EncodedColumn, complete: Bool[np.ndarray, " n"]) -> PreparedForms:
        return PreparedForms(complete_column(column.values[complete], column.kind), self.root)

    def _applies_as_a_whole(self, feature: EncodedColumn) -> dict[tuple[str, str], bool]:
        """(trait, test) -> whether the test has a meaning for all rows; empty without strata.

        A test that applies is done in every stratum: three leagues stay three where a stratum holds two.
        """
        if len(self.strata) == 1:
            return {}
        return {
            (trait.name, name): all(test.applies(_whole(column)) for column in (trait, feature))
            for trait in self.traits
            for name, (test, _) in self.tests.items()
        }

    def _test(
        self, name: str, trait: PreparedForms, feature: PreparedForms, cell: str, applies: bool | None
    ) -> TestResult:
        """One test of one pair; `cell` names the stream of its randomness."""
        procedure, null = self.tests[name]
        columns = trait.column, feature.column
        refused = procedure.refusal(*columns, applies=applies)
        if refused is not None:
            return refused
        prepared = trait.by(procedure), feature.by(procedure)
        return procedure.test(columns, prepared, null, named_stream(self.root, cell), self.resamples)

    def _by_pattern(
        self, present: Bool[np.ndarray, " n"]
    ) -> Iterable[tuple[Bool[np.ndarray, " n"], list[EncodedColumn]]]:
        """Group the traits by their pattern of complete rows: (mask, traits) in order of appearance."""
        groups: dict[bytes, tuple[np.ndarray, list[EncodedColumn]]] = {}
        for trait in self.traits:
            complete = present & ~np.isnan(trait.values)
            groups.setdefault(complete.tobytes(), (complete, []))[1].append(trait)
        return groups.values()
