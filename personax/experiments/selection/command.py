"""Check the options of the command, run it and print what it found; config.py has the options."""

from collections.abc import Sequence
from pathlib import Path

from personax.experiments.cells import run_cells
from personax.experiments.past_runs import run_again
from personax.experiments.selection.config import SelectionConfig, candidate_names, find_candidate
from personax.experiments.selection.figures import draw_criteria
from personax.experiments.selection.report import selection_report
from personax.experiments.selection.run import choose, criteria_table, selection_cells
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.memory import require_network_memory
from personax.runs.run_folder import path_or_default
from personax.runs.said_once import each_said_once
from personax.runs.workers import check_workers
from personax.variant_mnist.scene_config import require_scene_memory


def run_selection(config: SelectionConfig) -> None:
    """Do the runs that are missing, print the report and the choice. Raises InputError."""
    names = check_selection(config)
    home = path_or_default(config.output, "results/selection")
    with locked_folder(home):
        select_in(home, config, names)


def select_in(home: Path, config: SelectionConfig, names: Sequence[str]) -> None:
    """Make the choice in a folder."""
    cells = selection_cells(config, names, parse_seeds(config.seeds), home)
    with each_said_once():  # the data are loaded for every run and candidate
        metrics = run_cells(cells, config, run_again)
        table = criteria_table(cells, metrics)
    choice = choose(table, config.tolerance)
    with atomic_path(home / "selection.csv") as temporary:
        table.to_csv(temporary, index_label="candidate")
    simulated = any(found.get("simulated") for found in metrics.values())
    text = selection_report(table, choice, config, simulated=simulated)
    write_text(home / "selection.md", text + "\n")
    draw_criteria(table, choice, home / "selection")
    print(text)
    print(f"pictures:\n  {home / 'selection.png'}")


def check_selection(config: SelectionConfig) -> list[str]:
    """Names of the candidates. Raises InputError for unknown ones and for values out of range."""
    check_workers(config)
    names = candidate_names(config)
    for name in names:
        find_candidate(name)
    if len(parse_seeds(config.seeds)) < 2:
        raise InputError(f"seeds {config.seeds}: at least two are needed to measure stability")
    resolve_device(config.device)
    if config.data_seed is None and config.run is None:
        raise InputError("data_seed: needed, because all candidates are compared on the same scenes")
    require_scene_memory(config)
    require_network_memory(config.model.hidden, networks=2)
    return names
