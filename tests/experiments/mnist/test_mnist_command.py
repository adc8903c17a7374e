"""The command run_mnist_3measurement.py on one seed: what it prints, writes, reads again and refuses."""

import json
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import run_script
from pictures import is_drawn, words_in
from small_runs import MNIST_SCRIPT, SMALL_MNIST, SmallRun

from personax.crl import CRL
from personax.crl.latent_counts import LatentCounts
from personax.graphs.graph import Graph
from personax.graphs.graph_scores import graph_scores
from personax.graphs.panels import pretty_name
from personax.runs.run_folder import (
    CHECKPOINT,
    CONFIG,
    FIGURES,
    GRAPH,
    HISTORY,
    LATENTS,
    LOG,
    MANIFEST,
    METRICS,
    ROOT,
    TRUE_GRAPH,
)
from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.official_layout import write_dataset
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import variant_mnist_scm

NAMES = ["z11", "z12", "z21", "z22"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The configuration file of a small run."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_MNIST)
    return path


@pytest.fixture
def copied(mnist_run: SmallRun, tmp_path: Path) -> Path:
    """A copy of a finished run, which a test may change."""
    return Path(shutil.copytree(mnist_run.folder, tmp_path / "copy"))


def run_mnist(*words: object) -> int:
    """The exit code of the command."""
    return run_script(MNIST_SCRIPT, *words)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds a dict."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


# The files of a run.


def test_the_report_shows_the_scores_and_the_published_ones(mnist_run: SmallRun) -> None:
    r2 = read_json(mnist_run.folder / METRICS)["heldout"]["r2"]
    assert any("heldout.r2" in line and f"{r2:.3f}" in line for line in mnist_run.printed.splitlines())
    assert "published, in-sample: R2 0.96, MCC 0.92" in mnist_run.printed


def test_every_latent_has_a_score_and_a_ceiling(mnist_run: SmallRun) -> None:
    metrics = read_json(mnist_run.folder / METRICS)
    assert list(metrics["heldout"]["r2_per_latent"]) == NAMES
    assert list(metrics["ceiling"]["r2_per_latent"]) == NAMES


@pytest.mark.parametrize(
    ("group", "key"),
    [
        ("heldout", "r2"),
        ("heldout", "mcc_pearson"),
        ("heldout", "mcc_spearman"),
        ("graph", "shd"),
        ("graph", "f1"),
        ("insample", "r2"),
    ],
)
def test_scores_are_numbers(mnist_run: SmallRun, group: str, key: str) -> None:
    assert np.isfinite(read_json(mnist_run.folder / METRICS)[group][key])


def test_the_true_graph_lies_beside_the_recovered_one(mnist_run: SmallRun) -> None:
    found, truth = (Graph.from_json(mnist_run.folder / name) for name in (GRAPH, TRUE_GRAPH))
    assert truth.names == found.names
    assert truth.adjacency.sum() == 3
    scores = read_json(mnist_run.folder / METRICS)["graph"]
    assert graph_scores(truth.adjacency, found.adjacency)["shd"] == scores["shd"]


def test_the_scores_tell_the_time_and_the_source(mnist_run: SmallRun) -> None:
    metrics = read_json(mnist_run.folder / METRICS)
    assert metrics["seconds"] > 0
    assert metrics["source"] == "sklearn-digits (stand-in)"
    assert (metrics["verdict"], metrics["advice"]) == ("identified", "trust")  # all show fresh style


def test_the_manifest_identifies_data_and_device(mnist_run: SmallRun) -> None:
    manifest = read_json(mnist_run.folder / MANIFEST)
    assert manifest["state"] == "finished"
    assert len(manifest["data_sha256"]) == 64
    assert manifest["data_source"] == "sklearn-digits (stand-in)"
    assert manifest["device"] == "cpu"


def test_the_resolved_configuration_is_kept(mnist_run: SmallRun) -> None:
    resolved = yaml.safe_load((mnist_run.folder / CONFIG).read_text())
    asked = yaml.safe_load(SMALL_MNIST)
    assert resolved["seed"] == 3
    assert resolved["model"]["phase1"]["epochs"] == asked["model"]["phase1"]["epochs"]
    assert resolved["nuisance"] == "independent"  # a default


def test_latents_of_all_scenes_are_kept_with_their_split(mnist_run: SmallRun) -> None:
    latents = pd.read_parquet(mnist_run.folder / LATENTS)
    assert list(latents.columns) == ["id", "split", *NAMES]
    assert latents["split"].value_counts().to_dict() == {"train": 320, "validation": 40, "test": 40}


def test_the_history_has_both_phases_in_order(mnist_run: SmallRun) -> None:
    rows = [json.loads(line) for line in (mnist_run.folder / HISTORY).read_text().splitlines()]
    assert [phase for phase, _ in groupby(row["phase"] for row in rows)] == [
        "representation",
        "identification",
    ]


def test_the_log_has_epochs_and_generations(mnist_run: SmallRun) -> None:
    written = (mnist_run.folder / LOG).read_text()
    assert "epoch 1: train" in written
    assert "generation 1: best of" in written


def test_nothing_temporary_is_left(mnist_run: SmallRun) -> None:
    assert not (mnist_run.folder / CHECKPOINT).exists()
    assert not list(mnist_run.folder.glob(".*"))


def test_all_figures_are_drawn_and_named(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copied / METRICS).unlink()  # so that the run is evaluated again, without training
    again = ("--config", copied / CONFIG, "--output", copied, "--resume", "--figures", "true")
    assert run_mnist(*again) == 0
    printed = capsys.readouterr().out
    for name in ("graph", "recovery", "samples", "training"):
        assert is_drawn(copied / FIGURES / f"{name}.png")
        assert f"{name}.png" in printed
    assert {f"true {pretty_name(name)}" for name in NAMES} <= words_in(copied / FIGURES / "recovery.svg")
    assert {"objective", "epoch", "generation"} <= words_in(copied / FIGURES / "training.svg")
    assert "digit 3" in words_in(copied / FIGURES / "samples.svg")


# Existing runs.


def test_a_run_is_made_again_from_its_own_configuration(mnist_run: SmallRun, tmp_path: Path) -> None:
    assert run_mnist("--config", mnist_run.folder / CONFIG, "--output", tmp_path / "again") == 0
    assert (tmp_path / "again" / LATENTS).read_bytes() == (mnist_run.folder / LATENTS).read_bytes()


def test_an_existing_run_is_refused(mnist_run: SmallRun, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_mnist("--config", mnist_run.config, "--seed", "3", "--output", mnist_run.folder) == 2
    assert "--resume" in capsys.readouterr().err


def test_a_finished_run_is_read_when_resumed(copied: Path) -> None:
    before = (copied / METRICS).stat().st_mtime_ns
    assert run_mnist("--config", copied / CONFIG, "--output", copied, "--resume") == 0
    assert (copied / METRICS).stat().st_mtime_ns == before


def test_resuming_with_another_seed_is_refused(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = ("--config", copied / CONFIG, "--output", copied, "--resume")
    assert run_mnist(*again, "--seed", "4") == 2
    assert "seed=3" in capsys.readouterr().err


def test_where_and_how_a_run_is_made_may_change_when_it_is_resumed(copied: Path) -> None:
    again = ("--config", copied / CONFIG, "--output", copied, "--resume")
    assert run_mnist(*again, "--figures", "true", "--data_dir", "elsewhere") == 0


def test_an_exported_dataset_is_not_written_again_when_resumed(small: Path, tmp_path: Path) -> None:
    words = ("--config", small, "--n", "150", "--output", tmp_path / "run", "--export", tmp_path / "scenes")
    assert run_mnist(*words) == 0
    (tmp_path / "run" / METRICS).unlink()
    assert run_mnist(*words, "--resume") == 0
    assert (tmp_path / "run" / METRICS).exists()


def test_a_folder_that_is_moved_before_it_is_resumed_gives_the_same_run(copied: Path) -> None:
    before = read_json(copied / METRICS)
    (copied / METRICS).unlink()
    moved = copied.rename(copied.with_name("moved"))
    assert run_mnist("--config", moved / CONFIG, "--output", moved, "--resume") == 0
    assert read_json(moved / METRICS)["heldout"] == before["heldout"]


@pytest.mark.parametrize("refused_by", ["output", "model"])
def test_scenes_are_not_exported_by_a_run_that_is_refused(
    small: Path, tmp_path: Path, refused_by: str
) -> None:
    """Before anything is learned: the folder is no run folder, or the model does not fit the scenes."""
    unfit = ("--output", tmp_path / "run", "--seeds", "0", "--model.latents", "{digit: 2, cat: 2}")
    words = ("--config", small, "--n", "150", "--export", tmp_path / "scenes" / "here")
    assert run_mnist(*words, *(unfit if refused_by == "model" else ("--output", tmp_path))) == 2
    assert sorted(tmp_path.iterdir()) == [small]


def test_a_resumed_run_refuses_other_data(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def write_scenes(data_seed: int) -> None:
        images, scm = stand_in_images(), variant_mnist_scm()
        shutil.rmtree(tmp_path / "scenes", ignore_errors=True)
        write_dataset(make_variant_mnist(images, scm, n=150, data_seed=data_seed), tmp_path / "scenes")

    write_scenes(0)
    home = tmp_path / "run"
    words = ("--config", small, "--dataset", tmp_path / "scenes", "--output", home)
    assert run_mnist(*words) == 0
    (home / METRICS).unlink()
    manifest = (home / MANIFEST).read_bytes()
    write_scenes(1)
    capsys.readouterr()
    assert run_mnist(*words, "--resume") == 2
    assert "other data" in capsys.readouterr().err
    assert (home / MANIFEST).read_bytes() == manifest


# Other methods and data.


def test_numbers_of_latents_are_found_once_and_kept(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = LatentCounts(0, {"digit": 3, "garment": 2})
    monkeypatch.setattr(CRL, "count_latents", lambda *_, **__: counted)
    words = ("--config", small, "--latents", "auto", "--output", tmp_path / "run")
    assert run_mnist(*words) == 0
    metrics = read_json(tmp_path / "run" / METRICS)
    assert metrics["latents"] == counted.own
    assert len(metrics["heldout"]["matched_to"]) == 4
    (tmp_path / "run" / METRICS).unlink()
    monkeypatch.setattr(CRL, "count_latents", lambda *_, **__: pytest.fail("counted again"))
    assert run_mnist(*words, "--resume") == 0
    again = read_json(tmp_path / "run" / METRICS)
    assert again["latents"] == counted.own
    assert again["heldout"] == metrics["heldout"]


def test_the_true_numbers_are_taken_unless_they_are_to_be_found(mnist_run: SmallRun) -> None:
    assert read_json(mnist_run.folder / METRICS)["latents"] == {"digit": 2, "garment": 2}


def test_a_baseline_has_our_budget(small: Path, tmp_path: Path) -> None:
    home = tmp_path / "run"
    assert run_mnist("--config", small, "--method", "autoencoder", "--output", home) == 0
    settings = yaml.safe_load((home / CONFIG).read_text())["settings"]
    ours = yaml.safe_load(SMALL_MNIST)["model"]
    assert settings["hidden"] == ours["hidden"]
    assert settings["training.batch_size"] == ours["phase1"]["batch_size"]
    assert settings["training.epochs"] == ours["phase1"]["epochs"]
    assert len((home / HISTORY).read_text().splitlines()) == ours["phase1"]["epochs"]


def test_training_on_a_folder_in_the_official_layout(small: Path, tmp_path: Path) -> None:
    data = make_variant_mnist(stand_in_images(), variant_mnist_scm(), n=150, measurements=(3, 2))
    write_dataset(data, tmp_path / "official")
    words = ("--config", small, "--dataset", tmp_path / "official")
    assert run_mnist(*words, "--output", tmp_path / "out") == 0
    latents = pd.read_parquet(tmp_path / "out" / LATENTS)
    assert len(latents) == 150
    assert np.isfinite(latents[["z11", "z22"]].to_numpy()).all()
    color = pd.read_csv(tmp_path / "official" / "color.csv")
    color.loc[4, "z11"] = np.nan
    color.to_csv(tmp_path / "official" / "color.csv", index=False)
    assert run_mnist(*words, "--output", tmp_path / "bad") == 2
    assert not (tmp_path / "bad").exists()


# Bad input, help and configurations.


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
        (["--settings", "{beta: 1.0}"], "only for baselines"),
        (["--method", "pca"], "pca"),
        (["--model.phase1.epochs", "0"], "epochs 0"),
        (["--model.hidden", "-3"], "hidden -3"),
        (["--model.phase1.kl_warm_up", "1.5"], "kl_warm_up 1.5"),
        (["--model.phase1.patience", "0"], "patience 0"),
        (["--model.nuisance", "{digit: -1}"], "nuisance.digit -1"),
        (["--scm", "unknown"], "scm"),
        (["--config", "no/such.yaml"], "no/such.yaml"),
        (["--resume", "--overwrite"], "--resume and --overwrite"),
        (["--jobs", "0"], "jobs 0"),
        (["--jobs", "2"], "jobs 2: needs --seeds"),
        (["--jobs", "-1"], "jobs -1: needs --seeds"),
        (["--jobs", "2", "--seeds", "0,1", "--together"], "excludes --together"),
        (["--together"], "together: needs --seeds"),
        (["--together", "--seeds", "0,1", "--method", "mcl"], "our own method"),
        (["--latents", "auto", "--method", "mcl"], "latents auto: only for our own method"),
        (["--latents", "auto", "--together", "--seeds", "0,1"], "latents auto: excludes --together"),
        (["--latents", "some"], "latents"),
    ],
)
def test_bad_input_is_one_line_exit_code_2_and_nothing_written(
    words: list[str], message: str, small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "out"
    assert run_mnist("--config", small, "--n", "150", "--output", home, *words) == 2
    error = capfd.readouterr().err.strip()
    assert message in error
    assert error.count("\n") == 0
    assert not home.exists()


def test_an_unknown_key_in_a_file_is_named(
    small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    small.write_text(SMALL_MNIST + "epochz: 3\n")
    assert run_mnist("--config", small, "--output", tmp_path / "out") == 2
    assert "epochz" in capfd.readouterr().err


def test_a_place_that_cannot_be_written_is_named(
    small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert run_mnist("--config", small, "--output", tmp_path / "file" / "out") == 2
    assert "file" in capfd.readouterr().err


def test_help_shows_examples_from_the_folder_of_the_script() -> None:
    script = ROOT / MNIST_SCRIPT
    done = subprocess.run(
        [sys.executable, script.name, "--help"], cwd=script.parent, capture_output=True, text=True, check=True
    )
    for word in ("--scm", "--help-all", "  run_mnist_3measurement.py --seed 3\n"):
        assert word in done.stdout


@pytest.mark.parametrize("name", ["mnist", "mnist_paper", "mnist_3_1", "mnist_quickstart"])
def test_the_shipped_configurations_are_understood(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        run_mnist("--config", ROOT / "configs" / f"{name}.yaml", "--print_config")
    assert yaml.safe_load(capsys.readouterr().out)["name"] in (name, "quickstart")
