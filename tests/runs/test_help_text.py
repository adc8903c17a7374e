"""What a command says of itself and of wrong options: short, whole, and without names of Python."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from personax.runs.bounds import Positive
from personax.runs.command_line import EXIT_BAD_INPUT, run_command
from personax.runs.help_text import option_names, usual_options


@dataclass
class Steps:
    """Nested options."""

    epochs: int = 3
    """Passes."""
    rate: float = 0.1
    """Rate."""


@dataclass
class Nested:
    """Options with nested ones."""

    scm: Literal["one", "two"] = "one"
    """Which model. It is drawn."""
    n: Positive | None = None
    """Rows."""
    other: Literal["one", "two", "three"] | None = None
    """Another model."""
    table: Path | None = None
    """A table."""
    quick: bool = False
    """Be quick."""
    model: Steps = field(default_factory=Steps)
    """The model."""


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The line that a command prints of these words."""
    assert run_command(Nested, lambda options: None, words) == EXIT_BAD_INPUT
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    for word in ("Parser key", "typing", "Literal", "Union", "<class"):
        assert word not in line
    return line.partition("error: ")[2]


def test_options_of_nested_configurations_have_dots() -> None:
    assert option_names(Nested)[-3:] == ["model", "model.epochs", "model.rate"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "3"], "--epochs: no such option; did you mean --model.epochs?"),
        (["--model.epoch", "3"], "no such option; did you mean --model.epochs?"),
        (["--tabel", "x"], "--tabel: no such option; did you mean --table?"),
        (["three", "four"], "three four: belongs to no option"),
        (["--zzz", "x"], "--zzz: no such option (see --help)"),
        (["--scm", "three"], "scm: expected one or two, not three"),
        (["--model.epochs", "x"], "model.epochs: expected a whole number, not x"),
        (["--model.rate", "x"], "model.rate: expected a number, not x"),
        (["--n", "x"], "n: expected a whole number, not x (see --help)"),
        (["--n", "1e9"], "n: expected a whole number, not 1e9 (see --help)"),
        (["--other", "four"], "other: expected one, two or three, not four (see --help)"),
        (["--model", "null"], "model: 'null' is no file; give options of the group, as --model.NAME"),
        (["--quick=perhaps"], "quick: expected true or false, not perhaps"),
    ],
)
def test_wrong_options_are_told_in_plain_words(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in refused(capsys, *words)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: 3", "epochs: no such option; did you mean model.epochs?"),
        ("model: {epochz: 3}", "model.epochz: no such option; did you mean model.epochs?"),
        ("scm: three", "expected one or two, not three"),
    ],
)
def test_wrong_options_of_a_file_are_told_in_plain_words(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "options.yaml").write_text(text)
    assert message in refused(capsys, "--config", str(tmp_path / "options.yaml"))


def test_the_usual_options_show_choices_defaults_and_one_sentence() -> None:
    shown = usual_options(Nested, ["scm", "quick", "config"], {"config": "A file. Any."}).splitlines()
    assert [" ".join(line.split()) for line in shown] == [
        "--scm {one,two} Which model (one)",
        "--quick Be quick",
        "--config CONFIG A file",
    ]
