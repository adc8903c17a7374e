"""Check the options of the command, run it and print what it found; config.py has the options."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from personax.baselines.methods import method_names
from personax.baselines.plug_in import find_plug_in, is_plug_in
from personax.experiments.cells import Metrics, run_and_report
from personax.experiments.numerical.config import NumericalConfig, NumericalRun
from personax.experiments.numerical.figures import draw_cases
from personax.experiments.numerical.report import numerical_report, summary_of_cases
from personax.experiments.numerical.run import numerical_cells, run_numerical_cell, scores_of_runs
from personax.experiments.run_options import OUR_TITLE, OURS
from personax.numerical.numerical_cases import CASES, ROWS_OF_A_DRAW
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.memory import require_network_memory
from personax.runs.run_folder import path_or_default
from personax.runs.workers import check_workers


def run_numerical(config: NumericalConfig) -> None:
    """Do the runs that are missing, write and print the table, draw the figure.

    Raises InputError; if runs failed, after this has been done with the others.
    """
    cases, methods, seeds = check_numerical(config)
    home = path_or_default(config.output, "results/numerical")
    with locked_folder(home):
        cells = numerical_cells(config, cases, methods, seeds, home)
        run_and_report(cells, config, run_numerical_cell, partial(_tell_cases, home, cells))


def _tell_cases(home: Path, cells: Mapping[Path, NumericalRun], finished: Mapping[Path, Metrics]) -> None:
    """Write and print the tables of the runs that are finished, and draw the figure."""
    runs = scores_of_runs(cells, finished)
    table = summary_of_cases(runs)
    write_text(home / "runs.csv", runs.to_csv(index=False))
    write_text(home / "numerical.csv", table.to_csv(index=False))
    text = numerical_report(runs, table)
    write_text(home / "numerical.md", text)
    pictures = draw_cases(runs, home / "numerical")
    print(text)
    print("pictures:", *map(str, pictures), sep="\n  ")


def check_numerical(config: NumericalConfig) -> tuple[list[str], list[str], list[int]]:
    """The cases, methods and seeds. Raises InputError for options that are unknown or do not fit together."""
    check_workers(config)
    cases = [case.strip() for case in config.cases.split(",")]
    for case in cases:
        if case not in CASES:
            raise InputError(f"cases: {case!r} is unknown; choose from {', '.join(CASES)}")
    if len(set(cases)) < len(cases):
        raise InputError(f"cases {config.cases}: give each once")
    if 0 < config.n < ROWS_OF_A_DRAW:
        raise InputError(f"n {config.n}: at least {ROWS_OF_A_DRAW} rows, or 0 for as many as in the papers")
    resolve_device(config.device)
    require_network_memory(config.model.hidden, networks=2)
    methods = method_names(config.methods, {OURS: OUR_TITLE})
    for name in filter(is_plug_in, methods):
        find_plug_in(name)
    return cases, methods, parse_seeds(config.seeds)
