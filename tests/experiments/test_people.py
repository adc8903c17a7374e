"""The athlete and celebrity commands from options to files; bad input is one line, exit code 2, no folder."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Main, load_main

from personax.crl import CRL
from personax.experiments.people import run as people_run
from personax.experiments.people.figures import draw_associations, draw_pairs
from personax.graphs.graph import Graph
from personax.graphs.graph_files import read_latents
from personax.learning import training
from personax.tables import simulate_table, write_table

ROOT = Path(__file__).resolve().parents[2]
TINY = ["--device", "cpu", "--model.phase1.epochs", "3", "--model.phase1.batch_size", "128"]
TINY += ["--model.phase2.starts", "2", "--model.phase2.population", "2", "--model.phase2.generations", "1"]
TINY += ["--model.phase2.generation_steps", "2", "--model.phase2.final_steps", "4"]
SIMULATED = ["--source", "simulated", "--n", "300", "--image_dim", "30", "--text_dim", "40"]


@pytest.fixture(scope="module", autouse=True)
def without_figures() -> Iterator[None]:
    """Drawing takes longer than a tiny training; test_figures draws."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people_run, "draw_findings", lambda *args, **options: None)
        yield


@pytest.fixture(scope="module")
def athlete() -> Main:
    return load_main("real_world_experiment/run_athlete_3measurement.py")


