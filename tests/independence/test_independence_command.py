"""The command from its options to its files; bad input is one line, exit code 2 and no folder."""

import json
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from commands import load_main

from personax.experiments.independence.report import negative_controls, pvalue_text, votes
from personax.independence.multiple import decide
from personax.runs.files import read_yaml
from personax.tables import TRAITS

ROOT = Path(__file__).resolve().parents[2]
RUN = ("kci", "chi_square", "fisher_z")
SCRIPT = ROOT / "independence_testing" / "run_independence_tests.py"


main = load_main(SCRIPT)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small simulated run with everything on."""
    output = tmp_path_factory.mktemp("independence") / "run"
    argv = ["--dataset", "celeb", "--source", "simulated", "--n", "300", "--scores", "all"]
    argv += ["--tests", ",".join(RUN), "--correction", "fdr_bh", "--resamples", "199"]
    assert main([*argv, "--output", str(output)]) == 0
    return output


def people(path: Path, n: int = 40, **changes: object) -> Path:
    """A small athlete table on disk."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"ID": [f"p{i}" for i in range(n)], "Height": np.round(rng.normal(190, 9, n), 1)})
    frame["League"] = rng.choice(["NBA", "NHL"], n)
    frame["Birthmonth"] = rng.integers(1, 13, n)
    for number, _trait in enumerate(TRAITS):
        frame[f"final_{'ocean'[number]}"] = rng.integers(1, 4, n)
    for name, values in changes.items():
        frame[name] = values
    frame.to_csv(path, index=False)
    return path


def test_files_of_a_run(simulated: Path) -> None:
    found = pd.read_csv(simulated / "pvalues.csv")
    expected = "trait scores feature test n statistic pvalue log10_pvalue q_value effect applicable seconds"
    assert list(found.columns[:12]) == expected.split()
    assert set(found["test"]) == set(RUN)
    assert set(found["trait"]) == set(TRAITS)
    assert set(found["scores"]) == {"aggregated", "chatgpt", "gemini", "llama"}
    assert (found["pvalue"].dropna() > 0).all()
    assert (found["q_value"].dropna() >= found["pvalue"].dropna() - 1e-12).all()
    chi = found[found["test"] == "chi_square"].set_index("feature")["applicable"]
    assert not chi["Height"].any()
    assert chi["Gender"].all()
    manifest = json.loads((simulated / "manifest.json").read_text())
    assert manifest["state"] == "finished"
    assert manifest["simulated"] is True
    assert manifest["data_sha256"]
    assert manifest["versions"]["scipy"]
    assert read_yaml(simulated / "config.yaml")["tests"] == ",".join(RUN)


def test_simulated_data_are_marked_everywhere(simulated: Path) -> None:
    assert (pd.read_csv(simulated / "pvalues.csv")["data"] == "simulated").all()
    assert "SIMULATED DATA" in (simulated / "table.md").read_text()
    figures = sorted((simulated / "figures").glob("*.svg"))
    assert figures
    for figure in figures:
        assert "SIMULATED DATA" in figure.read_text(), figure.name


def test_truth_is_scored(simulated: Path) -> None:
    metrics = json.loads((simulated / "metrics.json").read_text())
    scored = {(row["scores"], row["test"]): row for row in metrics["against_truth"]}
    row = scored["aggregated", "kci"]
    assert 0 < row["found"] <= row["dependent"]
    assert row["false_rejections"] <= row["independent"]
    assert "Negative controls (Birthmonth, Birthday" in metrics["negative_controls"]


def test_figures_come_in_two_formats(simulated: Path) -> None:
    names = {path.stem for path in (simulated / "figures").iterdir()}
    assert {"rejections", "scores", "effects_aggregated", *(f"pvalues_{test}" for test in RUN)} <= names
    for name in names:
        assert (simulated / "figures" / f"{name}.svg").stat().st_size > 1000
        picture = matplotlib.image.imread(simulated / "figures" / f"{name}.png")
        assert min(picture.shape[:2]) > 300
        assert picture[..., :3].std() > 0.01


