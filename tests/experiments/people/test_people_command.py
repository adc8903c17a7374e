"""The athlete and celebrity commands from options to files; bad input is one line, exit code 2, no folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import is_drawn, words_in
from small_runs import FEW_LATENTS, FEW_NAMES, SIMULATED_PEOPLE, SMALL_PEOPLE, hasty_order_search

from personax.crl import CRL, CRLConfig
from personax.crl.latent_counts import LatentCounts
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare_table
from personax.graphs.graph import Graph
from personax.graphs.graph_files import read_latents
from personax.learning.training import SingleModel
from personax.runs.run_folder import CONFIG, FIGURES, LATENTS, MANIFEST, METRICS, ROOT, TRUE_GRAPH
from personax.tables import simulate_table, write_table

LATENT_NAMES = ["s1", "s2", *(f"z{modality}{k}" for modality in (1, 2) for k in range(1, 6))]


def run_athlete(*words: object) -> int:
    """The exit code of a small run on athletes."""
    return run_script("real_world_experiment/run_athlete_3measurement.py", *SMALL_PEOPLE, *words)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file that holds a dict."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of seeds 0 and 1 on simulated athletes."""
    output = tmp_path_factory.mktemp("people") / "runs"
    with hasty_order_search():
        assert run_athlete(*SIMULATED_PEOPLE, "--seeds", "0,1", "--output", output) == 0
    return output


@pytest.fixture(scope="module")
def few_latents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of seed 0 with other numbers of latents than the true ones."""
    output = tmp_path_factory.mktemp("people") / "few"
    assert run_athlete(*SIMULATED_PEOPLE, *FEW_LATENTS, "--seed", "0", "--output", output) == 0
    return output


@pytest.fixture(scope="module")
def table_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table without embeddings."""
    path = tmp_path_factory.mktemp("table") / "people.parquet"
    write_table(simulate_table("athlete", n=300, embeddings=False), path)
    return path


@pytest.fixture
def embeddings(tmp_path: Path) -> dict[str, Path]:
    """Name of a file -> a file of simulated embeddings with the authors' name for it."""
    folder = tmp_path / "embeddings"
    folder.mkdir()
    simulated = simulate_table("athlete", n=300, image_dim=30, text_dim=40).embeddings
    arrays = dict(zip(["X1_text_gpt", "X2_text_gemini", "X3_text_llama"], simulated["text"], strict=True))
    arrays["X1_imagebind_embeddings"] = simulated["image"][0]
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return {name: folder / f"{name}.npy" for name in arrays}


# The files of a run.


def test_run_and_scores_say_that_the_people_are_simulated(finished: Path) -> None:
    assert read_json(finished / "seed-0" / METRICS)["simulated"]
    assert read_json(finished / "seed-0" / MANIFEST)["simulated"]
    assert pd.read_csv(finished / "seed-0" / "associations.csv")["simulated"].all()
    assert "SIMULATED DATA" in (finished / "seed-0" / "suggested_names.md").read_text()


def test_the_manifest_tells_the_state_and_the_compression(finished: Path) -> None:
    manifest = read_json(finished / "seed-0" / MANIFEST)
    assert manifest["state"] == "finished"
    assert manifest["compression"]["text"]["components"] >= 7


def test_latents_of_all_people_are_kept_with_their_split(finished: Path) -> None:
    latents = pd.read_parquet(finished / "seed-0" / LATENTS)
    assert len(latents) == 300
    assert set(latents["split"]) == {"train", "validation", "test"}
    assert list(latents.columns[2:]) == LATENT_NAMES


def test_numbers_of_latents_are_found_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = LatentCounts(1, {"text": 1, "image": 1})
    monkeypatch.setattr(CRL, "count_latents", lambda *_, **__: counted)
    words = (*SIMULATED_PEOPLE, "--latents", "auto", "--output", tmp_path / "run")
    assert run_athlete(*words) == 0
    before = read_json(tmp_path / "run" / METRICS)
    assert pd.read_parquet(tmp_path / "run" / LATENTS).columns.tolist()[-3:] == ["s1", "z11", "z21"]
    (tmp_path / "run" / METRICS).unlink()
    monkeypatch.setattr(CRL, "count_latents", lambda *_, **__: pytest.fail("counted again"))
    assert run_athlete(*words, "--resume") == 0
    after = read_json(tmp_path / "run" / METRICS)
    assert before.pop("seconds") > 0
    assert after.pop("seconds") is None
    assert after == before


