"""A whole table of tests: every column of one frame against every column of another."""

import zlib
from collections.abc import Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from personax.independence.columns import Column, Kind, complete_column, encode
from personax.independence.multiple import combine_strata
from personax.independence.procedure import Null, Procedure
from personax.independence.registry import DEFAULT_TESTS, RESAMPLES, TESTS
from personax.independence.results import TestResult
from personax.independence.threads import one_blas_thread


def run_grid(  # noqa: PLR0913
    traits: pd.DataFrame,
    features: pd.DataFrame,
    *,
    trait_kinds: Mapping[str, Kind],
    feature_kinds: Mapping[str, Kind],
    periods: Mapping[str, float] | None = None,
    tests: Sequence[str] = DEFAULT_TESTS,
    nulls: Mapping[str, str] | None = None,
    given: pd.Series | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
    jobs: int = 1,
    progress: bool = True,
    procedures: Mapping[str, Procedure] = TESTS,
) -> pd.DataFrame:
    """Test every trait against every feature.

    Args:
        traits, features: frames with the same n rows; NaN or None is missing, and each pair uses the rows in
            which both are present.
        trait_kinds, feature_kinds: the kind of each column. periods: one turn of each circular column (2 pi).
        tests: names from `TESTS`. nulls: test -> null distribution, where not the default.
        given: (n,) labels of strata; each test is then done within each stratum and the p-values are combined
            (`combine_strata`). Rows without a label are left out.
        rng: randomness (permutations, Monte Carlo, RCIT's features); None is a generator seeded with 0. Each
            cell draws from its own stream, named after test, trait and feature: results depend neither
            on `jobs` nor on what else is in the grid.
        resamples: permutations or Monte-Carlo tables per test.
        jobs: processes with one BLAS thread each; 1 stays in this process, -1 is one a core. Starting a
            process takes a second or two: worth it for permutation nulls, many score columns or large n.
        progress: a bar on standard error, if that is a terminal.
        procedures: `TESTS`, or `REFERENCE` for the peers' implementations (reference.py).

    Returns a row for each trait, feature and test, in that order: trait, feature, and the fields of
    `TestResult` with `applicable` and `seconds` (preparing a column counts for the first test that needs it).

    A feature is prepared once for each pattern of missing rows, and only one at a time is held: memory is
    about 16 m n bytes a process, m = 50 to 130 features of the cosine series (25 MB at n = 10,000).
    Raises ValueError as `run_test`, with the name of the column.
    """
    unknown = [test for test in tests if test not in procedures]
    if unknown:
        raise ValueError(f"test {unknown[0]!r} is unknown; choose from {', '.join(procedures)}")
    if len(traits) != len(features):
        raise ValueError(f"traits have {len(traits)} rows, features {len(features)}")
    chosen = {
        test: (procedures[test], procedures[test].choose_null((nulls or {}).get(test))) for test in tests
    }
    turns = periods or {}
    encoded_traits = {
        str(name): (_encoded(traits[name], trait_kinds, turns), trait_kinds[name]) for name in traits.columns
    }
    strata = _strata(given, len(traits))
    root = int((np.random.default_rng(0) if rng is None else rng).integers(2**63))
    task = partial(
        _test_feature, traits=encoded_traits, chosen=chosen, strata=strata, root=root, resamples=resamples
    )
    cells = (
        (str(name), _encoded(features[name], feature_kinds, turns), feature_kinds[name])
        for name in features.columns
    )
    hidden = None if progress else True  # None: shown on a terminal only
    bar = partial(tqdm, total=features.shape[1], unit="feature", disable=hidden, leave=False)
    if jobs == 1:
        with one_blas_thread():
            per_feature = [task(*cell) for cell in bar(cells)]
    else:
        workers = Parallel(
            n_jobs=jobs, backend="loky", inner_max_num_threads=1, return_as="generator", max_nbytes=None
        )
        per_feature = list(bar(workers(delayed(task)(*cell) for cell in cells)))
    rows = [row for feature_rows in per_feature for row in feature_rows]
    order = {str(name): position for position, name in enumerate(traits.columns)}
    rows.sort(key=lambda row: order[row["trait"]])  # stable: features and tests stay in order
    return pd.DataFrame(rows)


