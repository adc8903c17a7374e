"""Check the options of the command, run it and print what it found; config.py has the options."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from personax.baselines.methods import find_method, method_names
from personax.baselines.plug_in import find_plug_in, is_plug_in
from personax.experiments.cells import Metrics, run_cells
from personax.experiments.fitting import seed_folder
from personax.experiments.mnist.config import MnistConfig
from personax.experiments.mnist.report import mnist_report
from personax.experiments.mnist.run import run_mnist_seed, run_mnist_together
from personax.experiments.recovery import baseline_settings
from personax.experiments.run_options import OUR_TITLE, OURS, check_several_seeds
from personax.experiments.scored_runs import SCORES_IN_TABLES
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.memory import require_network_memory
from personax.variant_mnist.scene_config import require_scene_memory


def run_mnist(config: MnistConfig) -> None:
    """Run one seed or several, print the table and the paths of the figures. Raises InputError."""
    config = replace(config, method=method_name(config.method))
    check_mnist(config)
    if config.method != OURS:
        config = replace(config, settings=baseline_settings(config.method, config.model) | config.settings)
    alone = config.seeds is None
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    runs = {mnist_folder(config, seed): replace(config, seed=seed) for seed in seeds}
    found = run_all(runs, config)
    results = {run.seed: found[path] for path, run in runs.items()}
    table = summarise({seed: pick(metrics, SCORES_IN_TABLES) for seed, metrics in results.items()})
    first = next(iter(runs))
    home = first if alone else first.parent
    if not alone:
        write_summary(home, table, f"Variant-MNIST, {config.name}, seeds {config.seeds}")
    print(mnist_report(results, table, home))


def method_name(text: str) -> str:
    """The name of the one method that the text names. Raises InputError."""
    names = method_names(text, {OURS: OUR_TITLE})
    if len(names) != 1:
        raise InputError(f"method {text!r}: {len(names)} methods; give one, or use compare_methods.py")
    return names[0]


def mnist_folder(config: MnistConfig, seed: int) -> Path:
    """The run folder of a seed."""
    name = config.name if config.method == OURS else f"{config.name}-{config.method}"
    return seed_folder(config.output, f"mnist/{name}", seed, alone=config.seeds is None)


def run_all(runs: Mapping[Path, MnistConfig], config: MnistConfig) -> dict[Path, Metrics]:
    """Do all runs together, side by side, or one after another; return their metrics."""
    if config.together:
        return run_mnist_together(runs)
    return run_cells(runs, config, run_mnist_seed)


def check_mnist(config: MnistConfig) -> None:
    """Raise InputError for unknown names and for options that exclude each other."""
    if is_plug_in(config.method):
        find_plug_in(config.method)
    elif config.method != OURS:
        find_method(config.method).configure({}, config.settings)
    elif config.settings:
        raise InputError(f"settings {config.settings}: only for baselines; those of our model are in --model")
    check_several(config)
    resolve_device(config.device)
    require_scene_memory(config)
    require_network_memory(config.model.hidden, networks=2)


def check_several(config: MnistConfig) -> None:
    """Raise InputError for options about several seeds that do not fit together."""
    check_several_seeds(config)
    if config.apart and config.together:
        raise InputError(f"{config.described}: excludes --together")
    if config.latents == "auto" and config.method != OURS:
        raise InputError("latents auto: only for our own method")
    if config.latents == "auto" and config.together:
        raise InputError("latents auto: excludes --together, which needs models of one size")
    if config.together and (config.seeds is None or config.method != OURS):
        raise InputError("together: needs --seeds, and our own method")