@pytest.mark.parametrize("method", ["latents", "pca", "autoencoder"])
@pytest.mark.parametrize("score", ["r2", "auc"])
def test_traits_are_predicted_from_latents_and_their_rivals(finished: Path, method: str, score: str) -> None:
    prediction = read_json(finished / "seed-0" / METRICS)["prediction"]
    of_columns = [row[method] for row in prediction["per_column"].values() if row["score"] == score]
    assert prediction[f"mean_{score}"][method] == pytest.approx(np.mean(of_columns))


def test_every_block_is_scored_against_the_truth(finished: Path) -> None:
    metrics = read_json(finished / "seed-0" / METRICS)
    assert set(metrics["truth"]["r2"]) == {"s", "image", "text"}
    assert "shd" in metrics["graph"]


def test_every_latent_is_tested_against_every_feature(finished: Path) -> None:
    associations = pd.read_csv(finished / "seed-0" / "associations.csv")
    assert list(dict.fromkeys(associations["latent"])) == LATENT_NAMES
    assert len(associations) == len(LATENT_NAMES) * associations["feature"].nunique()


def test_the_summary_has_blocks_and_the_criterion_without_the_truth(finished: Path) -> None:
    page = (finished / "summary.md").read_text()
    assert page.count("truth.r2.") == 3
    assert page.count("criteria.representation") == 1


def test_the_latents_can_be_drawn_with_the_true_graph(finished: Path) -> None:
    read = read_latents(finished / "seed-1")
    assert read.simulated
    assert read.true_graph is not None
    assert read.true_graph.names == read.names


def test_the_true_graph_has_the_names_of_the_recovered_latents(finished: Path) -> None:
    """It has all 16 edges, and those of the shared latents start in them."""
    truth = Graph.from_json(finished / "seed-1" / TRUE_GRAPH)
    assert truth.names == LATENT_NAMES
    assert len(truth.edges()) == 16
    assert truth.adjacency[:2].sum() == 4
    assert truth.adjacency[:, :2].sum() == 0


@pytest.mark.slow
def test_all_figures_are_drawn(finished: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished / "seed-0", tmp_path / "run"))
    (run / METRICS).unlink()  # so that the run is evaluated again, without training
    again = ("--config", run / CONFIG, "--output", run, "--resume", "--figures", "true")
    assert run_athlete(*again, "--seeds", "null") == 0
    for name in ("training", "associations", "recovery", "graph"):
        assert is_drawn(run / FIGURES / f"{name}.png")
    assert {"true", "recovered"} <= words_in(run / FIGURES / "recovery.svg")
    drawn = words_in(run / FIGURES / "associations.svg")
    assert any("SIMULATED DATA" in words for words in drawn)
    assert "KCI effect" in drawn


# Existing runs, and other data.


