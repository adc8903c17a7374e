"""The command choose_model.py: what the choice uses, what it must not use, and its report."""

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
from pictures import is_drawn, words_in
from small_runs import SmallRun

from personax.experiments.mnist.config import MnistConfig
from personax.experiments.selection.config import SelectionConfig
from personax.experiments.selection.figures import draw_criteria
from personax.experiments.selection.report import selection_report
from personax.experiments.selection.run import CRITERIA, choose, rank_correlations, run_to_vary
from personax.runs.run_folder import CONFIG, METRICS

SCRIPT = "synthetic_experiment/choose_model.py"
SMALL = """
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


def candidates(**columns: list[float]) -> pd.DataFrame:
    """A table of four candidates."""
    return pd.DataFrame(columns, index=["a", "b", "c", "d"], dtype=float)


@pytest.mark.parametrize(("tolerance", "choice"), [(0.01, "c"), (0.2, "a"), (0.0, "d")])
def test_fewest_latents_among_the_good_then_the_most_stable(tolerance: float, choice: str) -> None:
    table = candidates(
        latents=[2, 4, 4, 6], prediction=[0.20, 0.295, 0.30, 0.301], stability=[1.0, 0.7, 0.9, 0.95]
    )
    assert choose(table, tolerance) == choice


@pytest.mark.parametrize("mcc", [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
def test_the_choice_does_not_depend_on_the_truth(mcc: list[float]) -> None:
    table = candidates(latents=[4, 4, 4, 4], prediction=[0.3, 0.3, 0.3, 0.3], stability=[0.1, 0.9, 0.5, 0.2])
    assert choose(table.assign(MCC=mcc), 0.01) == "b"


def test_rank_correlations_need_three_candidates() -> None:
    table = candidates(**{name: [1.0, 2.0, 3.0, 4.0] for name in CRITERIA}, MCC=[0.1, 0.2, 0.3, 0.4])
    assert rank_correlations(table)["prediction"] == pytest.approx(1.0)
    assert np.isnan(rank_correlations(table.iloc[:2])["prediction"])


SOME_KNOWN = candidates(
    latents=[4, 4, 2, 6],
    **{name: [0.1, 0.2, 0.3, 0.4] for name in CRITERIA},
    MCC=[0.9, 0.8, np.nan, np.nan],
)


def test_a_candidate_without_an_mcc_is_not_drawn_as_the_best(tmp_path: Path) -> None:
    """Blocks of other sizes than the true ones have no MCC; the order is that of the prediction then."""
    draw_criteria(SOME_KNOWN, "a", tmp_path / "criteria")
    words = words_in(tmp_path / "criteria.svg")
    assert {"prediction", "stability"} <= words
    assert not any("MCC" in word or "rank" in word for word in words)


def test_criteria_that_cannot_be_judged_get_no_row_of_nan() -> None:
    for table in (SOME_KNOWN, SOME_KNOWN.iloc[:2]):
        page = selection_report(table, "a", SelectionConfig()).rpartition("chosen")[2]
        assert "nan" not in page
        assert "MCC" in page


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A choice among three candidates with two seeds each."""
    home = tmp_path_factory.mktemp("selection")
    config = home / "small.yaml"
    config.write_text(SMALL)
    with redirect_stdout(StringIO()) as printed:
        assert run_script(SCRIPT, "--config", config, "--output", home / "out") == 0
    return SmallRun(home / "out", config, printed.getvalue())


@pytest.fixture(scope="module")
def table(finished: SmallRun) -> pd.DataFrame:
    """The written criteria."""
    return pd.read_csv(finished.folder / "selection.csv", index_col="candidate")


def test_the_choice_is_that_of_the_table(finished: SmallRun, table: pd.DataFrame) -> None:
    assert f"chosen: {choose(table, 0.01)}" in finished.printed
    assert (finished.folder / "selection.md").read_text().strip() in finished.printed


def test_the_candidates_have_the_latents_of_their_names(table: pd.DataFrame) -> None:
    assert table["latents"].to_dict() == {"default": 4, "latents-1": 2, "latents-4": 8}


def test_the_criteria_are_numbers(table: pd.DataFrame) -> None:
    assert table["stability"].between(0, 1).all()
    assert np.isfinite(table[["prediction", "ELBO", "alignment"]]).all().all()


def test_the_mcc_of_a_candidate_is_the_mean_of_its_runs(finished: SmallRun, table: pd.DataFrame) -> None:
    runs = [
        json.loads((finished.folder / "runs" / "default" / f"seed-{seed}" / METRICS).read_text())
        for seed in (0, 1)
    ]
    expected = np.mean([run["heldout"]["mcc_pearson"] for run in runs])
    assert table.loc["default", "MCC"] == pytest.approx(expected)


def test_the_criteria_are_drawn(finished: SmallRun) -> None:
    assert is_drawn(finished.folder / "selection.png")
    assert {"default", "latents-1", "latents-4"} <= words_in(finished.folder / "selection.svg")


def test_finished_runs_are_read(finished: SmallRun) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob(METRICS)}
    assert run_script(SCRIPT, "--config", finished.config, "--output", finished.folder) == 0
    assert before == {path: path.stat().st_mtime_ns for path in finished.folder.rglob(METRICS)}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seeds", "3"], "at least two"),
        (["--candidates", "magic"], "magic"),
        (["--candidates", "latents-0"], "latents-0"),
        (["--jobs", "0"], "or -1 for one per core"),
        (["--data_seed", "null"], "data_seed"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(SCRIPT, "--output", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_run_of_scenes_can_have_other_numbers_of_latents(mnist_run: SmallRun, tmp_path: Path) -> None:
    """The folder may have been moved, and the candidates differ in nothing else."""
    moved = Path(shutil.copytree(mnist_run.folder, tmp_path / "moved"))
    words = ("--run", moved, "--candidates", "fewer", "--seeds", "0,1", "--jobs", "1")
    assert run_script(SCRIPT, *words, "--output", tmp_path / "out") == 0
    table = pd.read_csv(tmp_path / "out" / "selection.csv", index_col="candidate")
    assert table["latents"].to_dict() == {"fewer": 2}
    assert np.isfinite(table).all().all()


def test_the_pictures_of_a_run_may_have_moved(mnist_run: SmallRun) -> None:
    varied = run_to_vary(SelectionConfig(data_dir="elsewhere"), mnist_run.folder)
    assert isinstance(varied, MnistConfig)
    assert varied.data_dir == "elsewhere"
    assert varied.data_seed is not None  # that of the run, whatever the seed of the candidate


def test_candidates_do_not_count_the_latents_of_a_run_anew(mnist_run: SmallRun, tmp_path: Path) -> None:
    found = Path(shutil.copytree(mnist_run.folder, tmp_path / "found"))
    options = yaml.safe_load((found / CONFIG).read_text()) | {"latents": "auto"}
    (found / CONFIG).write_text(yaml.safe_dump(options))
    varied = run_to_vary(SelectionConfig(), found)
    assert isinstance(varied, MnistConfig)
    assert varied.latents == "given"
    assert varied.model.latents == {"digit": 2, "garment": 2}
