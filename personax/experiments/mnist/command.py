"""Recover the latents of Variant-MNIST and their causal graph, and score them against the truth.

Examples:
  run_mnist_3measurement.py --seed 3
  run_mnist_3measurement.py --config configs/mnist.yaml --seeds 0-9 --jobs 2
  run_mnist_3measurement.py --config configs/mnist_paper.yaml
  run_mnist_3measurement.py --dataset FOLDER    a folder with color.csv, fashion.csv and their pictures
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from personax.baselines.methods import find_method
from personax.experiments.cells import run_cells
from personax.experiments.fitting import seed_folder
from personax.experiments.mnist.config import OURS, MnistConfig
from personax.experiments.mnist.recovery import baseline_settings
from personax.experiments.mnist.report import MNIST_METRICS, mnist_report
from personax.experiments.mnist.run import Metrics, run_mnist_seed, run_mnist_together
from personax.experiments.summary import pick, summarise, write_summary
from personax.runs.command_line import parse_seeds, run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.memory import require_network_memory
from personax.variant_mnist.scene_config import require_scene_memory


def run_mnist(config: MnistConfig) -> None:
    """Run one seed or several, print the table and the paths of the figures. Raises InputError."""
    check_mnist(config)
    if config.method != OURS:
        config = replace(config, settings=baseline_settings(config.method, config.model) | config.settings)
    alone = config.seeds is None
    seeds = [config.seed] if config.seeds is None else parse_seeds(config.seeds)
    runs = {mnist_folder(config, seed): replace(config, seed=seed) for seed in seeds}
    found = run_all(runs, config)
    results = {run.seed: found[path] for path, run in runs.items()}
    table = summarise({seed: pick(metrics, MNIST_METRICS) for seed, metrics in results.items()})
    first = next(iter(runs))
    home = first if alone else first.parent
    if not alone:
        write_summary(home, table, f"Variant-MNIST, {config.name}, seeds {config.seeds}")
    print(mnist_report(results, table, home))


def mnist_folder(config: MnistConfig, seed: int) -> Path:
    """The run folder of a seed."""
    name = config.name if config.method == OURS else f"{config.name}-{config.method}"
    return seed_folder(config.output, f"mnist/{name}", seed, alone=config.seeds is None)


def run_all(runs: Mapping[Path, MnistConfig], config: MnistConfig) -> dict[Path, Metrics]:
    """Do all runs together, side by side, or one after another; return their metrics."""
    if config.together:
        return run_mnist_together(runs)
    if config.jobs > 1:
        return run_cells(runs, config.jobs)
    return {path: run_mnist_seed(run, path) for path, run in runs.items()}


def check_mnist(config: MnistConfig) -> None:
    """Raise InputError for unknown names and for options that exclude each other."""
    if config.method != OURS:
        find_method(config.method).configure({}, config.settings)
    elif config.settings:
        raise InputError(f"settings {config.settings}: only for baselines; those of our model are in --model")
    check_several(config)
    resolve_device(config.device)
    require_scene_memory(config)
    require_network_memory(config.model.hidden, networks=2)


def check_several(config: MnistConfig) -> None:
    """Raise InputError for options about several seeds that do not fit together."""
    if config.jobs > 1 and (config.seeds is None or config.together):
        raise InputError(f"jobs {config.jobs}: needs --seeds, and excludes --together")
    if config.together and (config.seeds is None or config.method != OURS):
        raise InputError("together: needs --seeds, and our own method")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(MnistConfig, run_mnist, argv, description=__doc__ or "")
