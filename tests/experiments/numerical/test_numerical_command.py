"""The command run_numerical.py: its tables have the numbers of its runs, and finished runs are kept."""

import json
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from pictures import is_drawn, words_in
from small_runs import SmallRun

from personax.experiments.numerical.config import ALL_CASES, NumericalConfig
from personax.experiments.numerical.report import PEERS, summary_of_cases
from personax.experiments.numerical.run import numerical_cells
from personax.numerical.numerical_cases import CASES
from personax.runs.run_folder import METRICS
from personax.views import SHARED

SCRIPT = "synthetic_experiment/run_numerical.py"
SMALL = """
n: 200
jobs: 1
device: cpu
model:
  hidden: 8
  phase1: {epochs: 1, batch_size: 32, beginnings: 2}
  phase2:
    {starts: 2, population: 2, generations: 1, generation_steps: 2, finalists: 1, final_steps: 2, searches: 2}
"""
WORDS = ("--cases", "case1,shared2", "--methods", "personax,mcl", "--seeds", "1000")


@pytest.fixture(scope="module")
def small_numerical(tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """Two cases, our method and a baseline, one seed."""
    home = tmp_path_factory.mktemp("numerical")
    config = home / "small.yaml"
    config.write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as printed:
        patch.setattr("personax.crl.paired_codes.PAIRED_STEPS", 10)
        assert run_script(SCRIPT, "--config", config, "--output", home / "out", *WORDS) == 0
    return SmallRun(home / "out", config, printed.getvalue())


def test_the_tables_have_the_numbers_of_the_runs(small_numerical: SmallRun) -> None:
    runs = pd.read_csv(small_numerical.folder / "runs.csv").set_index(["case", "method"])
    table = pd.read_csv(small_numerical.folder / "numerical.csv").set_index(["case", "method"])
    assert len(runs) == len(table) == 4
    for case, method in runs.index.tolist():
        path = small_numerical.folder / "runs" / case / method / "seed-1000" / METRICS
        metrics = json.loads(path.read_text())
        assert runs.loc[(case, method), "R2"] == pytest.approx(metrics["heldout"]["r2"])
        assert table.loc[(case, method), "MCC"] == pytest.approx(metrics["heldout"]["mcc_pearson"])
    assert all(f"{mcc:.3f}" in small_numerical.printed for mcc in runs["MCC"].tolist())
    assert (small_numerical.folder / "numerical.md").read_text().strip() in small_numerical.printed


def test_scores_are_blank_where_there_is_nothing_to_score(small_numerical: SmallRun) -> None:
    runs = pd.read_csv(small_numerical.folder / "runs.csv").set_index(["case", "method"])
    assert runs["SHD"].notna().to_dict() == {key: key[1] == "personax" for key in runs.index}
    assert runs["R2 of shared"].notna().to_dict() == {key: key[0] == "shared2" for key in runs.index}


def test_published_numbers_and_simulation_are_said(small_numerical: SmallRun) -> None:
    text = (small_numerical.folder / "numerical.md").read_text()
    assert "SIMULATED DATA" in text
    assert "R2 0.86, MCC 0.83" in text
    table = pd.read_csv(small_numerical.folder / "numerical.csv")
    assert set(table.loc[table["case"] == "shared2", "published MCC"]) == {0.83}
    assert table.loc[table["case"] == "case1", "published MCC"].isna().all()


def test_the_figure_names_cases_and_methods(small_numerical: SmallRun) -> None:
    assert is_drawn(small_numerical.folder / "numerical.png")
    words = words_in(small_numerical.folder / "numerical.svg")
    assert {"Case 1", "MCL", "PersonaX (ours)", "published", "held-out MCC"} <= set(words)


def test_runs_that_fail_do_not_keep_the_others_from_the_tables(
    small_numerical: SmallRun, broken_method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--cases", "case1", "--methods", f"mcl,{broken_method}", "--seeds", "1000")
    out = tmp_path / "out"
    assert run_script(SCRIPT, "--config", small_numerical.config, "--output", out, *words) == 2
    said = capsys.readouterr()
    assert "1 of 2 runs failed" in said.err
    assert "no such luck" in said.err
    assert "MCL" in said.out
    assert pd.read_csv(out / "runs.csv")["method"].tolist() == ["mcl"]


def test_finished_runs_are_kept(small_numerical: SmallRun) -> None:
    before = {path: path.stat().st_mtime_ns for path in small_numerical.folder.rglob(METRICS)}
    with redirect_stdout(StringIO()) as printed:
        words = ("--config", small_numerical.config, "--output", small_numerical.folder, *WORDS)
        assert run_script(SCRIPT, *words) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert printed.getvalue() == small_numerical.printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--cases", "case1,case9"), "cases: 'case9' is unknown; choose from case1"),
        (("--cases", "case1,case1"), "give each once"),
        (("--n", "50"), "n 50: at least 100 rows"),
        (("--methods", "nobody"), "method 'nobody': unknown"),
    ],
)
def test_wrong_options_are_refused_in_one_line(
    words: tuple[str, ...], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(SCRIPT, "--output", tmp_path / "out", *words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_all_cases_have_a_source_and_all_but_one_are_run() -> None:
    assert list(CASES) == list(PEERS)
    assert ALL_CASES.split(",") == [case for case in CASES if case != "case1_hidden"]


def test_paired_codes_are_used_where_they_apply() -> None:
    cells = numerical_cells(
        NumericalConfig(), ["case1", "domains"], ["personax", "mcl"], [0, 1], Path("home")
    )
    assert len(cells) == 8
    linked, search = (cells[Path(f"home/runs/{case}/personax/seed-0")] for case in ("case1", "domains"))
    assert linked.model.linked
    assert linked.model.noise == 1
    assert not search.model.linked
    assert (linked.n, search.n) == (CASES["case1"].n, CASES["domains"].n)
    baseline = cells[Path("home/runs/case1/mcl/seed-0")]
    assert baseline.settings["noise"] == 1  # eta
    assert replace(baseline, seed=1) == cells[Path("home/runs/case1/mcl/seed-1")]


def test_a_summary_has_mean_and_spread_over_seeds() -> None:
    scores = ("R2", "MCC", "MCC, ranks", "T-MEX", "SHD", "F1", "best F1", "R2 of shared", "seconds")
    runs = pd.DataFrame(
        [
            {"case": "case1", "method": "mcl", "n": 200, "seed": k} | dict.fromkeys(scores, float(k))
            for k in (1, 3)
        ]
    )
    runs["SHD"] = np.nan
    row = summary_of_cases(runs).iloc[0]
    assert (row["MCC"], row["MCC sd"], row["seeds"]) == (2.0, pytest.approx(np.sqrt(2)), 2)
    assert np.isnan(row["SHD"])
    assert SHARED not in row.index


def test_every_baseline_and_a_method_of_ones_own_run_on_the_other_kinds_of_cases(
    small_numerical: SmallRun, tmp_path: Path
) -> None:
    baselines = "mmcrl,mcl,beta_vae,causal_vae,autoencoder,official"
    own = "experiments.downstream.counting_method:CountingMethod"
    for cases, methods in (("domains,content", f"{baselines},{own}"), ("groups", "official")):
        words = ("--cases", cases, "--methods", methods, "--seeds", "1000", "--n", "400")
        assert run_script(SCRIPT, "--config", small_numerical.config, "--output", tmp_path, *words) == 0
        runs = pd.read_csv(tmp_path / "runs.csv").set_index(["case", "method"])
        assert len(runs) == len(cases.split(",")) * len(methods.split(","))
        assert runs["R2"].notna().all()
        graphs = runs["SHD"].dropna().index.tolist()
        assert {case for case, _ in graphs} == set(cases.split(",")) - {"content"}  # which has no graph
    assert (tmp_path / "runs" / "domains" / own.replace(":", ".") / "seed-1000").is_dir()
