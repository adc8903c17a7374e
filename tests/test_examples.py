"""What the pages print can be pasted: Python runs, commands run."""

import ast
import os
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
import pytest
from commands import Main, load_main, run_script
from small_runs import FEW_LATENTS, hasty_order_search

from personax.experiments.diagnostics import observations
from personax.experiments.own_data.example import write_example
from personax.experiments.subcommands import main_of
from personax.runs import run_folder
from personax.runs.run_folder import ROOT
from personax.tables import simulate_table, write_table


@pytest.mark.slow
def test_the_blocks_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the tutorials run whenever the site is built (make docs)."""
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S)
    assert len(blocks) > 2
    for number, block in enumerate(blocks, 1):
        names: dict[str, object] = {"__name__": "page"}  # each can be pasted without those before it
        exec(compile(block, f"README.md, block {number}", "exec"), names)


def test_what_pages_import_is_in_the_reference() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    used = set(re.findall(r"^(?:from|import) (personax[\w.]*)", text, re.M))
    described = set(re.findall(r"^::: (personax[\w.]*)", text, re.M))
    front = {"personax.crl"}  # its classes are in crl.estimator and crl.model_config
    assert len(used) > 10
    assert used - described == front


PLACES = ("README.md", "docs/**/*.md", "*/README.md", "CONTRIBUTING.md", "configs/*.yaml")
CALL = re.compile(r"\s*(?:\S*python\S*\s+)?[\w/]+\.py\s+[\w/*-]+")
SUBCOMMAND = re.compile(r"\s*(?:[A-Z]+=\S+\s+)?personax\s+\w+\s+[\w/*-]+")


def commands_of(text: str, suffix: str) -> set[str]:
    """What the blocks, and the code within sentences, call with words behind it: scripts and subcommands."""
    if suffix == ".yaml":
        found = re.findall(r"^#\s+(python .*)$", text, re.M)
    else:
        text = text.replace("\\\n", " ")  # a command on several lines
        blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.M | re.S)
        lines = [line for block in blocks for line in block.splitlines() if is_whole(line)]
        plain = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
        found = [*lines, *re.findall(r"^    (personax .*)$", plain, re.M), *re.findall(r"`([^`\n]+)`", plain)]
    called = {line.strip() for line in found if CALL.match(line) or SUBCOMMAND.match(line)}
    return {line for line in called if "import" not in line}


def is_whole(line: str) -> bool:
    """Whether a line says where its script is; a subcommand needs no folder."""
    return "/" in line.partition(".py")[0] or SUBCOMMAND.match(line) is not None


COMMANDS = sorted(
    {
        command
        for place in PLACES
        for path in ROOT.glob(place)
        for command in commands_of(path.read_text(encoding="utf-8"), path.suffix)
    }
)


def test_the_pages_have_commands() -> None:
    assert len(COMMANDS) > 30
    assert sum(command.startswith("personax ") for command in COMMANDS) > 12


def test_commands_are_found_in_blocks_and_sentences() -> None:
    page = """```
personax draw RUN --beside \\
  pc
```

    personax mnist --seed 1   # one

