"""The command from its options to its files; bad input is one line, exit code 2 and no folder."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import run_script
from experiments.independence.people_table import write_athletes
from PIL import Image
from tables.strangers import COLUMNS, write_stranger

from personax.runs.files import read_yaml
from personax.runs.run_folder import ROOT
from personax.tables import TRAITS

SCRIPT = "independence_testing/run_independence_tests.py"
NO_SCORES = f"ignore: [{', '.join(TRAITS)}]"
RUN = ("kci", "chi_square")


def command(*words: object) -> int:
    return run_script(SCRIPT, *words)


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are most of the work of a small run; those of `simulated` are looked at."""
    monkeypatch.setattr("personax.experiments.independence.run.draw_figures", lambda *_: None)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated run with all sources of scores and a correction."""
    output = tmp_path_factory.mktemp("independence") / "run"
    words = ["--dataset", "athlete", "--source", "simulated", "--n", 300, "--scores", "all"]
    words += ["--tests", ",".join(RUN), "--correction", "fdr_bh", "--resamples", 199]
    assert command(*words, "--output", output) == 0
    return output


@pytest.fixture(scope="module")
def cells(simulated: Path) -> pd.DataFrame:
    return pd.read_csv(simulated / "pvalues.csv")


def test_pvalues_have_the_columns_that_the_readme_names(cells: pd.DataFrame) -> None:
    expected = "trait scores feature test n statistic pvalue log10_pvalue q_value effect applicable seconds"
    assert list(cells.columns[:12]) == expected.split()


def test_the_grid_is_complete(cells: pd.DataFrame) -> None:
    assert set(cells["test"]) == set(RUN)
    assert set(cells["trait"]) == set(TRAITS)
    assert set(cells["scores"]) == {"aggregated", "chatgpt", "gemini", "llama"}
    assert not cells.duplicated(["test", "trait", "scores", "feature"]).any()


def test_no_pvalue_is_zero_and_no_q_value_is_smaller(cells: pd.DataFrame) -> None:
    known = cells[cells["pvalue"].notna()]
    assert (known["pvalue"] > 0).all()
    assert (known["q_value"] >= known["pvalue"] - 1e-12).all()


def test_chi_square_applies_to_categories_only(cells: pd.DataFrame) -> None:
    applicable = cells[cells["test"] == "chi_square"].groupby("feature")["applicable"].all()
    assert not applicable["Height"]
    assert applicable["League"]


def test_manifest_and_config_say_what_was_done(simulated: Path) -> None:
    manifest = json.loads((simulated / "manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert manifest["simulated"] is True
    assert len(manifest["data_sha256"]) == 64
    assert manifest["versions"]["scipy"]
    assert read_yaml(simulated / "config.yaml")["tests"] == ",".join(RUN)


def test_simulated_data_are_marked_everywhere(simulated: Path, cells: pd.DataFrame) -> None:
    assert (cells["data"] == "simulated").all()
    assert "SIMULATED DATA" in (simulated / "table.md").read_text()
    figures = sorted((simulated / "figures").glob("*.svg"))
    assert figures
    for figure in figures:
        assert "SIMULATED DATA" in figure.read_text(), figure.name


def test_decisions_are_scored_against_the_truth(simulated: Path) -> None:
    metrics = json.loads((simulated / "metrics.json").read_text())
    scored = {(row["scores"], row["test"]): row for row in metrics["against_truth"]}
    row = scored["aggregated", "kci"]
    assert 0 < row["found"] <= row["dependent"]
    assert row["false_rejections"] <= row["independent"]
    assert "Negative controls (Birthmonth, Birthday" in metrics["negative_controls"]


def test_agreement_of_the_language_models_is_reported(simulated: Path) -> None:
    agreement = pd.read_csv(simulated / "agreement.csv", index_col="trait")
    assert list(agreement.index) == list(TRAITS)
    assert agreement["icc"].between(0.2, 1).all()
    assert agreement["kappa chatgpt-gemini"].between(0.2, 1).all()
    assert "Agreement of the language models on Openness: kappa" in (simulated / "table.md").read_text()


def test_each_figure_is_a_picture_and_a_drawing(simulated: Path) -> None:
    figures = simulated / "figures"
    expected = {
        "rejections",
        "scores",
        "effects_aggregated",
        *(f"{of}_{test}" for test in RUN for of in ("pvalues", "intervals")),
    }
    names = {path.stem for path in figures.iterdir()}
    assert expected <= names
    for name in names:
        assert "n = 300" in (figures / f"{name}.svg").read_text()
        picture = np.asarray(Image.open(figures / f"{name}.png").convert("L"))
        assert min(picture.shape) > 300
        assert np.unique(picture).size > 20


def test_the_votes_are_written_into_their_figure(simulated: Path) -> None:
    drawing = (simulated / "figures" / "rejections.svg").read_text()
    for text in ("ChatGPT-4o", "Height", "Open.", ">2/2<", "q ≤ 0.05 (fdr_bh)"):
        assert text in drawing


@pytest.mark.usefixtures("without_figures")
def test_a_run_repeats_itself(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv")
    for name in ("a", "b"):
        assert command("--table", table, "--tests", "rcit,chi_square", "--output", tmp_path / name) == 0
    first, second = (
        pd.read_csv(tmp_path / name / "pvalues.csv").drop(columns="seconds") for name in ("a", "b")
    )
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.usefixtures("without_figures")
def test_the_given_column_defines_strata(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv", 80)
    words = ("--table", table, "--given", "League", "--tests", "kci,fisher_z")
    assert command(*words, "--output", tmp_path / "o") == 0
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    assert "League" not in set(found["feature"])
    applicable = found[found["applicable"]]
    assert len(applicable) == 15
    assert applicable["null"].str.startswith("fisher over 2 strata").all()
    assert "given League" in (tmp_path / "o" / "table.md").read_text()


@pytest.mark.usefixtures("without_figures")
def test_the_null_is_an_option(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv", 80)
    nulls = {"asymptotic": {"spectral", "t", "chi2"}, "permutation": {"permutation"}}
    for name, expected in nulls.items():
        words = ("--table", table, "--null", name, "--tests", "kci,fisher_z,chi_square", "--resamples", 99)
        assert command(*words, "--output", tmp_path / name) == 0
        found = pd.read_csv(tmp_path / name / "pvalues.csv")
        assert set(found["null"][found["pvalue"].notna()]) == expected
    assert command("--table", table, "--null", "permutation", "--implementation", "reference") == 2


@pytest.mark.usefixtures("without_figures")
def test_the_null_can_be_chosen_given_columns_where_there_is_a_choice(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv", 80)
    pd.read_csv(table).assign(Birthday=[1, 2] * 40).to_csv(table, index=False)
    for name, expected in {"asymptotic": "chi2", "permutation": "permutation"}.items():
        words = ("--table", table, "--given", "League,Birthmonth", "--null", name, "--resamples", 99)
        assert command(*words, "--tests", "chi_square,kci", "--output", tmp_path / name) == 0
        found = pd.read_csv(tmp_path / name / "pvalues.csv")
        nulls = found[found["pvalue"].notna()].groupby("test")["null"].unique()
        assert nulls["chi_square"].tolist() == [expected]
        assert nulls["kci"].tolist() == ["gamma"]


def test_continuous_and_several_given_columns_are_a_condition(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv", 80)
    words = ("--table", table, "--given", "Height, League", "--tests", "kci,gcm,fisher_z")
    assert command(*words, "--output", tmp_path / "o") == 0
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    assert set(found["feature"]).isdisjoint({"Height", "League"})
    assert set(found["null"]) <= {"gamma", "normal", "bootstrap", "t", "F", "not applicable"}
    marginal = pd.read_csv(tmp_path / "o" / "pvalues_marginal.csv")
    assert set(marginal["test"]) == {"kci", "fisher_z"}
    assert set(marginal["feature"]) == set(found["feature"])
    assert (tmp_path / "o" / "figures" / "marginal_and_given_kci.png").exists()
    assert "GCM: p-values" in (tmp_path / "o" / "table.md").read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("without_figures")
def test_the_reference_implementation_is_the_peers(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv")
    words = ("--table", table, "--implementation", "reference", "--tests", "kci,hsic")
    assert command(*words, "--output", tmp_path / "o") == 0
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    assert set(found["null"]) == {"causal-learn gamma", "hyppo chi2 bound"}
    assert (found["data"] == "real").all()
    report = (tmp_path / "o" / "table.md").read_text()
    assert "KCI (causal-learn): p-values" in report
    assert "SIMULATED" not in report


@pytest.mark.usefixtures("without_figures")
def test_constant_columns_are_warned_of_and_marked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = write_athletes(tmp_path / "people.csv", height=180.0)
    with caplog.at_level("INFO"):
        assert command("--table", table, "--tests", "kci", "--output", tmp_path / "o") == 0
    assert caplog.text.count("Height is constant") == 1
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    kci = found[found["feature"] == "Height"]
    assert kci["pvalue"].isna().all()
    assert (kci["null"] == "undefined: constant column").all()


def test_a_strangers_table_is_tested_as_declared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """First a proposal, then the stranger's own file: targets are tested, the report says what was read."""
    monkeypatch.chdir(tmp_path)
    table = write_stranger(tmp_path)
    assert command("--table", table, "--columns", "auto") == 0
    assert "Written to" in capsys.readouterr().out
    assert command("--table", table, "--columns", "auto") == 2
    assert "trial_columns.yaml: exists" in capsys.readouterr().err
    columns = tmp_path / "columns.yaml"
    columns.write_text(COLUMNS)
    words = ("--table", table, "--columns", columns, "--tests", "fisher_z,chi_square")
    assert command(*words, "--output", tmp_path / "o") == 0
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    assert set(found["scores"]) == {"targets"}
    arm = found[(found["feature"] == "Arm") & (found["test"] == "fisher_z")]
    assert (arm["pvalue"] < 1e-3).all()
    report = (tmp_path / "o" / "table.md").read_text()
    assert "## targets" in report
    assert "2 '-9'" in report
    assert "Grip" in (tmp_path / "o" / "figures" / "rejections.svg").read_text()