@pytest.fixture(scope="module")
def finished(athlete: Main, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("people") / "runs"
    assert athlete([*TINY, *SIMULATED, "--seeds", "0,1", "--output", str(output)]) == 0
    return output


@pytest.fixture(scope="module")
def table_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table without embeddings."""
    path = tmp_path_factory.mktemp("table") / "people.parquet"
    write_table(simulate_table("athlete", n=300, embeddings=False), path)
    return path


def embeddings(folder: Path, n: int = 300) -> dict[str, np.ndarray]:
    """The simulated embeddings in the authors' names, on disk."""
    folder.mkdir()
    views = simulate_table("athlete", n=n, image_dim=30, text_dim=40).embeddings
    names = ["X1_text_gpt", "X2_text_gemini", "X3_text_llama"]
    arrays = {"X1_imagebind_embeddings": views["image"][0], **dict(zip(names, views["text"], strict=True))}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return arrays


def test_files_of_a_run(finished: Path) -> None:
    run = finished / "seed-0"
    metrics = json.loads((run / "metrics.json").read_text())
    manifest = json.loads((run / "manifest.json").read_text())
    assert metrics["simulated"]
    assert manifest["simulated"]
    assert manifest["state"] == "finished"
    assert manifest["compression"]["text"]["components"] >= 7
    latents = pd.read_parquet(run / "latents.parquet")
    assert len(latents) == 300
    assert set(latents["split"]) == {"train", "validation", "test"}
    assert list(latents.columns[2:]) == ["s1", "s2", *(f"z{m}{k}" for m in (1, 2) for k in range(1, 6))]
    for method in ("latents", "pca", "autoencoder"):
        assert metrics["prediction"]["mean_r2"][method] <= 1
    assert set(metrics["truth"]["r2"]) == {"s", "image", "text"}
    assert "shd" in metrics["graph"]
    associations = pd.read_csv(run / "associations.csv")
    assert len(associations) == 12 * associations["feature"].nunique()
    assert associations["simulated"].all()
    assert (finished / "summary.md").read_text().count("truth.r2.") == 3
    assert (finished / "summary.md").read_text().count("criteria.representation") == 1


def test_figures(finished: Path, tmp_path: Path) -> None:
    associations = pd.read_csv(finished / "seed-0" / "associations.csv")
    few = associations[associations["latent"].isin(["s1", "z11"])]
    truth = pd.DataFrame(np.random.default_rng(0).standard_normal((50, 3)), columns=list("abc"))
    paths = draw_associations(few, tmp_path / "associations", title="SIMULATED DATA.")
    paths += draw_pairs(truth + 0.1, truth, tmp_path / "pairs", title="SIMULATED DATA.")
    assert len(paths) == 4
    assert all(path.stat().st_size > 1000 for path in paths)


def test_truth_has_the_names_of_the_latents(finished: Path) -> None:
    """draw.py reads the folder; the true graph has all 16 edges, and those of s start in s."""
    read = read_latents(finished / "seed-1")
    assert read.simulated
    assert read.true_graph is not None
    assert read.true_graph.names == read.names
    assert len(read.true_graph.edges()) == 16
    truth = Graph.from_json(finished / "seed-1" / "truth_graph.json")
    assert truth.adjacency[:2].sum() == 4
    assert truth.adjacency[:, :2].sum() == 0


def test_a_killed_run_goes_on(
    athlete: Main, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after an epoch and continued, the result is that of the run without interruption."""
    argv = [*TINY, *SIMULATED, "--seed", "0", "--output", str(tmp_path / "run")]
    whole = training.validation_terms
    calls = []

    def stop(*args: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*args)

    monkeypatch.setattr(training, "validation_terms", stop)
    assert athlete(argv) == 130
    monkeypatch.undo()
    assert json.loads((tmp_path / "run/manifest.json").read_text())["state"] == "interrupted"
    assert athlete([*argv, "--resume"]) == 0
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "run/latents.parquet"),
        pd.read_parquet(finished / "seed-0/latents.parquet"),
    )


def test_two_language_models_are_enough(
    athlete: Main, table_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    embeddings(tmp_path / "e")
    (tmp_path / "e" / "X2_text_gemini.npy").unlink()
    argv = [*TINY, "--table", str(table_file), "--embeddings", str(tmp_path / "e")]
    with caplog.at_level("INFO"):
        assert athlete([*argv, "--output", str(tmp_path / "run")]) == 0
    assert "2 text" in caplog.text
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["measurements"] == {"image": 1, "text": 2}


def refused(
    main: Main, argv: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], *words: str
) -> None:
    """Exit code 2, one line with these words, and nothing written."""
    output = tmp_path / "refused"
    assert main([*TINY, *argv, "--output", str(output)]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert "error:" in message
    for word in words:
        assert word in message
    assert not output.exists()


def test_table_without_embeddings(
    athlete: Main, table_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(athlete, ["--table", str(table_file)], tmp_path, capsys, "no embeddings")


@pytest.mark.parametrize(
    ("name", "spoil", "words"),
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
def test_spoilt_embeddings(
    athlete: Main,
    table_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    spoil: Callable[[np.ndarray], np.ndarray],
    words: tuple[str, ...],
) -> None:
    arrays = embeddings(tmp_path / "e")
    np.save(tmp_path / "e" / f"{name}.npy", spoil(arrays[name]))
    argv = ["--table", str(table_file), "--embeddings", str(tmp_path / "e")]
    refused(athlete, argv, tmp_path, capsys, name, *words)


def test_no_image_embeddings(
    athlete: Main, table_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embeddings(tmp_path / "e")
    (tmp_path / "e" / "X1_imagebind_embeddings.npy").unlink()
    argv = ["--table", str(table_file), "--embeddings", str(tmp_path / "e")]
    refused(athlete, argv, tmp_path, capsys, "no image embeddings")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--n", "100"], ("100 people are too few for 12 latents",)),
        (["--model.latents", "{image: 0, text: 5}"], ("latents.image 0: at least 1",)),
        (["--model.shared", "-1"], ("shared -1: at least 0",)),
        (["--model.phase1.kl_warm_up", "2"], ("kl_warm_up 2", "between 0 and 1")),
        (["--seed", "-1"], ("seed",)),
        (["--device", "cuda:99"], ("CUDA",)),
        (["--no_such_option", "1"], ("no_such_option",)),
        (["--dataset", "celeb"], ("celeb",)),
        (["--alpha", "2"], ("alpha",)),
        (["--columns", "missing.yaml", "--table", "missing.csv"], ("missing",)),
    ],
)
def test_bad_options(
    athlete: Main, tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], words: tuple[str, ...]
) -> None:
    refused(athlete, [*SIMULATED, *argv], tmp_path, capsys, *words)


def test_an_existing_folder_is_refused(
    athlete: Main, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished / "seed-0/metrics.json").read_bytes()
    assert athlete([*TINY, *SIMULATED, "--output", str(finished / "seed-0")]) == 2
    assert "--resume" in capsys.readouterr().err
    assert (finished / "seed-0/metrics.json").read_bytes() == before


@pytest.mark.parametrize("dataset", ["athlete", "celeb"])
def test_shipped_configs_are_read(dataset: str, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (dataset, f"{dataset}_quick"):
        with pytest.raises(SystemExit) as stop:
            load_main(f"real_world_experiment/run_{dataset}_3measurement.py")(
                ["--config", str(ROOT / f"configs/{name}.yaml"), "--print_config"]
            )
        assert stop.value.code == 0
        assert f"dataset: {dataset}" in capsys.readouterr().out


def test_celebrities(tmp_path: Path) -> None:
    """Three images of everybody, some of them missing."""
    argv = [*TINY, *SIMULATED, "--output", str(tmp_path / "run")]
    assert load_main("real_world_experiment/run_celeb_3measurement.py")(argv) == 0
    assert json.loads((tmp_path / "run/manifest.json").read_text())["measurements"] == {"image": 3, "text": 3}
    names = read_latents(tmp_path / "run").names
    assert len(names) == 18
    assert CRL.load(tmp_path / "run", device="cpu").names == names
