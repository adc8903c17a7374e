"""Several seeds of run_mnist_3measurement.py: one after another, side by side, trained together, killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import torch
from commands import run_script
from small_runs import MNIST_SCRIPT, SMALL_MNIST
from threadpoolctl import threadpool_limits

from personax.runs.files import write_json
from personax.runs.processor import thread_count
from personax.runs.run_folder import (
    CHECKPOINT,
    CONFIG,
    HISTORY,
    LATENTS,
    MANIFEST,
    METRICS,
    ROOT,
    TOGETHER,
    WEIGHTS,
)


def run_small(config: Path, *words: object) -> int:
    """The exit code of the command with a configuration."""
    return run_script(MNIST_SCRIPT, "--config", config, *words)


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Use this number of threads in the block, as a separate process would."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration file of a small run."""
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text(SMALL_MNIST)
    return path


@pytest.fixture(scope="module")
def one_by_one(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeds 0 and 1, one after another, with their scenes in `scenes`."""
    home = tmp_path_factory.mktemp("seeds")
    words = ("--n", "300", "--seeds", "0-1", "--output", home / "runs", "--export", home / "scenes")
    assert run_small(small, *words) == 0
    return home


@pytest.fixture(scope="module")
def together(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same seeds, trained together."""
    home = tmp_path_factory.mktemp("together") / "runs"
    assert run_small(small, "--n", "300", "--seeds", "0-1", "--together", "--output", home) == 0
    return home


def test_the_table_has_mean_and_spread_of_the_seeds(one_by_one: Path) -> None:
    table = pd.read_csv(one_by_one / "runs" / "summary.csv", index_col="metric")
    assert list(table.columns) == ["seed 0", "seed 1", "mean", "sd"]
    values = table.loc["heldout.r2", ["seed 0", "seed 1"]]
    assert values.iloc[0] != values.iloc[1]
    assert table.loc["heldout.r2", "mean"] == pytest.approx(values.mean())
    assert table.loc["heldout.r2", "sd"] == pytest.approx(values.std())


def test_the_table_is_a_page_too(one_by_one: Path) -> None:
    page = (one_by_one / "runs" / "summary.md").read_text()
    assert page.startswith("# Variant-MNIST, mnist, seeds 0-1\n")
    assert "heldout.r2" in page


def test_every_seed_exports_its_scenes_to_a_folder_of_its_own(one_by_one: Path) -> None:
    assert sorted(path.name for path in (one_by_one / "scenes").iterdir()) == ["seed-0", "seed-1"]


def test_runs_of_seeds_trained_together_have_the_same_files(one_by_one: Path, together: Path) -> None:
    for seed in ("seed-0", "seed-1"):
        alone = one_by_one / "runs" / seed
        names = {path.relative_to(alone) for path in alone.rglob("*")}
        assert {path.relative_to(together / seed) for path in (together / seed).rglob("*")} == names


def test_the_manifest_says_how_many_seeds_were_trained_together(together: Path) -> None:
    manifest = json.loads((together / "seed-1" / MANIFEST).read_text())
    assert manifest["state"] == "finished"
    assert manifest["trained_together"] == 2


def test_training_together_is_training_alone_up_to_rounding(one_by_one: Path, together: Path) -> None:
    first, same = (
        json.loads((home / "seed-1" / HISTORY).read_text().splitlines()[0])
        for home in (together, one_by_one / "runs")
    )
    assert first.pop("phase") == same.pop("phase")
    assert first == pytest.approx(same, rel=1e-5, abs=1e-6)


def test_training_together_gives_the_same_bits_again(small: Path, together: Path, tmp_path: Path) -> None:
    words = ("--n", "300", "--seeds", "0-1", "--together", "--ceiling_epochs", "0")
    assert run_small(small, *words, "--output", tmp_path / "again") == 0
    for seed, name in product(("seed-0", "seed-1"), (LATENTS, WEIGHTS)):
        assert (tmp_path / "again" / seed / name).read_bytes() == (together / seed / name).read_bytes()


def test_models_of_which_not_all_were_saved_are_trained_together_again(
    small: Path, together: Path, tmp_path: Path
) -> None:
    """What a process leaves that is killed after the first model: its weights, and none of the second."""
    home = Path(shutil.copytree(together, tmp_path / "runs"))
    for seed in ("seed-0", "seed-1"):
        (home / seed / METRICS).unlink()
        write_json(home / seed / TOGETHER, ["seed-0", "seed-1"])
    (home / "seed-1" / WEIGHTS).unlink()
    words = ("--n", "300", "--seeds", "0-1", "--together", "--resume", "--ceiling_epochs", "0")
    for options in (home / seed / CONFIG for seed in ("seed-0", "seed-1")):
        options.write_text(options.read_text().replace("ceiling_epochs: 1", "ceiling_epochs: 0"))
    assert run_small(small, *words, "--output", home) == 0
    for seed in ("seed-0", "seed-1"):
        assert (home / seed / LATENTS).read_bytes() == (together / seed / LATENTS).read_bytes()
        assert not (home / seed / TOGETHER).exists()


def test_resuming_together_makes_only_what_is_missing(small: Path, together: Path, tmp_path: Path) -> None:
    """Seed 0 is finished, seed 1 has weights but no metrics, seed 2 is new."""
    home = Path(shutil.copytree(together, tmp_path / "runs"))
    finished = (home / "seed-0" / METRICS).stat().st_mtime_ns
    weights = (home / "seed-1" / WEIGHTS).stat().st_mtime_ns
    (home / "seed-1" / METRICS).unlink()
    words = ("--n", "300", "--seeds", "0-2", "--output", home, "--resume")
    assert run_small(small, *words, "--together") == 0
    assert (home / "seed-0" / METRICS).stat().st_mtime_ns == finished
    assert (home / "seed-1" / WEIGHTS).stat().st_mtime_ns == weights
    assert (home / "seed-1" / METRICS).exists()
    assert json.loads((home / "seed-2" / MANIFEST).read_text())["trained_together"] == 1
    assert list(pd.read_csv(home / "summary.csv").columns)[1:4] == ["seed 0", "seed 1", "seed 2"]
    assert run_small(small, *words) == 0  # runs that were trained together are read like all others


@pytest.mark.slow
def test_runs_side_by_side_are_those_one_after_another(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seeds", "0,1", "--jobs", "2", "--output", tmp_path / "beside")
    assert run_small(small, *words) == 0
    assert list(pd.read_csv(tmp_path / "beside" / "summary.csv").columns)[1:3] == ["seed 0", "seed 1"]
    with threads(thread_count()):  # as many as each of the two processes has had
        assert run_small(small, "--seed", "1", "--output", tmp_path / "alone") == 0
    beside = (tmp_path / "beside" / "seed-1" / LATENTS).read_bytes()
    assert beside == (tmp_path / "alone" / LATENTS).read_bytes()
    capsys.readouterr()
    assert run_small(small, *words) == 2
    assert "--resume" in capsys.readouterr().err
    assert run_small(small, *words, "--resume") == 0


@pytest.mark.slow
def test_a_killed_run_resumes_from_its_last_checkpoint_also_in_another_place(
    small: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    words = ("--model.phase1.epochs", "12", "--ceiling_epochs", "0")
    process = subprocess.Popen(
        [sys.executable, str(ROOT / MNIST_SCRIPT), "--config", str(small), *words, "--output", str(killed)],
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not (killed / CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (killed / CHECKPOINT).exists()
    assert not (killed / METRICS).exists()
    torch.load(killed / CHECKPOINT, weights_only=True)  # it is complete, no matter when the signal came
    with threads(1):
        assert run_small(small, *words, "--output", whole) == 0
        moved = killed.rename(tmp_path / "moved")
        assert run_small(small, *words, "--output", moved, "--resume") == 0
    assert (moved / LATENTS).read_bytes() == (whole / LATENTS).read_bytes()
