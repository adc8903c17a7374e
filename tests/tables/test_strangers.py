"""A stranger's table: own scores, targets, dates, order, units and marks for missing values, as declared."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tables.strangers import COLUMNS, PEOPLE, stranger_frame, write_stranger

from personax.runs.errors import InputError
from personax.tables import PeopleTable, load_table, write_table
from personax.tables.form_guess import guess_form
from personax.tables.loading import propose_file
from personax.tables.schema import TRAITS


def load(folder: Path, columns: str, table: Path | None = None) -> PeopleTable:
    path = folder / "columns.yaml"
    path.write_text(columns)
    return load_table(None, table=table or write_stranger(folder), columns=path)


@pytest.fixture
def trial(tmp_path: Path) -> PeopleTable:
    return load(tmp_path, COLUMNS)


# ---- scores and targets


def test_own_raters_have_their_own_scale(trial: PeopleTable) -> None:
    frame = stranger_frame()
    assert list(trial.scores) == ["self", "z"]
    np.testing.assert_array_equal(trial.scores["self"].to_numpy(), frame[list(TRAITS)].to_numpy(float))
    np.testing.assert_array_equal(trial.scores["z"]["Extraversion"], frame["e_z"])
    tested = trial.to_test()
    assert list(tested) == ["targets", "self", "z"]
    assert set(tested["self"].kinds.values()) == {"ordinal"}
    assert set(tested["z"].kinds.values()) == {"continuous"}
    assert list(tested["targets"].frame) == ["Grip"]
    assert "Grip" not in trial.features


def test_traits_that_a_rater_has_not_scored_share_one_warning(trial: PeopleTable) -> None:
    said = [warning for warning in trial.report.warnings if warning.startswith("z ")]
    assert said == ["z has no scores of Openness, Conscientiousness, Agreeableness, Neuroticism"]


def test_raters_on_different_scales_are_not_compared(trial: PeopleTable) -> None:
    assert trial.agreement()["icc"].isna().all()
    assert list(trial.agreement()) == ["icc", "n"]


def test_scores_out_of_the_declared_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"column 'Openness', row \d+: '5' is out of range; scores are 1 to 4"
    ):
        load(tmp_path, COLUMNS.replace("[1, 5]", "[1, 4]"))


def test_scores_of_another_range_point_to_the_columns_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scores are 1 to 3, or 0 for missing; .*--columns auto"):
        load_table(None, table=write_stranger(tmp_path))


def test_own_marks_of_scores_are_missing_and_zero_is_a_number(tmp_path: Path) -> None:
    text = "scores: {sum: {columns: {Openness: siblings}, range: [0, 4], missing: [-9]}}"
    frame = stranger_frame()
    table = load(
        tmp_path, text + "\nignore: [Openness, Conscientiousness, Extraversion, Agreeableness, Neuroticism]"
    )
    expected = frame["siblings"].astype(float).where(frame["siblings"] >= 0)
    np.testing.assert_array_equal(table.scores["sum"]["Openness"], expected)


def test_a_table_of_the_published_schema_only_is_written(trial: PeopleTable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'self' is not in the published schema"):
        write_table(trial, tmp_path / "people.parquet")


# ---- missing values


def test_labels_that_are_declared_as_such_are_kept(trial: PeopleTable) -> None:
    assert list(trial.features["Arm"]) == list(stranger_frame()["arm"])
    assert "Arm" not in trial.report.marks


def test_labels_taken_as_missing_are_counted_and_warned_of(tmp_path: Path) -> None:
    table = load(tmp_path, COLUMNS.replace("kind: nominal, missing: []", "kind: nominal"))
    control = int((stranger_frame()["arm"] == "None").sum())
    assert table.features["Arm"].isna().sum() == control
    assert table.report.marks["Arm"] == {"None": control}
    (warning,) = (line for line in table.report.warnings if line.startswith("Arm:"))
    assert f"{control} 'None' taken as missing" in warning
    assert "Arm: {column: arm, kind: nominal, missing: []}" in warning
    assert f"Arm {control} 'None'" in str(table.report)


def test_what_is_missing_is_counted_for_each_column(trial: PeopleTable) -> None:
    assert trial.report.marks == {
        "Height": {"": 1},
        "Birthyear": {"": 1},
        "Birthmonth": {"": 1},
        "Siblings": {"-9": 2},
    }
    assert trial.features["Siblings"].isna().sum() == 2


def test_a_mark_that_is_not_declared_is_no_number(tmp_path: Path) -> None:
    text = COLUMNS.replace("code, kind: nominal", "school, kind: continuous, missing: []")
    with pytest.raises(InputError, match=r"column 'school', row 1: .* is not a number"):
        load(tmp_path, text)


def test_labels_that_are_written_differently_stay_different(trial: PeopleTable) -> None:
    assert set(trial.features["Code"]) == {"1", "01", "001"}


def test_missing_dates_in_parquet_are_missing_labels_and_parts(tmp_path: Path) -> None:
    frame = stranger_frame()
    frame["enrolled"] = pd.to_datetime(frame["enrolled"]).where(frame.index > 3)
    path = tmp_path / "trial.parquet"
    frame.to_parquet(path)
    both = COLUMNS.replace("  Enrolled: {", "  Day: {column: enrolled, kind: nominal}\n  Enrolled: {")
    features = load(tmp_path, both, path).features
    assert features["Day"].isna().sum() == features["Enrolled_year"].isna().sum() == 4
    assert "NaT" not in set(features["Day"])


# ---- kinds, dates and units


def test_dates_give_year_month_and_day_of_the_year(trial: PeopleTable) -> None:
    born = pd.to_datetime(stranger_frame()["born"], format="%d.%m.%Y")
    enrolled = pd.to_datetime(stranger_frame()["enrolled"])
    np.testing.assert_array_equal(trial.features["Birthyear"], born.dt.year)
    np.testing.assert_array_equal(trial.features["Birthmonth"], born.dt.month)
    for part in ("year", "month", "day_of_year"):
        expected = getattr(enrolled.dt, part)
        np.testing.assert_array_equal(trial.features[f"Enrolled_{part}"], expected)
    assert trial.kinds["Birthyear"] == trial.kinds["Enrolled_year"] == "ordinal"
    assert trial.kinds["Birthmonth"] == trial.kinds["Enrolled_day_of_year"] == "circular"
    assert trial.periods == {
        "Birthmonth": 12.0,
        "Enrolled_month": 12.0,
        "Enrolled_day_of_year": 365.25,
    }
    assert trial.report.recognised["born"] == "Birthyear and Birthmonth"


def test_ordered_words_are_ranks_even_if_one_means_missing_elsewhere(trial: PeopleTable) -> None:
    rank = {"none": 0.0, "primary": 1.0, "university": 2.0}
    assert list(trial.features["School"]) == [rank[word] for word in stranger_frame()["school"]]


def test_ordered_categories_of_parquet_need_no_order(tmp_path: Path) -> None:
    frame = stranger_frame()
    words = ["university", "primary", "none"]
    frame["school"] = pd.Categorical(frame["school"], categories=words, ordered=True)
    path = tmp_path / "trial.parquet"
    frame.to_parquet(path)
    table = load(tmp_path, COLUMNS.replace(", order: [none, primary, university]", ""), path)
    assert list(table.features["School"]) == [float(words.index(word)) for word in stranger_frame()["school"]]


def test_units_are_converted_and_ranges_are_those_of_the_file(trial: PeopleTable, tmp_path: Path) -> None:
    np.testing.assert_allclose(trial.features["Height"], stranger_frame()["height"] * 2.54)
    frame = stranger_frame()
    frame.loc[2, "height"] = 500.0
    frame.to_csv(tmp_path / "giants.csv", index=False)
    with pytest.raises(InputError, match=r"row 3: 500; expected in from 19\.685 to 108\.268"):
        load(tmp_path, COLUMNS, tmp_path / "giants.csv")


def test_a_suspicious_median_names_the_line_to_change(tmp_path: Path) -> None:
    table = load(tmp_path, COLUMNS.replace("unit: in", "unit: cm"))
    (warning,) = (line for line in table.report.warnings if line.startswith("Height"))
    assert "unusual in cm" in warning
    assert "Height: {column: height, unit: in}" in warning


def test_the_column_that_states_the_unit_is_taken(tmp_path: Path) -> None:
    table = load(tmp_path, COLUMNS.replace("  Height: {column: height, unit: in}\n", ""))
    np.testing.assert_array_equal(table.features["Height"], stranger_frame()["height_cm"])
    assert "height ('height_cm' is taken as Height)" in table.report.ignored


def test_a_unit_that_nobody_stated_is_asked_for(tmp_path: Path) -> None:
    table = load(tmp_path, COLUMNS.replace("unit: kg", 'unit: "?"'))
    assert "unit of Grip is '?': write it in the --columns file" in table.report.warnings


# ---- files


@pytest.mark.parametrize("form", ["gz", "semicolons", "latin-1", "data", "no header", "decimal comma"])
def test_other_forms_of_text_tables_are_read(tmp_path: Path, form: str) -> None:
    frame, path, section = stranger_frame(), tmp_path / "trial.csv", ""
    frame["notes"] = "Fußball"
    if form == "gz":
        path = tmp_path / "trial.csv.gz"
        frame.to_csv(path, index=False)
    elif form == "semicolons":
        frame.to_csv(path, index=False, sep=";")
    elif form == "latin-1":
        frame.to_csv(path, index=False, encoding="latin-1")
        section = "file: {encoding: latin-1}"
    elif form == "data":
        path = tmp_path / "trial.data"
        frame.to_csv(path, index=False)
        section = "file: {format: csv}"
    elif form == "no header":
        path = tmp_path / "trial.data"
        frame.to_csv(path, index=False, header=False)
        section = f"file: {{format: csv, header: [{', '.join(frame.columns)}]}}"
    else:
        frame.to_csv(path, index=False, sep=";", decimal=",")
        section = 'file: {decimal: ","}'
    table = load(tmp_path, section + COLUMNS, path)
    pd.testing.assert_series_equal(table.targets["Grip"], frame["grip_kg"], check_names=False)
    np.testing.assert_array_equal(table.scores["z"]["Extraversion"], frame["e_z"])
    assert table.report.marks["Siblings"] == {"-9": 2}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trial.data", "file: {format: csv}"),
        ("trial.txt.gz", "file: {format: csv}"),
        ("trial.parquet.gz", "unpack it first"),
        ("broken.csv.gz", "damaged or incomplete gzip file"),
    ],
)
def test_what_cannot_be_read_says_what_reads_it(tmp_path: Path, name: str, words: str) -> None:
    path = tmp_path / name
    path.write_text("pid,height\n1,2\n")
    with pytest.raises(InputError, match=words) as caught:
        load_table(None, table=path)
    assert "\n" not in str(caught.value)


def test_a_decimal_comma_says_what_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    stranger_frame().to_csv(path, index=False, sep=";", decimal=",")
    with pytest.raises(InputError, match=r"'\d+,\d+' is not a number; for a decimal comma"):
        load(tmp_path, COLUMNS, path)


# ---- proposals


def test_ignored_columns_are_listed_with_the_line_that_takes_them_in(tmp_path: Path) -> None:
    first = load(tmp_path, COLUMNS.split("features:")[0] + "scores:" + COLUMNS.split("scores:")[1])
    assert "arm: {column: arm, kind: nominal}   # " in str(first.report)
    lines = "\n".join(f"  {line}" for line in first.report.lines)
    second = load(
        tmp_path, f"{COLUMNS.split('features:')[0]}features:\n{lines}\nscores:{COLUMNS.split('scores:')[1]}"
    )
    assert {"arm", "school", "siblings", "enrolled_month", "Birthyear"} <= set(second.features)
    assert second.report.lines == ()


def test_a_proposed_file_can_be_used_as_it_stands(tmp_path: Path) -> None:
    text = propose_file(None, write_stranger(tmp_path))
    assert "id: pid" in text
    assert "unit: cm" in text
    assert 'Birthmonth: {column: born, kind: date, part: month, format: "%d.%m.%Y"}' in text
    assert "siblings: {column: siblings, kind: ordinal, missing: [-9]}" in text
    assert 'e_z: {column: e_z, kind: continuous, unit: "?"}' in text
    assert "range: [1, 5], kind: ordinal" in text
    assert "ignore: [notes]" in text
    table = load(tmp_path, text)
    assert len(table) == PEOPLE
    assert list(table.scores) == ["self"]
    assert table.kinds["grip_kg"] == "continuous"
    assert table.report.lines == ()


@pytest.mark.parametrize(
    ("name", "written", "said"),
    [
        ("trial.csv", {"encoding": "cp1252"}, "file: {encoding: cp1252}"),
        ("trial.csv", {"sep": ";", "decimal": ","}, 'file: {decimal: ","}'),
        ("trial.csv", {"encoding": "utf-16"}, "file: {encoding: utf-16}"),
        ("trial.csv.gz", {"encoding": "utf-16"}, "file: {encoding: utf-16}"),
        ("trial.txt", {}, "file: {format: csv}"),
        ("trial.csv", {}, ""),
    ],
)
def test_a_proposed_file_says_how_the_text_is_written(
    tmp_path: Path, name: str, written: dict[str, Any], said: str
) -> None:
    """A column of numbers with decimal commas is no free text, and no encoding is a dead end."""
    frame, path = stranger_frame(), tmp_path / name
    frame["größe"] = "Fußball"
    frame.to_csv(path, index=False, **written)
    text = propose_file(None, path)
    assert [line.split("   #")[0] for line in text.splitlines() if line.startswith("file:")] == [said] * bool(
        said
    )
    table = load(tmp_path, text, path)
    assert table.kinds["grip_kg"] == "continuous"
    np.testing.assert_array_equal(table.features["grip_kg"], frame["grip_kg"])


def test_commas_of_thousands_are_no_decimal_marks(tmp_path: Path) -> None:
    path = tmp_path / "sums.csv"
    path.write_text("person;income\n" + "".join(f"p{k};{k},000\n" for k in range(1, 9)))
    assert guess_form(path).decimal == "."


def test_a_proposed_scale_leaves_out_the_number_that_means_missing(tmp_path: Path) -> None:
    frame, path = stranger_frame(), tmp_path / "trial.csv"
    frame.loc[[3, 4], "Openness"] = -9
    frame.to_csv(path, index=False)
    text = propose_file(None, path)
    assert "range: [1, 5], kind: ordinal, missing: [-9]}" in text
    assert load(tmp_path, text, path).scores["self"]["Openness"].isna().sum() == 2
