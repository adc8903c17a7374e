"""Choosing each method's hyper-parameters: the same number of trials, one criterion, no truth.

Objectives with different weights, or of different methods, cannot be compared, so the criterion looks at the
latents alone. For every measurement (m, i) in turn: hide it from everybody, compute all latents from what is
left, and predict the hidden measurement from them. Predicted are its first ten principal components, by the
kernel ridge of learning/metrics.py, fitted on training rows; scored on validation rows by the share of the
components' variance explained. The criterion is the mean over all measurements.

Why this: what a measurement shares with another of the same person is the latents, and a method that filled
its few latents with one picture's style, or did not train, predicts the others badly. It asks for no
decoder, no graph and no density, so no method is favoured by having one. A modality's only measurement is
predicted from the other modalities, through whatever its latents depend on.

What it does not see: which coordinates the latents are in (an invertible map of a block changes the score
little) and whether the graph is right. No criterion without the truth that suits all methods does; settings
that matter only for these (the threshold of a graph) keep the value of their source. Scores are small
when measurements have a style of their own. They compare the trials of one method on one data set, not
methods: a product of experts, say, loses more than an average does when one of its experts is missing.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import yaml

from personax.baselines.methods import find_method
from personax.learning.criteria import hidden_measurement_r2
from personax.learning.training import TrainingDiverged
from personax.runs.errors import InputError
from personax.runs.files import write_json, write_text
from personax.views import MultiViewData, Split

log = logging.getLogger(__name__)


def tune(  # noqa: PLR0913
    name: str,
    data: MultiViewData,
    split: Split,
    latents: Mapping[str, int],
    folder: Path,
    *,
    setup: Mapping[str, Any],
    training: Mapping[str, Any] | None = None,
    seed: int = 0,
    device: str = "auto",
) -> list[dict[str, Any]]:
    """Fit and score every trial of a method; continues where an earlier call stopped.

    Args:
        name: of METHODS.
        folder: gets NAME.json, written after every trial, and the checkpoint of the running one.
        setup: what the data and the budget were, kept in the file; a file of another setup is refused.
        training: settings for all trials, such as {"training.epochs": 2}; a trial's own go over them.

    Returns:
        One dict per trial: settings, score (None if it diverged), epochs, seconds.
    """
    method, path = find_method(name), folder / f"{name}.json"
    trials: list[dict[str, Any]] = []
    if path.exists():
        saved = json.loads(path.read_text(encoding="utf-8"))
        if saved["setup"] != json.loads(json.dumps(dict(setup))):
            raise InputError(f"{path}: belongs to another setup, {saved['setup']}; choose another folder")
        trials = saved["trials"]
    else:  # before any checkpoint, so that another setup finds it
        write_json(path, {"setup": setup, "trials": trials})
    for settings in method.trials:
        if any(trial["settings"] == dict(settings) for trial in trials):
            continue
        model = method.make(
            method.configure(latents, {**(training or {}), **settings}), seed=seed, device=device
        )
        checkpoint = folder / f"{name}-{len(trials)}.pt"
        score, started = None, monotonic()
        try:
            model.fit(data, split, checkpoint=checkpoint)
            score = hidden_measurement_r2(model, data, split)
        except TrainingDiverged as error:
            log.warning("%s %s: %s", name, settings, error)
        trials.append(
            {
                "settings": dict(settings),
                "score": score,
                "epochs": len(model.history),
                "seconds": round(monotonic() - started, 1),
            }
        )
        write_json(path, {"setup": setup, "trials": trials})
        checkpoint.unlink(missing_ok=True)
        log.info("%s %s: %s", name, dict(settings), "diverged" if score is None else f"{score:.4f}")
    return trials


def best_settings(trials: list[dict[str, Any]]) -> dict[str, Any]:
    """The settings of the trial with the highest score. Raises InputError when all diverged."""
    scored = [trial for trial in trials if trial["score"] is not None]
    if not scored:
        raise InputError("every trial diverged; check the data's scale")
    return dict(max(scored, key=lambda trial: trial["score"])["settings"])


def write_tuned(path: Path, chosen: Mapping[str, Mapping[str, Any]], command: str) -> None:
    """Write method -> settings as YAML that `tuned_config` reads, with the command that made it on top."""
    body = yaml.safe_dump({name: dict(settings) for name, settings in chosen.items()}, sort_keys=False)
    write_text(path, f"# Chosen without the truth (personax/baselines/trials.py) by\n#   {command}\n{body}")
