"""Tables of columns in cells keep the sums of the values of the people of each score."""

import numpy as np
import pytest
from jaxtyping import Float, Int

from personax.independence.counted import Levels
from personax.streaming.cell_tables import CellTable, cell_table
from personax.streaming.fine_grid import FineGrid, make_grid

SCORES = 3
NOBODY = np.empty(0, dtype=int)


def grid_of(values: Float[np.ndarray, " n"], doublings: int) -> FineGrid:
    return make_grid(np.sort(values), float(values.min()), float(values.max())).coarser(doublings)


def sums(
    codes: tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]],
    shape: tuple[int, int],
    each: Float[np.ndarray, " n"] | int,
) -> Int[np.ndarray, "d e"]:
    table = np.zeros(shape, dtype=int)
    np.add.at(table, codes, np.asarray(each).astype(int))
    return table


def of_scores(score: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"], grid: FineGrid) -> CellTable:
    codes, shape = grid.codes(values), (SCORES, grid.cells)
    pair = score, codes.astype(int)
    levels = (
        Levels("s", "ordinal", np.arange(1.0 * SCORES), np.bincount(score, minlength=SCORES)),
        Levels("x", "continuous", np.empty(0), NOBODY),
    )
    places = sums(pair, shape, grid.places(values, codes))
    return cell_table(levels, sums(pair, shape, 1), {1: places}, {1: grid})


def of_two(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"], doublings: int) -> CellTable:
    grids = {0: grid_of(x, doublings), 1: grid_of(y, doublings)}
    pair = grids[0].codes(x).astype(int), grids[1].codes(y).astype(int)
    shape = grids[0].cells, grids[1].cells
    columns = enumerate((x, y))
    places = {axis: sums(pair, shape, grids[axis].places(each, pair[axis])) for axis, each in columns}
    levels = (
        Levels("x", "continuous", np.empty(0), NOBODY),
        Levels("y", "continuous", np.empty(0), NOBODY),
    )
    return cell_table(levels, sums(pair, shape, 1), places, grids)


def test_moved_people_have_the_sums_of_their_values_and_no_margin_changes() -> None:
    rng = np.random.default_rng(0)
    score, values = rng.integers(0, SCORES, 4000), rng.exponential(size=4000)
    table = of_scores(score, values, grid_of(values, 7))
    moved = table.moved()
    np.testing.assert_allclose(moved.people.sum(axis=0), moved.feature.counts, atol=1e-9)
    np.testing.assert_allclose(moved.people.sum(axis=1), np.bincount(score), atol=1e-8)
    of_score = np.bincount(score, weights=values)
    apart = np.abs(moved.people @ moved.feature.values - of_score).max()
    assert apart < 1e-4 * of_score.max()
    assert np.abs(table.counts @ moved.feature.values - of_score).max() > 10 * apart


def test_two_columns_in_cells_keep_their_product() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=3000)
    y = 0.3 * x + rng.normal(size=3000)
    table = of_two(x, y, 7)
    moved = table.moved()
    for axis, levels in enumerate((moved.trait, moved.feature)):
        np.testing.assert_allclose(moved.people.sum(axis=1 - axis), levels.counts, atol=1e-8)
    product = moved.trait.values @ moved.people @ moved.feature.values
    assert product == pytest.approx(x @ y, rel=2e-3)
    unmoved = moved.trait.values @ table.counts @ moved.feature.values
    assert abs(product - x @ y) < 0.5 * abs(unmoved - x @ y)


@pytest.mark.parametrize("columns", ["a score and cells", "cells and cells"])
def test_a_halved_table_is_that_of_the_coarser_grid(columns: str) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.standard_t(3, 2500), rng.normal(size=2500)
    if columns == "cells and cells":
        fine, wide = of_two(x, y, 3), of_two(x, y, 5)
    else:
        score = rng.integers(0, SCORES, 2500)
        fine, wide = (of_scores(score, x, grid_of(x, doublings)) for doublings in (3, 5))
    halved = fine.halved().halved()
    np.testing.assert_array_equal(halved.counts, wide.counts)
    for axis, moments in wide.moments.items():
        np.testing.assert_allclose(halved.levels[axis].values, wide.levels[axis].values, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(halved.levels[axis].counts, wide.levels[axis].counts)
        assert halved.levels[axis].hidden_pairs == wide.levels[axis].hidden_pairs
        np.testing.assert_allclose(halved.moments[axis], moments, atol=1e-4)


@pytest.mark.parametrize("people", [1, 2, 3])
def test_few_people_are_where_they_were(people: int) -> None:
    values = np.array([0.1, 7.0, 7.0])[:people]
    everybody = np.random.default_rng(3).normal(size=5000)
    table = of_scores(np.arange(people), values, grid_of(np.append(everybody, values), 0)).moved()
    np.testing.assert_allclose(table.feature.values, np.unique(values), rtol=1e-6)
    np.testing.assert_allclose(table.people.sum(axis=0), np.unique(values, return_counts=True)[1])
