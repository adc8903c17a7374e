"""Mark the options that do not identify a run: with others, a run can be resumed.

An option such as `--output` or `--jobs` does not
change the result, so it may have another value when a run is resumed. It is marked in its declaration:

    output: str | None = where_or_how(None)

The result depends on other options, and yet they may change when a run is resumed: how many variants are
made, or the path of a file whose checksum identifies the run. They are marked in another way:

    seeds: str = may_change("1,2")
"""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from textwrap import dedent
from typing import Any, TypeVar

Default = TypeVar("Default")
Configuration = TypeVar("Configuration", bound=type)

_MARK, _CHANGES = "where_or_how", "may_change"
FORMER_OPTIONS = frozenset({"ground_truth"})  # in config.yaml of earlier versions; they never had an effect


def where_or_how(default: Default) -> Default:
    """A dataclass field with this default, marked as an option that does not change the result of a run."""
    option: Default = field(default=default, metadata={_MARK: True})
    return option


def may_change(default: Default) -> Default:
    """A dataclass field with this default: the result depends on it, and yet a resumed run may change it."""
    option: Default = field(default=default, metadata={_CHANGES: True})
    return option


def identity_of(config: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the options that identify a run: with others, it cannot be continued.

    Args:
        config: a dataclass or an object of a dataclass, with marked fields (`where_or_how`, `may_change`).
        values: option -> value, as in config.yaml.
    """
    return _without_marked(config, values, (_MARK, _CHANGES))


def result_options(config: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the options that change the result of a run. Arguments are those of `identity_of`."""
    return _without_marked(config, values, (_MARK,))


def _without_marked(config: object, values: Mapping[str, Any], marks: tuple[str, ...]) -> dict[str, Any]:
    assert is_dataclass(config)
    aside = {option.name for option in fields(config) if any(map(option.metadata.get, marks))}
    return {name: value for name, value in values.items() if name not in aside | FORMER_OPTIONS}


def documented(config_class: Configuration) -> Configuration:
    """Append the texts under the fields of a dataclass to its docstring, so that `help` shows them.

    Python itself forgets these texts; the command line reads them from the source as well.
    """
    texts: dict[str, str] = {}
    for each in reversed(config_class.__mro__[:-1]):
        texts |= _texts_under_fields(each)
    lines = [f"    {name}: {' '.join(text.split())}" for name, text in texts.items()]
    config_class.__doc__ = "\n".join([inspect.cleandoc(config_class.__doc__ or ""), "", "Fields:", *lines])
    return config_class


def _texts_under_fields(config_class: type) -> dict[str, str]:
    """Field -> the text under it, for the fields that the class itself declares."""
    try:
        declared = ast.parse(dedent(inspect.getsource(config_class))).body[0]
    except (OSError, TypeError):  # no source is at hand, as in a frozen application
        return {}
    assert isinstance(declared, ast.ClassDef)
    return {
        ast.unparse(name.target): str(text.value.value)
        for name, text in zip(declared.body, declared.body[1:], strict=False)
        if isinstance(name, ast.AnnAssign)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }
