"""Check the options of the command, run it and print what it found; config.py has the options."""

from dataclasses import replace
from pathlib import Path

from personax.experiments.fitting import seed_folder
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.own_data.report import OWN_METRICS, own_report
from personax.experiments.own_data.run import run_own_seeds
from personax.experiments.run_options import check_several_seeds
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.memory import require_network_memory
from personax.runs.run_folder import typed_path


def run_own(config: OwnDataConfig) -> None:
    """Run one seed or several, print the table and where the files are. Raises InputError."""
    check_own(config)
    config = replace(config, data=str(typed_path(config.data)))
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    folders = {seed: own_folder(config, seed) for seed in seeds}
    results = run_own_seeds(config, seeds, folders.__getitem__)
    table = summarise({seed: pick(metrics, OWN_METRICS) for seed, metrics in results.items()})
    if config.seeds is not None:
        title = f"{Path(config.data).name}, seeds {config.seeds}"
        write_summary(folders[seeds[0]].parent, table, title)
    print(own_report(results, table, list(folders.values())))


def own_folder(config: OwnDataConfig, seed: int) -> Path:
    """The run folder of a seed."""
    name = config.name or Path(config.data).stem
    return seed_folder(config.output, f"own_data/{name}", seed, alone=config.seeds is None)


def check_own(config: OwnDataConfig) -> None:
    """Raise InputError without data, and for a device or memory that this machine has not."""
    if not config.data:
        raise InputError("no --data; give a YAML file that says which array is which measurement")
    require_network_memory(config.model.hidden, networks=2 * max(1, len(config.model.latents)))
    resolve_device(config.device)
    check_several_seeds(config)
