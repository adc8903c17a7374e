"""Which values an option may have: written into its type, where the option is declared.

    epochs: Positive = 30
    size: Annotated[int, Between(8, 28)] = 14

`check_bounds` compares a configuration with its types. Every command does it before it makes anything, and so
does every estimator before its fit. What depends on more than one option is checked by the command.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from personax.runs.documents import is_unicode
from personax.runs.errors import InputError

FAR = 1e9  # bounds of counts, far above any use; messages only tell the lower one
MOST_PROCESSES = 1024
LONGEST_NAME = 255  # bytes of a file's name, on every common file system
LONGEST_PATH = 4096  # bytes of a path


@dataclass(frozen=True)
class Between:
    """A number from `least` to `most`, without `least` itself if it is `above`. NaN is never in it."""

    least: float
    most: float
    above: bool = False

    def fault(self, value: Any) -> str:
        """What would be right, if the number is outside."""
        if (value > self.least if self.above else value >= self.least) and value <= self.most:
            return ""
        if self.most >= FAR and not value > self.most:
            return f"must be {'above' if self.above else 'at least'} {self.least:g}"
        between = f"above {self.least:g} and at most" if self.above else f"from {self.least:g} to"
        return f"must be {between} {self.most:,.10g}"


@dataclass(frozen=True)
class Inside:
    """A number between `least` and `most`, both excluded."""

    least: float
    most: float

    def fault(self, value: Any) -> str:
        """What would be right, if the number is outside."""
        if self.least < value < self.most:
            return ""
        return f"must be between {self.least:g} and {self.most:g}, both excluded"


@dataclass(frozen=True)
class OneOrMore:
    """A number of processes from 1 to `most`, or -1: one for each core."""

    most: int

    def fault(self, value: Any) -> str:
        """What would be right, if it is another number."""
        if value == -1 or 1 <= value <= self.most:
            return ""
        return f"must be from 1 to {self.most:,}, or -1 for one per core"


@dataclass(frozen=True)
class PlaceOfFile:
    """The name of a file or folder that a file system can have; whether it exists is not asked."""

    def fault(self, value: Any) -> str:
        """What is wrong with the name."""
        text = str(value)
        if not text.strip():
            return "is empty; name a file or folder (. is the current folder), or leave the option out"
        if "\0" in text or not is_unicode(text):
            return "is no name that a file can have"
        encoded = [part.encode() for part in Path(text).parts]
        if any(len(part) > LONGEST_NAME for part in encoded) or len(text.encode()) > LONGEST_PATH:
            return f"a name has at most {LONGEST_NAME} bytes, and a path {LONGEST_PATH}"
        try:
            Path(text).expanduser()
        except RuntimeError:
            return "names the home folder of a person who is not known here"
        return ""


@dataclass(frozen=True)
class BelowResults:
    """The name of a folder that is made within another one: no way out of it."""

    def fault(self, value: Any) -> str:
        """What would be right, if the name leads elsewhere."""
        path = Path(str(value))
        if path.is_absolute() or ".." in path.parts:
            return "must be a name, not a place; --output says where results go"
        return ""


Natural = Annotated[int, Between(0, FAR)]
Positive = Annotated[int, Between(1, FAR)]
Seed = Annotated[int, Between(0, 2**32 - 1)]  # what every library's generator takes
Width = Annotated[int, Between(1, 100_000)]  # of a layer of a network, or of an embedding
SideBySide = Annotated[int, Between(1, 10_000)]  # of small models that are trained side by side
Dimensions = Annotated[int, Between(0, 10_000)]  # of latents and noise
Processes = Annotated[int, OneOrMore(MOST_PROCESSES)]
BatchSize = Annotated[int, Between(2, FAR)]  # contrastive terms compare each row with another
Share = Annotated[float, Between(0, 1)]
Level = Annotated[float, Inside(0, 1)]  # of a test, or a false discovery rate
Weight = Annotated[float, Between(0, 1e9)]  # of a term of an objective
Spread = Annotated[float, Between(1e-6, 1e6)]  # a standard deviation or a temperature
Rate = Annotated[float, Between(0, 10, above=True)]  # a learning rate
FilePath = Annotated[str, PlaceOfFile()]
RunName = Annotated[str, PlaceOfFile(), BelowResults()]  # of a folder below results/


def check_bounds(config: object, prefix: str = "") -> None:
    """Raise InputError for the first value of a configuration that its type does not allow.

    Args:
        config: a dataclass. Its dataclasses are checked too.
        prefix: what stands before the names of its options on the command line, such as "model.".
    """
    assert is_dataclass(config)
    assert not isinstance(config, type)
    hints = get_type_hints(type(config), include_extras=True)
    for option in fields(config):
        value = getattr(config, option.name)
        if value != "" or option.default != "":  # a path whose default is "" may be left out
            _check_value(value, hints[option.name], f"{prefix}{option.name}")


def _check_value(value: Any, hint: Any, name: str) -> None:
    """Compare a value with a type: plain, with bounds, a union, a mapping, a list or a dataclass."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return
    if origin is Annotated:
        _check_value(value, inner[0], name)
        for bound in inner[1:]:
            if fault := bound.fault(value):
                raise InputError(f"{name} {_shown(value)}: {fault}")
    elif origin in (Union, types.UnionType):
        if value is not None or type(None) not in inner:
            known = [option for option in inner if option is not type(None)]
            _check_value(value, known[0], name)
    elif origin is Literal:
        _must_be(value in inner, value, f"one of {', '.join(map(str, inner))}", name)
    elif origin in (dict, list):
        _must_be(isinstance(value, Mapping if origin is dict else list), value, f"a {origin.__name__}", name)
        entries = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
        for key, item in entries:
            _check_value(item, inner[-1], f"{name}.{key}")
    elif is_dataclass(hint):
        _must_be(isinstance(value, hint), value, "a group of options", name)  # type: ignore[arg-type]
        check_bounds(value, f"{name}.")
    else:
        _require_plain(value, hint, name)


def _require_plain(value: Any, kind: type, name: str) -> None:
    """Raise InputError unless a value is of the type; True is no number, and 1 is a real number."""
    words = {int: "an integer", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
    right = isinstance(value, int | float if kind is float else kind)
    right = right and (kind is bool or not isinstance(value, bool))
    _must_be(right, value, words.get(kind, kind.__name__), name)
    if isinstance(value, str):
        _must_be("\0" not in value and is_unicode(value), value, "a text of whole characters", name)


def _must_be(right: bool, value: Any, what: str, name: str) -> None:
    if not right:
        raise InputError(f"{name} {_shown(value)}: must be {what}")


def _shown(value: Any) -> str:
    """A value as a message shows it: null as in YAML, and not longer than 60 characters."""
    text = repr(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
    text = "null" if value is None else text
    return text if len(text) <= 60 else f"{text[:59]}…"
