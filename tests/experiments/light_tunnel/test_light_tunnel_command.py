"""The command run_light_tunnel.py: its table has the numbers of the runs, and finished runs are kept."""

import json
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from commands import run_script
from pictures import is_drawn, words_in
from small_runs import SmallRun

from personax.runs.run_folder import GRAPH, MANIFEST, METRICS

SCRIPT = "synthetic_experiment/run_light_tunnel.py"
SMALL = """
n: 200
size: 8
pictures: 2
readings: 2
jobs: 1
seeds: 0,1
methods: mcl
ceiling_epochs: 1
device: cpu
baseline_epochs: 1
sensor_set: all
model:
  hidden: 8
  phase1: {epochs: 1, batch_size: 32}
  phase2: {starts: 1, population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """Our method and one baseline with two seeds."""
    home = tmp_path_factory.mktemp("tunnel")
    config = home / "small.yaml"
    config.write_text(SMALL)
    with redirect_stdout(StringIO()) as printed:
        assert run_script(SCRIPT, "--config", config, "--output", home / "out") == 0
    return SmallRun(home / "out", config, printed.getvalue())


def test_rows_hold_what_the_runs_hold(finished: SmallRun) -> None:
    runs = pd.read_csv(finished.folder / "runs.csv")
    assert sorted(zip(runs["method"], runs["seed"], strict=True)) == [
        ("mcl", 0),
        ("mcl", 1),
        ("personax", 0),
        ("personax", 1),
    ]
    for _, row in runs.iterrows():
        folder = finished.folder / "runs" / row["method"] / f"seed-{row['seed']}"
        metrics = json.loads((folder / METRICS).read_text())
        assert row["MCC"] == pytest.approx(metrics["heldout"]["mcc_pearson"])
        assert json.loads((folder / MANIFEST).read_text())["simulated"] is True
        assert (folder / GRAPH).exists() == (row["method"] == "personax")


def test_the_page_has_mean_and_spread_and_says_what_is_published(finished: SmallRun) -> None:
    runs = pd.read_csv(finished.folder / "runs.csv")
    ours = runs[runs["method"] == "personax"]
    text = (finished.folder / "light_tunnel.md").read_text()
    assert text in finished.printed
    assert f"{ours['R2'].mean():.3f} ± {ours['R2'].std():.3f}" in text
    assert "2502.20099" in text


def test_scores_and_scenes_are_drawn(finished: SmallRun) -> None:
    assert is_drawn(finished.folder / "light_tunnel.png")
    assert is_drawn(finished.folder / "scenes.png")
    assert "MCL" in words_in(finished.folder / "light_tunnel.svg")
    assert "angle_1" in words_in(finished.folder / "scenes.svg")


def test_only_a_run_that_is_missing_is_made_again(
    finished: SmallRun, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = finished.folder / "runs" / "mcl" / "seed-1" / METRICS
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob(METRICS)}
    table = pd.read_csv(finished.folder / "runs.csv").drop(columns="seconds")
    lost.unlink()
    assert run_script(SCRIPT, "--config", finished.config, "--output", finished.folder) == 0
    capsys.readouterr()
    after = {path: path.stat().st_mtime_ns for path in finished.folder.rglob(METRICS)}
    assert {path for path in before if before[path] != after[path]} == {lost}
    pd.testing.assert_frame_equal(pd.read_csv(finished.folder / "runs.csv").drop(columns="seconds"), table)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--methods", "pca"], "pca"),
        (["--angle_range", "60"], "1 to 45"),
        (["--image_model", "F4"], "F1"),
        (["--n", "99"], "at least 100"),
        (["--seeds", "one"], "seeds"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(SCRIPT, "--output", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "causalchamber"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "causalchamber", None)
    assert run_script(SCRIPT, "--output", tmp_path / "out") == 2
    assert "personax[tunnel]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
