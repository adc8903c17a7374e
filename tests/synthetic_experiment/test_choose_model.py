"""The model choice: what it looks at, what it must not look at, and its command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import load_main

from personax.experiments.evaluation import matched_graph
from personax.experiments.selection.run import choose
from personax.learning.metrics import match, matched, mean_correlation
from personax.runs.run_folder import ROOT

SCRIPT = ROOT / "synthetic_experiment" / "choose_model.py"
TINY = """
source: digits
n: 200
jobs: 1
seeds: "0,1"
candidates: default,latents-1,latents-4
model:
  hidden: 8
  phase1: {epochs: 1, batch_size: 32}
  phase2: {starts: 2, population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2}
"""


main = load_main(SCRIPT)


def candidates(**columns: list[float]) -> pd.DataFrame:
    return pd.DataFrame(columns, index=["a", "b", "c", "d"], dtype=float)


def test_fewest_latents_among_the_good_then_the_most_stable() -> None:
    table = candidates(
        latents=[2, 4, 4, 6], prediction=[0.20, 0.295, 0.30, 0.301], stability=[1.0, 0.7, 0.9, 0.95]
    )
    assert choose(table, 0.01) == "c"
    assert choose(table, 0.2) == "a"
    assert choose(table, 0.0) == "d"


def test_the_choice_does_not_depend_on_the_truth() -> None:
    table = candidates(latents=[4, 4, 4, 4], prediction=[0.3, 0.3, 0.3, 0.3], stability=[0.1, 0.9, 0.5, 0.2])
    for mcc in ([1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]):
        assert choose(table.assign(MCC=mcc), 0.01) == "b"


def test_fewer_latents_than_true_ones_count_as_missing() -> None:
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((500, 3))
    z = np.column_stack([truth[:, 2], -truth[:, 0]])
    columns, correlations = match(z, truth)
    assert columns.tolist() == [1, 2, 0]
    np.testing.assert_allclose(correlations, [-1.0, 0.0, 1.0], atol=1e-12)
    assert mean_correlation(z, truth) == pytest.approx(2 / 3)
    frame = matched(pd.DataFrame(z), pd.DataFrame(truth, columns=["x", "y", "w"]))
    np.testing.assert_allclose(frame["x"], truth[:, 0])
    assert not frame["y"].any()
    edge = np.array([[0, 1], [0, 0]])  # z0 -> z1, that is w -> x
    assert matched_graph(edge, columns).tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_the_command_reports_and_keeps_its_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    home = tmp_path / "selection"
    words = ["--config", str(tmp_path / "tiny.yaml"), "--output", str(home)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    table = pd.read_csv(home / "selection.csv", index_col="candidate")
    assert f"chosen: {choose(table, 0.01)}" in printed
    assert (home / "selection.png").exists()
    assert ((table["stability"] >= 0) & (table["stability"] <= 1)).all()
    assert table["latents"].tolist() == [4, 2, 8]
    assert np.isfinite(table[["ELBO", "alignment"]]).all().all()
    runs = [
        json.loads((home / "runs" / "default" / f"seed-{k}" / "metrics.json").read_text()) for k in (0, 1)
    ]
    assert table.loc["default", "MCC"] == pytest.approx(
        np.mean([run["heldout"]["mcc_pearson"] for run in runs])
    )
    times = [path.stat().st_mtime_ns for path in sorted(home.rglob("metrics.json"))]
    assert main(words) == 0
    assert times == [path.stat().st_mtime_ns for path in sorted(home.rglob("metrics.json"))]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seeds", "3"], "at least two"),
        (["--candidates", "magic"], "magic"),
        (["--candidates", "latents-0"], "latents-0"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["--output", str(tmp_path / "out"), *words]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
