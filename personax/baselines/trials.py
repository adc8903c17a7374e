"""Choose the hyper-parameters of each method: the same number of trials, one criterion, without the truth.

A trial is one fit of a method with settings from its list in methods.py. The trial whose latents best predict
a hidden measurement is chosen. learning/criteria.py defines this criterion, and says why it is fair to all
methods and what it does not see. Settings that have no influence on the criterion, such as the threshold of a
graph, are not tuned and keep the value of their source.

Scores compare the trials of one method on one data set. They do not compare methods: a product of Gaussian
experts, for example, loses more than an average does when one measurement is missing.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

import yaml

from personax.baselines.methods import Settings, find_method
from personax.learning.criteria import hidden_measurement_r2
from personax.runs.errors import InputError, PersonaxError, TrainingDiverged
from personax.runs.files import read_json, write_json, write_text
from personax.views import MultiViewData, Split

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TuningTask:
    """What all trials of all methods have in common."""

    data: MultiViewData
    """People to learn from. Their true latents are used only by a method with `uses_truth`."""
    split: Split
    """Models are fitted to the training rows and judged on the validation rows."""
    latents: Mapping[str, int]
    """Modality -> number of its latents."""
    setup: Mapping[str, Any]
    """Description of the data and of the training, as plain values. It is kept with the trials, so that
    trials of another task are not mixed with these."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings for all trials, such as {"training.epochs": 2}. A trial's own settings override them."""
    seed: int = 0
    """Seed of the models."""
    device: str = "auto"
    """auto (a GPU if there is one), cpu or cuda."""


def tune(name: str, task: TuningTask, folder: Path) -> list[dict[str, Any]]:
    """Fit and score every trial of a method. Continue where an earlier call was interrupted.

    Args:
        name: name of the method in METHODS.
        task: what all trials have in common.
        folder: gets NAME.json, which is written after every trial, and the checkpoint of the running trial.

    Returns:
        One dictionary per trial: settings, score (None if training diverged), epochs, seconds.

    Raises:
        InputError: NAME.json holds trials of another task, or the data are refused. If nothing was learned,
            no file is left behind.
    """
    path = folder / f"{name}.json"
    fresh = not path.exists()
    trials = _finished_trials(path, task.setup)
    try:
        for number, settings in enumerate(find_method(name).trials):
            if any(trial["settings"] == dict(settings) for trial in trials):
                continue
            checkpoint = folder / f"{name}-{number}.pt"
            trials.append(_run_trial(name, settings, task, checkpoint))
            write_json(path, {"setup": task.setup, "trials": trials})
            checkpoint.unlink(missing_ok=True)
    except PersonaxError:
        if fresh and not trials and not list(folder.glob(f"{name}-*.pt")):  # nothing was learned
            path.unlink()
        raise
    return trials


def _finished_trials(path: Path, setup: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The trials in the file; an empty file is made if there is none. Raises InputError for another setup."""
    if not path.exists():  # written before any checkpoint, so that another setup cannot use that checkpoint
        write_json(path, {"setup": setup, "trials": []})
        return []
    saved = read_json(path)
    if not isinstance(saved, dict) or not _are_trials(saved.get("trials")) or "setup" not in saved:
        raise InputError(f"{path}: no trials that this version has written; remove the file, or give another")
    if saved["setup"] != json.loads(json.dumps(dict(setup))):
        raise InputError(f"{path}: belongs to another setup, {saved['setup']}; choose another folder")
    trials: list[dict[str, Any]] = saved["trials"]
    return trials


def _are_trials(value: Any) -> bool:
    """Whether this is a list of what `_run_trial` returns."""
    keys = {"settings", "score", "epochs", "seconds"}
    return isinstance(value, list) and all(isinstance(row, dict) and keys <= set(row) for row in value)


def _run_trial(name: str, settings: Settings, task: TuningTask, checkpoint: Path) -> dict[str, Any]:
    """Fit a method with these settings and score it."""
    method = find_method(name)
    config = method.configure(task.latents, {**task.settings, **settings})
    model = method.make(config, seed=task.seed, device=task.device)
    score, started = None, monotonic()
    try:
        model.fit(task.data, task.split, checkpoint=checkpoint)
        score = hidden_measurement_r2(model, task.data, task.split)
    except TrainingDiverged as error:
        log.warning("%s %s: %s", name, settings, error)
    log.info("%s %s: %s", name, dict(settings), "diverged" if score is None else f"{score:.4f}")
    return {
        "settings": dict(settings),
        "score": score,
        "epochs": len(model.history),
        "seconds": round(monotonic() - started, 1),
    }


def best_settings(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """The settings of the trial with the highest score. Raises InputError if all trials diverged.

    >>> best_settings([{"settings": {"beta": 1}, "score": 0.2}, {"settings": {"beta": 4}, "score": 0.3}])
    {'beta': 4}
    """
    scored = [trial for trial in trials if trial["score"] is not None]
    if not scored:
        raise InputError("training diverged in every trial; check the scale of the data")
    return dict(max(scored, key=lambda trial: trial["score"])["settings"])


def write_tuned(path: Path, chosen: Mapping[str, Mapping[str, Any]], command: str) -> None:
    """Write method -> settings as YAML for `tuned_settings`; the first lines say which command chose them."""
    body = yaml.safe_dump({name: dict(settings) for name, settings in chosen.items()}, sort_keys=False)
    write_text(path, f"# Chosen without the truth (personax/baselines/trials.py) by\n#   {command}\n{body}")
