"""Cells of a grid: everybody is in the right one, wherever the values lie."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from jaxtyping import Float

from personax.streaming.fine_grid import MOST_OCTAVE_CELLS, STEPS, make_grid

Draw = Callable[[np.random.Generator, int], Float[np.ndarray, " n"]]
VALUES: Mapping[str, Draw] = {
    "normal": lambda rng, n: rng.normal(50.0, 3.0, n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
    "log-normal": lambda rng, n: np.exp(6.0 * rng.normal(size=n)),
    "mostly one value": lambda rng, n: np.where(rng.random(n) < 0.8, 0.0, rng.normal(size=n)),
    "huge and tiny": lambda rng, n: 10.0 ** rng.uniform(-200, 200, n),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_lie_between_the_edges_of_their_cells(name: str) -> None:
    values = np.sort(VALUES[name](np.random.default_rng(0), 20_000))
    grid = make_grid(values[::3], float(values[0]), float(values[-1]))
    codes = grid.codes(values)
    assert grid.edges.shape == (grid.cells + 1,)
    assert np.all(np.diff(grid.edges) > 0)
    widths = np.diff(grid.edges)[codes]
    assert np.all(values >= grid.edges[codes] - 1e-3 * widths)  # places are rounded to 32 bits
    assert np.all(values <= grid.edges[codes + 1] + 1e-3 * widths)
    assert grid.cells < 2**16


def test_missing_values_have_the_last_code_whatever_their_sign() -> None:
    values = np.array([1.0, np.nan, -np.nan, 2.0, 3.0, 4.0])
    grid = make_grid(np.arange(1.0, 5.0), 1.0, 4.0)
    codes = grid.codes(np.copysign(values, [1, 1, -1, 1, 1, 1]))
    assert (codes == grid.cells).tolist() == [False, True, True, False, False, False]
    assert grid.places(values, codes)[[1, 2]].tolist() == [0.0, 0.0]


def test_tails_are_known_to_a_share_of_their_distance_from_the_middle() -> None:
    values = np.sort(np.random.default_rng(1).standard_cauchy(30_000))
    grid = make_grid(values, float(values[0]), float(values[-1]))
    widths = np.diff(grid.edges)[grid.codes(values)]
    far = np.abs(values) > 100.0
    assert far.sum() > 100
    assert np.all(widths[far] <= 4.0 * np.abs(values[far]) / MOST_OCTAVE_CELLS)
    assert np.bincount(grid.codes(values)).max() < 3 * 30_000 / 8192 + 10


def test_places_add_up_to_the_people_of_each_cell() -> None:
    rng = np.random.default_rng(2)
    values = rng.exponential(size=5000)
    grid = make_grid(np.sort(values), 0.0, float(values.max())).coarser(6)
    codes = grid.codes(values)
    counts = np.bincount(codes, minlength=grid.cells)
    places = np.bincount(codes, weights=grid.places(values, codes), minlength=grid.cells)
    found = grid.edges[:-1] * counts + np.diff(grid.edges) * places / STEPS
    expected = np.bincount(codes, weights=values, minlength=grid.cells)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


def test_a_coarser_grid_has_every_second_edge() -> None:
    values = np.sort(np.random.default_rng(3).normal(size=9000))
    grid = make_grid(values, float(values[0]), float(values[-1]))
    wide = grid.coarser(1)
    np.testing.assert_array_equal(wide.edges[:-1], grid.edges[:-1:2])
    np.testing.assert_array_equal(wide.codes(values), grid.codes(values) // 2)


def test_ties_are_those_of_the_sample() -> None:
    rng = np.random.default_rng(4)
    smooth, rounded = rng.normal(size=20_000), np.round(rng.normal(size=20_000), 1)
    both = [np.sort(smooth), np.sort(rounded)]
    assert [make_grid(each, float(each[0]), float(each[-1])).ties for each in both] == [0.0, 1.0]