def test_a_table_with_nothing_to_test_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = tmp_path / "columns.yaml"
    columns.write_text("features:" + COLUMNS.split("features:")[1].split("scores:")[0] + NO_SCORES)
    words = ("--table", write_stranger(tmp_path), "--columns", columns)
    assert command(*words, "--output", tmp_path / "o") == 2
    assert "nothing to test against the features" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


BAD = {
    "alpha 0": (["--alpha", "0"], "alpha 0: must be between 0 and 1"),
    "alpha 1": (["--alpha", "1"], "alpha 1: must be between"),
    "alpha 5": (["--alpha", "5"], "alpha 5: must be between"),
    "alpha text": (["--alpha", "small"], "alpha"),
    "unknown test": (["--tests", "kci,anova"], "--tests: 'anova' is unknown; choose from kci, hsic"),
    "repeated test": (["--tests", "kci,kci"], "a name is repeated"),
    "no test": (["--tests", ""], "--tests: '' is unknown"),
    "unknown scores": (
        ["--scores", "llama"],
        "--scores: 'llama' is unknown; choose from aggregated, default",
    ),
    "unknown correction": (["--correction", "bonferroni"], "correction"),
    "unknown implementation": (["--implementation", "fast"], "implementation"),
    "unknown stratum": (["--given", "Team"], "--given Team: no such feature; choose from"),
    "an empty stratum": (["--given", ""], "--given : no such feature; choose from"),
    "given everything": (["--given", "Height,League,Birthmonth"], "nothing is left to test"),
    "given twice": (["--given", "Height,Height"], "a name is repeated"),
    "hsic given columns": (
        ["--given", "Height", "--tests", "hsic"],
        "--tests hsic: it has no conditional form",
    ),
    "gcm without columns": (["--tests", "gcm"], "--tests gcm: it has no form without --given"),
    "peers given columns": (["--given", "Height", "--implementation", "reference"], "tests are our own"),
    "resamples": (["--resamples", "0"], "resamples 0: must be from 1"),
    "jobs": (["--jobs", "0"], "jobs 0: must be from 1 to 1,024, or -1 for one per core"),
    "unknown option": (["--tset", "kci"], "tset"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options_end_in_one_line_and_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words, message = BAD[name]
    table = write_athletes(tmp_path / "people.csv")
    code = command("--table", table, "--output", tmp_path / "out", *words)
    error = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert message in error[-1]
    assert len([line for line in error if "error:" in line]) == 1
    assert not (tmp_path / "out").exists()


def test_neither_dataset_nor_table_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command() == 2
    assert "give --dataset athlete or celeb, or your own --table" in capsys.readouterr().err


def test_fewer_than_five_complete_rows_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = write_athletes(tmp_path / "few.csv")
    frame = pd.read_csv(few)
    frame.loc[4:, [f"final_{letter}" for letter in "ocean"]] = np.nan
    frame.to_csv(few, index=False)
    assert command("--table", few, "--output", tmp_path / "out") == 2
    assert "at least 5 are needed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_pair_with_five_complete_rows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Everybody has a feature and scores, but no feature has five of them."""
    path = write_athletes(tmp_path / "apart.csv", 8)
    frame = pd.read_csv(path).drop(columns="Birthmonth")
    frame.loc[4:, "Height"] = np.nan
    frame.loc[:3, "League"] = None
    frame.to_csv(path, index=False)
    assert command("--table", path, "--output", tmp_path / "out") == 2
    assert "no trait and feature share 5 complete rows (at most 4)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--table", tmp_path / "nobody.csv", "--output", tmp_path / "out") == 2
    assert "nobody.csv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("without_figures")
def test_an_existing_run_is_kept_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--table", write_athletes(tmp_path / "p.csv"), "--tests", "fisher_z", "--output")
    pvalues = tmp_path / "out" / "pvalues.csv"
    assert command(*words, tmp_path / "out") == 0
    before = pvalues.stat().st_mtime_ns
    assert command(*words, tmp_path / "out") == 2
    assert "replace it with --overwrite" in capsys.readouterr().err
    assert pvalues.stat().st_mtime_ns == before
    assert command(*words, tmp_path / "out", "--overwrite") == 0
    assert pvalues.stat().st_mtime_ns > before


def test_a_folder_that_is_no_run_is_never_deleted(tmp_path: Path) -> None:
    words = ("--table", write_athletes(tmp_path / "p.csv"), "--tests", "fisher_z", "--output")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("do not delete")
    assert command(*words, foreign, "--overwrite") == 2
    assert (foreign / "thesis.tex").exists()


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize("dataset", ["athlete", "celeb"])
def test_published_configs_are_read(dataset: str, tmp_path: Path) -> None:
    words = ["--config", ROOT / "configs" / f"independence_{dataset}.yaml", "--source", "simulated"]
    words += ["--n", 120, "--scores", "aggregated", "--tests", "fisher_z"]
    assert command(*words, "--output", tmp_path / "out") == 0
    assert read_yaml(tmp_path / "out" / "config.yaml")["dataset"] == dataset


def test_names_of_columns_are_drawn_in_fonts_that_have_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Without them, matplotlib warns of every character in every figure."""
    rng, title = np.random.default_rng(0), "\U0010ff03 cm"  # no font has this character
    frame = pd.DataFrame({title: rng.normal(size=40), "y": rng.normal(size=40)})
    frame.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "c.yaml").write_text(
        f"features: {{'{title}': {{kind: continuous}}}}\ntargets: {{y: {{kind: continuous}}}}",
        encoding="utf-8",
    )
    words = ("--table", tmp_path / "t.csv", "--columns", tmp_path / "c.yaml", "--tests", "fisher_z")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert command(*words, "--output", tmp_path / "o") == 0
    assert sum("no installed font has" in record.message for record in caplog.records) == 1


def test_the_script_runs_from_its_own_folder(tmp_path: Path) -> None:
    table = write_athletes(tmp_path / "people.csv")
    script = ROOT / SCRIPT
    words = ["--table", table, "--tests", "fisher_z", "--output", tmp_path / "o"]
    done = subprocess.run(
        [sys.executable, script.name, *map(str, words)], cwd=script.parent, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Written to" in done.stdout
