"""The comparison: what each variant changes, which cells are kept, and that tables agree with the runs."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import load_main

from personax.experiments.comparison.config import ComparisonConfig
from personax.experiments.comparison.report import PUBLISHED
from personax.experiments.comparison.variants import (
    ABLATIONS,
    MEASUREMENTS,
    SIZES,
    batches_per_epoch,
    method_runs,
)
from personax.experiments.evaluation import truth_free_criteria
from personax.experiments.mnist.config import OURS, MnistConfig
from personax.runs.run_folder import ROOT

SCRIPT = ROOT / "synthetic_experiment" / "compare_methods.py"
TINY = """
source: digits
n: 200
jobs: 1
model:
  hidden: 8
  phase1: {epochs: 1, batch_size: 32}
  phase2: {starts: 2, population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2}
"""


main = load_main(SCRIPT)


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def changed(change: Any, config: MnistConfig) -> set[str]:
    before, after = flat(asdict(config)), flat(asdict(change(config)))
    return {key for key in before if before[key] != after[key]}


@pytest.mark.parametrize(
    ("name", "fields"),
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
def test_an_ablation_changes_what_it_says_and_nothing_else(name: str, fields: set[str]) -> None:
    assert changed(ABLATIONS[name][1], MnistConfig()) == fields


def test_the_number_of_scenes_leaves_the_number_of_steps() -> None:
    for config in (MnistConfig(), MnistConfig(n=1000)):

        def steps(run: MnistConfig) -> int:
            phase1 = run.model.phase1
            return phase1.epochs * batches_per_epoch(run.n, phase1.batch_size)

        for _, change in SIZES.values():
            other = change(config)
            epoch = batches_per_epoch(other.n, other.model.phase1.batch_size)
            assert abs(steps(other) - steps(config)) <= max(epoch / 2, epoch - steps(config))
    config = MnistConfig()
    assert batches_per_epoch(2500, 256) == 2000 // 256
    assert {change(config).measurements for _, change in MEASUREMENTS.values()} == {
        "1,1",
        "2,2",
        "3,3",
        "4,4",
        "5,5",
    }


def test_baselines_get_the_budget_and_networks_of_ours() -> None:
    config = ComparisonConfig()
    config = replace(config, model=replace(config.model, hidden=77))
    for name, variant in method_runs(config, [n for n in PUBLISHED if n != OURS]).items():
        assert variant.n == config.n
        assert variant.measurements == "3,3"
        if name != OURS:
            assert variant.settings["training.epochs"] == config.model.phase1.epochs
            assert variant.settings["training.batch_size"] == config.model.phase1.batch_size
            assert variant.settings["hidden"] == 77


def test_tables_hold_what_the_runs_hold_and_finished_runs_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    home = tmp_path / "comparison"
    words = ["--config", str(tmp_path / "tiny.yaml"), "--output", str(home), "--seeds", "0,1"]
    words += ["--methods", "mcl,beta_vae", "--parts", "methods,ablations", "--ablation_seeds", "1"]
    assert main(words) == 0
    printed = re.sub(" +", " ", capsys.readouterr().out)
    runs = pd.read_csv(home / "runs.csv")
    assert len(runs) == 2 * 3 + len(ABLATIONS)
    for _, row in runs.iterrows():
        metrics = json.loads(
            (home / "runs" / row["method"] / f"seed-{row['seed']}" / "metrics.json").read_text()
        )
        assert row["R2"] == pytest.approx(metrics["heldout"]["r2"])
        assert np.isnan(row["SHD"]) == ("graph" not in metrics)
    mine = runs[runs["method"] == OURS]
    assert f"| PersonaX (ours) | {mine['R2'].mean():.3f} ± {mine['R2'].std():.3f} |" in printed
    assert f"| full model | {mine['R2'][mine['seed'] == 1].item():.3f} |" in printed
    assert "| one measurement |" in printed
    assert "| MCL |" in printed
    assert (home / "comparison.png").exists()
    assert (home / "ablations.pdf").exists()

    # a cell that lacks its result is run again, the others are read
    times = {path: path.stat().st_mtime_ns for path in home.rglob("metrics.json")}
    lost = home / "runs" / "mcl" / "seed-1" / "metrics.json"
    lost.unlink()
    assert main(words) == 0
    after = {path: path.stat().st_mtime_ns for path in home.rglob("metrics.json")}
    assert {path for path in times if times[path] != after[path]} == {lost}
    again = pd.read_csv(home / "runs.csv").drop(columns="seconds")
    pd.testing.assert_frame_equal(again, runs.drop(columns="seconds"))

    # cells of another configuration are not mixed in; what can be read is, and the error names the first
    capsys.readouterr()
    assert main([*words, "--n", "210"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "runs failed" in error
    assert "n=200" in error


def test_terminated_it_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    home = tmp_path / "comparison"
    words = ["--config", str(tmp_path / "tiny.yaml"), "--output", str(home), "--parts", "methods"]
    words += ["--seeds", "0-9", "--methods", "", "--jobs", "2", "--n", "2000", "--model.phase1.epochs", "500"]
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), *words], start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: any(home.rglob("metrics.jsonl")), 120)
        process.terminate()
        assert process.wait(60) == 130
        until(lambda: not group_is_alive(process.pid), 30)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert not list(home.rglob("metrics.json"))
    assert not (home / "comparison.md").exists()


def until(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition, or fail."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.2)


def group_is_alive(group: int) -> bool:
    """Whether any process of the group runs."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--parts", "methods,colours"], "colours"),
        (["--methods", "pca"], "pca"),
        (["--jobs", "0"], "jobs"),
        (["--seeds", "0-1", "--ablation_seeds", "5"], "ablation_seeds"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["--output", str(tmp_path / "out"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_criteria_are_those_of_the_kept_epoch_and_model() -> None:
    def epoch(number: int, weight: float, validation: float) -> dict[str, Any]:
        own = {f"validation_{name}": number + k for k, name in enumerate(("reconstruction", "kl", "align"))}
        return {
            "phase": "representation",
            "epoch": number,
            "weight_kl": weight,
            "validation": validation,
            **own,
        }

    history = pd.DataFrame(
        [
            epoch(1, 1.0, 0.0),  # lowest, but the KL was still warming up
            epoch(2, 3.0, 5.0),
            epoch(3, 3.0, 7.0),
            {
                "phase": "identification",
                "objective": [9.0, 8.0, None],  # JSON's for a loss that is not finite
                "orthogonality": [0.1, 0.2, None],
                "evenness": [0.3, 0.4, None],
            },
        ]
    )
    assert truth_free_criteria(history) == {
        "representation": 5.0,
        "negative_elbo": 5.0,
        "alignment": 4.0,
        "identification": 8.0,
        "orthogonality": 0.2,
        "evenness": 0.4,
    }
