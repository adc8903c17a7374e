"""Turn a command line into a dataclass, and an error into one line and exit code 2.

The fields of a dataclass, with a docstring under each, are the options of a command, both as flags and in
YAML files.
"""

import logging
import re
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from jsonargparse import ArgumentParser, DefaultHelpFormatter, set_parsing_settings

from personax.runs.errors import InputError, PersonaxError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130

set_parsing_settings(docstring_parse_attribute_docstrings=True)


class _HelpFormatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """Keeps the lines of a description as they are, because each of its examples is on a separate line."""


class _OneLineParser(ArgumentParser):
    """A parser that raises InputError with one line, and does not print its usage."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # noqa: ARG002
        text = re.sub(r"\s+", " ", message).strip()
        raise InputError(f"{text} (see --help)")


def _underscored(word: str) -> str:
    """`--data-dir=a-b` becomes `--data_dir=a-b`, so that both spellings of an option work."""
    option, equals, value = word.partition("=")
    return f"--{option[2:].replace('-', '_')}{equals}{value}" if word.startswith("--") else word


def _spell_out_switches(argv: Sequence[str], switches: set[str]) -> list[str]:
    """`--resume` alone becomes `--resume true`; `--resume false` stays as it is."""
    spelled: list[str] = []
    for position, word in enumerate(map(_underscored, argv)):
        spelled.append(word)
        following = argv[position + 1].lower() if position + 1 < len(argv) else ""
        if word in switches and following not in ("true", "false"):
            spelled.append("true")
    return spelled


def parse_seeds(text: str) -> list[int]:
    """Turn a text such as `0,1,2` or `0-9` into a list of seeds. Raises InputError for any other text.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise InputError(f"seeds {text!r}: {part!r} is not a seed or range; write 0,1,2 or 0-9")
        first, last = int(match[1]), int(match[2] or match[1])
        seeds.extend(range(first, last + 1))
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"seeds {text!r}: empty or repeated; write each seed once, as 0,1,2 or 0-9")
    return seeds


def parse(
    config_class: type[Options],
    argv: Sequence[str] | None = None,
    *,
    description: str = "",
    epilog: str = "",
    positional: tuple[str, str] | None = None,
) -> Options:
    """Read the options of a command from flags and YAML files.

    A flag overrides the file of `--config file.yaml`, and the file overrides the default.
    `--print_config` prints all options as YAML and stops.

    Args:
        config_class: dataclass with a docstring under each field; one field is one option.
        argv: words of the command line; those of this process if left out.
        description: first part of the text of `--help`.
        epilog: last part of that text.
        positional: name and help text of a field of type `list[str]`, which gets the words without a flag.

    Raises:
        InputError: an option is unknown, in the file or on the command line, or a value has a wrong type.
    """
    parser = _OneLineParser(description=description, epilog=epilog, formatter_class=_HelpFormatter)
    parser.add_argument("--config", action="config", help="YAML file with any of the options below")
    if positional:
        field_name, text = positional
        parser.add_argument("words", metavar=field_name.upper(), nargs="*", type=str, default=[], help=text)
    parser.add_class_arguments(config_class, as_group=False)
    switches = {f"--{field.name}" for field in fields(config_class) if field.type in (bool, "bool")}
    parsed = parser.parse_args(_spell_out_switches(sys.argv[1:] if argv is None else argv, switches))
    values = parser.instantiate(parsed).as_dict()
    values.pop("config", None)
    if positional:
        words = values.pop("words")
        values[field_name] = words or values[field_name]
    values = {key: value for key, value in values.items() if not key.startswith("__")}
    return config_class(**values)


def run_command(
    config_class: type[Options],
    body: Callable[[Options], Any],
    argv: Sequence[str] | None = None,
    *,
    description: str = "",
    epilog: str = "",
    positional: tuple[str, str] | None = None,
) -> int:
    """Read the options as `parse` does, call `body` with them, and return the exit code of the process.

    The exit code is 0 for success, 2 for bad input (with one line on standard error) and 130 for an
    interruption. Any other exception is a mistake in this project, and keeps its traceback.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.INFO)
    logging.getLogger("personax").setLevel(logging.DEBUG)  # the details only go to run.log
    for name in ("httpx", "huggingface_hub", "matplotlib", "fontTools"):
        logging.getLogger(name).setLevel(logging.WARNING)
    program = Path(sys.argv[0]).name
    try:
        body(parse(config_class, argv, description=description, epilog=epilog, positional=positional))
    except PersonaxError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print(f"{program}: interrupted; what was saved can be continued with --resume", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0
