"""Held-out prediction from latents: folds, representations, intervals, and the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import is_drawn

from personax.crl import CRLConfig
from personax.experiments.downstream.command import check_downstream
from personax.experiments.downstream.config import DownstreamConfig
from personax.experiments.downstream.figures import draw_downstream
from personax.experiments.downstream.report import downstream_page
from personax.experiments.downstream.representations import (
    COMPONENTS,
    RAW,
    Budget,
    FoldData,
    fold_data,
    raw_components,
    represent,
)
from personax.experiments.downstream.run import fold_ratio, split_of_fold
from personax.experiments.downstream.scores import interval_half_width, scores_table
from personax.experiments.people.predictions import predict
from personax.experiments.run_options import OURS
from personax.runs.errors import InputError
from personax.runs.seeds import numpy_rng
from personax.tables import simulate_table
from personax.views import Split

SCRIPT = "real_world_experiment/downstream.py"
MODEL = CRLConfig.embeddings({"image": 2, "text": 2}, shared=1)
SMALL_RUN = """
dataset: athlete
source: simulated
n: 300
image_dim: 24
text_dim: 24
model:
  shared: 1
  latents: {image: 2, text: 2}
"""


def test_every_person_is_tested_once_and_never_seen_while_fitting() -> None:
    splits = [split_of_fold(103, 5, fold, seed=7) for fold in range(5)]
    tested = np.concatenate([split.test for split in splits])
    assert sorted(tested) == list(range(103))
    for split in splits:
        together = np.concatenate([split.train, split.validation, split.test])
        assert sorted(together) == list(range(103))


def test_nothing_of_the_people_of_a_fold_changes_what_is_learned() -> None:
    """Vectors of the fold are replaced by noise: what methods make of all other people stays the same."""
    data = simulate_table("athlete", n=300, image_dim=24, text_dim=24).views()
    split = split_of_fold(300, 5, 0, seed=0)
    rng = numpy_rng(0, "other people")
    spoiled = {
        modality: [np.array(array) for array in arrays] for modality, arrays in data.measurements.items()
    }
    for arrays in spoiled.values():
        for array in arrays:
            array[split.test] = 50 * rng.standard_normal((len(split.test), 24))
    budget = Budget(MODEL, 2, 0, "cpu")
    folds = [fold_data(each, split, MODEL, 0) for each in (data, replace(data, measurements=spoiled))]
    assert folds[0].raw.truth is None
    assert folds[0].compressed.truth is None
    rest = np.concatenate([split.train, split.validation])
    for method in (RAW, COMPONENTS, "autoencoder"):
        first, second = (represent(method, fold, budget) for fold in folds)
        np.testing.assert_allclose(first[rest], second[rest], atol=1e-4, err_msg=method)
        assert np.abs(first[split.test] - second[split.test]).max() > 0.1


def test_raw_embeddings_are_components_of_all_measurements() -> None:
    data = simulate_table("athlete", n=200, image_dim=24, text_dim=24).views()
    fold = fold_data(data, split_of_fold(200, 4, 0, seed=0), MODEL, 0)
    found = raw_components(fold)
    assert found.shape == (200, 96)
    variance = found[fold.split.train].var(axis=0)
    assert (np.diff(variance) <= 1e-6).all()


def test_a_method_of_other_people_gets_the_shared_latents_and_no_truth() -> None:
    data = simulate_table("athlete", n=200, image_dim=24, text_dim=24).views()
    fold = fold_data(data, split_of_fold(200, 4, 0, seed=0), MODEL, 0)
    found = represent(
        "experiments.downstream.counting_method:CountingMethod", fold, Budget(MODEL, 2, 0, "cpu")
    )
    assert found.shape == (200, 6)


def test_intervals_are_those_of_nadeau_and_bengio() -> None:
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    by_hand = 2.7764451 * np.sqrt(0.025 * (1 / 5 + 0.25))
    assert interval_half_width(values, 0.25) == pytest.approx(by_hand, rel=1e-6)
    assert np.isnan(interval_half_width(values[:1], 0.25))
    assert fold_ratio(5) == pytest.approx(0.25 / 0.9)


PER_FOLD = {
    OURS: [{"a": 0.5, "b": 0.3, "c": 0.9, "d": np.nan}, {"a": 0.7, "b": 0.5, "c": 0.7, "d": 0.1}],
    RAW: [{"a": 0.4, "b": 0.2, "c": 0.9, "d": 0.3}, {"a": 0.4, "b": 0.2, "c": 0.5, "d": 0.1}],
}
KINDS = {"a": "r2", "b": "r2", "c": "auc", "d": "r2"}


def test_means_are_over_columns_that_every_fold_can_score() -> None:
    scores = scores_table(PER_FOLD, KINDS, reference=OURS, test_per_train=1.0)
    rows = {(row["column"], row["method"]): row for row in scores.to_dict("records")}
    assert rows["mean of all R² columns", OURS]["mean"] == pytest.approx(0.5)
    assert rows["mean of all R² columns", RAW]["mean"] == pytest.approx(0.3)
    gain = rows["mean of all R² columns", RAW]
    assert gain["difference"] == pytest.approx(0.2)
    half = 12.7062047 * np.sqrt(0.02 * (1 / 2 + 1))
    assert gain["difference_low"] == pytest.approx(0.2 - half)
    assert rows["d", OURS]["mean"] == pytest.approx(0.1)
    assert np.isnan(rows["d", OURS]["low"])
    assert ("mean of all AUC columns", OURS) not in rows  # of one column
    assert rows["c", OURS]["mean"] == pytest.approx(0.8)


def test_intervals_end_where_the_scores_do() -> None:
    per_fold = {OURS: [{"a": 0.95, "b": 0.98}, {"a": 0.2, "b": 0.6}], RAW: [{"a": 0.1, "b": 0.1}] * 2}
    scores = scores_table(per_fold, {"a": "r2", "b": "auc"}, reference=OURS, test_per_train=1.0)
    rows = {(row["column"], row["method"]): row for row in scores.to_dict("records")}
    assert rows["a", OURS]["high"] == 1
    assert rows["a", OURS]["low"] < 0
    assert (rows["b", OURS]["low"], rows["b", OURS]["high"]) == (0, 1)
    assert rows["b", RAW]["difference_high"] > 1


def test_the_page_and_the_figure_show_every_method(tmp_path: Path) -> None:
    scores = scores_table(PER_FOLD, KINDS, reference=OURS, test_per_train=1.0)
    page = downstream_page(scores, "people", 2, simulated=True)
    assert "SIMULATED DATA. people, 2 folds." in page
    assert "raw embeddings" in page
    assert "PersonaX (ours)" in page
    draw_downstream(scores, tmp_path / "figure", title="made up")
    assert is_drawn(tmp_path / "figure.png")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (DownstreamConfig(), "0 runs given"),
        (DownstreamConfig(run=["a"], methods="vae"), "unknown"),
        (DownstreamConfig(run=["a"], methods="causal_vae_supervised"), "is given the true latents"),
        (DownstreamConfig(run=["a"], methods="no.module:Method"), "No module"),
    ],
)
def test_wrong_options_are_refused(config: DownstreamConfig, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_downstream(config)


def coordinates_of_images(method: str, fold: FoldData, budget: Budget) -> np.ndarray:
    """In place of every method: the compressed image."""
    assert budget.epochs == 100
    return fold.compressed.measurements["image"][0][:, : 2 + len(method) % 2].astype(float)


def test_the_command_writes_table_page_and_figure_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personax.experiments.downstream.run.represent", coordinates_of_images)
    config, home = tmp_path / "run.yaml", tmp_path / "out"
    config.write_text(SMALL_RUN)
    words = (config, "--folds", 2, "--methods", "none", "--device", "cpu", "--output", home)
    assert run_script(SCRIPT, *words) == 0
    assert "SIMULATED DATA. Written to" in capsys.readouterr().out
    scores = pd.read_csv(home / "downstream.csv")
    assert set(scores["method"]) == {OURS, RAW, COMPONENTS}
    assert is_drawn(home / "figures" / "downstream.png")
    manifest = json.loads((home / "manifest.json").read_text())
    assert manifest["simulated"] is True
    assert manifest["data_revision"] is None  # of a simulated table
    kept = home / "runs" / RAW / "fold-1" / "metrics.json"
    before = kept.stat().st_mtime_ns
    (home / "runs" / RAW / "fold-0" / "metrics.json").unlink()
    assert run_script(SCRIPT, *words, "--resume") == 0
    assert kept.stat().st_mtime_ns == before
    pd.testing.assert_frame_equal(pd.read_csv(home / "downstream.csv"), scores)
    assert set(
        json.loads((home / "metrics.json").read_text())["heldout_means"]["mean of all R² columns"]
    ) == {
        OURS,
        RAW,
        COMPONENTS,
    }
    config.write_text(SMALL_RUN.replace("shared: 1", "shared: 2"))
    assert run_script(SCRIPT, *words, "--resume") == 2
    assert "was made with model.shared=1, not 2" in capsys.readouterr().err


def test_components_of_little_variance_are_shrunk_most_on_one_scale() -> None:
    """A target in the leading component, beside 60 components of small noise, for 80 people."""
    rng = np.random.default_rng(0)
    x = np.column_stack([5 * rng.standard_normal(160), 0.1 * rng.standard_normal((160, 60))])
    column = pd.Series(x[:, 0] / 5 + 0.7 * rng.standard_normal(160))
    split = Split(np.arange(80), np.arange(0), np.arange(80, 160))
    whole, each = (predict(x, column, "continuous", None, split, one_scale=flag) for flag in (True, False))
    assert whole > 0.55
    assert whole > each + 0.1