def test_a_run_repeats_itself(tmp_path: Path) -> None:
    table = people(tmp_path / "people.csv")
    for name in ("a", "b"):
        argv = ["--table", str(table), "--tests", "rcit,chi_square", "--output", str(tmp_path / name)]
        assert main(argv) == 0
    first, second = (
        pd.read_csv(tmp_path / name / "pvalues.csv").drop(columns="seconds") for name in ("a", "b")
    )
    pd.testing.assert_frame_equal(first, second)
    assert (first["data"] == "real").all()
    assert "SIMULATED" not in (tmp_path / "a" / "table.md").read_text()


def test_given_a_column(tmp_path: Path) -> None:
    table = people(tmp_path / "people.csv", 80)
    argv = [
        "--table",
        str(table),
        "--given",
        "League",
        "--tests",
        "kci,fisher_z",
        "--output",
        str(tmp_path / "o"),
    ]
    assert main(argv) == 0
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    assert "League" not in set(found["feature"])
    applicable = found[found["applicable"]]
    assert len(applicable) == 15
    assert applicable["null"].str.startswith("fisher over 2 strata").all()


def test_reference_implementation(tmp_path: Path) -> None:
    table = people(tmp_path / "people.csv")
    argv = ["--table", str(table), "--implementation", "reference"]
    assert main([*argv, "--output", str(tmp_path / "o")]) == 0
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    assert "causal-learn gamma" in set(found["null"])


def test_constant_columns_are_warned_of_and_marked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = people(tmp_path / "people.csv", Height=180.0)
    with caplog.at_level("WARNING"):
        assert main(["--table", str(table), "--output", str(tmp_path / "o")]) == 0
    assert "Height is constant" in caplog.text
    found = pd.read_csv(tmp_path / "o" / "pvalues.csv")
    kci = found[(found["feature"] == "Height") & (found["test"] == "kci")]
    assert kci["pvalue"].isna().all()
    assert (kci["null"] == "undefined: constant column").all()


