from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from personax.runs.errors import InputError
from personax.runs.run_folder import ROOT
from personax.tables import TRAITS, PeopleTable, load_table


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A table whose column names are in no schema."""
    rng = np.random.default_rng(2)
    n = 20
    frame = pd.DataFrame(
        {
            "who": [f"p{number}" for number in range(n)],
            "stature": rng.uniform(160, 200, n),
            "club": rng.choice(["x", "y"], n),
            "wind_from": rng.uniform(0, 360, n),
            "shoe": rng.integers(36, 47, n),
            "answers": ["[1, 2, 3, 2, 1]"] * n,
            **{f"g_{trait[0].lower()}": rng.integers(0, 4, n) for trait in TRAITS},
            "Height": "about average",
            "notes": "none",
            **{f"e{number}": rng.standard_normal(n) for number in range(9)},
        }
    )
    frame.loc[3, "shoe"] = -1
    path = tmp_path / "others.csv"
    frame.to_csv(path, index=False)
    return path


GOOD = """
id: who
features:
  Height: stature
  Team: {column: club, kind: nominal}
  Wind: {column: wind_from, kind: circular, period: 360}
  Shoe_size: {column: shoe, kind: ordinal, unit: EU, range: [20, 60], missing: [-1]}
scores:
  chatgpt: answers
  gemini: [g_o, g_c, g_e, g_a, g_n]
embeddings:
  image: [{prefix: e}]
