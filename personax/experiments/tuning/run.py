"""The trials of all methods on one set of scenes, and the settings that are chosen from them."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from personax.baselines.methods import METHODS
from personax.baselines.trials import TuningTask, best_settings, tune, write_tuned
from personax.experiments.cells import LoadedOnce, run_cells
from personax.experiments.fitting import latent_counts
from personax.experiments.recovery import TUNED
from personax.experiments.tuning.config import TuningConfig
from personax.runs.folder_lock import locked_folder
from personax.runs.run_folder import path_or_default, shipped_config
from personax.variant_mnist.scene_data import load_scenes, split_scenes

# Options that determine the scenes and the training budget. Trials with different values are not mixed.
SETUP = ("n", "scm", "measurements", "nuisance", "size", "dataset", "data_seed", "epochs", "seed")

Trials = dict[str, list[dict[str, Any]]]
"""Method -> its trials, see `trials.tune`."""


def tunable_methods() -> list[str]:
    """The methods with more than one trial."""
    return [name for name, method in METHODS.items() if len(method.trials) > 1]


def run_trials(config: TuningConfig, methods: Sequence[str]) -> tuple[Trials, dict[str, Any]]:
    """All trials of the methods, and their setup (the values of SETUP). Finished trials are read."""
    task = LoadedOnce(partial(tuning_task, config))
    setup = dict(task.get().setup)
    folder = path_or_default(config.folder, "results/tuning")
    cells = {folder / f"{name}.json": name for name in methods}
    with locked_folder(folder):
        found = run_cells(cells, config, partial(_tune_in_file, task))
    return {name: found[path]["trials"] for path, name in cells.items()}, setup


def tuning_task(config: TuningConfig) -> TuningTask:
    """The scenes, and what else all trials have in common."""
    data = load_scenes(config, config.seed)
    return TuningTask(
        data,
        split_scenes(config, config.seed, data),
        latent_counts(data),
        setup={option: getattr(config, option) for option in SETUP} | {"source": data.source},
        settings={"training.epochs": config.epochs},
        seed=config.seed,
        device=config.device,
    )


def _tune_in_file(task: LoadedOnce[TuningTask], name: str, path: Path) -> dict[str, Any]:
    """The trials of a method, whose file is `path`."""
    return {"trials": tune(name, task.get(), path.parent)}


def write_chosen(config: TuningConfig, trials: Trials, setup: Mapping[str, Any]) -> None:
    """Write the best settings of every method, with the command that found them."""
    flags = " ".join(
        f"--{name} {value}" for name, value in setup.items() if name in SETUP and value is not None
    )
    write_tuned(
        path_or_default(config.output, shipped_config(TUNED)),
        {name: best_settings(of_method) for name, of_method in trials.items()},
        f"python synthetic_experiment/tune_baselines.py {flags}  # {setup['source']}",
    )