BAD = {
    "alpha 0": (["--alpha", "0"], "--alpha 0: must lie between 0 and 1"),
    "alpha 1": (["--alpha", "1"], "--alpha 1: must lie"),
    "alpha 5": (["--alpha", "5"], "--alpha 5: must lie"),
    "alpha text": (["--alpha", "small"], "alpha"),
    "unknown test": (["--tests", "kci,anova"], "--tests: 'anova' is unknown; choose from kci, hsic"),
    "repeated test": (["--tests", "kci,kci"], "a name is repeated"),
    "no test": (["--tests", ""], "--tests: '' is unknown"),
    "unknown scores": (["--scores", "grok"], "--scores: 'grok' is unknown"),
    "absent scores": (["--scores", "llama"], "--scores llama: the table has aggregated"),
    "unknown correction": (["--correction", "bonferroni"], "correction"),
    "unknown implementation": (["--implementation", "fast"], "implementation"),
    "unknown stratum": (["--given", "Team"], "--given Team: no such feature; choose from"),
    "continuous stratum": (["--given", "Height"], "--given Height: continuous"),
    "resamples": (["--resamples", "0"], "--resamples 0: must be at least 1"),
    "jobs": (["--jobs", "0"], "--jobs 0"),
    "unknown option": (["--tset", "kci"], "tset"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_options(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    argv, message = BAD[name]
    table = people(tmp_path / "people.csv")
    code = main(["--table", str(table), "--output", str(tmp_path / "out"), *argv])
    error = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert message in error[-1]
    assert len([line for line in error if "error:" in line]) == 1
    assert not (tmp_path / "out").exists()


def test_neither_dataset_nor_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "give --dataset athlete or celeb, or a --table" in capsys.readouterr().err


def test_fewer_than_five_complete_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = people(tmp_path / "few.csv", 40)
    frame = pd.read_csv(few)
    frame.loc[4:, [c for c in frame if c.startswith("final_")]] = np.nan
    frame.to_csv(few, index=False)
    assert main(["--table", str(few), "--output", str(tmp_path / "out")]) == 2
    assert "at least 5 are needed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_pair_with_five_complete_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everybody has a feature and scores, but no feature has five of them."""
    path = people(tmp_path / "apart.csv", 8)
    frame = pd.read_csv(path).drop(columns="Birthmonth")
    frame.loc[4:, "Height"] = np.nan
    frame.loc[:3, "League"] = None
    frame.to_csv(path, index=False)
    assert main(["--table", str(path), "--output", str(tmp_path / "out")]) == 2
    assert "no trait and feature share 5 complete rows (at most 4)" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["--table", str(tmp_path / "nobody.csv"), "--output", str(tmp_path / "out")]
    assert main(argv) == 2
    assert "nobody.csv" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_existing_run_is_kept_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = [
        "--table",
        str(people(tmp_path / "p.csv")),
        "--tests",
        "fisher_z",
        "--output",
        str(tmp_path / "out"),
    ]
    assert main(argv) == 0
    before = (tmp_path / "out" / "pvalues.csv").stat().st_mtime_ns
    assert main(argv) == 2
    assert "replace it with --overwrite" in capsys.readouterr().err
    assert (tmp_path / "out" / "pvalues.csv").stat().st_mtime_ns == before
    assert main([*argv, "--overwrite"]) == 0
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("do not delete")
    assert main([*argv[:-1], str(foreign), "--overwrite"]) == 2
    assert (foreign / "thesis.tex").exists()


@pytest.mark.parametrize("config", ["independence_athlete.yaml", "independence_celeb.yaml"])
def test_configs_are_read(config: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    argv = ["--config", str(ROOT / "configs" / config), "--source", "simulated", "--n", "120"]
    argv += ["--scores", "aggregated"]
    assert main([*argv, "--tests", "fisher_z", "--output", str(output)]) == 0
    assert read_yaml(output / "config.yaml")["dataset"] == config.split("_")[1].removesuffix(".yaml")


def test_runs_from_its_own_folder(tmp_path: Path) -> None:
    table = people(tmp_path / "people.csv")
    done = subprocess.run(
        [
            sys.executable,
            SCRIPT.name,
            "--table",
            str(table),
            "--tests",
            "fisher_z",
            "--output",
            str(tmp_path / "o"),
        ],
        cwd=SCRIPT.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Written to" in done.stdout


def test_decisions_use_logarithms_and_stay_within_a_test() -> None:
    grid = pd.DataFrame(
        {
            "trait": ["a", "b", "a", "b"],
            "feature": ["Birthmonth"] * 4,
            "scores": ["s"] * 4,
            "test": ["kci", "kci", "hsic", "hsic"],
            "pvalue": [1e-300, 0.04, 0.04, np.nan],
            "log10_pvalue": [-900.0, np.log10(0.04), np.log10(0.04), np.nan],
            "applicable": True,
        }
    )
    decided = decide(grid, 0.05, "holm")
    assert list(decided["rejected"]) == [True, True, True, False]
    assert decided["log10_q_value"][0] == pytest.approx(-900 + np.log10(2))
    assert decided["q_value"][0] > 0
    assert votes(decided)[["rejections", "tests"]].to_numpy().tolist() == [[2, 2], [1, 1]]
    assert negative_controls(decided, 0.05, "holm").startswith("Negative controls (Birthmonth): 3 of 3")
    assert [pvalue_text(v) for v in (np.nan, -0.3, -1000.0)] == ["–", "0.501", "10^-1000.0"]


def test_agreement_of_the_language_models_is_reported(simulated: Path) -> None:
    agreement = pd.read_csv(simulated / "agreement.csv", index_col="trait")
    assert list(agreement.index) == list(TRAITS)
    assert agreement["icc"].between(0.2, 1).all()
    assert agreement["kappa chatgpt-gemini"].between(0.2, 1).all()
    assert "Agreement of the language models on Openness: kappa" in (simulated / "table.md").read_text()
