"""run_own_data.py from files to a run folder, and the commands that go on from there."""

import json
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import run_script
from pictures import is_drawn
from small_runs import SMALL_PEOPLE, SmallRun

from personax.crl import CRL, CRLConfig
from personax.crl.latent_counts import LatentCounts
from personax.experiments.diagnostics import observations
from personax.experiments.own_data.config import OwnDataConfig
from personax.experiments.own_data.description import read_arrays
from personax.experiments.own_data.example import write_example
from personax.graphs.graph import Graph
from personax.graphs.graph_scores import graph_scores
from personax.learning.metrics import match
from personax.runs.command_line import parse
from personax.runs.run_folder import (
    CONFIG,
    FIGURES,
    GRAPH,
    LATENTS,
    MANIFEST,
    METRICS,
    TRUE_GRAPH,
    shipped_config,
)
from personax.views import MultiViewData, split_rows

SCRIPT = "real_world_experiment/run_own_data.py"
LATENT_NUMBERS = ("--model.latents", "{face: 2, voice: 2}")


def run_own(*words: object) -> int:
    """The exit code of a small run."""
    return run_script(SCRIPT, *SMALL_PEOPLE, *words)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A run on the example, without figures; `config` is the description of the arrays."""
    home = tmp_path_factory.mktemp("own")
    description = write_example(home / "example", n=240)
    with redirect_stdout(StringIO()) as printed:
        assert run_own("--data", description, "--output", home / "run", *LATENT_NUMBERS) == 0
    return SmallRun(home / "run", description, printed.getvalue())


def test_the_run_folder_is_that_of_the_other_experiments(finished: SmallRun) -> None:
    for name in (CONFIG, MANIFEST, METRICS, LATENTS, GRAPH, TRUE_GRAPH):
        assert (finished.folder / name).exists(), name
    manifest = json.loads((finished.folder / MANIFEST).read_text())
    assert manifest["state"] == "finished"
    assert manifest["simulated"]
    assert "SIMULATED DATA" in finished.printed


def test_the_latents_are_those_of_the_model_that_was_saved(finished: SmallRun) -> None:
    table = pd.read_parquet(finished.folder / LATENTS)
    data = read_arrays(finished.config).data
    assert list(table["id"]) == list(data.ids)
    assert not table["observed_voice"].all() if "observed_voice" in table else data.seen("voice").all()
    again = CRL.load(finished.folder, device="cpu").transform(data)
    pd.testing.assert_frame_equal(table[list(again.columns)], again)
    assert Graph.from_json(finished.folder / GRAPH).names == list(again.columns)


def test_the_truth_scores_the_run(finished: SmallRun) -> None:
    metrics = json.loads((finished.folder / METRICS).read_text())
    latents = pd.read_parquet(finished.folder / LATENTS)
    test = (latents["split"] == "test").to_numpy()
    found = latents[Graph.from_json(finished.folder / GRAPH).names].to_numpy()[test]
    _, correlations = match(found, read_arrays(finished.config).data.true_latents.to_numpy()[test])
    assert metrics["heldout"]["mcc_pearson"] == pytest.approx(np.abs(correlations).mean())
    assert set(metrics["truth"]["r2"]) == {"face", "voice"}
    graphs = (Graph.from_json(finished.folder / name) for name in (TRUE_GRAPH, GRAPH))
    assert metrics["graph"]["shd"] == graph_scores(*(graph.adjacency for graph in graphs))["shd"]


def test_a_finished_run_is_read_and_other_data_are_refused(
    finished: SmallRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(finished.folder, tmp_path / "run"))
    words = ("--output", run, "--resume", *LATENT_NUMBERS)
    before = (run / METRICS).stat().st_mtime_ns
    assert run_own("--data", finished.config, *words) == 0
    assert (run / METRICS).stat().st_mtime_ns == before
    capsys.readouterr()
    other = write_example(tmp_path / "other", n=240, seed=1)
    for _ in ("finished", "not finished"):
        assert run_own("--data", other, *words) == 2
        said = capsys.readouterr()
        assert "was made with other data" in said.err
        assert not said.out
        (run / METRICS).unlink(missing_ok=True)


def test_the_duration_of_an_interrupted_run_is_unknown(finished: SmallRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.folder, tmp_path / "run"))
    before = json.loads((run / METRICS).read_text())
    (run / METRICS).unlink()
    assert run_own("--data", finished.config, "--output", run, "--resume", *LATENT_NUMBERS) == 0
    after = json.loads((run / METRICS).read_text())
    assert before.pop("seconds") > 0
    assert after.pop("seconds") is None
    assert after == before


def test_draw_diagnose_and_choose_go_on_from_the_folder(
    finished: SmallRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(observations, "EXCHANGES", 2)
    assert run_script("real_world_experiment/draw.py", finished.folder, "--output", tmp_path / "graph") == 0
    assert is_drawn(tmp_path / "graph" / "graph.png")
    assert run_script("real_world_experiment/diagnose.py", finished.folder) == 0
    assert is_drawn(finished.folder / FIGURES / "diagnostics.png")
    words = ("--run", finished.folder, "--seeds", "0,1", "--jobs", "1", "--output", tmp_path / "choice")
    assert run_script("real_world_experiment/choose_model.py", *words, "--candidates", "fewer") == 0
    table = pd.read_csv(tmp_path / "choice" / "selection.csv", index_col="candidate")
    assert table["latents"].to_dict() == {"fewer": 2}
    assert "MCC" in table
    assert is_drawn(tmp_path / "choice" / "selection.png")
    assert "chosen: " in capsys.readouterr().out


def test_without_a_truth_the_graph_is_drawn_alone(finished: SmallRun, tmp_path: Path) -> None:
    described = yaml.safe_load(finished.config.read_text())
    del described["truth"], described["simulated"]
    description = finished.config.with_name("unknown.yaml")
    description.write_text(yaml.safe_dump(described))
    words = ("--data", description, "--output", tmp_path / "run", "--figures", "true", *LATENT_NUMBERS)
    assert run_own(*words) == 0
    for picture in ("training", "graph"):
        assert is_drawn(tmp_path / "run" / FIGURES / f"{picture}.png")
    assert "heldout" not in json.loads((tmp_path / "run" / METRICS).read_text())
    assert not (tmp_path / "run" / TRUE_GRAPH).exists()
    # The number of latents cannot be known then.
    assert run_own("--data", description, "--output", tmp_path / "other") == 2
    assert not (tmp_path / "other").exists()


def test_numbers_of_latents_are_found_where_nobody_knows_them(finished: SmallRun, tmp_path: Path) -> None:
    words = ("--data", finished.config, "--latents", "auto", "--output", tmp_path / "run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CRL, "count_latents", lambda *_, **__: LatentCounts(0, {"face": 1, "voice": 2}))
        assert run_own(*words) == 0
    assert json.loads((tmp_path / "run" / METRICS).read_text())["latents"] == {"face": 1, "voice": 2}
    assert list(CRL.load(tmp_path / "run", device="cpu").names) == ["z11", "z21", "z22"]
    assert run_script("synthetic_experiment/diagnose.py", tmp_path / "run") == 0


def test_numbers_of_latents_of_embeddings_come_from_their_correlations() -> None:
    rng = np.random.default_rng(0)
    z = rng.exponential(size=(600, 3)) - 1
    views = {
        m: [(z[:, keep] @ rng.normal(size=(2, 40)) * 3 + rng.normal(size=(600, 40))) for _ in range(2)]
        for m, keep in (("face", [0, 1]), ("voice", [0, 2]))
    }
    data = MultiViewData({m: [v.astype(np.float32) for v in vs] for m, vs in views.items()}, np.arange(600))
    split = split_rows(600, rng)
    counts = CRL.count_latents(data, split, CRLConfig.embeddings(), device="cpu")
    assert counts == LatentCounts(1, {"face": 1, "voice": 1})


def test_no_description_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_own("--output", tmp_path / "run") == 2
    assert "no --data; give a YAML file" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_shipped_settings_are_those_of_the_presets() -> None:
    assert parse(OwnDataConfig, []).model == CRLConfig.images()
    embeddings = parse(OwnDataConfig, ["--config", str(shipped_config("own_embeddings.yaml"))])
    assert embeddings.model == CRLConfig.embeddings()
    vectors = parse(OwnDataConfig, ["--config", str(shipped_config("own_vectors.yaml"))])
    assert vectors.model == CRLConfig.vectors()
