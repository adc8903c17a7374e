"""The console script: its list of subcommands, the functions that they call, and unknown ones."""

import ast
import re
import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from commands import load_main

from personax.experiments.subcommands import SUBCOMMANDS, main
from personax.runs.help_text import option_names
from personax.runs.run_folder import ROOT

SCRIPTS = {
    "mnist": "synthetic_experiment/run_mnist_3measurement.py",
    "compare": "synthetic_experiment/compare_methods.py",
    "choose": "synthetic_experiment/choose_model.py",
    "numerical": "synthetic_experiment/run_numerical.py",
    "light_tunnel": "synthetic_experiment/run_light_tunnel.py",
    "tune": "synthetic_experiment/tune_baselines.py",
    "diagnose": "synthetic_experiment/diagnose.py",
    "athlete": "real_world_experiment/run_athlete_3measurement.py",
    "celeb": "real_world_experiment/run_celeb_3measurement.py",
    "own_data": "real_world_experiment/run_own_data.py",
    "draw": "real_world_experiment/draw.py",
    "report": "real_world_experiment/report.py",
    "sensitivity": "real_world_experiment/sensitivity.py",
    "downstream": "real_world_experiment/downstream.py",
    "independence": "independence_testing/run_independence_tests.py",
    "extract_embeddings": "trait_inference/extract_embeddings.py",
    "obfuscate": "trait_inference/obfuscate.py",
    "obfuscation_study": "trait_inference/obfuscation_study.py",
    "infer_traits": "trait_inference/infer_traits.py",
    "consistency": "trait_inference/prompt_consistency.py",
    "choose_llm": "trait_inference/choose_llm.py",
    "prompt_effect": "trait_inference/prompt_effect.py",
}

