"""Tune every baseline with the same number of trials, without the truth; write configs/baselines.yaml.

Examples:
  tune_baselines.py
  tune_baselines.py --methods beta_vae,mcl    print the scores of these methods, write no settings
"""

from collections.abc import Sequence

from personax.baselines.methods import find_method
from personax.experiments.tuning.config import TuningConfig
from personax.experiments.tuning.report import tuning_report
from personax.experiments.tuning.run import run_trials, tunable_methods, write_chosen
from personax.runs.command_line import run_command
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.variant_mnist.scene_config import require_scene_memory


def run_tuning(config: TuningConfig) -> None:
    """Run all trials, print their scores, write the chosen settings. Raises InputError."""
    methods = check_tuning(config)
    trials, setup = run_trials(config, methods)
    print(tuning_report(trials))
    if config.methods is None:
        write_chosen(config, trials, setup)


def check_tuning(config: TuningConfig) -> list[str]:
    """Names of the methods to tune. Raises InputError for unknown ones and for values out of range."""
    named = config.methods
    methods = tunable_methods() if named is None else [part.strip() for part in named.split(",")]
    for name in methods:
        find_method(name)
    resolve_device(config.device)
    if config.data_seed is None:
        raise InputError("data_seed: needed, because tuning must use other scenes than the reported results")
    require_scene_memory(config)
    return methods


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(TuningConfig, run_tuning, argv, description=__doc__ or "")