def test_a_run_that_was_stopped_goes_on(
    few_latents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after an epoch and continued, the result is that of the run without interruption."""
    words = (*SIMULATED_PEOPLE, *FEW_LATENTS, "--seed", "0", "--output", tmp_path / "run")
    save, calls = SingleModel.keep, []

    def stop(*args: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        save(*args)

    monkeypatch.setattr(SingleModel, "keep", stop)
    assert run_athlete(*words) == 130
    monkeypatch.undo()
    assert read_json(tmp_path / "run" / MANIFEST)["state"] == "interrupted"
    assert run_athlete(*words, "--resume") == 0
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "run" / LATENTS), pd.read_parquet(few_latents / LATENTS)
    )


def test_an_existing_folder_is_refused(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (finished / "seed-0" / METRICS).read_bytes()
    assert run_athlete(*SIMULATED_PEOPLE, "--output", finished / "seed-0") == 2
    assert "--resume" in capsys.readouterr().err
    assert (finished / "seed-0" / METRICS).read_bytes() == before


def test_two_language_models_are_enough(
    table_file: Path, embeddings: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    embeddings["X2_text_gemini"].unlink()
    words = ("--table", table_file, "--embeddings", embeddings["X1_text_gpt"].parent)
    with caplog.at_level("INFO"):
        assert run_athlete(*words, *FEW_LATENTS, "--output", tmp_path / "run") == 0
    assert "2 text" in caplog.text
    assert read_json(tmp_path / "run" / MANIFEST)["measurements"] == {"image": 1, "text": 2}


def test_celebrities_have_three_images_of_which_some_are_missing(tmp_path: Path) -> None:
    script, run = "real_world_experiment/run_celeb_3measurement.py", tmp_path / "run"
    assert run_script(script, *SMALL_PEOPLE, *SIMULATED_PEOPLE, *FEW_LATENTS, "--output", run) == 0
    assert read_json(run / MANIFEST)["measurements"] == {"image": 3, "text": 3}
    assert read_latents(run).names == CRL.load(run, device="cpu").names == FEW_NAMES


# Bad input, and configurations.


def refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[object], *told: str) -> None:
    """Check that the exit code is 2, that one line contains these words, and that nothing is written."""
    output = tmp_path / "refused"
    assert run_athlete(*words, "--output", output) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "error:" in message
    for word in told:
        assert word in message
    assert not output.exists()


def test_a_table_without_embeddings_is_refused(
    table_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuses(tmp_path, capsys, ["--table", table_file], "no embeddings")


@pytest.mark.parametrize(
    ("name", "spoil", "told"),
    [
        ("X1_text_gpt", lambda a: a[:-1], ("299", "300 people are expected")),
        (
            "X3_text_llama",
            lambda a: np.where(np.arange(a.size).reshape(a.shape) == 85, np.nan, a),
            ("row 3",),
        ),
        ("X1_imagebind_embeddings", lambda a: np.where(a == a[7, 4], np.inf, a), ("row 8", "inf")),
        ("X2_text_gemini", lambda a: np.ones_like(a), ("constant",)),
    ],
)
def test_spoilt_embeddings_are_named(
    table_file: Path,
    embeddings: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    spoil: Callable[[np.ndarray], np.ndarray],
    told: tuple[str, ...],
) -> None:
    np.save(embeddings[name], spoil(np.load(embeddings[name])))
    words: list[object] = ["--table", table_file, "--embeddings", embeddings[name].parent]
    refuses(tmp_path, capsys, words, name, *told)


def test_without_image_embeddings_there_is_nothing_to_fit(
    table_file: Path, embeddings: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embeddings["X1_imagebind_embeddings"].unlink()
    words: list[object] = ["--table", table_file, "--embeddings", embeddings["X1_text_gpt"].parent]
    refuses(tmp_path, capsys, words, "no image embeddings")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--n", "100"], "100 people are too few for 12 latents"),
        (["--model.latents", "{image: 0, text: 5}"], "latents.image 0: must be from 1"),
        (["--model.shared", "-1"], "shared -1: must be from 0 to 10,000"),
        (["--model.phase1.kl_warm_up", "2"], "kl_warm_up 2"),
        (["--seed", "-1"], "seed"),
        (["--device", "cuda:99"], "CUDA"),
        (["--no_such_option", "1"], "no_such_option"),
        (["--dataset", "celeb"], "run_celeb_3measurement.py"),
        (["--alpha", "2"], "alpha"),
        (["--columns", "missing.yaml", "--table", "missing.csv"], "missing"),
    ],
)
def test_bad_options_are_named(
    words: list[object], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refuses(tmp_path, capsys, [*SIMULATED_PEOPLE, *words], told)


@pytest.mark.parametrize("dataset", ["athlete", "celeb"])
@pytest.mark.parametrize("suffix", ["", "_quick"])
def test_the_shipped_configurations_are_understood(
    dataset: str, suffix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ROOT / "configs" / f"{dataset}{suffix}.yaml"
    with pytest.raises(SystemExit, match="0"):
        run_script(
            f"real_world_experiment/run_{dataset}_3measurement.py", "--config", config, "--print_config"
        )
    printed = capsys.readouterr().out
    assert f"dataset: {dataset}" in printed
    assert f"name: {'quick' if suffix else 'default'}" in printed


def test_a_finished_run_can_have_other_numbers_of_latents(
    few_latents: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--run", few_latents, "--candidates", "fewer", "--seeds", "0,1", "--jobs", "1")
    assert run_script("real_world_experiment/choose_model.py", *words, "--output", tmp_path / "choice") == 0
    table = pd.read_csv(tmp_path / "choice" / "selection.csv", index_col="candidate")
    assert table["latents"].to_dict() == {"fewer": 2}
    assert "MCC" not in table  # the blocks are smaller than the true ones
    assert "SIMULATED DATA" in capsys.readouterr().out
    assert "SIMULATED DATA" in (tmp_path / "choice" / "selection.md").read_text()


def test_the_option_coordinates_reaches_the_compression() -> None:
    table = simulate_table("athlete", n=300, image_dim=30, text_dim=40)
    model = CRLConfig.embeddings({"image": 2, "text": 2}, shared=1)
    sizes = [
        prepare_table(PeopleConfig(model=model, coordinates=times), table).compression.report["image"][
            "components"
        ]
        for times in (None, 2.0)
    ]
    assert sizes[1] == 2 * sizes[0]