`personax report a`, and `personax mnist`
"""
    whole = {"personax draw RUN --beside    pc", "personax mnist --seed 1   # one", "personax report a"}
    assert commands_of(page, ".md") == whole


class WorkBegins(Exception):
    """A command has read and checked its options and its folder, and would begin what takes long."""


# Where each command's long work begins. Until there everything is done as the command is printed.
DOORS = (
    "personax.experiments.independence.command.count_and_test",
    "personax.experiments.mnist.command.run_all",
    "personax.experiments.comparison.command.run_and_report",
    "personax.experiments.light_tunnel.command.run_and_report",
    "personax.experiments.numerical.command.run_and_report",
    "personax.experiments.selection.command.run_cells",
    "personax.experiments.selection.run.read_run",
    "personax.experiments.tuning.command.run_trials",
    "personax.experiments.diagnostics.command.read_run",
    "personax.experiments.people.command.run_every_seed",
    "personax.experiments.own_data.command.run_own_seeds",
    "personax.experiments.independence.command.load_people",
    "personax.experiments.independence.command.propose_file",
    "personax.experiments.graph.run.read_runs",
    "personax.experiments.html_report.command.read_records",
    "personax.experiments.sensitivity.command.read_people_run",
    "personax.experiments.downstream.command.read_people_run",
    "personax.experiments.trait_inference.command.read_models",
    "personax.experiments.trait_inference.command.prepare_inference",
    "personax.experiments.embedding_extraction.command.read_cells",
    "personax.experiments.obfuscation.command.obfuscate",
    "personax.experiments.obfuscation_study.command.read_attacked",
    "personax.experiments.prompt_consistency.command.load_answer_set",
    "personax.experiments.llm_choice.command.load_answer_set",
    "personax.experiments.prompt_effect.command.load_both",
)
OF_READERS = ("mypackage/models.py", "my_methods.py")  # what readers write themselves
BENCHMARKS = "benchmarks/"  # of these only the options are read


def main_called(command: str) -> tuple[Main, list[str], list[str]]:
    """Main function, options, and sys.argv of a command of a page: a script or a subcommand."""
    program, called, *words = shlex.split(command.removeprefix("PYTHONPATH=. "), comments=True)
    if program == "personax":
        return main_of(called), words, [f"personax {called}", *words]
    assert program == "python"
    return load_main(called), words, [called, *words]


def begin_work(*args: object, **options: object) -> None:
    raise WorkBegins


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_a_page_is_right_up_to_its_long_work(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands, with its own sizes; those in SMALL_COMMANDS also run to their end with others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    for module in OF_READERS:
        (tmp_path / module).parent.mkdir(exist_ok=True)
        (tmp_path / module).write_text(
            "from personax.baselines.mcl import MCL as MyMethod\nPooledICA = MyMethod\n"
        )
    monkeypatch.syspath_prepend(tmp_path)
    main, words, sys_argv = main_called(command)
    monkeypatch.setattr(sys, "argv", sys_argv)
    if sys_argv[0].startswith(BENCHMARKS) or words == ["--help"]:
        with pytest.raises(SystemExit, match="0"):
            main(words if words == ["--help"] else [*words, "--print_config"])
        return
    for door in DOORS:
        monkeypatch.setattr(door, begin_work)
    monkeypatch.setattr(run_folder, "ROOT", tmp_path)
    sbatch = tmp_path / "programs" / "sbatch"  # as on a machine of a cluster
    sbatch.parent.mkdir()
    sbatch.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(sbatch.parent), prepend=os.pathsep)
    with pytest.raises(WorkBegins):
        main(words)
    assert not capsys.readouterr().err


EXAMPLES = sorted(
    {
        line.strip()
        for path in (ROOT / "personax" / "experiments").glob("*/config.py")
        for line in (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()
        if re.match(r"\s*\w+\.py( |$)", line)
    }
)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_a_help_is_understood(
    example: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    script, *words = shlex.split(re.split(r"\s{2,}", example)[0])
    path = min(ROOT.glob(f"*/{script}"))  # some are in both folders of experiments, and alike
    with pytest.raises(SystemExit, match="0"):
        load_main(path)([*words, "--print_config"])
    assert not capsys.readouterr().err


def test_the_quick_start_of_make_says_how_to_go_on() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\nrun:")[2].partition("\n\n")[0]
    said = re.findall(r"@echo '(?:Next:)?\s*(.*)'", recipe)
    assert said[0] == "source $(BIN)/activate"
    for line in said[1:]:
        script = line.split()[1]
        assert (ROOT / script).exists()


SMALL = ("--device", "cpu", "--figures", "false")
TINY_MODEL = (
    *("--model.hidden", "8", "--model.phase1.epochs", "1", "--model.phase1.batch_size", "128"),
    *("--model.phase2.starts", "1", "--model.phase2.population", "2", "--model.phase2.generations", "1"),
    *("--model.phase2.generation_steps", "2", "--model.phase2.finalists", "1"),
    *("--model.phase2.final_steps", "2"),
)
FEW_PEOPLE = ("--n", "300", "--image_dim", "30", "--text_dim", "40")
ATHLETES = "real_world_experiment/run_athlete_3measurement.py --config configs/athlete_quick.yaml"
FEW_SCENES = ("--source", "digits", "--n", "200")
# Commands of the pages, in an order in which each finds what it reads -> words that make them small and say
# where the results go. Later words count.
SMALL_COMMANDS: dict[str, tuple[str, ...]] = {
    "real_world_experiment/run_own_data.py --config configs/own_data_example.yaml": (
        *(*SMALL, *TINY_MODEL, "--output", "results/own_data/example/seed-0"),
    ),
    "real_world_experiment/draw.py results/own_data/example/seed-0": ("--output", "drawn"),
    "real_world_experiment/diagnose.py results/own_data/example/seed-0": ("--rows", "40"),
    "real_world_experiment/report.py results/own_data/example/seed-0": ("--figures", "false"),
    "real_world_experiment/choose_model.py --run results/own_data/example/seed-0": (
        *("--candidates", "fewer", "--seeds", "0,1", "--jobs", "1", "--device", "cpu", "--output", "sizes"),
    ),
    f"{ATHLETES} --source simulated": (*SMALL, *TINY_MODEL, *FEW_LATENTS, *FEW_PEOPLE, "--output", "athlete"),
    "synthetic_experiment/run_mnist_3measurement.py --config configs/mnist_quickstart.yaml": (
        *(
            *SMALL,
            *TINY_MODEL,
            *FEW_SCENES,
            "--ceiling_epochs",
            "1",
            "--output",
            "results/mnist/mnist/seed-0",
        ),
    ),
    "synthetic_experiment/choose_model.py --jobs 2": (
        *(*TINY_MODEL, *FEW_SCENES, "--candidates", "default", "--seeds", "0,1", "--jobs", "1"),
        *("--output", "choice"),
    ),
    "synthetic_experiment/compare_methods.py --seeds 0-9 --jobs 2": (
        *(*TINY_MODEL, *FEW_SCENES, "--parts", "methods", "--methods", "mcl", "--seeds", "0", "--jobs", "1"),
        *("--output", "comparison"),
    ),
    "independence_testing/run_independence_tests.py --table people.csv --columns auto": (),
    "independence_testing/run_independence_tests.py --table people.csv --columns people_columns.yaml": (
        *("--tests", "chi_square,hsic", "--output", "tests"),
    ),
}


@pytest.mark.slow
def test_commands_of_the_pages_run_at_small_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every script but those in `longer` once, as a page writes it, with words that make it small.

    The others take minutes to hours, or need files of yours: they run up to their long work (above).
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(observations, "EXCHANGES", 2)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    write_example(tmp_path / "data" / "example", n=240)
    write_table(simulate_table("athlete", n=200, embeddings=False), tmp_path / "people.parquet")
    pd.read_parquet(tmp_path / "people.parquet").to_csv(tmp_path / "people.csv", index=False)
    longer = {"tune_baselines.py", "run_celeb_3measurement.py"}  # they need more than ten seconds
    # these are run to their end by the tests of their commands
    longer |= {"sensitivity.py", "downstream.py", "run_numerical.py", "run_light_tunnel.py"}
    scripts = {path.name for path in ROOT.glob("*_*/*.py") if path.parent.name != "trait_inference"} - longer
    assert {Path(command.split()[0]).name for command in SMALL_COMMANDS} == scripts
    written = {" ".join(shlex.split(command, comments=True)[1:]) for command in COMMANDS}
    assert set(SMALL_COMMANDS) <= written
    with hasty_order_search():
        for command, more in SMALL_COMMANDS.items():
            script, *words = command.split()
            assert run_script(script, *words, *more) == 0, command
