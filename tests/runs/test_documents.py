"""YAML and JSON are read within limits, and no text ends in anything but a value or one line."""

from collections.abc import Callable
from typing import Any

import pytest

from personax.runs.documents import is_unicode, parse_json, parse_yaml, refuse_beyond_limits
from personax.runs.errors import InputError

DEEP = "[" * 100_000 + "]" * 100_000
BOMB = "a: &a [1, 1]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
BEYOND = {
    "levels": DEEP,
    "aliases": BOMB,
    "within itself": "&a [*a]",
    "mapping within itself": "a: &a {b: *a}",
    "digits": "9" * 400,
    "many digits": "9" * 5000,
    "surrogate": '{"a": "\\ud800"}',
    "twice": "a:\n  seed: 1\n  n: 2\n  seed: 3\n",
}  # fmt: skip


LIMITS = {
    "levels": "more than 50 levels",
    "aliases": "more than 20 aliases",
    "within itself": "the alias \\*a stands within itself",
    "mapping within itself": "the alias \\*a stands within itself",
    "digits": "an integer of 400 digits",
    "many digits": "Exceeds the limit",  # Python's own
    "surrogate": "a surrogate",
    "twice": "line 4: 'seed' is named twice",
}  # fmt: skip


@pytest.mark.parametrize("name", BEYOND)
def test_yaml_beyond_the_limits_is_refused_by_its_limit(name: str) -> None:
    """So it is not read to its end, for which a bomb of aliases would need hours."""
    with pytest.raises(
        InputError, match=rf"^f\.yaml: cannot be read as YAML \({LIMITS[name]}.*\)$"
    ) as refused:
        parse_yaml(BEYOND[name], "f.yaml")
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize("name", ["levels", "digits", "many digits", "surrogate"])
def test_json_beyond_the_limits_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^f\.json: not valid JSON \(.+\)$") as refused:
        parse_json(BEYOND[name], "f.json")
    assert len(str(refused.value)) < 250


@pytest.mark.parametrize(
    "text", ["a: [1", "a: \0", "2024-13-45", "? [1]\n: 2", "!!python/object/apply:os.getcwd []", "!!map 3"]
)
def test_text_that_is_no_yaml_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match=r"^f\.yaml.* YAML \([^\n]+\)$"):
        parse_yaml(text, "f.yaml")


@pytest.mark.parametrize("parse", [parse_yaml, parse_json])
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, {"b": [2.5, null, true]}]}', {"a": [1, {"b": [2.5, None, True]}]}),
        ("[" * 40 + "]" * 40, None),
        (str(2**64 - 1), 2**64 - 1),
        ('"é"', "é"),
    ],
)
def test_what_is_within_the_limits_is_read(parse: Callable[[str, str], Any], text: str, value: Any) -> None:
    found = parse(text, "f")
    assert value is None or found == value


def test_an_alias_stands_for_its_value() -> None:
    assert parse_yaml("a: &x [1]\nb: *x\nc: *x", "f") == {"a": [1], "b": [1], "c": [1]}


def test_a_value_of_an_option_may_be_no_yaml_but_not_beyond_the_limits() -> None:
    for text in ("a: b: c", "2024-13-45", "[1", "plain"):
        refuse_beyond_limits(text, "option")
    for text in (DEEP, BOMB, "&a [*a]"):
        with pytest.raises(InputError, match=r"^option: "):
            refuse_beyond_limits(text, "option")


def test_a_surrogate_is_no_character() -> None:
    assert [is_unicode(text) for text in ("a", "é", "\U0001f600", "\ud800", "a\udcff")] == [True] * 3 + [
        False
    ] * 2


def test_a_name_of_a_merged_group_may_be_replaced() -> None:
    text = "a: &a {seed: 1, n: 2}\nb: {<<: *a, seed: 3}"
    assert parse_yaml(text, "f.yaml") == {"a": {"seed": 1, "n": 2}, "b": {"seed": 3, "n": 2}}
