"""What the pages print can be pasted: Python runs block after block, commands are understood."""

import ast
import re
import shlex
import sys
from pathlib import Path

import pytest
from commands import load_main

from personax.runs.run_folder import ROOT

PAGES = ("README.md", "docs/tutorials/level_one.md", "docs/tutorials/level_two.md")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_of_a_page_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) > 2
    names: dict[str, object] = {"__name__": "page"}
    for number, block in enumerate(blocks, 1):
        exec(compile(block, f"{page}, block {number}", "exec"), names)


PLACES = ("README.md", "docs/**/*.md", "*/README.md", "CONTRIBUTING.md", "configs/*.yaml")
CALL = re.compile(r"\s*(?:\S*python\S*\s+)?[\w/]+\.py\s+[\w/*-]+")


def commands_of(text: str, suffix: str) -> set[str]:
    """The lines of command blocks, and the code within sentences, that call a script with words behind it."""
    if suffix == ".yaml":
        found = re.findall(r"^#\s+(python .*)$", text, re.M)
    else:
        blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
        lines = [line for block in blocks for line in block.splitlines() if "/" in line.partition(".py")[0]]
        found = [*lines, *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))]
    return {line for line in found if CALL.match(line) and "import" not in line}


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


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_on_a_page_is_understood_as_it_stands(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    program, script, *words = shlex.split(command, comments=True)
    assert program == "python"
    monkeypatch.setattr(sys, "argv", [script, *words])
    with pytest.raises(SystemExit, match="0"):
        load_main(script)([*words, "--print_config"])
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
