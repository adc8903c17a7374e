"""Lists of people: what is sent, what goes to the table, and lists that are refused with the row."""

from pathlib import Path

import pytest

from personax.runs.errors import InputError
from personax.runs.run_folder import ROOT
from personax.traits.people_list import read_people_list

HEAD = "id,name,description,League,Height\n"


def listed(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_context_goes_to_the_question_and_features_to_the_table(tmp_path: Path) -> None:
    path = listed(tmp_path, HEAD + "1,Mira Quill,A sailor.,NBA,190\n2,Tarvo Brem,,NHL,\n")
    people = read_people_list(path)
    assert people.people[0].context == {"description": "A sailor.", "League": "NBA"}
    assert people.people[1].context == {"League": "NHL"}
    assert list(people.features) == ["League", "Height"]
    assert people.features["Height"][0] == 190.0
    assert people.invented == (False, False)
    chosen = read_people_list(path, ["League"], n=1)
    assert [person.context for person in chosen.people] == [{"League": "NBA"}]


def test_a_name_within_a_feature_does_not_reach_the_table(tmp_path: Path) -> None:
    path = listed(tmp_path, HEAD + "1,Mira Quill,A sailor.,Team of Quill,190\n")
    assert read_people_list(path).features["League"][0] == "Team of [name]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "1,Mira Quill,A,NBA,1\n2,,A,NBA,1\n", "row 2: no name"),
        (HEAD + "1,Mira Quill,A,NBA,1\n2,Tarvo Brem,,,1\n", "row 2: id '2' has no context"),
        (HEAD + "1,Mira Quill,A,NBA,1\n1,Tarvo Brem,A,NBA,1\n", "row 2: id '1' is also that of row 1"),
        (HEAD + ",Mira Quill,A,NBA,1\n", "row 1: no id"),
        (HEAD + "Mira-Quill,Mira Quill,A,NBA,1\n", "row 1: the id holds the name"),
        (HEAD + "Mira Quill,Mira Quill,A,NBA,1\n" * 2, "row 1: the id holds the name"),
        ("id,description\n1,A\n", "no column 'name'"),
        ("name,description\nMira,A\n", "no column 'id'"),
        ("id,name,Height\n1,Mira,190\n", "--context"),
    ],
)
def test_incomplete_lists_are_refused_with_their_row(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refusal:
        read_people_list(listed(tmp_path, text))
    assert "Quill" not in str(refusal.value).partition("csv")[2]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", b"id,name,description\n1,Ada\n"),
        ("people.csv", "id,name,description\n1,Ada,Fußball\n".encode("latin-1")),
        ("people.txt", b"id,name,description\n1,Ada,x\n"),
    ],
)
def test_no_advice_names_an_option_that_the_command_does_not_have(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as refused:
        read_people_list(tmp_path / name)
    assert "--columns" not in str(refused.value)


def test_a_wrong_context_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'Club'"):
        read_people_list(listed(tmp_path, HEAD + "1,Mira Quill,A,NBA,1\n"), ["Club"])


def test_the_example_has_60_invented_people_with_three_sentences() -> None:
    people = read_people_list(ROOT / "data" / "example_people.csv")
    assert len(people.people) == 60
    assert all(people.invented)
    assert len({person.name for person in people.people}) == 60
    for person in people.people:
        assert person.context["Description"].count(".") == 3
        assert "League" in person.context or "Occupation" in person.context
