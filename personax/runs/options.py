"""Mark the options that say where or how a command runs and do not change its result.

A run is identified by the options that change its result. An option such as `--output` or `--jobs` does not
change the result, so it may have another value when a run is resumed. It is marked in its declaration:

    output: str | None = where_or_how(None)
"""

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Any, TypeVar

Default = TypeVar("Default")

_MARK = "where_or_how"


def where_or_how(default: Default) -> Default:
    """A dataclass field with this default, marked as an option that does not change the result of a run."""
    option: Default = field(default=default, metadata={_MARK: True})
    return option


def identity_of(config: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the options that change the result of a run. They identify the run.

    Args:
        config: a dataclass or an object of a dataclass, with marked fields (`where_or_how`).
        values: option -> value, as in config.yaml.
    """
    assert is_dataclass(config)
    aside = {option.name for option in fields(config) if option.metadata.get(_MARK)}
    return {name: value for name, value in values.items() if name not in aside}