def _encoded(series: pd.Series, kinds: Mapping[str, Kind], periods: Mapping[str, float]) -> np.ndarray:
    name = series.name
    if name not in kinds:
        raise ValueError(f"column {name!r} has no kind")
    try:
        return encode(series, kinds[str(name)], periods.get(str(name)))
    except ValueError as error:
        raise ValueError(f"column {name!r}: {error}") from error


def _strata(given: pd.Series | None, n: int) -> list[np.ndarray]:
    """Boolean masks (n,) of the strata; one of all rows without `given`."""
    if given is None:
        return [np.ones(n, dtype=bool)]
    codes = pd.factorize(given, sort=True, use_na_sentinel=True)[0]
    return [codes == code for code in range(codes.max() + 1)]


class _Prepared:
    """One column with what each test made of it, made when first asked for."""

    def __init__(self, column: Column, root: int) -> None:
        self.column = column
        self._root = root
        self._made: dict[str, Any] = {}

    def by(self, procedure: Procedure) -> Any:
        """The column as `procedure` prepares it."""
        name = procedure.name
        if name not in self._made:
            # One stream for all columns: RCIT's frequencies are shared.
            self._made[name] = procedure.preparation(_stream(self._root, name))(self.column)
        return self._made[name]


def _stream(root: int, name: str) -> np.random.Generator:
    return np.random.default_rng([root, zlib.crc32(name.encode())])


def _test_feature(
    name: str,
    values: np.ndarray,
    kind: Kind,
    *,
    traits: Mapping[str, tuple[np.ndarray, Kind]],
    chosen: Mapping[str, tuple[Procedure, Null]],
    strata: Sequence[np.ndarray],
    root: int,
    resamples: int,
) -> list[dict[str, Any]]:
    """All tests of one feature, as rows of the grid's table."""
    found: dict[tuple[str, str], list[TestResult]] = {(t, test): [] for t in traits for test in chosen}
    seconds = dict.fromkeys(found, 0.0)
    for number, stratum in enumerate(strata):
        present = stratum & ~np.isnan(values)
        for complete, names in _by_pattern(present, traits):
            feature = _Prepared(complete_column(values[complete], kind), root)
            for trait in names:
                trait_values, trait_kind = traits[trait]
                other = _Prepared(complete_column(trait_values[complete], trait_kind), root)
                for test, (procedure, null) in chosen.items():
                    started = perf_counter()
                    pair = other.column, feature.column
                    outcome = procedure.refusal(*pair)
                    if outcome is None:
                        rng = _stream(root, f"{test}|{trait}|{name}|{number}")
                        prepared = other.by(procedure), feature.by(procedure)
                        outcome = procedure.test(pair, prepared, null, rng, resamples)
                    found[trait, test].append(outcome)
                    seconds[trait, test] += perf_counter() - started
    return [
        {"trait": trait, "feature": name}
        | (results[0] if len(strata) == 1 else combine_strata(test, results)).row()
        | {"seconds": seconds[trait, test]}
        for (trait, test), results in found.items()
    ]


def _by_pattern(
    present: np.ndarray, traits: Mapping[str, tuple[np.ndarray, Kind]]
) -> list[tuple[np.ndarray, list[str]]]:
    """Traits grouped by the rows that are complete for them: (mask, names) in order of appearance."""
    groups: dict[bytes, tuple[np.ndarray, list[str]]] = {}
    for name, (values, _) in traits.items():
        complete = present & ~np.isnan(values)
        groups.setdefault(complete.tobytes(), (complete, []))[1].append(name)
    return list(groups.values())
