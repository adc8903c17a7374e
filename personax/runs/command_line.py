"""Turn a command line into a dataclass, and an error into one line and exit code 2.

The fields of a dataclass, with a docstring under each, are the options of a command, both as flags and in
YAML files.
"""

import logging
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, get_type_hints

import yaml
from jsonargparse import ArgumentParser, get_loader, set_loader, set_parsing_settings

from personax.runs.bounds import PlaceOfFile, check_bounds
from personax.runs.documents import refuse_beyond_limits
from personax.runs.errors import InputError, PersonaxError
from personax.runs.files import read_yaml
from personax.runs.help_text import WIDTH, WholeHelpFormatter, option_names, plain_message, usual_options
from personax.runs.interruption import terminated_as_interrupted
from personax.runs.process_group import help_leader, is_helper, leading_helpers
from personax.runs.processor import use_threads

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Options = TypeVar("Options", bound="DataclassInstance")

MOST_SEEDS = 10_000
LONGEST_MESSAGE = 600  # characters
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
CONFIG_HELP = "YAML file with any of the options; flags are stronger."

set_parsing_settings(docstring_parse_attribute_docstrings=True)


class _OneLineParser(ArgumentParser):
    """A parser that raises InputError with one line, and does not print its usage.

    Attributes:
        names: of all options, from which it suggests one for a wrong one.
    """

    names: Sequence[str] = ()

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # noqa: ARG002
        raise InputError(f"{plain_message(message, self.names)} (see --help)")


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


def _yaml_within_limits(text: str) -> Any:
    """What jsonargparse makes of a value or a file; a text that would never be read to its end is refused."""
    refuse_beyond_limits(text, f"option {text[:20]!r}...")
    return _yaml_of_jsonargparse(text)


_yaml_of_jsonargparse = get_loader("yaml")
set_loader("yaml", _yaml_within_limits, exceptions=(yaml.YAMLError,))


def _check_config_files(config_class: type[Options], words: Sequence[str]) -> None:
    """Raise InputError for a file of --config that is no YAML, or that has null for a group of options."""
    for position, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option != "--config":
            continue
        text = value if equals else "".join(words[position + 1 : position + 2])
        if fault := PlaceOfFile().fault(text):
            raise InputError(f"--config {text[:60]!r}: {fault}")
        if Path(text).is_file():
            refuse_null_groups(config_class, read_yaml(text), text)


def refuse_null_groups(config_class: Any, document: Any, where: str) -> None:
    """Raise InputError for a group of options that is null: jsonargparse would take its defaults."""
    if not isinstance(document, dict):
        raise InputError(f"{where}: must have lines such as 'seed: 1', one for an option")
    for name, hint in get_type_hints(config_class).items():
        if is_dataclass(hint) and name in document:
            if not isinstance(document[name], dict | str):  # a text is the name of another file
                raise InputError(f"{where}: {name} must be a group of options, or be left out")
            if isinstance(document[name], str):
                continue
            refuse_null_groups(hint, document[name], where)


