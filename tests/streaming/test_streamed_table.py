"""A table that is counted part by part has the results of the table in memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streaming.parquet_people import (
    ONE_PROCESS,
    StoppingEngine,
    assert_same_grid,
    chosen,
    frame_of_people,
    grid_in_memory,
    write_columns,
    write_files,
)

from personax.independence import Kind, run_test
from personax.runs.errors import InputError
from personax.streaming import second_pass, streamed_table
from personax.streaming.coded_columns import FEATURE_SIDE, VariableName
from personax.streaming.parts import open_parts
from personax.streaming.streamed_table import StreamingRequest, grid_of_counts, stream_table
from personax.tables import SimulatedSource, load_table, write_table

DECLARED = ("kci", "hsic", "distance_correlation", "chi_square", "fisher_z", "g_square")


def test_declared_columns_of_all_kinds_in_uneven_files(tmp_path: Path) -> None:
    frame = frame_of_people(700)
    pattern = write_files(tmp_path / "parts", frame, [250, 0, 430, 20])
    columns = write_columns(tmp_path)
    whole = write_files(tmp_path / "whole", frame, [700]).parent / "part-0.parquet"
    streamed = stream_table(StreamingRequest(pattern, columns=columns), ONE_PROCESS)
    table = load_table(None, table=whole, columns=columns)
    found = grid_of_counts(streamed, ["targets"], chosen(*DECLARED), 3, 99)
    assert_same_grid(found, grid_in_memory(table, "targets", DECLARED))
    assert set(found["route"]) == {"exact"}
    gaps = {name: streamed.missing_cells(VariableName(FEATURE_SIDE, str(name))) for name in table.features}
    assert {name: sum(counts.values()) for name, counts in gaps.items() if counts} == {
        name: sum(counts.values()) for name, counts in table.report.marks.items() if name in gaps
    }


def test_strata_are_those_of_the_table_in_memory(tmp_path: Path) -> None:
    frame = frame_of_people(500, seed=1)
    pattern, columns = write_files(tmp_path, frame, [300, 200]), write_columns(tmp_path)
    whole = write_files(tmp_path / "whole", frame, [500]).parent / "part-0.parquet"
    streamed = stream_table(StreamingRequest(pattern, columns=columns, given="Team"), ONE_PROCESS)
    table = load_table(None, table=whole, columns=columns)
    tests = ("chi_square", "fisher_z", "kci")
    found = grid_of_counts(streamed, ["targets"], chosen(*tests), 3, 99)
    assert_same_grid(found, grid_in_memory(table, "targets", tests, given="Team"))


def test_scores_of_several_raters_and_their_agreement(tmp_path: Path) -> None:
    people = load_table("athlete", source=SimulatedSource(), embeddings=False, n=300)
    write_table(people, tmp_path / "people.parquet")
    streamed = stream_table(StreamingRequest(tmp_path / "people.parquet", "athlete"), ONE_PROCESS)
    assert streamed.simulated
    assert streamed.sources() == list(people.scores)
    pd.testing.assert_frame_equal(streamed.agreement(), people.agreement(), rtol=1e-10)
    for source in ("aggregated", "gemini"):
        found = grid_of_counts(streamed, [source], chosen("chi_square", "fisher_z"), 3, 99)
        assert_same_grid(found, grid_in_memory(people, source, ("chi_square", "fisher_z")))


def test_scores_are_combined_where_the_file_has_no_combined_ones(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"Height": np.round(rng.normal(180, 9, 300))})
    for rater in ("chatgpt", "gemini", "llama"):
        for letter in "ocean":
            frame[f"{rater}_{letter}"] = rng.integers(0, 4, 300)
    pattern = write_files(tmp_path, frame, [150, 150])
    whole = write_files(tmp_path / "whole", frame, [300]).parent / "part-0.parquet"
    streamed = stream_table(StreamingRequest(pattern, aggregate="majority"), ONE_PROCESS)
    table = load_table(None, table=whole, aggregate="majority")
    found = grid_of_counts(streamed, ["aggregated"], chosen("fisher_z"), 3, 99)
    assert_same_grid(found, grid_in_memory(table, "aggregated", ("fisher_z",)))


def test_tables_that_need_several_passes_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pattern, columns = write_files(tmp_path, frame_of_people(300), [300]), write_columns(tmp_path)
    request = StreamingRequest(pattern, columns=columns)
    once = stream_table(request, ONE_PROCESS)
    monkeypatch.setattr(streamed_table, "NUMBERS_OF_A_PASS", 1)
    often = stream_table(request, ONE_PROCESS)
    assert list(often.counted.tables) == list(once.counted.tables)
    for group, table in once.counted.tables.items():
        np.testing.assert_array_equal(often.counted.tables[group], table)
    np.testing.assert_array_equal(
        often.counts(VariableName(FEATURE_SIDE, "Team")), once.counts(VariableName(FEATURE_SIDE, "Team"))
    )


@pytest.mark.parametrize("shape", ["normal", "long tail", "angle"])
def test_more_values_than_are_counted_cost_a_thousandth_of_the_statistic(tmp_path: Path, shape: str) -> None:
    n, rng = 8000, np.random.default_rng(4)
    score = rng.integers(1, 4, n)
    values = {
        "normal": rng.normal(size=n) + 0.05 * score,
        "long tail": np.exp(1.2 * rng.normal(size=n) + 0.05 * score),
        "angle": np.mod(rng.uniform(0, 360, n) + 5.0 * score, 360),
    }[shape]
    kind: Kind = "circular" if shape == "angle" else "continuous"
    pattern = write_files(tmp_path, pd.DataFrame({"x": values, "s": score}), [5000, 3000])
    period = ", period: 360" if shape == "angle" else ""
    columns = write_columns(
        tmp_path,
        f"features:\n  X: {{column: x, kind: {kind}{period}}}\ntargets:\n  S: {{column: s, kind: ordinal}}\n",
    )
    tests = ["kci", "hsic", "distance_correlation", *(["fisher_z"] if kind == "continuous" else [])]
    streamed = stream_table(StreamingRequest(pattern, columns=columns), ONE_PROCESS)
    found = grid_of_counts(streamed, ["targets"], chosen(*tests), 3, 99).set_index("test")
    assert found["route"].str.startswith("grid of ").all()
    for test in tests:
        exact = run_test(
            test,
            score,
            values,
            kinds=("ordinal", kind),
            periods=(None, 360.0 if period else None),
            resamples=99,
        )
        assert found.loc[test, "statistic"] == pytest.approx(exact.statistic, rel=1e-3, abs=2e-3 / n), test
    assert found["route_error"].astype(float).max() < 2e-3


TWO_IN_CELLS = """
features:
  X: {column: x, kind: continuous}
  Team: {column: team, kind: nominal}
targets:
  Y: {column: y, kind: continuous}
"""


def two_in_cells(folder: Path) -> tuple[pd.DataFrame, StreamingRequest]:
    """Two columns with more different numbers than are counted; some cells are missing."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"x": rng.normal(size=6000), "team": rng.choice(["a", "b"], 6000)})
    frame["y"] = rng.exponential(size=6000) + 0.1 * frame["x"]
    frame.loc[rng.random(6000) < 0.03, "y"] = np.nan
    pattern = write_files(folder / "files", frame, [4000, 2000])
    return frame, StreamingRequest(
        pattern, columns=write_columns(folder, TWO_IN_CELLS), folder=folder / "sums"
    )


def test_two_columns_in_cells_share_a_table_that_memory_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, request = two_in_cells(tmp_path)
    monkeypatch.setattr(second_pass, "MOST_NUMBERS", 3 * 2**21)
    monkeypatch.setattr(streamed_table, "NUMBERS_OF_A_PASS", 1)
    streamed = stream_table(request, ONE_PROCESS)
    sizes = [table.size for table in streamed.counted.tables.values()]
    assert 2**19 < max(sizes) <= 2**21
    found = grid_of_counts(streamed, ["targets"], chosen("hsic", "fisher_z"), 3, 99)
    assert found["route"].str.match(r"grid of [\d,]+ x [\d,]+ cells|grid of [\d,]+ cells").all()
    pair = frame[["x", "y"]].dropna()
    for row in found[found["feature"] == "X"].to_dict("records"):
        exact = run_test(row["test"], pair["y"], pair["x"], kinds=("continuous",) * 2, resamples=99)
        assert row["route_error"] < 1e-3
        assert row["statistic"] == pytest.approx(exact.statistic, rel=1e-3)
    kept = stream_table(request, StoppingEngine(-1))  # from the sums in files
    assert list(kept.counted.places) == list(streamed.counted.places)
    for where, places in streamed.counted.places.items():
        np.testing.assert_array_equal(kept.counted.places[where], places)


