"""The command compare_methods.py: its tables have the numbers of the runs, and finished runs are kept."""

import json
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import is_drawn, words_in
from small_runs import SmallRun

from personax.experiments.comparison.variants import ABLATIONS
from personax.experiments.run_options import OURS
from personax.runs.run_folder import METRICS
from personax.views import MultiViewData, Split

SCRIPT = "synthetic_experiment/compare_methods.py"
SMALL = """
source: digits
n: 200
jobs: 1
model:
  hidden: 8
  phase1: {epochs: 1, batch_size: 32}
  phase2: {starts: 2, population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2}
"""
WORDS = (
    "--seeds",
    "0,1",
    "--methods",
    "mcl,beta_vae",
    "--parts",
    "methods,ablations",
    "--ablation_seeds",
    "1",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """A comparison of three methods with two seeds, and of the ablations with one."""
    home = tmp_path_factory.mktemp("comparison")
    config = home / "small.yaml"
    config.write_text(SMALL)
    with redirect_stdout(StringIO()) as printed:
        assert run_script(SCRIPT, "--config", config, "--output", home / "out", *WORDS) == 0
    return SmallRun(home / "out", config, printed.getvalue())


@pytest.fixture
def copied(finished: SmallRun, tmp_path: Path) -> Path:
    """A copy of the comparison, which a test may change."""
    return Path(shutil.copytree(finished.folder, tmp_path / "copy"))


def cells(line: str) -> list[str]:
    """The cells of a line of a Markdown table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def row_of(text: str, title: str) -> list[str]:
    """The cells after the title, in the first row of a table that begins with it."""
    rows = [cells(line) for line in text.splitlines() if line.startswith("|")]
    return next(row[1:] for row in rows if row[0] == title)


def times(home: Path) -> dict[Path, int]:
    """Metrics of every run -> when they were written."""
    return {path: path.stat().st_mtime_ns for path in home.rglob(METRICS)}


def test_there_is_a_row_for_every_run(finished: SmallRun) -> None:
    assert len(pd.read_csv(finished.folder / "runs.csv")) == 2 * 3 + len(ABLATIONS)


def test_rows_hold_what_the_runs_hold(finished: SmallRun) -> None:
    for _, row in pd.read_csv(finished.folder / "runs.csv").iterrows():
        folder = finished.folder / "runs" / row["method"] / f"seed-{row['seed']}"
        metrics = json.loads((folder / METRICS).read_text())
        assert row["R2"] == pytest.approx(metrics["heldout"]["r2"])
        assert np.isnan(row["SHD"]) == ("graph" not in metrics)


def test_the_table_has_mean_and_spread_of_the_seeds(finished: SmallRun) -> None:
    runs = pd.read_csv(finished.folder / "runs.csv")
    ours = runs[runs["method"] == OURS]
    expected = f"{ours['R2'].mean():.3f} ± {ours['R2'].std():.3f}"
    assert row_of(finished.printed, "PersonaX (ours)")[:2] == ["2", expected]
    assert row_of(finished.printed, "full model")[1] == f"{ours['R2'][ours['seed'] == 1].item():.3f}"


def test_the_table_has_published_scores_and_every_part(finished: SmallRun) -> None:
    assert row_of(finished.printed, "PersonaX (ours)")[-2:] == ["0.96", "0.92"]
    assert row_of(finished.printed, "MCL")[-2:] == ["0.79", "0.63"]
    for ablation in ABLATIONS.values():
        assert row_of(finished.printed, ablation.title)


def test_a_method_without_a_graph_has_no_graph_scores(finished: SmallRun) -> None:
    header = next(cells(line)[1:] for line in finished.printed.splitlines() if line.startswith("|"))
    assert row_of(finished.printed, "MCL")[header.index("SHD")] == ""
    assert row_of(finished.printed, "PersonaX (ours)")[header.index("SHD")] != ""


def test_the_printed_page_is_written(finished: SmallRun) -> None:
    assert (finished.folder / "comparison.md").read_text() in finished.printed


def test_methods_and_ablations_are_drawn(finished: SmallRun) -> None:
    assert is_drawn(finished.folder / "comparison.png")
    assert "MCL" in words_in(finished.folder / "comparison.svg")
    assert "one measurement" in words_in(finished.folder / "ablations.svg")


def test_a_run_that_lacks_its_result_is_made_again_and_the_others_are_read(
    finished: SmallRun, copied: Path
) -> None:
    lost = copied / "runs" / "mcl" / "seed-1" / METRICS
    before = times(copied)
    lost.unlink()
    assert run_script(SCRIPT, "--config", finished.config, "--output", copied, *WORDS) == 0
    after = times(copied)
    assert {path for path in before if before[path] != after[path]} == {lost}
    tables = [pd.read_csv(home / "runs.csv").drop(columns="seconds") for home in (finished.folder, copied)]
    pd.testing.assert_frame_equal(tables[0], tables[1])


def test_runs_of_another_configuration_are_not_mixed_in(
    finished: SmallRun, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ("--config", finished.config, "--output", finished.folder, *WORDS)
    assert run_script(SCRIPT, *again, "--n", "210") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "runs failed" in error
    assert "n=200" in error  # the first reason


def test_runs_that_fail_do_not_keep_the_others_from_the_tables(
    finished: SmallRun, copied: Path, broken_method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--seeds", "0,1", "--methods", f"mcl,{broken_method}", "--parts", "methods")
    assert run_script(SCRIPT, "--config", finished.config, "--output", copied, *words) == 2
    said = capsys.readouterr()
    assert "2 of 6 runs failed" in said.err
    assert "no such luck" in said.err
    rows = [cells(line) for line in said.out.splitlines() if line.startswith("|")]
    assert [row[:2] for row in rows[2:]] == [["PersonaX (ours)", "2"], ["MCL", "2"]]
    assert pd.read_csv(copied / "runs.csv")["method"].value_counts().to_dict() == {OURS: 2, "mcl": 2}


def test_numbers_that_are_varied_are_drawn_as_trends(
    finished: SmallRun, copied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--parts", "measurements", "--seeds", "1", "--ablation_seeds", "1")
    assert run_script(SCRIPT, "--config", finished.config, "--output", copied, *words) == 0
    rows = [cells(line) for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows[2:]] == ["1", "2", "3", "4", "5"]
    assert "measurements of each modality" in words_in(copied / "trends.svg")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--parts", "methods,colours"], "colours"),
        (["--methods", "pca"], "pca"),
        (["--jobs", "0"], "or -1 for one per core"),
        (["--seeds", "0-1", "--ablation_seeds", "5"], "ablation_seeds"),
        (["--dataset", "somewhere"], "--parts methods"),
        (["--measurements", "3,1"], "two equal numbers"),
        (["--measurements", "3"], "two numbers"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(SCRIPT, "--output", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


class RowNumbers:
    """A method of other people that knows nothing: its two latents are noise."""

    def __init__(self, latents: dict[str, int], seed: int = 0) -> None:
        self.seed, self.latents = seed, latents

    def fit(self, data: MultiViewData, split: Split) -> None:
        """Nothing is learned."""

    def transform(self, data: MultiViewData) -> np.ndarray:
        """Noise, (n, 2)."""
        return np.random.default_rng(self.seed).normal(size=(len(data), 2))


def test_a_class_of_other_people_has_its_row_beside_ours(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "small.yaml"
    config.write_text(SMALL)
    name = f"{RowNumbers.__module__}:RowNumbers"
    words = ("--output", tmp_path / "out", "--seeds", "0", "--methods", name, "--parts", "methods")
    assert run_script(SCRIPT, "--config", config, *words) == 0
    printed = capsys.readouterr().out
    header = cells(next(line for line in printed.splitlines() if "| R2" in line))[1:]
    assert float(row_of(printed, "RowNumbers")[header.index("MCC")].split()[0]) < 0.3
    assert row_of(printed, "RowNumbers")[header.index("SHD")] == ""


def test_a_class_that_is_not_there_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(SCRIPT, "--output", tmp_path / "out", "--methods", "nobody_has_this:Method") == 2
    assert "nobody_has_this" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
