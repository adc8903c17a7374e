"""Fit one method, ours or a baseline, in a run folder, to data whose number of latents is known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pandas as pd

from personax.baselines.methods import find_method, tuned_settings
from personax.baselines.plug_in import is_plug_in, run_plug_in
from personax.crl import CRLConfig
from personax.experiments.evaluation import truth_free_criteria
from personax.experiments.fitting import (
    fit_in_folder,
    latent_counts,
    read_history,
    write_history,
)
from personax.experiments.run_options import OURS
from personax.graphs.graph import Graph
from personax.learning.training import remove_checkpoint
from personax.runs.run_folder import CHECKPOINT, RunFolder, shipped_config
from personax.views import SHARED, MultiViewData, Split

TUNED = "baselines.yaml"


class MethodRun(Protocol):
    """The options of a run that `recover` reads: `MnistConfig` has them, and others do."""

    @property
    def method(self) -> str:
        """Our method, a baseline, or a class as package.module:Class."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of a baseline."""

    @property
    def model(self) -> CRLConfig:
        """Our model."""

    @property
    def seed(self) -> int:
        """Seed of the method."""

    @property
    def device(self) -> str:
        """Where it is trained."""


@dataclass(frozen=True)
class Recovery:
    """The result of a method.

    Attributes:
        latents: (n, d) recovered latents of all rows.
        graph: their graph, or None if the method has none.
        metrics: entries of metrics.json that only this method has.
    """

    latents: pd.DataFrame
    graph: Graph | None
    metrics: dict[str, Any]


def recover(config: MethodRun, folder: RunFolder, data: MultiViewData, split: Split) -> Recovery:
    """Fit the method that `config` names. Our own model is read if its weights are already in the folder."""
    if config.method == OURS:
        return _recover_ours(config, folder, data, split)
    if is_plug_in(config.method):
        return _recover_plug_in(config, data, split)
    return _recover_baseline(config, folder, data, split)


def _recover_ours(config: MethodRun, folder: RunFolder, data: MultiViewData, split: Split) -> Recovery:
    model = fit_in_folder(
        folder, data, split, model_for(config.model, data), seed=config.seed, device=config.device
    )
    return Recovery(
        model.transform(data),
        model.learned(simulated=False),
        {
            "latents": dict(model.config.latents),
            "verdict": model.verdict,
            "advice": model.advice,
            "criteria": truth_free_criteria(read_history(folder.path)),
        },
    )


def _recover_baseline(config: MethodRun, folder: RunFolder, data: MultiViewData, split: Split) -> Recovery:
    method = find_method(config.method)
    model = method.make(
        method.configure(visible_latents(data), config.settings), seed=config.seed, device=config.device
    )
    model.fit(
        data, split, checkpoint=folder / CHECKPOINT, on_progress=lambda rows: write_history(folder.path, rows)
    )
    remove_checkpoint(folder / CHECKPOINT)
    graph = model.graph
    return Recovery(
        model.transform(data),
        None if graph is None else Graph(model.names, graph, blocks=model.blocks),
        {"uses_truth": method.uses_truth},
    )


def _recover_plug_in(config: MethodRun, data: MultiViewData, split: Split) -> Recovery:
    found = run_plug_in(
        config.method, visible_latents(data), data, split, seed=config.seed, settings=config.settings
    )
    names = list(found.latents.columns)
    return Recovery(
        found.latents, None if found.graph is None else Graph(names, found.graph), {"uses_truth": False}
    )


def visible_latents(data: MultiViewData) -> dict[str, int]:
    """Modality -> the number of true latents that it shows: its own and the shared ones.

    Baselines have no shared latents, so they recover these once from each modality.
    """
    shared = len(data.known_truth.blocks.get(SHARED, ()))
    return {modality: number + shared for modality, number in latent_counts(data).items()}


def model_for(model: CRLConfig, data: MultiViewData) -> CRLConfig:
    """Our model's configuration; with the true numbers of latents if it does not give any."""
    if model.latents:
        return model
    shared = len(data.known_truth.blocks.get(SHARED, ()))
    return replace(model, latents=latent_counts(data), shared=shared)


def baseline_settings(name: str, model: CRLConfig) -> dict[str, Any]:
    """Settings of a baseline: budget and widths of our model, overridden by preset and tuned settings.

    A baseline with published training keeps its own budget and widths. A class of other people has its own
    defaults.
    """
    if is_plug_in(name):
        return {}
    phase1, preset = model.phase1, find_method(name).preset
    budget: dict[str, Any] = {
        "noise": model.noise,
        "hidden": model.hidden,
        "training.epochs": phase1.epochs,
        "training.batch_size": phase1.batch_size,
        "training.patience": phase1.patience,
    }
    base = {} if preset.get("published_training") else budget | dict(preset)
    return base | tuned_settings(name, shipped_config(TUNED))