def test_a_table_that_no_memory_holds_is_refused_before_it_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, request = two_in_cells(tmp_path)
    monkeypatch.setattr(second_pass, "MOST_NUMBERS", 10_000)
    engine = StoppingEngine(99)
    said = r"X \([\d,]+ values\), Y \([\d,]+ values\): their table of counts would take [\d.]+ GB in each"
    with pytest.raises(InputError, match=said):
        stream_table(request, engine)
    parts = len(open_parts(request.pattern).parts)
    assert engine.done == [*range(parts)]  # only the first pass, that looks at the columns
    assert not request.folder.exists()  # type: ignore[union-attr]


def test_tables_of_labels_are_not_made_from_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=6000), "s": rng.integers(1, 4, 6000)})
    columns = write_columns(
        tmp_path, "features:\n  X: {column: x, kind: ordinal}\ntargets:\n  S: {column: s, kind: ordinal}\n"
    )
    streamed = stream_table(
        StreamingRequest(write_files(tmp_path, frame, [6000]), columns=columns), ONE_PROCESS
    )
    found = grid_of_counts(streamed, ["targets"], chosen("chi_square"), 3, 99)
    assert found["null"].tolist() == ["not applicable"]


def test_too_many_labels_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"club": np.arange(6000), "s": np.arange(6000) % 3})
    columns = write_columns(
        tmp_path, "features:\n  X: {column: club, kind: nominal}\ntargets:\n  S: {column: s, kind: ordinal}\n"
    )
    request = StreamingRequest(write_files(tmp_path, frame, [6000]), columns=columns)
    with pytest.raises(InputError, match="'club': more than 4,096 different cells that are no plain numbers"):
        stream_table(request, ONE_PROCESS)


def test_a_wrong_cell_is_named_with_its_file_and_row(tmp_path: Path) -> None:
    frame = frame_of_people(500)
    frame.loc[302, "height"] = 400.0
    columns = write_columns(tmp_path, WITH_RANGE)
    request = StreamingRequest(write_files(tmp_path, frame, [200, 300]), columns=columns)
    with pytest.raises(InputError, match=r"part-1\.parquet, column 'height', row 103: 400"):
        stream_table(request, ONE_PROCESS)


WITH_RANGE = (
    'features:\n  Height: {column: height, kind: continuous, unit: cm, range: [50, 250], missing: ["-9"]}\n'
    "targets:\n  Grip: {column: grip, kind: ordinal}\n"
)


@pytest.mark.parametrize("given", ["Height", "Shoes"])
def test_a_condition_that_defines_no_strata_is_refused(tmp_path: Path, given: str) -> None:
    pattern, columns = write_files(tmp_path, frame_of_people(300), [300]), write_columns(tmp_path)
    with pytest.raises(InputError, match=f"--given {given}: "):
        stream_table(StreamingRequest(pattern, columns=columns, given=given), ONE_PROCESS)
