"""Check the options of the command, run it and print what it found; config.py has the options."""

import logging
from collections.abc import Sequence
from pathlib import Path

from personax.experiments.independence.choices import chosen_scores, chosen_tests
from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.counting import check_engine, count_and_test
from personax.experiments.independence.report import (
    bounds_above_alpha,
    heading_of,
    negative_controls,
    votes_table,
)
from personax.experiments.independence.run import TestedData, defines_strata, names_given, run_tests
from personax.independence import CONDITIONAL_TESTS, TESTS
from personax.independence.procedure import MIN_ROWS
from personax.runs.errors import InputError
from personax.runs.files import write_text
from personax.runs.folder_lock import contents
from personax.runs.memory import require_memory
from personax.runs.run_folder import path_or_default, typed_path
from personax.streaming.parts import name_of_files
from personax.tables import HubSource, PeopleTable, SimulatedSource, load_table
from personax.tables.loading import propose_file

log = logging.getLogger(__name__)

AUTO = Path("auto")
LEAST_COLUMNS = 20  # five traits of three models, and features


def run_independence(config: IndependenceConfig) -> None:
    """Load or count the table, run the tests and print the votes. Raises InputError."""
    check_independence(config)
    check_engine(config)
    if config.columns == AUTO:
        print(write_proposal(config))
        return
    tests = chosen_tests(config.tests)
    path = independence_folder(config)
    if config.engine is None:
        done = _test_in_memory(config, tests, path)
    else:
        done = count_and_test(config, tests_given(config, tests, conditional=False), path)
    _print_votes(config, done, path)


def _test_in_memory(config: IndependenceConfig, tests: tuple[str, ...], path: Path) -> TestedData:
    table = load_people(config)
    sources = chosen_scores(config.scores, table.to_test())
    given = names_given(config.given)
    check_given(given, table)
    tests = tests_given(config, tests, conditional=bool(given) and not defines_strata(given, table))
    check_rows(table, sources)
    log.info("%s", table.report)
    return TestedData(table.name, table.simulated, sources, run_tests(config, table, tests, sources, path))


def _print_votes(config: IndependenceConfig, done: TestedData, path: Path) -> None:
    source, decided = done.sources[0], done.decided
    print(f"{done.name}, {heading_of(source)}: tests that reject / tests that apply")
    print(votes_table(decided, source))
    print(negative_controls(decided, config.alpha, config.correction))
    if warning := bounds_above_alpha(decided, config.alpha):
        print(warning)
    print(f"{'SIMULATED DATA. ' if done.simulated else ''}Written to {path}")


def check_independence(config: IndependenceConfig) -> None:
    """Raise InputError for options that are wrong for every table."""
    if config.source == "simulated":
        require_memory(8.0 * LEAST_COLUMNS * (config.n or 0), f"n {config.n}")
    if config.dataset is None and config.table is None:
        raise InputError("give --dataset athlete or celeb, or your own --table")
    if config.implementation == "reference" and config.null != "auto":
        raise InputError(f"--null {config.null}: other libraries have one null each; leave --null out")


def tests_given(config: IndependenceConfig, tests: tuple[str, ...], *, conditional: bool) -> tuple[str, ...]:
    """The tests that can be done with or without a condition.

    Of a named group of tests, those without a conditional form are left out. Raises InputError for a single
    test that cannot be done, and for other libraries given columns.
    """
    if conditional and config.implementation == "reference":
        raise InputError("--implementation reference: conditional tests are our own; leave it out")
    available = CONDITIONAL_TESTS if conditional else TESTS
    missing = [test for test in tests if test not in available]
    if missing and config.tests not in ("default", "paper", "all"):
        form = "conditional form" if conditional else "form without --given, or within strata"
        raise InputError(f"--tests {missing[0]}: it has no {form}; choose from {', '.join(available)}")
    if missing:
        log.info("left out, since they have no conditional form: %s", ", ".join(missing))
    return tuple(test for test in tests if test in available)


def write_proposal(config: IndependenceConfig) -> str:
    """Write a `--columns` file that a person can correct; returns what to do with it. Raises InputError."""
    if config.table is None:
        raise InputError("--columns auto: give the --table whose columns it should propose")
    table = typed_path(config.table)
    path = Path(f"{table.name.split('.')[0]}_columns.yaml").absolute()
    if path.exists():
        raise InputError(f"{path}: exists; give it as --columns, or remove it")
    write_text(path, propose_file(config.dataset, table))
    return (
        f"Written to {path}: correct kinds and units, name what to test, then run again with --columns {path}"
    )


def independence_folder(config: IndependenceConfig) -> Path:
    """The run folder. Raises InputError if it exists and --overwrite is not given."""
    default = config.dataset if config.table is None else name_of_files(config.table)
    path = path_or_default(config.output, Path("results") / "independence" / str(default))
    if contents(path) and not (config.overwrite or config.resume):
        go_on = "continue it with --resume, " if config.engine else ""
        raise InputError(f"{path}: exists; {go_on}replace it with --overwrite or choose another --output")
    return path


def load_people(config: IndependenceConfig) -> PeopleTable:
    """The table that the options name."""
    hub = HubSource(config.revision, None if config.data_dir is None else typed_path(config.data_dir))
    return load_table(
        config.dataset,
        source=SimulatedSource(config.data_seed) if config.source == "simulated" else hub,
        table=None if config.table is None else typed_path(config.table),
        columns=None if config.columns is None else typed_path(config.columns),
        aggregate=config.aggregate,
        embeddings=False,
        n=config.n,
    )


def check_given(given: Sequence[str], table: PeopleTable) -> None:
    """Raise InputError if a column of the condition is unknown or repeated, or no feature is left to test."""
    for name in given:
        if name not in table.features:
            known = ", ".join(table.features.columns)
            raise InputError(f"--given {name}: no such feature; choose from {known}")
    if len(set(given)) != len(given):
        raise InputError(f"--given {','.join(given)}: a name is repeated; give each name once")
    if len(given) == len(table.features.columns):
        raise InputError(f"--given {','.join(given)}: nothing is left to test; every feature is given")


def check_rows(table: PeopleTable, sources: Sequence[str]) -> None:
    """InputError if no trait or target shares 5 complete rows with a feature."""
    tested, present = table.to_test(), table.features.notna().to_numpy().astype(int)
    shared = [tested[source].frame.notna().to_numpy().astype(int).T @ present for source in sources]
    most = max((int(counts.max(initial=0)) for counts in shared), default=0)
    if most < MIN_ROWS:
        raise InputError(
            f"{table.source}: no trait and feature share {MIN_ROWS} complete rows (at most {most}); "
            "a test needs that many"
        )
