"""The variants that are compared: methods, parts of our model, number of scenes, number of measurements."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from personax.experiments.comparison.config import ComparisonConfig, Part
from personax.experiments.mnist.config import MnistConfig, run_on
from personax.experiments.recovery import baseline_settings
from personax.experiments.run_options import OURS
from personax.experiments.variations import ModelChange, with_phase1, with_phase2
from personax.variant_mnist.scene_config import measurement_counts
from personax.views import split_rows

RunChange = Callable[[MnistConfig], MnistConfig]
"""Takes the configuration of a run and returns another one."""


class Variation(NamedTuple):
    """One change of our method: its title in tables, and how it changes the configuration of a run."""

    title: str
    change: RunChange


def of_model(*changes: ModelChange) -> RunChange:
    """Turn changes of the model into a change of the run."""

    def change(config: MnistConfig) -> MnistConfig:
        for each in changes:
            config = replace(config, model=each(config.model))
        return config

    return change


def without_cross(config: MnistConfig) -> MnistConfig:
    """Leave out all terms that treat edges between modalities differently from other edges.

    These are the contrastive term between the modalities, and the higher price (sparsity weight) of edges
    between them; without it, the starts do not avoid such edges either. The draft of the graph in phase 1,
    which is replaced later, keeps its prices.
    """
    price = config.model.phase2.sparsity
    return of_model(with_phase1(cross=0.0), with_phase2(cross_sparsity=price))(config)


def with_scenes(n: int) -> RunChange:
    """Use n scenes, and more or fewer epochs, so that the number of optimiser steps stays about the same."""

    def change(config: MnistConfig) -> MnistConfig:
        if n == config.n:
            return config
        phase1 = config.model.phase1
        before, now = (phase1.batches(training_rows(scenes)) for scenes in (config.n, n))
        epochs, patience = (max(1, round(each * before / now)) for each in (phase1.passes, phase1.patience))
        return of_model(with_phase1(epochs=epochs, patience=patience))(replace(config, n=n))

    return change


def training_rows(scenes: int) -> int:
    """How many of this number of scenes are for training."""
    return len(split_rows(scenes, np.random.default_rng(0)).train)


def with_measurements(number: int) -> RunChange:
    """Use this number of measurements of each modality."""
    return lambda config: replace(config, measurements=f"{number},{number}")


# Folder of the runs -> the variation.
ABLATIONS: Mapping[str, Variation] = {
    "no-alignment": Variation("no alignment", of_model(with_phase1(align=0.0))),
    "no-cross": Variation("no cross-modal terms", without_cross),
    "no-sparsity": Variation(
        "no sparsity", of_model(with_phase1(sparsity=0.0), with_phase2(sparsity=0.0, cross_sparsity=0.0))
    ),
    "isotropic": Variation("isotropic prior", of_model(lambda model: replace(model, causal=False))),
    "no-orthogonality": Variation("no orthogonality", of_model(with_phase2(orthogonality=0.0))),
    "no-evenness": Variation("no evenness", of_model(with_phase2(evenness=0.0))),
    "measurements-1": Variation("one measurement", with_measurements(1)),
}
SIZES: Mapping[str, Variation] = {
    f"n-{n}": Variation(f"{n:,}", with_scenes(n)) for n in (2500, 5000, 10000, 20000, 40000)
}
MEASUREMENTS: Mapping[str, Variation] = {
    f"measurements-{number}": Variation(str(number), with_measurements(number)) for number in (1, 2, 3, 4, 5)
}


class VariedPart(NamedTuple):
    """A part of the comparison that varies our own method.

    Attributes:
        heading: heading of its table.
        unchanged: title of our method without a variation.
        variations: folder of the runs -> variation; those that change nothing are left out.
        axis: what the titles count, if they are numbers, else "".
    """

    heading: str
    unchanged: str
    variations: Mapping[str, Variation]
    axis: str = ""


def varied_part(part: Part, config: ComparisonConfig) -> VariedPart | None:
    """The variations in a part of the comparison; None for the part with the other methods."""
    base = base_run(config)

    def varied(variations: Mapping[str, Variation]) -> dict[str, Variation]:
        return {folder: each for folder, each in variations.items() if each.change(base) != base}

    match part:
        case "methods":
            return None
        case "ablations":
            return VariedPart("Ablations", "full model", varied(ABLATIONS))
        case "sizes":
            heading = "Number of scenes, with about the same number of optimiser steps"
            return VariedPart(heading, f"{config.n:,}", varied(SIZES), "scenes")
        case "measurements":
            own = str(measurement_counts(config)[0])
            axis = "measurements of each modality"
            return VariedPart("Measurements of each modality", own, varied(MEASUREMENTS), axis)


def base_run(config: ComparisonConfig) -> MnistConfig:
    """The run of our method with this configuration, without a variation."""
    return run_on(
        config, name="comparison", device=config.device, figures=False, resume=True, model=config.model
    )


def method_runs(config: ComparisonConfig, baselines: list[str]) -> dict[str, MnistConfig]:
    """Folder of the runs -> configuration, for our method and the baselines."""
    base = base_run(config)
    runs = {OURS: base}
    for name in baselines:
        settings = baseline_settings(name, config.model)
        runs[name] = replace(base, method=name, settings=settings, ceiling_epochs=0)
    return runs