def parse_seeds(text: str) -> list[int]:
    """Turn a text such as `0,1,2` or `0-9` into a list of seeds. Raises InputError for any other text.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds: list[int] = []
    for part in str(text).split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        if not match:
            raise InputError(f"seeds {text[:40]!r}: {part[:40]!r} is not a seed or range; write 0,1,2 or 0-9")
        ends = (match[1], match[2] or match[1])
        if max(map(len, ends)) > 10 or max(map(int, ends)) >= 2**32:
            raise InputError(f"seeds {text[:40]!r}: a seed is below 2^32")
        first, last = map(int, ends)
        if last - first >= MOST_SEEDS:
            raise InputError(f"seeds {text!r}: at most {MOST_SEEDS:,} seeds, one run for each")
        seeds.extend(range(first, last + 1))
    if not seeds or len(set(seeds)) != len(seeds):
        raise InputError(f"seeds {text!r}: empty or repeated; write each seed once, as 0,1,2 or 0-9")
    return seeds


@dataclass(frozen=True)
class Help:
    """What a command says of itself.

    Attributes:
        description: first part of its help, with examples, each on a line of its own.
        epilog: last part.
        positional: name and help text of a field of type `list[str]`, which gets the words without a flag.
        usual: the options that --help shows, separated by spaces; --help_all shows all. Empty: all.
    """

    description: str = ""
    epilog: str = ""
    positional: tuple[str, str] | None = None
    usual: str = ""


def parse(
    config_class: type[Options], argv: Sequence[str] | None = None, help_: Help | None = None
) -> Options:
    """Read the options of a command from flags and YAML files.

    A flag overrides the file of `--config file.yaml`, and the file overrides the default.
    `--print_config` prints all options as YAML and stops; so do `--help` and `--help_all` with their texts.

    Args:
        config_class: dataclass with a docstring under each field; one field is one option.
        argv: words of the command line; those of this process if left out.
        help_: what the command says of itself.

    Raises:
        InputError: an option is unknown, in the file or on the command line, or a value has a wrong type or
            is out of the bounds that its type has.
    """
    told = help_ or Help()
    switches = {f"--{field.name}" for field in fields(config_class) if field.type in (bool, "bool")}
    words = _spell_out_switches(sys.argv[1:] if argv is None else argv, switches)
    if told.usual and {"-h", "--help"} & set(words):
        print(_short_help(config_class, told))
        raise SystemExit(0)
    parser = _parser(config_class, told)
    _check_config_files(config_class, words)
    try:
        parsed = parser.parse_args(["--help" if word == "--help_all" else word for word in words])
        values = parser.instantiate(parsed).as_dict()
    except PersonaxError:
        raise
    except Exception as error:  # jsonargparse lets through what files and types raise
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the options cannot be read ({reason or type(error).__name__})") from error
    values.pop("config", None)
    if told.positional:
        given = values.pop("words")
        values[told.positional[0]] = given or values[told.positional[0]]
    config = config_class(**{key: value for key, value in values.items() if not key.startswith("__")})
    check_bounds(config)
    return config


def _parser(config_class: type["DataclassInstance"], told: Help) -> _OneLineParser:
    """The parser of a command's options."""
    parser = _OneLineParser(
        usage="%(prog)s [options]",
        allow_abbrev=False,
        description=told.description,
        epilog=told.epilog,
        formatter_class=WholeHelpFormatter,
    )
    parser.names = option_names(config_class)
    parser.add_argument("--config", action="config", help=CONFIG_HELP)
    if told.positional:
        name, text = told.positional
        parser.add_argument("words", metavar=name.upper(), nargs="*", type=str, default=[], help=text)
    parser.add_class_arguments(config_class, as_group=False)
    return parser


def _short_help(config_class: type["DataclassInstance"], told: Help) -> str:
    """The description and the options that most people need."""
    number = len(option_names(config_class))
    words = f" {told.positional[0].upper()}" if told.positional else ""
    positional = told.positional and f"  {told.positional[0].upper()}  {told.positional[1]}\n"
    usual = told.usual.split()
    return "\n".join(
        [
            f"usage: {Path(sys.argv[0]).name}{words} [options]\n",
            told.description.strip() + "\n",
            f"The usual options (--help-all explains all {number}):",
            (positional or "") + usual_options(config_class, usual, {"config": CONFIG_HELP}),
            *(["\n" + textwrap.fill(told.epilog, WIDTH)] if told.epilog else []),
        ]
    )


def _printed(message: str) -> str:
    """A message that stays one line on a screen, whatever text of a file it quotes."""
    shown = "".join(character if character.isprintable() else " " for character in message)
    return shown if len(shown) <= LONGEST_MESSAGE else f"{shown[: LONGEST_MESSAGE - 1]}…"


def run_command(
    config_class: type[Options],
    body: Callable[[Options], Any] | str,
    argv: Sequence[str] | None = None,
    *,
    description: str = "",
    epilog: str = "",
    positional: tuple[str, str] | None = None,
    usual: str = "",
) -> int:
    """Read the options as `parse` does, call `body` with them, and return the exit code of the process.

    The exit code is 0 for success, 2 for bad input (with one line on standard error) and 130 for an
    interruption (Ctrl-C or SIGTERM). Any other exception is a mistake in this project, and keeps its
    traceback.

    Args:
        config_class: as for `parse`.
        body: a function, or where it is, as `package.module:function`. That is imported once the options are
            right, so that --help and wrong options are answered at once.
        argv: as for `parse`.
        description, epilog, positional, usual: see `Help`.
    """
    _set_up_logging()
    use_threads()
    if is_helper():
        return help_leader()
    program = Path(sys.argv[0]).name
    try:
        with leading_helpers():
            config = parse(config_class, argv, Help(description, epilog, positional, usual))
            with terminated_as_interrupted():
                (_imported(body) if isinstance(body, str) else body)(config)
    except PersonaxError as error:
        print(f"{program}: error: {_printed(str(error))}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        hint = "; what was saved can be continued with --resume" if hasattr(config_class, "resume") else ""
        print(f"{program}: interrupted{hint}", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


def _imported(place: str) -> Callable[[Any], Any]:
    """The function at `package.module:function`."""
    module, _, name = place.partition(":")
    function: Callable[[Any], Any] = getattr(import_module(module), name)
    return function


def _set_up_logging() -> None:
    """Messages go to standard error; the details of this library only to run.log."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.INFO)
    logging.getLogger("personax").setLevel(logging.DEBUG)
    for name in ("httpx", "huggingface_hub", "matplotlib", "fontTools", "distributed", "submitit"):
        logging.getLogger(name).setLevel(logging.WARNING)
