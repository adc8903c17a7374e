"""The question: templates that are filled in, the order of the levels, and templates that are refused."""

import shutil
from pathlib import Path

import pytest

from personax.runs.errors import InputError
from personax.traits.formats import FORMATS
from personax.traits.people_list import Person
from personax.traits.prompting import SHIPPED_PROMPTS, question, read_prompts, with_form

PERSON = Person("1", "Mira $Quill", {"description": "Costs $5.", "League": "NBA"})


def test_the_question_begins_as_that_of_the_paper_and_has_name_and_context() -> None:
    system, user = question(read_prompts(), PERSON, "number-l3-inc")
    assert system["role"] == "system"
    assert user["content"].startswith(
        "Analyze the Big Five behavior traits of the individual described below"
    )
    assert "Name: Mira $Quill\nDescription: Costs $5.\nLeague: NBA\n" in user["content"]


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("number-l3-inc", "1 (low), 2 (medium), 3 (high)"),
        ("number-l3-dec", "3 (high), 2 (medium), 1 (low)"),
        ("number-l5-inc", "1 (very low), 2 (low), 3 (medium), 4 (high), 5 (very high)"),
        ("number-l5-dec", "5 (very high), 4 (high), 3 (medium), 2 (low), 1 (very low)"),
        ("text-l3-inc", "low, medium, high"),
        ("text-l5-inc", "very low, low, medium, high, very high"),
    ],
)
def test_each_format_lists_its_levels_in_its_order(name: str, levels: str) -> None:
    assert f": {levels}." in question(read_prompts(), PERSON, name)[1]["content"]
    assert name in FORMATS


def test_the_form_is_described_only_where_it_is_not_enforced() -> None:
    prompts = read_prompts()
    messages = question(prompts, PERSON, "number-l3-inc")
    assert with_form(messages, prompts, "json_schema", {"type": "object"}) == messages
    as_json = with_form(messages, prompts, "json_object", {"type": "object"})
    assert as_json[-1]["content"].endswith('{"type": "object"}')
    assert "Openness: SCORE" in with_form(messages, prompts, "parsed", {})[-1]["content"]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED_PROMPTS, tmp_path / "own"))


def test_any_change_of_a_template_changes_the_hash(own: Path) -> None:
    before = read_prompts(own).sha256
    assert before == read_prompts().sha256
    (own / "text-l5-inc.txt").write_text("low to high")
    assert read_prompts(own).sha256 != before


@pytest.mark.parametrize(
    ("part", "text", "said"),
    [
        ("person", "Describe $name.", r"person.txt: must have \$name, \$context, \$levels"),
        ("parsed", "Give $5", r"parsed.txt: must have no \$ at all"),
        ("json_object", "JSON please", r"must have \$schema"),
        ("text-l3-inc", None, "text-l3-inc.txt: cannot be read"),
    ],
)
def test_templates_that_cannot_be_filled_in_are_refused(
    own: Path, part: str, text: str | None, said: str
) -> None:
    path = own / f"{part}.txt"
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_prompts(own)
