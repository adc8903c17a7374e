"""Names and keys are taken out of texts, however they are written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from personax.traits.privacy import contains_name, in_one_line, without_keys, without_name


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Mira Ostelquist leads.", "Mira Ostelquist", "[name] leads."),
        ("MIRA and Ostelquist's crew", "Mira Ostelquist", "[name] and [name]'s crew"),
        ("Bjorn met björn", "Björn Berg", "[name] met [name]"),
        ("Bjo\u0308rn swims", "Björn Berg", "[name] swims"),
        ("van Dyk sails to the van", "Jan van Dyk", "van [name] sails to the van"),
        ("Jan van Dyk sails", "Jan van Dyk", "[name] sails"),
        ("Li is calm; a li is a distance", "Ana Li", "[name] is calm; a li is a distance"),
        ("Analysis of Banana", "Ana Li", "Analysis of Banana"),
        ("J. R. smiles", "J. R. Vance", "J. R. smiles"),
        ("Anne-Marie", "Anne Marie Vance", "[name]"),
        ("nobody here", "Mira Ostelquist", "nobody here"),
        ("Ostelquists boat; the Bergs", "Mira Ostelquist-Berg", "[name]s boat; the [name]s"),
        ("mira_ostelquist@x #MiraOstelquist Ostelquist7", "Mira Ostelquist", "[name]@x #[name]7"),
        ("Mira and Ostelquist", "mira ostelquist", "[name] and [name]"),
        ("王小明是水手", "王小明", "[name]是水手"),
        ("王 小明是水手", "王小明", "王 小明是水手"),
        ("王小明是水手", "王 小明", "[name]是水手"),
    ],
)
def test_names_are_replaced(text: str, name: str, expected: str) -> None:
    assert without_name(text, name) == expected


def test_names_in_escaped_json_are_replaced_and_the_json_stays_valid() -> None:
    escaped = json.dumps({"description": 'Björn said "no"\n'})
    assert "\\u00f6" in escaped
    assert json.loads(without_name(escaped, "Björn Berg")) == {"description": '[name] said "no"\n'}


@given(st.text(max_size=60), st.from_regex(r"[A-ZÄÖÜÉ][a-zäöüéß]{2,8} [A-ZŁØ][a-złø]{2,8}", fullmatch=True))
def test_no_name_survives_in_any_text(around: str, name: str) -> None:
    cleaned = without_name(f"{around} {name} {around} {name.upper()}", name)
    assert not contains_name(cleaned, name)
    assert name.split()[0] not in cleaned.split()


def test_keys_are_replaced_and_empty_ones_change_nothing() -> None:
    assert without_keys("key sk-1 refused", ["sk-1", ""]) == "key [key] refused"


def test_a_long_text_becomes_one_short_line() -> None:
    assert in_one_line("a\n b", 3) == "a b"
    assert in_one_line("abcdef", 4) == "abc…"
