"""What each variant of the comparison changes, and what it does not change."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import pytest

from personax.experiments.comparison.config import ComparisonConfig
from personax.experiments.comparison.report import PUBLISHED
from personax.experiments.comparison.variants import (
    ABLATIONS,
    MEASUREMENTS,
    SIZES,
    method_runs,
    training_rows,
    varied_part,
)
from personax.experiments.method_table import title_of
from personax.experiments.mnist.config import MnistConfig
from personax.experiments.run_options import OURS


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted option -> value."""
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def changed_options(before: MnistConfig, after: MnistConfig) -> set[str]:
    """Dotted names of the options in which two configurations differ."""
    old, new = flat(asdict(before)), flat(asdict(after))
    return {key for key in old if old[key] != new[key]}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("no-alignment", {"model.phase1.align"}),
        ("no-cross", {"model.phase1.cross", "model.phase2.cross_sparsity"}),
        (
            "no-sparsity",
            {"model.phase1.sparsity", "model.phase2.sparsity", "model.phase2.cross_sparsity"},
        ),
        ("isotropic", {"model.causal"}),
        ("no-orthogonality", {"model.phase2.orthogonality"}),
        ("no-evenness", {"model.phase2.evenness"}),
        ("measurements-1", {"measurements"}),
    ],
)
def test_an_ablation_changes_what_it_says_and_nothing_else(name: str, options: set[str]) -> None:
    config = MnistConfig()
    assert changed_options(config, ABLATIONS[name].change(config)) == options


def test_every_ablation_is_checked_above() -> None:
    assert len(ABLATIONS) == 7


def training_steps(config: MnistConfig) -> int:
    """Optimiser steps of phase 1, if it does not stop early."""
    phase1 = config.model.phase1
    return phase1.passes * phase1.batches(training_rows(config.n))


@pytest.mark.parametrize("config", [MnistConfig(), MnistConfig(n=1000)])
def test_the_number_of_scenes_leaves_the_number_of_steps(config: MnistConfig) -> None:
    for size in SIZES.values():
        other = size.change(config)
        epoch = other.model.phase1.batches(training_rows(other.n))
        most = max(epoch / 2, epoch - training_steps(config))  # epochs are whole, and at least one
        assert abs(training_steps(other) - training_steps(config)) <= most


def test_an_epoch_has_the_whole_batches_of_the_training_rows() -> None:
    assert training_rows(2500) == 2000
    assert MnistConfig().model.phase1.batches(2000) == 2000 // 256


def test_both_modalities_get_as_many_measurements() -> None:
    found = [each.change(MnistConfig()).measurements for each in MEASUREMENTS.values()]
    assert found == ["1,1", "2,2", "3,3", "4,4", "5,5"]


def test_a_variation_that_changes_nothing_is_left_out() -> None:
    config = ComparisonConfig(n=5000, measurements="2,2")
    sizes, measurements = varied_part("sizes", config), varied_part("measurements", config)
    assert sizes is not None
    assert measurements is not None
    assert sizes.unchanged == "5,000"
    assert "n-5000" not in sizes.variations
    assert "n-20000" in sizes.variations
    assert measurements.unchanged == "2"
    assert "measurements-2" not in measurements.variations


def test_baselines_get_the_scenes_budget_and_networks_of_ours() -> None:
    config = ComparisonConfig(size=16, nuisance="shared")
    config = replace(config, model=replace(config.model, hidden=77))
    runs = method_runs(config, [name for name in PUBLISHED if name != OURS])
    for name, run in runs.items():
        assert (run.n, run.measurements, run.size, run.nuisance) == (config.n, "3,3", 16, "shared")
        if name != OURS:
            assert run.settings["training.epochs"] == config.model.phase1.epochs
            assert run.settings["training.batch_size"] == config.model.phase1.batch_size
            assert run.settings["hidden"] == 77


def test_a_method_that_is_given_the_truth_has_a_star() -> None:
    assert title_of("causal_vae_supervised").endswith("*")
    assert not title_of("causal_vae").endswith("*")
