"""Check the options of the command, run it and print what it found; config.py has the options."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from personax.baselines.methods import method_names
from personax.baselines.plug_in import find_plug_in, is_plug_in
from personax.experiments.cells import Metrics, run_and_report
from personax.experiments.light_tunnel.config import TunnelConfig, TunnelRun
from personax.experiments.light_tunnel.figures import draw_scenes
from personax.experiments.light_tunnel.report import rows_of, tunnel_report
from personax.experiments.light_tunnel.run import run_tunnel_seed, seed_of_scenes, tunnel_cells
from personax.experiments.method_bars import draw_methods
from personax.experiments.method_table import table_of_runs
from personax.experiments.run_options import OUR_TITLE, OURS
from personax.light_tunnel.chamber_import import chamber_simulators
from personax.light_tunnel.tunnel_scenes import make_light_tunnel
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.files import write_text
from personax.runs.folder_lock import locked_folder
from personax.runs.memory import require_memory, require_network_memory
from personax.runs.run_folder import path_or_default
from personax.runs.workers import check_workers


def run_light_tunnel(config: TunnelConfig) -> None:
    """Do the runs that are missing, write and print the table, draw the figures. Raises InputError."""
    baselines, seeds = check_tunnel(config)
    home = path_or_default(config.output, "results/light_tunnel")
    with locked_folder(home):
        compare_tunnel(home, config, baselines, seeds)


def compare_tunnel(home: Path, config: TunnelConfig, baselines: list[str], seeds: list[int]) -> None:
    """Make the comparison in a folder."""
    cells = tunnel_cells(config, baselines, seeds, home)
    run_and_report(cells, config, run_tunnel_seed, partial(_tell_tunnel, home, config, cells))


def _tell_tunnel(
    home: Path, config: TunnelConfig, cells: Mapping[Path, TunnelRun], finished: Mapping[Path, Metrics]
) -> None:
    """Write and print the table of the runs that are finished, and draw the figures."""
    runs = table_of_runs(cells, finished, home)
    write_text(home / "runs.csv", runs.to_csv(index=False))
    text = tunnel_report(runs, config)
    write_text(home / "light_tunnel.md", text)
    pictures = draw_methods(rows_of(runs), {}, runs["ceiling R2"].mean(), home / "light_tunnel")
    first = next(iter(cells.values()))
    pictures += draw_scenes(make_light_tunnel(first, seed_of_scenes(first)), home / "scenes")
    print(text)
    print("pictures:", *map(str, pictures), sep="\n  ")


def check_tunnel(config: TunnelConfig) -> tuple[list[str], list[int]]:
    """The baselines and the seeds. Raises InputError for options that are unknown or do not fit together."""
    check_workers(config)
    chamber_simulators()  # without the package, nothing is made
    resolve_device(config.device)
    require_memory(
        4.0 * config.n * (3 * config.pictures * config.size**2 + 9 * config.readings),
        f"n {config.n}, size {config.size}, pictures {config.pictures}, readings {config.readings}",
    )
    require_network_memory(config.model.hidden, networks=2)
    named = method_names(config.methods, {OURS: OUR_TITLE})
    baselines = [name for name in named if name != OURS]  # ours is always there
    for name in filter(is_plug_in, baselines):
        find_plug_in(name)
    return baselines, parse_seeds(config.seeds)
