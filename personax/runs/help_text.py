"""The help of a command, short or whole, and what its parser says of wrong options, in plain words."""

import re
import textwrap
from argparse import Action, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, get_args, get_origin, get_type_hints

from docstring_parser import parse_from_object
from jsonargparse import DefaultHelpFormatter

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

WIDTH, INDENT = 100, 24
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "pathlib.Path": "a path",
    "Path": "a path",
    "None": "null",
}


class WholeHelpFormatter(RawDescriptionHelpFormatter, DefaultHelpFormatter):
    """For --help-all: keeps the lines of a description as they are, and leaves out the types of Python."""

    def _expand_help(self, action: Action) -> str:
        text = str(super()._expand_help(action))
        return re.sub(r"\(type: .*?, default: ", "(default: ", text, flags=re.DOTALL)


def option_names(config_class: type["DataclassInstance"], prefix: str = "") -> list[str]:
    """The names of all options, those of nested dataclasses with dots: `model.phase1.epochs`."""
    names: list[str] = []
    for field in fields(config_class):
        names.append(prefix + field.name)
        kind = get_type_hints(config_class)[field.name]
        if is_dataclass(kind) and isinstance(kind, type):
            names += option_names(kind, f"{prefix}{field.name}.")
    return names


def usual_options(
    config_class: type["DataclassInstance"], usual: Sequence[str], extra: Mapping[str, str]
) -> str:
    """One paragraph for each of the usual options: its name, its values or its default, its first sentence.

    extra: further options that are no fields, name -> what they do.
    """
    texts = {name: text for name, (text, _) in described_options(config_class).items()} | dict(extra)
    defaults = {name: default for name, (_, default) in described_options(config_class).items()}
    heads = {name: f"  --{name}{_values(config_class, name)}" for name in usual}
    lines = []
    for name in usual:
        told = first_sentence(texts[name]) + (f" ({defaults[name]})" if defaults.get(name) else "")
        fits = len(heads[name]) < INDENT - 1
        lines += [] if fits else [heads[name]]
        start = heads[name].ljust(INDENT) if fits else " " * INDENT
        lines += textwrap.wrap(told, WIDTH, initial_indent=start, subsequent_indent=" " * INDENT)
    return "\n".join(lines)


def described_options(
    config_class: type["DataclassInstance"], prefix: str = ""
) -> dict[str, tuple[str, str]]:
    """Option -> what its docstring says, and its default as text, which is empty for none.

    Names of the options of nested dataclasses have dots, as in `option_names`.
    """
    texts: dict[str, str] = {}
    for base in reversed(config_class.__mro__):
        if is_dataclass(base):
            documented = parse_from_object(base).params
            texts |= {p.arg_name: " ".join((p.description or "").split()) for p in documented}
    defaults = {
        field.name: str(field.default) if isinstance(field.default, str | int | float) else ""
        for field in fields(config_class)
    }
    found = {
        prefix + name: (texts.get(name, ""), "" if text == "False" else text)
        for name, text in defaults.items()
    }
    for name, kind in get_type_hints(config_class).items():
        if is_dataclass(kind) and isinstance(kind, type):
            found |= described_options(kind, f"{prefix}{name}.")
    return found


def first_sentence(text: str) -> str:
    """The first sentence of a text, without its full stop.

    >>> first_sentence("Several seeds, as 0,1,2. One run for each.")
    'Several seeds, as 0,1,2'
    """
    return re.split(r"\.\s", text + " ", maxsplit=1)[0].strip()


def _values(config_class: type["DataclassInstance"], name: str) -> str:
    """What stands behind an option: its choices or its name in capitals, and nothing for a switch."""
    kind = get_type_hints(config_class).get(name)
    choices = [
        value for part in (kind, *get_args(kind)) if get_origin(part) is Literal for value in get_args(part)
    ]
    value = name.rpartition(".")[2].upper()
    return "" if kind is bool else f" {{{','.join(choices)}}}" if choices else f" {value}"


def plain_message(message: str, names: Sequence[str]) -> str:
    r"""What jsonargparse says of a wrong option in one line and without names of Python.

    >>> plain_message("unrecognized arguments: --epochs 3", ["model.phase1.epochs"])
    '--epochs: no such option; did you mean --model.phase1.epochs?'
    >>> plain_message('Parser key "n": Expected a <class \'int\'>. Got value: x', ["n"])
    'n: expected a whole number, not x'
    >>> plain_message("model: Unable to load config 'null' - model: Unable ...", ["model.hidden"])
    "model: 'null' is no file; give options of the group, as --model.NAME"
    """
    text = re.sub(r"\s+", " ", message).strip()
    if match := re.match(r"unrecognized arguments: --([\w.]+)", text, re.IGNORECASE):
        return f"--{match[1]}: no such option{_suggestion(match[1], names, '--')}"
    if match := re.match(r"unrecognized arguments: (.*)", text, re.IGNORECASE):
        return f"{match[1]}: belongs to no option; an option starts with --"
    if match := re.search(r"Group '([\w.]+)' does not accept option '([\w.]+)'", text):
        unknown = f"{match[1]}.{match[2]}"
        return f"{unknown}: no such option{_suggestion(unknown, names)}"
    if match := re.search(r"(?:Option|[Kk]ey) '([\w.]+)' is not accepted", text):
        return f"{match[1]}: no such option{_suggestion(match[1], names)}"
    text = re.sub(r"Parser key \"([^\"]*)\":", r"\1:", text)
    if match := re.match(r"([\w.]+): Unable to load config '([^']*)'", text):
        return f"{match[1]}: {match[2]!r} is no file; give options of the group, as --{match[1]}.NAME"
    text = re.sub(r"(?:typing\.)?Annotated\[(\w+), .*?\)\]", r"<class '\1'>", text)
    text = re.sub(r"(?:typing\.)?Literal\[(.*?)\]", lambda found: found[1].replace("'", ""), text)
    text = re.sub(r"<class '([\w.]+)'>", lambda found: _KINDS.get(found[1], found[1]), text)
    if match := re.search(r"Subtypes: \[(.*?)\] Errors: .*Given value: (.*)", text):
        kinds = ", ".join(_KINDS.get(kind, kind) for kind in match[1].split(", ") if kind != "NoneType")
        return f"{text.partition(':')[0]}: expected {_or(kinds)}, not {match[2]}"
    text = re.sub(
        r"Expected an? (.*?)\. Got value: (.*)", lambda m: f"expected {_or(m[1])}, not {m[2]}", text
    )
    return text.replace("typing.", "")


def _or(text: str) -> str:
    """`a, b, c` with "or" before the last one."""
    return re.sub(r", ([^,]*)$", r" or \1", text)


def _suggestion(unknown: str, names: Sequence[str], dashes: str = "") -> str:
    """`; did you mean ...?` with options of which the last part is this one or is spelled alike."""
    last = unknown.rpartition(".")[2]
    alike = [name for name in names if name.rpartition(".")[2] == last]
    alike = alike or get_close_matches(unknown, names, n=1, cutoff=0.7)
    ends = {name.rpartition(".")[2]: name for name in reversed(names)}
    alike = alike or [ends[end] for end in get_close_matches(last, list(ends), n=1, cutoff=0.7)]
    return f"; did you mean {' or '.join(dashes + name for name in alike[:2])}?" if alike else ""
