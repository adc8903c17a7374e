"""Level I: test every trait against every feature, and draw the paper's heatmap.

Examples:
  run_independence_tests.py --dataset celeb
  run_independence_tests.py --dataset athlete --source simulated
  run_independence_tests.py --table people.csv --columns map.yaml --tests paper

Writes pvalues.csv, table.md, config.yaml, manifest.json and figures to results/independence/DATASET.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from personax.experiments.independence.config import IndependenceConfig
from personax.experiments.independence.report import negative_controls, votes_table
from personax.experiments.independence.run import run_tests
from personax.independence import DEFAULT_TESTS, PAPER_TESTS, TESTS
from personax.independence.procedure import MIN_ROWS
from personax.runs.command_line import run_command
from personax.runs.errors import InputError
from personax.runs.memory import require_memory
from personax.runs.run_folder import existing_path, project_path
from personax.tables import HubSource, PeopleTable, SimulatedSource, load_table

log = logging.getLogger(__name__)

SCORE_SOURCES = ("aggregated", "chatgpt", "gemini", "llama")
MOST_STRATA = 100
LEAST_COLUMNS = 20  # five traits of three models, and features


def run_independence(config: IndependenceConfig) -> None:
    """Load the table, run the tests and print the votes. Raises InputError."""
    check_independence(config)
    tests = chosen_tests(config.tests)
    path = independence_folder(config)
    table = load_people(config)
    sources = chosen_scores(config.scores, table.scores)
    check_given(config.given, table)
    check_rows(table, sources)
    log.info("%s", table.report)
    decided = run_tests(config, table, tests, sources, path)
    print(f"{table.name}, {sources[0]} scores: tests that reject / tests that apply")
    print(votes_table(decided, sources[0]))
    print(negative_controls(decided, config.alpha, config.correction))
    print(f"{'SIMULATED DATA. ' if table.simulated else ''}Written to {path}")


def check_independence(config: IndependenceConfig) -> None:
    """Raise InputError for options that are wrong for every table."""
    if config.jobs == 0:
        raise InputError("--jobs 0: give a number of processes, or -1 for one per core")
    if config.source == "simulated":
        require_memory(8.0 * LEAST_COLUMNS * (config.n or 0), f"n {config.n}")
    if config.dataset is None and config.table is None:
        raise InputError("give --dataset athlete or celeb, or your own --table")


def chosen_tests(text: str) -> tuple[str, ...]:
    """Names of tests from the --tests option. Raises InputError for unknown, empty or repeated names."""
    named = {"default": DEFAULT_TESTS, "paper": PAPER_TESTS, "all": tuple(TESTS)}
    if text in named:
        return named[text]
    return _chosen_names(text, "--tests", tuple(TESTS), ("default", "paper", "all"))


def chosen_scores(text: str, available: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Sources of scores from the --scores option. Raises InputError if one is unknown or not in the table."""
    if text == "all":
        return tuple(available)
    wanted = _chosen_names(text, "--scores", SCORE_SOURCES, ("all",))
    for name in wanted:
        if name not in available:
            raise InputError(f"--scores {name}: the table has {', '.join(available) or 'none'}")
    return wanted


def _chosen_names(text: str, option: str, known: tuple[str, ...], groups: tuple[str, ...]) -> tuple[str, ...]:
    """Split names that are separated by commas. Raises InputError for an unknown or repeated name."""
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in known:
            raise InputError(f"{option}: {name!r} is unknown; choose from {', '.join((*known, *groups))}")
    if len(set(names)) != len(names):
        raise InputError(f"{option} {text}: a name is repeated; give each name once")
    return names


def independence_folder(config: IndependenceConfig) -> Path:
    """The run folder. Raises InputError if it exists and --overwrite is not given."""
    default = config.dataset if config.table is None else Path(config.table).stem
    path = project_path(config.output or Path("results") / "independence" / str(default))
    if path.is_dir() and any(path.iterdir()) and not config.overwrite:
        raise InputError(f"{path}: exists; replace it with --overwrite or choose another --output")
    return path


def load_people(config: IndependenceConfig) -> PeopleTable:
    """The table that the options name."""
    hub = HubSource(config.revision, existing_path(config.data_dir) if config.data_dir else None)
    return load_table(
        config.dataset,
        source=SimulatedSource(config.data_seed) if config.source == "simulated" else hub,
        table=existing_path(config.table) if config.table else None,
        columns=existing_path(config.columns) if config.columns else None,
        aggregate=config.aggregate,
        embeddings=False,
        n=config.n,
    )


def check_given(given: str | None, table: PeopleTable) -> None:
    """Raise InputError if the column that defines strata is unknown, continuous or has too many values."""
    if given is None:
        return
    if given not in table.features:
        raise InputError(f"--given {given}: no such feature; choose from {', '.join(table.features.columns)}")
    values = table.features[given].nunique()
    if table.kinds[given] == "continuous" or values > MOST_STRATA:
        raise InputError(
            f"--given {given}: {table.kinds[given]} with {values} values; strata need a column of "
            f"at most {MOST_STRATA} categories"
        )


def check_rows(table: PeopleTable, sources: Sequence[str]) -> None:
    """Raise InputError if no trait and feature share 5 complete rows; warn about each constant column."""
    present = table.features.notna().to_numpy().astype(int)
    shared = [table.scores[source].notna().to_numpy().astype(int).T @ present for source in sources]
    most = max((int(counts.max(initial=0)) for counts in shared), default=0)
    if most < MIN_ROWS:
        raise InputError(
            f"{table.source}: no trait and feature share {MIN_ROWS} complete rows (at most {most}); "
            "a test needs that many"
        )
    for name, column in table.features.items():
        if column.nunique() < 2:
            log.warning("warning: feature %s is constant or missing; its cells are marked undefined", name)
    for source in sources:
        for name, column in table.scores[source].items():
            if column.nunique() < 2:
                log.warning("warning: %s scores of %s are constant; marked undefined", source, name)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(IndependenceConfig, run_independence, argv, description=__doc__ or "")
