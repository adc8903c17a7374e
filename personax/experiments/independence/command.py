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
from personax.experiments.independence.run import (
    check_rows,
    load_people,
    strata_of,
    test_people,
    write_results,
)
from personax.independence import DEFAULT_TESTS, PAPER_TESTS, TESTS
from personax.independence.multiple import decide
from personax.independence.reference import REFERENCE
from personax.runs.command_line import run_command
from personax.runs.errors import InputError
from personax.runs.run_folder import open_run, project_path

log = logging.getLogger(__name__)

SOURCES = ("aggregated", "chatgpt", "gemini", "llama")


def chosen_tests(text: str) -> tuple[str, ...]:
    """Names of tests from the --tests option; InputError for unknown, empty or repeated ones."""
    named = {"default": DEFAULT_TESTS, "paper": PAPER_TESTS, "all": tuple(TESTS)}
    if text in named:
        return named[text]
    return _named(text, "--tests", tuple(TESTS), ("default", "paper", "all"))


def chosen_scores(text: str, available: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Sources of scores from the --scores option; InputError if unknown or not in the table."""
    if text == "all":
        return tuple(available)
    wanted = _named(text, "--scores", SOURCES, ("all",))
    for name in wanted:
        if name not in available:
            raise InputError(f"--scores {name}: the table has {', '.join(available) or 'none'}")
    return wanted


def _named(text: str, option: str, known: tuple[str, ...], short: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in known:
            raise InputError(f"{option}: {name!r} is unknown; choose from {', '.join((*known, *short))}")
    if len(set(names)) != len(names):
        raise InputError(f"{option} {text}: a name is repeated; give each once")
    return names


def check_independence(config: IndependenceConfig) -> None:
    """Raise InputError for options that are wrong whatever the table."""
    if not 0 < config.alpha < 1:
        raise InputError(f"--alpha {config.alpha:g}: must lie between 0 and 1, both excluded")
    if config.resamples < 1:
        raise InputError(f"--resamples {config.resamples}: must be at least 1")
    if config.jobs == 0:
        raise InputError("--jobs 0: give a number of processes, or -1 for one a core")
    if config.dataset is None and config.table is None:
        raise InputError("give --dataset athlete or celeb, or a --table of your own")


def independence_folder(config: IndependenceConfig) -> Path:
    """Where the run goes; InputError if something is there and may not be replaced."""
    default = config.dataset if config.table is None else Path(config.table).stem
    path = project_path(config.output or Path("results") / "independence" / str(default))
    if path.is_dir() and any(path.iterdir()) and not config.overwrite:
        raise InputError(f"{path}: exists; replace it with --overwrite or choose another --output")
    return path


def run_independence(config: IndependenceConfig) -> None:
    """Load, test, decide, write, and say what came out."""
    check_independence(config)
    tests = chosen_tests(config.tests)
    path = independence_folder(config)
    table = load_people(config)
    sources = chosen_scores(config.scores, table.scores)
    strata_of(table, config.given)
    check_rows(table, sources)
    log.info("%s", table.report)
    procedures = TESTS if config.implementation == "exact" else REFERENCE
    folder = open_run(path, config, overwrite=config.overwrite)
    with folder.recorded(
        data_source=table.source,
        data_sha256=table.sha256,
        data_revision=table.revision,
        simulated=table.simulated,
        people=len(table.ids),
    ) as manifest:
        grid = test_people(config, table, tests, sources, procedures)
        grid["data"] = "simulated" if table.simulated else "real"
        decided = decide(grid, config.alpha, config.correction)
        manifest["tests_seconds"] = round(float(decided["seconds"].sum()), 2)
        write_results(folder, config, table, decided, procedures)
    print(f"{table.name}, {sources[0]} scores: tests that reject / tests that apply")
    print(votes_table(decided, sources[0]))
    print(negative_controls(decided, config.alpha, config.correction))
    print(f"{'SIMULATED DATA. ' if table.simulated else ''}Written to {folder.path}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(IndependenceConfig, run_independence, argv, description=__doc__ or "")
