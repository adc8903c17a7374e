"""The command run_mnist_3measurement.py, as a user calls it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from commands import load_main

from personax.runs.run_folder import ROOT
from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.official_layout import write_dataset
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import variant_mnist_scm

SCRIPT = ROOT / "synthetic_experiment" / "run_mnist_3measurement.py"
TINY = """
source: digits
n: 400
ceiling_epochs: 1
device: cpu
model:
  hidden: 16
  phase1: {epochs: 3, batch_size: 64}
  phase2:
    {starts: 4, population: 4, generations: 2, generation_steps: 4, finalists: 2, final_steps: 4}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


def main(*words: str | Path) -> int:
    return load_main(SCRIPT)([str(word) for word in words])


def test_a_run_leaves_everything_that_remakes_it(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "out"
    assert main("--config", tiny, "--seed", "3", "--ground_truth", "--output", home) == 0
    assert "heldout.r2" in (printed := capsys.readouterr().out)
    assert "graph.png" in printed

    metrics = json.loads((home / "metrics.json").read_text())
    names = ["z11", "z12", "z21", "z22"]
    assert list(metrics["heldout"]["r2_per_latent"]) == list(metrics["ceiling"]["r2_per_latent"]) == names
    for group, key in (
        ("heldout", "r2"),
        ("heldout", "mcc_pearson"),
        ("heldout", "mcc_spearman"),
        ("graph", "shd"),
        ("graph", "f1"),
        ("insample", "r2"),
    ):
        assert isinstance(metrics[group][key], int | float), (group, key)
    assert metrics["seconds"] > 0
    assert metrics["source"] == "sklearn-digits (stand-in)"

    manifest = json.loads((home / "manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert len(manifest["data_sha256"]) == 64
    assert manifest["data_source"] == metrics["source"]
    assert manifest["device"] == "cpu"
    resolved = yaml.safe_load((home / "config.yaml").read_text())
    assert resolved["seed"] == 3
    assert resolved["model"]["phase1"]["epochs"] == 3

    latents = pd.read_parquet(home / "latents.parquet")
    assert list(latents.columns) == ["id", "split", *names]
    assert len(latents) == 400
    assert latents["split"].value_counts().to_dict() == {"train": 320, "validation": 40, "test": 40}
    phases = [json.loads(line)["phase"] for line in (home / "metrics.jsonl").read_text().splitlines()]
    assert phases == ["representation"] * 3 + ["identification"] * 3
    figures = {path.name for path in (home / "figures").iterdir()}
    assert figures == {
        f"{n}.{s}" for n in ("graph", "recovery", "samples", "training") for s in ("png", "svg")
    }
    written = (home / "run.log").read_text()
    assert "epoch 3: train" in written
    assert "generation 3: best of 2 models" in written
    assert not list(home.glob("checkpoint*"))
    assert not list(home.glob(".*"))

    # Remade from its own config, bit for bit; refused without being asked to replace; read when resumed.
    again = tmp_path / "again"
    assert main("--config", home / "config.yaml", "--output", again) == 0
    assert (again / "latents.parquet").read_bytes() == (home / "latents.parquet").read_bytes()
    capsys.readouterr()
    assert main("--config", tiny, "--seed", "3", "--output", home) == 2
    assert "--resume" in capsys.readouterr().err
    before = (home / "metrics.json").stat().st_mtime_ns
    assert main("--config", tiny, "--seed", "3", "--output", home, "--resume") == 0
    assert (home / "metrics.json").stat().st_mtime_ns == before
    assert main("--config", tiny, "--seed", "4", "--output", home, "--resume") == 2


def test_several_seeds_make_a_table(tiny: Path, tmp_path: Path) -> None:
    assert main("--config", tiny, "--seeds", "0-1", "--output", tmp_path / "out") == 0
    table = pd.read_csv(tmp_path / "out" / "summary.csv", index_col="metric")
    assert list(table.columns) == ["seed 0", "seed 1", "mean", "sd"]
    values = table.loc["heldout.r2", ["seed 0", "seed 1"]]
    assert values.iloc[0] != values.iloc[1]
    assert table.loc["heldout.r2", "mean"] == pytest.approx(values.mean())
    assert table.loc["heldout.r2", "sd"] == pytest.approx(values.std())
    assert (tmp_path / "out" / "summary.md").read_text().startswith("# ")


def test_seeds_trained_together_are_runs_like_any_other(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batched, again, single = (tmp_path / name for name in ("batched", "again", "single"))
    assert main("--config", tiny, "--seed", "1", "--output", single) == 0
    for home in (batched, again):
        assert main("--config", tiny, "--seeds", "0-1", "--together", "--output", home) == 0
    for seed in ("seed-0", "seed-1"):
        names = {path.relative_to(single) for path in single.rglob("*")}
        assert {path.relative_to(batched / seed) for path in (batched / seed).rglob("*")} == names
        latents = (batched / seed / "latents.parquet").read_bytes()
        assert latents == (again / seed / "latents.parquet").read_bytes()
        manifest = json.loads((batched / seed / "manifest.json").read_text())
        assert manifest["state"] == "finished"
        assert manifest["trained_together"] == 2
    first, same = (
        json.loads((home / "metrics.jsonl").read_text().splitlines()[0])
        for home in (batched / "seed-1", single)
    )
    assert first.pop("phase") == same.pop("phase")
    assert first == pytest.approx(same, rel=1e-5, abs=1e-6)

    # Finished seeds are read, whoever made them; one without metrics but with weights is not trained again.
    finished = (batched / "seed-0" / "metrics.json").stat().st_mtime_ns
    weights = (batched / "seed-1" / "weights.pt").stat().st_mtime_ns
    (batched / "seed-1" / "metrics.json").unlink()
    assert main("--config", tiny, "--seeds", "0-2", "--together", "--output", batched, "--resume") == 0
    assert (batched / "seed-0" / "metrics.json").stat().st_mtime_ns == finished
    assert (batched / "seed-1" / "weights.pt").stat().st_mtime_ns == weights
    assert json.loads((batched / "seed-2" / "manifest.json").read_text())["trained_together"] == 1
    assert list(pd.read_csv(batched / "summary.csv").columns)[1:4] == ["seed 0", "seed 1", "seed 2"]
    assert main("--config", tiny, "--seeds", "0-2", "--output", batched, "--resume") == 0
    capsys.readouterr()
    assert main("--config", tiny, "--together", "--output", tmp_path / "one") == 2
    assert "together: needs --seeds" in capsys.readouterr().err
    assert not (tmp_path / "one").exists()


def test_seeds_side_by_side_are_the_runs_one_after_another(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beside, alone = tmp_path / "beside", tmp_path / "alone"
    assert main("--config", tiny, "--seeds", "0,1", "--jobs", "2", "--output", beside) == 0
    assert list(pd.read_csv(beside / "summary.csv").columns)[1:3] == ["seed 0", "seed 1"]
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // 2))  # as many as each process has had
    assert main("--config", tiny, "--seed", "1", "--output", alone) == 0
    torch.set_num_threads(threads)
    assert (beside / "seed-1" / "latents.parquet").read_bytes() == (alone / "latents.parquet").read_bytes()

    capsys.readouterr()
    assert main("--config", tiny, "--seeds", "0,1", "--jobs", "2", "--output", beside) == 2
    assert "--resume" in capsys.readouterr().err
    assert main("--config", tiny, "--seeds", "0,1", "--jobs", "2", "--output", beside, "--resume") == 0
    for words in (("--jobs", "2"), ("--jobs", "2", "--seeds", "0,1", "--together"), ("--jobs", "0")):
        assert main("--config", tiny, *words, "--output", tmp_path / "none") == 2
        assert "jobs" in capsys.readouterr().err
        assert not (tmp_path / "none").exists()


def test_a_resumed_run_refuses_other_data(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, scenes = tmp_path / "run", tmp_path / "scenes"
    words = ("--config", tiny, "--seed", "1", "--output", home)
    assert main(*words, "--export", scenes) == 0
    metrics, manifest = (home / "metrics.json").read_bytes(), (home / "manifest.json").read_bytes()
    (home / "metrics.json").unlink()
    assert main(*words, "--export", scenes, "--resume") == 0  # the export is there already
    assert (home / "metrics.json").read_bytes() != b""
    assert len(metrics) > 0

    read = ("--config", tiny, "--dataset", scenes, "--output", tmp_path / "read")
    assert main(*read) == 0
    (tmp_path / "read" / "metrics.json").unlink()
    manifest = (tmp_path / "read" / "manifest.json").read_bytes()
    shutil.rmtree(scenes)
    assert main("--config", tiny, "--seed", "2", "--output", tmp_path / "other", "--export", scenes) == 0
    capsys.readouterr()
    assert main(*read, "--resume") == 2
    assert "other data" in capsys.readouterr().err
    assert (tmp_path / "read" / "manifest.json").read_bytes() == manifest


def test_several_seeds_export_to_folders_of_their_own(tiny: Path, tmp_path: Path) -> None:
    words = ("--config", tiny, "--seeds", "0,1", "--output", tmp_path / "runs")
    assert main(*words, "--export", tmp_path / "scenes") == 0
    assert sorted(path.name for path in (tmp_path / "scenes").iterdir()) == ["seed-0", "seed-1"]


def test_a_baseline_has_our_budget(tiny: Path, tmp_path: Path) -> None:
    words = ("--config", tiny, "--method", "autoencoder", "--output", tmp_path / "run")
    assert main(*words) == 0
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 3
    settings = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["settings"]
    assert settings["hidden"] == 16
    assert settings["training.batch_size"] == 64


def test_a_killed_run_resumes_from_its_last_checkpoint(tiny: Path, tmp_path: Path) -> None:
    long = tiny.with_name("long.yaml")
    long.write_text(TINY.replace("epochs: 3", "epochs: 12"))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), "--config", str(long)]
    subprocess.run([*command, "--output", str(whole)], env=environment, check=True, capture_output=True)
    process = subprocess.Popen(
        [*command, "--output", str(killed)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not (killed / "checkpoint.pt").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (killed / "checkpoint.pt").exists()
    assert not (killed / "metrics.json").exists()
    torch.load(killed / "checkpoint.pt", weights_only=True)  # whole, whenever the signal came
    subprocess.run(
        [*command, "--output", str(killed), "--resume"], env=environment, check=True, capture_output=True
    )
    assert (killed / "latents.parquet").read_bytes() == (whole / "latents.parquet").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n", "-5"], "n -5"),
        (["--n", "0.5"], "n"),
        (["--size", "3"], "size 3"),
        (["--seed", "-1"], "seed"),
        (["--sed", "1"], "--sed"),
        (["--measurements", "3"], "measurements"),
        (["--measurements", "6,1"], "measurements"),
        (["--measurements", "3,0"], "measurements"),
        (["--seeds", "2-0"], "seeds"),
        (["--device", "cuda:99"], "CUDA"),
        (["--device", "abacus"], "device"),
        (["--dataset", "no/such/folder"], "no/such/folder"),
        (["--model.phase1.epochs", "0"], "epochs 0"),
        (["--model.hidden", "-3"], "hidden -3"),
        (["--model.phase1.kl_warm_up", "1.5"], "kl_warm_up 1.5"),
        (["--model.phase1.patience", "0"], "patience 0"),
        (["--model.nuisance", "{digit: -1}"], "nuisance.digit -1"),
        (["--scm", "unknown"], "scm"),
        (["--config", "no/such.yaml"], "no/such.yaml"),
        (["--resume", "--overwrite"], "exclude"),
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(
    words: list[str], message: str, tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "out"
    assert main("--config", tiny, "--output", home, *words) == 2
    error = capfd.readouterr().err.strip()
    assert message in error
    assert error.count("\n") == 0
    assert "Traceback" not in error
    assert not home.exists()


def test_an_unknown_key_and_an_unwritable_place(
    tiny: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tiny.write_text(TINY + "epochz: 3\n")
    assert main("--config", tiny, "--output", tmp_path / "out") == 2
    assert "epochz" in capfd.readouterr().err
    tiny.write_text(TINY)
    (tmp_path / "file").write_text("in the way")
    assert main("--config", tiny, "--output", tmp_path / "file" / "out") == 2
    assert "file" in capfd.readouterr().err


def test_training_on_a_folder_in_the_official_layout(tiny: Path, tmp_path: Path) -> None:
    data = make_variant_mnist(stand_in_images(), variant_mnist_scm(), n=150, measurements=(3, 2))
    write_dataset(data, tmp_path / "official")
    home = tmp_path / "out"
    assert main("--config", tiny, "--dataset", tmp_path / "official", "--output", home) == 0
    latents = pd.read_parquet(home / "latents.parquet")
    assert len(latents) == 150
    assert np.isfinite(latents[["z11", "z22"]].to_numpy()).all()
    color = pd.read_csv(tmp_path / "official" / "color.csv")
    color.loc[4, "z11"] = np.nan
    color.to_csv(tmp_path / "official" / "color.csv", index=False)
    assert main("--config", tiny, "--dataset", tmp_path / "official", "--output", tmp_path / "bad") == 2
    assert not (tmp_path / "bad").exists()


def test_the_script_runs_from_its_own_folder_and_teaches() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT.name, "--help"], cwd=SCRIPT.parent, capture_output=True, text=True, check=True
    )
    assert "--nuisance" in done.stdout
    assert "--model.phase2.sparsity" in done.stdout
    assert "Examples" in done.stdout


@pytest.mark.parametrize("name", ["mnist", "mnist_paper", "mnist_3_1", "mnist_quickstart"])
def test_the_shipped_configs_are_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main("--config", ROOT / "configs" / f"{name}.yaml", "--print_config")
    assert stop.value.code == 0
    assert yaml.safe_load(capsys.readouterr().out)["name"] in (name, "quickstart")