# Commands for finished runs are in both folders of experiments.
ALSO = {
    "choose": "real_world_experiment/choose_model.py",
    "diagnose": "real_world_experiment/diagnose.py",
}


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_subcommands_are_listed(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    printed = capsys.readouterr().out
    for name, subcommand in SUBCOMMANDS.items():
        assert name in printed
        assert subcommand.phrase in printed


SLOW_TO_IMPORT = {"torch", "pandas", "sklearn", "scipy", "matplotlib", "causallearn", "hyppo", "networkx"}
SLOW_TO_IMPORT |= {"openai", "transformers", "sentence_transformers", "open_clip", "jinja2"}
ALL_HELP = """
import contextlib, sys
from personax.experiments.subcommands import SUBCOMMANDS, main
main([])
for name in SUBCOMMANDS:
    for words in (["--help"], ["--epochz", "3"]):
        with contextlib.suppress(SystemExit):
            main([name, *words])
print("imported:", *sys.modules)
"""


def test_help_and_wrong_options_are_answered_without_slow_imports() -> None:
    done = subprocess.run([sys.executable, "-c", ALL_HELP], cwd=ROOT, capture_output=True, text=True)
    imported = done.stdout.rpartition("imported:")[2].split()
    assert "personax.experiments.mnist.config" in imported
    assert SLOW_TO_IMPORT & set(imported) == set()


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_short_and_keeps_the_lines_of_its_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    printed = capsys.readouterr().out
    described = import_module(f"personax.experiments.{SUBCOMMANDS[name].module}").__doc__
    assert described
    assert described.strip() in printed
    assert "--help-all" in printed
    assert 4 < len(re.findall(r"^  --", printed, re.M)) <= 12
    assert "Literal" not in printed
    assert max(map(len, printed.splitlines())) <= 110


@pytest.mark.parametrize(("name", "script"), [*SCRIPTS.items(), *ALSO.items()])
def test_a_subcommand_is_the_main_of_its_script(
    name: str, script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_main(script)(["--no_such_option", "1"]) == 2
    of_script = capsys.readouterr().err.partition("error: ")[2]
    assert main([name, "--no_such_option", "1"]) == 2
    assert capsys.readouterr().err.partition("error: ")[2] == of_script


def test_a_python_without_the_packages_is_told_in_one_line() -> None:
    isolated = [sys.executable, "-I", "-S", str(ROOT / SCRIPTS["mnist"])]  # without site-packages
    done = subprocess.run(isolated, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert re.search(r"has no package '\w+'; (use|`make run`) ", done.stderr)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_option_has_a_relative_path_as_its_default(name: str) -> None:
    """It could not be told from one that was typed, which is relative to where the user stands."""
    assert [field.name for field in fields(configuration_of(name)) if "/" in str(field.default)] == []


def configuration_of(name: str) -> Any:
    """The class of a subcommand's options."""
    module = import_module(f"personax.experiments.{SUBCOMMANDS[name].module}")
    (config,) = (
        found
        for key, found in vars(module).items()
        if key.endswith("Config") and found.__module__ == module.__name__
    )
    return config


def folder_of_command(name: str) -> str:
    """The folder in personax/experiments/ that has the code of a subcommand."""
    return SUBCOMMANDS[name].module.partition(".")[0]


def test_the_table_of_commands_is_complete() -> None:
    page = (ROOT / "docs" / "reading_order.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\S+\.py)` \| `(\w+)` \| `(\w+)/` \|$", page, re.M)
    scripts = [*SCRIPTS.items(), *ALSO.items()]
    assert sorted(rows) == sorted((script, name, folder_of_command(name)) for name, script in scripts)


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("README.md", set(SUBCOMMANDS)),
        ("synthetic_experiment/README.md", {n for n, script in SCRIPTS.items() if "synthetic" in script}),
    ],
)
def test_a_page_that_lists_subcommands_lists_all(page: str, names: set[str]) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    listed = re.search(r"very script is also a subcommand of `personax`.*?\.(?=\s)", text, re.S)
    assert listed
    named = re.findall(r"`(?:personax )?(\w+)`", listed[0])
    assert sorted(named) == sorted({"personax", *names})


def test_every_script_has_a_subcommand() -> None:
    folders = ("synthetic_experiment", "real_world_experiment", "independence_testing", "trait_inference")
    scripts = {f"{folder}/{path.name}" for folder in folders for path in (ROOT / folder).glob("*.py")}
    assert {*SCRIPTS.values(), *ALSO.values()} == scripts
    assert set(SCRIPTS) == set(SUBCOMMANDS)


def test_the_help_of_a_subcommand_has_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    before = list(sys.argv)
    with pytest.raises(SystemExit, match="0"):
        main(["mnist", "--help"])
    printed = capsys.readouterr().out
    assert printed.startswith("usage: personax mnist")
    assert "--scm" in printed
    assert "--nuisance" not in printed
    assert sys.argv == before


def test_all_options_are_shown_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["mnist", "--help-all"])
    printed = capsys.readouterr().out
    assert "--nuisance" in printed
    assert "--model.phase2.sparsity" in printed
    assert "Literal[" not in printed


def test_options_reach_the_subcommand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mnist", "--n", "-5", "--output", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("personax mnist: error: n -5")


def test_an_unknown_subcommand_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["minst", "--n", "5"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert "'minst'" in error
    assert "mnist" in error


def flags_of_refusals(path: Path) -> set[str]:
    """The flags that the InputErrors of a module name."""
    raised = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)]
    texts = [node.value for each in raised for node in ast.walk(each) if isinstance(node, ast.Constant)]
    return {flag for text in texts if isinstance(text, str) for flag in re.findall(r"--([a-z_]+)", text)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_refusal_names_a_flag_that_the_command_lacks(name: str) -> None:
    folder = ROOT / "personax" / "experiments" / folder_of_command(name)
    named = set().union(*map(flags_of_refusals, folder.glob("*.py")))
    config = configuration_of(name)
    assert named <= {option.partition(".")[0] for option in option_names(config)}
