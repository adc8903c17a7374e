"""Files of facts: what is read, and what is refused with its row."""

from pathlib import Path

import pytest

from personax.runs.errors import InputError
from personax.runs.run_folder import ROOT
from personax.traits.facts import facts_by_person, read_facts
from personax.traits.people_list import read_people_list
from personax.traits.privacy import contains_name


def written(folder: Path, *rows: str) -> Path:
    path = folder / "facts.csv"
    path.write_text("\n".join(["ID,Criterion,Text,Holds", *rows]) + "\n", encoding="utf-8")
    return path


def test_facts_of_each_person(tmp_path: Path) -> None:
    facts = read_facts(
        written(tmp_path, "1,Factual,NBA|the league,yes", "1,privacy,Ann,", "2,context,Rome,No")
    )
    assert facts["holds"].tolist() == [True, False, False]
    of_person = facts_by_person(facts)
    assert [(fact.subject, fact.holds) for fact in of_person["1"]] == [("factual", True), ("privacy", False)]
    assert of_person["1"][0].pattern.search("in The League now")
    assert not of_person["1"][0].pattern.search("the WNBA")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,height,tall,yes", "row 1: criterion 'height'; choose from privacy, context, factual"),
        ("1,factual,tall,perhaps", "row 1: holds 'perhaps'; write yes or no"),
        (",factual,tall,yes", "row 1: a fact needs an id and a text"),
        ("1,factual,|,yes", "row 1: a fact needs an id and a text"),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("|", r"\|")):
        read_facts(written(tmp_path, row))


def test_columns_that_are_missing_are_named(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text("id,text\n1,tall\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column 'criterion'"):
        read_facts(path)


def test_the_example_has_facts_of_every_kind_about_the_invented_people() -> None:
    facts = facts_by_person(read_facts(ROOT / "data" / "example_facts.csv"))
    for person in read_people_list(ROOT / "data" / "example_people.csv").people:
        own = facts[person.id]
        assert {fact.subject for fact in own} == {"privacy", "context", "factual"}
        asked = " ".join(person.context.values())
        for fact in own:
            assert bool(fact.pattern.search(asked)) == (fact.subject == "context" and fact.holds)
            assert not contains_name(fact.pattern.pattern, person.name)
