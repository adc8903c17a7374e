"""Check the options of the command, run it and print what it found; config.py has the options."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from personax.baselines.methods import method_names
from personax.baselines.plug_in import find_plug_in, is_plug_in
from personax.experiments.cells import Metrics, run_and_report
from personax.experiments.comparison.config import PARTS, ComparisonConfig
from personax.experiments.comparison.figures import draw_comparison
from personax.experiments.comparison.report import comparison_report, panels_of
from personax.experiments.comparison.run import Request, comparison_cells
from personax.experiments.method_table import table_of_runs
from personax.experiments.mnist.config import MnistConfig
from personax.experiments.mnist.run import run_mnist_seed
from personax.experiments.run_options import OUR_TITLE, OURS
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.memory import require_network_memory
from personax.runs.run_folder import path_or_default
from personax.runs.workers import check_workers
from personax.variant_mnist.scene_config import measurement_counts, require_scene_memory


def run_comparison(config: ComparisonConfig) -> None:
    """Do the runs that are missing, write and print the tables, draw the figures. Raises InputError."""
    request = check_comparison(config)
    home = path_or_default(config.output, "results/comparison")
    with locked_folder(home):
        compare_in(home, config, request)


def compare_in(home: Path, config: ComparisonConfig, request: Request) -> None:
    """Make the comparison in a folder."""
    cells = comparison_cells(config, request, home)
    run_and_report(cells, config, run_mnist_seed, partial(_tell_comparison, home, config, request, cells))


def _tell_comparison(
    home: Path,
    config: ComparisonConfig,
    request: Request,
    cells: Mapping[Path, MnistConfig],
    finished: Mapping[Path, Metrics],
) -> None:
    """Write and print the tables of the runs that are finished, and draw the figures."""
    runs = table_of_runs(cells, finished, home)
    write_text(home / "runs.csv", runs.to_csv(index=False))
    text = comparison_report(runs, config, request)
    write_text(home / "comparison.md", text)
    pictures = draw_comparison(panels_of(runs, config, request), runs["ceiling R2"].mean(), home)
    print(text)
    print("pictures:", *map(str, pictures), sep="\n  ")


def check_comparison(config: ComparisonConfig) -> Request:
    """Check and parse the options. Raises InputError for options that are unknown or do not fit together."""
    check_workers(config)
    asked = [part.strip() for part in config.parts.split(",")]
    for part in asked:
        if part not in PARTS:
            raise InputError(f"parts: {part!r} is unknown; choose from {', '.join(PARTS)}")
    parts = [part for part in PARTS if part in asked]
    resolve_device(config.device)
    seeds, few = parse_seeds(config.seeds), parse_seeds(config.ablation_seeds)
    if parts != ["methods"] and not set(few) <= set(seeds):
        raise InputError(f"ablation_seeds {config.ablation_seeds}: must be among seeds {config.seeds}")
    if parts != ["methods"] and config.dataset is not None:
        raise InputError(f"dataset {config.dataset}: only with --parts methods; the other parts draw scenes")
    require_scene_memory(config)
    require_network_memory(config.model.hidden, networks=2)
    digit, garment = measurement_counts(config)
    if "measurements" in parts and digit != garment:
        raise InputError(f"measurements {config.measurements}: the part measurements needs two equal numbers")
    named = method_names(config.methods, {OURS: OUR_TITLE})
    baselines = [name for name in named if name != OURS]  # ours is always there
    for name in filter(is_plug_in, baselines):
        find_plug_in(name)
    return Request(parts, baselines, seeds, few)
