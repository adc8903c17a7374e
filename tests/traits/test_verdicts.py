"""What prompt, repeat and model change in the verdicts: small grids that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from personax.traits.verdicts import (
    GridName,
    cell_changes,
    changed_cells,
    changes_by,
    grid_names,
    pairs_that_vary,
    verdict_matrix,
)

GRIDS = [
    GridName(model, name, repeat)
    for model, formats in (("A", ("x", "y")), ("B", ("x",)))
    for name in formats
    for repeat in (1, 2)
]
# Cells x grids: the first never changes, the second with the repeat, the third with the format, the fourth
# with the model; the fifth has no p-value for model B.
VERDICTS = np.array(
    [
        [1, 1, 1, 1, 1, 1],
        [0, 1, 0, 1, 0, 1],
        [1, 1, 0, 0, 1, 1],
        [0, 0, 0, 0, 1, 1],
        [1, 0, 1, 1, np.nan, np.nan],
    ],
    dtype=float,
)


def decided() -> pd.DataFrame:
    rows = [
        grid._asdict()
        | {"trait": "Openness", "feature": f"f{cell}", "test": "kci"}
        | {"pvalue": np.nan if np.isnan(verdict) else 0.5, "rejected": verdict == 1}
        for grid, column in zip(GRIDS, VERDICTS.T, strict=True)
        for cell, verdict in enumerate(column)
    ]
    return pd.DataFrame(rows)


def test_the_matrix_holds_every_verdict() -> None:
    matrix = verdict_matrix(decided())
    np.testing.assert_array_equal(matrix, VERDICTS)
    assert grid_names(matrix) == GRIDS


def test_pairs_differ_in_one_thing_alone() -> None:
    assert pairs_that_vary(GRIDS, "repeat") == [(0, 1), (2, 3), (4, 5)]
    assert pairs_that_vary(GRIDS, "format") == [(0, 2), (1, 3)]
    assert pairs_that_vary(GRIDS, "model") == [(0, 4), (1, 5)]


def test_changes_are_counted_over_pairs_with_two_verdicts() -> None:
    assert changed_cells(VERDICTS, [(0, 1), (2, 3), (4, 5)]) == pytest.approx([0, 1, 0, 0, 0.5])
    assert changed_cells(VERDICTS, [(0, 4)]) == pytest.approx([0, 0, 0, 1, np.nan], nan_ok=True)
    assert np.isnan(changed_cells(VERDICTS, [])).all()


def test_a_row_for_everything_that_varies() -> None:
    table = changes_by(verdict_matrix(decided()))
    rows = {
        (row.varied, row.model, row.format): (row.pairs, row.cells, row.changed, row.ever)
        for row in table.itertuples()
    }
    assert rows == {
        ("repeat", "A", "x"): (1, 5, 0.4, 0.4),
        ("repeat", "A", "y"): (1, 5, 0.2, 0.2),
        ("repeat", "B", "x"): (1, 4, 0.25, 0.25),
        ("format", "A", ""): (2, 5, pytest.approx(0.3), 0.4),
        ("repeat", "", ""): (3, 5, pytest.approx(0.3), 0.4),
        ("format", "", ""): (2, 5, pytest.approx(0.3), 0.4),
        ("model", "", ""): (2, 4, 0.25, 0.25),
    }


def test_the_cells_that_change_come_first() -> None:
    table = cell_changes(verdict_matrix(decided()))
    assert table["feature"].iloc[-1] == "f0"
    rows = {row["feature"]: row for row in table.to_dict("records")}
    assert (rows["f4"]["grids"], rows["f4"]["rejecting"]) == (4, 0.75)
    assert [rows["f1"][varied] for varied in ("repeat", "format", "model")] == [1, 0, 0]
    assert [rows["f2"][varied] for varied in ("repeat", "format", "model")] == [0, 1, 0]
    assert np.isnan(rows["f4"]["model"])


def test_a_single_grid_has_no_changes() -> None:
    one = decided().query("model == 'A' and format == 'x' and repeat == 1")
    assert changes_by(verdict_matrix(one)).empty
    assert cell_changes(verdict_matrix(one))["repeat"].isna().all()
