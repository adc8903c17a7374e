"""The console script: its list of subcommands, the functions that they call, and unknown ones."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from commands import load_main

from personax.experiments.subcommands import SUBCOMMANDS, main
from personax.runs.run_folder import ROOT

SCRIPTS = {
    "mnist": "synthetic_experiment/run_mnist_3measurement.py",
    "compare": "synthetic_experiment/compare_methods.py",
    "choose": "synthetic_experiment/choose_model.py",
    "tune": "synthetic_experiment/tune_baselines.py",
    "diagnose": "synthetic_experiment/diagnose.py",
    "athlete": "real_world_experiment/run_athlete_3measurement.py",
    "celeb": "real_world_experiment/run_celeb_3measurement.py",
    "draw": "real_world_experiment/draw.py",
    "independence": "independence_testing/run_independence_tests.py",
}


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_subcommands_are_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    printed = capsys.readouterr().out
    for name, subcommand in SUBCOMMANDS.items():
        assert name in printed
        assert subcommand.phrase in printed


def test_the_list_does_not_import_the_library() -> None:
    code = "import sys; from personax.experiments.subcommands import main; main([]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert "torch" not in done.stdout.split()
    assert "personax.experiments.subcommands" in done.stdout.split()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_subcommand_is_the_main_of_its_script(name: str) -> None:
    subcommand = SUBCOMMANDS[name]
    module = import_module(f"personax.experiments.{subcommand.module}")
    assert getattr(module, subcommand.function) is load_main(SCRIPTS[name])


def test_every_script_has_a_subcommand() -> None:
    folders = ("synthetic_experiment", "real_world_experiment", "independence_testing")
    scripts = {f"{folder}/{path.name}" for folder in folders for path in (ROOT / folder).glob("*.py")}
    assert set(SCRIPTS.values()) == scripts
    assert set(SCRIPTS) == set(SUBCOMMANDS)


def test_the_help_of_a_subcommand_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(sys.argv)
    with pytest.raises(SystemExit, match="0"):
        main(["mnist", "--help"])
    printed = capsys.readouterr().out
    assert printed.startswith("usage: personax mnist")
    assert "--nuisance" in printed
    assert sys.argv == before


def test_options_reach_the_subcommand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mnist", "--n", "-5", "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("personax mnist: error: n -5")


def test_an_unknown_subcommand_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["minst", "--n", "5"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert "'minst'" in error
    assert "mnist" in error
