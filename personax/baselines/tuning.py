"""Choosing each method's hyper-parameters: the same number of trials, one criterion, no truth.

Objectives with different weights, or of different methods, cannot be compared, so the criterion looks at the
latents alone. For every measurement (m, i) in turn: hide it from everybody, compute all latents from what is
left, and predict the hidden measurement from them. Predicted are its first ten principal components, by the
kernel ridge of crl/metrics.py, fitted on training rows; scored on validation rows by the share of the
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
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import numpy as np
import pandas as pd
import yaml
from sklearn.decomposition import PCA

from personax.baselines.registry import find_method
from personax.crl.metrics import kernel_ridge_r2
from personax.crl.training import TrainingDiverged
from personax.runs.errors import InputError
from personax.runs.files import write_json, write_text
from personax.views import MultiViewData, Split

log = logging.getLogger(__name__)

COMPONENTS = 10  # principal components of a measurement that are predicted
ROWS = 2000  # training rows of the kernel ridge; its cost is cubic and it is fitted per measurement


class Transforms(Protocol):
    """A fitted method, a baseline or ours."""

    def transform(self, data: MultiViewData) -> pd.DataFrame:
        """Latents (n, d)."""
        ...


def hide(data: MultiViewData, modality: str, measurement: int) -> MultiViewData:
    """The same data, one measurement (counted from 0) observed of nobody."""
    observed = np.array(data.observed[modality])
    observed[:, measurement] = False
    return replace(data, observed={**data.observed, modality: observed})


def hidden_measurement_r2(model: Transforms, data: MultiViewData, split: Split) -> float:
    """The criterion of this module, at most 1; about 0 for latents that tell nothing.

    Raises InputError when nothing is left once a measurement is hidden.
    """
    if sum(len(arrays) for arrays in data.measurements.values()) < 2:
        raise InputError("a single measurement: nothing is left to predict it from, so nothing can be tuned")
    train = data.rows(split.train[:: max(1, -(-len(split.train) // ROWS))])
    validation = data.rows(split.validation)
    scores = []
    for modality, arrays in data.measurements.items():
        for number in range(len(arrays)):
            sides = []
            for part in (train, validation):
                seen = part.observed[modality][:, number]
                z = model.transform(hide(part, modality, number)).to_numpy(dtype=np.float64)
                sides.append((z[seen], part.measurements[modality][number][seen]))
            if min(len(x) for _, x in sides) > 1:
                scores.append(_explained(*sides[0], *sides[1]))
    return float(np.mean(scores))


def _explained(z: np.ndarray, x: np.ndarray, z_held: np.ndarray, x_held: np.ndarray) -> float:
    """Share of the variance of x_held's components (n', ...) that is predicted from z_held (n', d)."""
    flat, held = (a.reshape(len(a), -1).astype(np.float64) for a in (x, x_held))
    pca = PCA(min(COMPONENTS, flat.shape[1], len(flat) - 1), svd_solver="covariance_eigh").fit(flat)
    targets, held_targets = pca.transform(flat), pca.transform(held)
    r2 = kernel_ridge_r2(z, targets, z_held, held_targets)
    return float(np.average(r2, weights=np.maximum(held_targets.var(0), 1e-12)))


def tune(
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
    write_text(path, f"# Chosen without the truth (personax/baselines/tuning.py) by\n#   {command}\n{body}")
