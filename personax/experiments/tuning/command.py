"""Check the options of the command, run it and print what it found; config.py has the options."""

from personax.baselines.methods import method_names
from personax.baselines.plug_in import is_plug_in
from personax.experiments.run_options import OUR_TITLE, OURS
from personax.experiments.tuning.config import TuningConfig
from personax.experiments.tuning.report import tuning_report
from personax.experiments.tuning.run import run_trials, tunable_methods, write_chosen
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.workers import check_workers
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
    methods = tunable_methods() if named is None else method_names(named, {OURS: OUR_TITLE})
    if OURS in methods:
        raise InputError(f"methods {named}: {OURS} is ours, which is not tuned; name baselines")
    if any(map(is_plug_in, methods)):
        raise InputError(f"methods {named}: a class of yours has no trials here; tune it yourself")
    check_workers(config)
    resolve_device(config.device)
    if config.data_seed is None:
        raise InputError("data_seed: needed, because tuning must use other scenes than the reported results")
    require_scene_memory(config)
    return methods