ignore: [notes]
"""


def _load(people: Path, tmp_path: Path, text: str) -> PeopleTable:
    path = tmp_path / "columns.yaml"
    path.write_text(text)
    return load_table(None, table=people, columns=path)


def test_a_table_with_unknown_names_is_read_with_a_column_map(people: Path, tmp_path: Path) -> None:
    table = _load(people, tmp_path, GOOD)
    frame = pd.read_csv(people)
    assert table.name == "others"
    assert table.ids[3] == "p3"
    assert table.kinds == {
        "Height": "continuous",
        "Team": "nominal",
        "Wind": "circular",
        "Shoe_size": "ordinal",
    }
    assert table.periods == {"Wind": 360}
    np.testing.assert_allclose(table.features["Height"], frame["stature"])
    assert np.isnan(table.features["Shoe_size"][3])
    assert (table.scores["chatgpt"]["Extraversion"] == 3).all()
    expected = frame["g_a"].where(frame["g_a"] > 0)
    np.testing.assert_array_equal(table.scores["gemini"]["Agreeableness"], expected)
    np.testing.assert_allclose(table.embeddings["image"][0], frame[[f"e{i}" for i in range(9)]], rtol=1e-6)
    # Another column was named as Height by hand, so the file's own `Height` is ignored.
    assert "Height (another column was named by hand)" in table.report.ignored
    assert "notes (by --columns)" in table.report.ignored


def test_the_example_in_the_readme_works(tmp_path: Path) -> None:
    readme = ROOT / "data" / "README.md"
    example = readme.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    rng = np.random.default_rng(0)
    n = 10
    frame = pd.DataFrame(
        {
            "person": range(n),
            "stature": rng.uniform(160, 200, n),
            "pounds": rng.uniform(120, 220, n),
            "club": "none",
            "wind_from": rng.uniform(0, 360, n),
            "shoe": 40,
            "school": "primary",
            "joined": "2021-05-03",
            "born": "31.12.1990",
            "grip_kg": rng.uniform(20, 60, n),
            "answers": "[1, 2, 3, 2, 1]",
            "notes": "",
            **{f"g_{trait[0].lower()}": 1 for trait in TRAITS},
            **{f"q_{trait[0].lower()}": [9, *[5] * (n - 1)] for trait in TRAITS},
            **{
                f"photo_{k}": [str(list(row)) for row in rng.random((n, 8)).round(3).tolist()] for k in (1, 2)
            },
            **{f"gpt_{k}": rng.random(n) for k in range(8)},
        }
    )
    people = tmp_path / "others.csv"
    frame.to_csv(people, index=False)
    table = _load(people, tmp_path, example)
    assert len(table.embeddings["image"]) == 2
    assert table.embeddings["text"][0].shape == (n, 8)
    assert {"Height", "Team", "Wind", "Shoe_size", "Joined_month", "Birthmonth"} <= set(table.features)
    assert (table.features["Team"] == "none").all()
    assert (table.features["Birthmonth"] == 12).all()
    assert table.scores["self"]["Openness"].isna().sum() == 1
    assert list(table.targets) == ["Grip"]
    assert set(table.report.recognised) | {"notes"} == set(frame.columns)


def test_score_columns_can_be_named_trait_by_trait(people: Path, tmp_path: Path) -> None:
    table = _load(people, tmp_path, "scores:\n  llama: {Openness: g_o, n: g_n}\nfeatures: {Height: stature}")
    frame = pd.read_csv(people)
    np.testing.assert_array_equal(table.scores["llama"]["Openness"], frame["g_o"].where(frame["g_o"] > 0))
    assert table.scores["llama"]["Extraversion"].isna().all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("features: {Height: stature}\nignore: [stature]", "column 'stature' is named twice"),
        ("features: {Height: stature}\ntargets: {Weight: stature}", "column 'stature' is named twice"),
        ("features: {Height: stature}\ntargets: {Height: shoe}", "'Height' is named twice"),
        ("features:\n  Height: stature\n  Height: shoe\n", "line 3: 'Height' is named twice"),
        ("id: who\nid: club\n", "line 2: 'id' is named twice"),
        ("scores: {chatgpt: answers}\nignore: [answers]", "column 'answers' is named twice"),
        ("ignore: [notes, notes]", "column 'notes' is named twice"),
        ("scores: {gemini: {Openness: g_o, o: g_c}}", "Openness is named twice"),
        ("features: {Height: tallness}", "no column 'tallness'"),
        ("id: nobody", "no column 'nobody'"),
        ("features: {Shoes: shoe}", "'Shoes': not in the schema"),
        ("features: {Shoes: {column: shoe, kind: number}}", "kind 'number'"),
        ("features: {Shoes: {column: shoe, kind: ordinal, size: 3}}", "unknown key 'size'"),
        ("features: {Shoes: {column: shoe, kind: circular}}", "positive period"),
        ("features: {Shoes: {column: shoe, kind: circular, period: true}}", "positive period"),
        ("features: {Shoes: {column: shoe, kind: circular, period: .inf}}", "positive period"),
        ("features: {Shoes: {column: shoe, kind: continuous, range: [true, 3]}}", "range"),
        ("features: {Shoes: {column: shoe, kind: [1]}}", "kind"),
        ("features: &a {Shoes: *a}", "stands within itself"),
        ("features: {Shoes: {column: shoe, kind: ordinal, range: [9, 1]}}", "write [lowest, highest]"),
        ("scores: {targets: answers}", "targets have a section of their own"),
        ("scores: {claude: {columns: answers, scale: 5}}", "unknown key 'scale'"),
        ("scores: {claude: {columns: answers, range: [5]}}", "write [lowest, highest]"),
        ("scores: {claude: {columns: answers, kind: nominal}}", "scores are ordinal or continuous"),
        ("features: {Height: {column: stature, unit: hands}}", "unit 'hands'; known are cm, mm, m, in, ft"),
        ("features: {Team: {column: club, kind: ordinal, order: [no, yes]}}", "such as 'no' in quotes"),
        ("features: {Team: {column: club, kind: nominal, order: [x, y]}}", "order belongs to kind: ordinal"),
        ("features: {Team: {column: club, kind: ordinal, order: [x, x]}}", "order names a label twice"),
        (
            "ignore: [Height]\nfeatures: {Team: {column: club, kind: ordinal, order: [x]}}",
            "'y' is not in the order x",
        ),
        ("features: {Team: {column: club, kind: nominal, missing: x}}", "missing: expected a list"),
        ("features: {Born: {column: club, kind: date, part: week}}", "part 'week'; known are year, month"),
        ("features: {Born: {column: club, kind: date, format: dmy}}", "write it as in %d.%m.%Y"),
        ("ignore: [Height]\nfeatures: {Born: {column: club, kind: date}}", "is not a date as 2001-12-31"),
        ("features: {Team: {column: club, kind: nominal, part: year}}", "part belongs to a date"),
        ("file: {colour: red}", "file: unknown key 'colour'"),
        ("file: {encoding: klingon}", "encoding 'klingon' is unknown"),
        ("file: {delimiter: ', '}", "write one letter in quotes"),
        ("file: {format: xlsx}", "only csv can be said here"),
        ("scores: {gemini: {}}", "scores, 'gemini': no column"),
        ("scores: {gemini: {columns: {}, range: [1, 5]}}", "scores, 'gemini': no column"),
        ("scores: {gemini: [g_o, g_c]}", "2 columns; five are expected"),
        ("scores: {gemini: {Kindness: g_o}}", "unknown trait 'Kindness'"),
        ("embeddings: {sound: [e0]}", "unknown modality"),
        ("embeddings: {image: [{prefix: zz}]}", "no columns zz0"),
        ("embeddings: {image: [{stem: e}]}", "{prefix: ...}"),
        ("colours: {}", "unknown section 'colours'"),
        ("features: [Height]", "expected `name: column` lines"),
        ("just a text", "expected sections"),
        ("features: {Height: [", "not valid YAML"),
    ],
)
def test_a_wrong_column_map_is_refused(people: Path, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        _load(people, tmp_path, text)
    assert words in str(caught.value)
    assert "columns.yaml" in str(caught.value) or "others.csv, column 'club'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_are_checked_against_the_declared_range(people: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column 'shoe', row 4: -1; expected EU from 20 to 60"):
        _load(people, tmp_path, GOOD.replace(", missing: [-1]", ""))


def test_a_missing_column_map_is_refused(people: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_table(None, table=people, columns=tmp_path / "no.yaml")
