"""The text of a YAML or JSON document becomes values here, within limits, whoever wrote it.

A short text can make a parser work for hours or end a program: brackets in brackets, an alias that stands for
a list of aliases, a number of a million digits. Such a text is refused with one line. So is a text with a
surrogate, half of a character, which no file and no font can hold. No document can run code: YAML is read
with the safe tags only.
"""

import json
import re
from typing import Any, NoReturn

import yaml

from personax.runs.errors import InputError

MOST_LEVELS = 50  # of lists and mappings within each other
MOST_ALIASES = 20  # so that twenty words cannot stand for more than some thousands
MOST_DIGITS = 20  # of an integer: those of 64 bits have no more


class _Refused(ValueError):
    """What is wrong with a document, without the name of its file."""


class _BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe loader with limits on depth and aliases; an alias cannot stand for what it is part of."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.levels: list[str | None] = []  # the anchors of the nodes around the current one
        self.aliases = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            self.aliases += 1
            if event.anchor in self.levels:
                raise _Refused(f"the alias *{event.anchor} stands within itself; write its value out")
            if self.aliases > MOST_ALIASES:
                raise _Refused(f"more than {MOST_ALIASES} aliases (*{event.anchor}); write the values out")
        if len(self.levels) > MOST_LEVELS:
            raise _Refused(f"more than {MOST_LEVELS} levels of brackets or indentation")
        self.levels.append(None if isinstance(event, yaml.AliasEvent) else getattr(event, "anchor", None))
        try:
            return super().compose_node(parent, index)
        finally:
            self.levels.pop()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises _Refused for a name that is given twice, of which YAML would take the last."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise _Refused(f"line {line}: {key.value[:40]!r} is named twice; write it once")
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def parse_yaml(text: str, where: str) -> Any:
    """The value of a YAML document. `where`, the name of its file, begins the message of an InputError."""
    try:
        value = yaml.load(text, _BoundedLoader)
        _check_values(value)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{where}{line}: not valid YAML ({_reason(error)})") from error
    except (_Refused, ValueError, OverflowError, TypeError) as error:  # a date such as 2024-13-45, for one
        raise InputError(f"{where}: cannot be read as YAML ({_reason(error)})") from error
    return value


def refuse_beyond_limits(text: str, where: str) -> None:
    """Raise InputError for a text that, read as YAML, is beyond the limits; any other text may pass."""
    try:
        _check_values(yaml.load(text, _BoundedLoader))
    except _Refused as error:
        raise InputError(f"{where}: {error}") from error
    except (yaml.YAMLError, ValueError, OverflowError, TypeError):
        pass


def parse_json(text: str, where: str) -> Any:
    """The value of a JSON document. `where`, the name of its file, begins the message of an InputError."""
    try:
        value = json.loads(text, parse_int=_bounded_int)
        if text.count("[") + text.count("{") > MOST_LEVELS or "\\u" in text:  # else all is well, and fast
            _check_values(value)
    except RecursionError as error:
        raise InputError(f"{where}: not valid JSON (more than {MOST_LEVELS} levels of brackets)") from error
    except ValueError as error:
        raise InputError(f"{where}: not valid JSON ({_reason(error)})") from error
    return value


def is_unicode(text: str) -> bool:
    """False for a text with a surrogate, which cannot be written to a file.

    >>> is_unicode("é"), is_unicode(chr(0xD800))
    (True, False)
    """
    return text.isascii() or not re.search("[\ud800-\udfff]", text)


def _reason(error: Exception) -> str:
    """The error in one line of at most 160 characters."""
    text = str(getattr(error, "problem", None) or error)
    return re.sub(r"\s+", " ", text).strip()[:160] or type(error).__name__


def _bounded_int(digits: str) -> int:
    return int(digits) if len(digits) <= MOST_DIGITS else _refuse_digits(digits)


def _refuse_digits(digits: str) -> NoReturn:
    raise _Refused(f"an integer of {len(digits.lstrip('-'))} digits; at most {MOST_DIGITS}")


def _check_values(value: Any) -> None:
    """Raise _Refused for a value that is too deep, or that holds a huge integer or half of a character."""
    pending = [(value, 0)]
    while pending:
        item, level = pending.pop()
        if level > MOST_LEVELS:
            raise _Refused(f"more than {MOST_LEVELS} levels of brackets")
        if isinstance(item, dict):
            pending += [(key, level + 1) for key in item]
            pending += [(part, level + 1) for part in item.values()]
        elif isinstance(item, list | tuple | set):
            pending += [(part, level + 1) for part in item]
        elif isinstance(item, int) and abs(item) >= 10**MOST_DIGITS:
            _refuse_digits(str(item))
        elif isinstance(item, str) and not is_unicode(item):
            raise _Refused("a surrogate, which is half of a character; write the text in UTF-8")
