"""Columns: encoding, distinct values and kernel widths."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from independence.sample_columns import columns

from personax.independence import run_test
from personax.independence.columns import Kind, complete_column, encode, pairwise_distance


@pytest.mark.parametrize("name", columns())
@pytest.mark.parametrize("n", [7, 40, 400, 1500])
def test_median_distance_is_the_median(name: str, n: int) -> None:
    column = columns(n)[name]
    first, second = np.triu_indices(n, 1)
    x = column.positions[column.numbers]
    distances = pairwise_distance(x[first], x[second], column.kind)
    positive = np.sort(distances[distances > 1e-12])
    assert column.median_distance == pytest.approx(positive[(len(positive) - 1) // 2], rel=1e-9)


def test_categories_are_numbered_and_missing_ones_stay_missing() -> None:
    np.testing.assert_array_equal(encode(["b", None, "a", "b"], "nominal"), [0.0, np.nan, 1.0, 0.0])


def test_angles_lie_within_one_turn() -> None:
    np.testing.assert_allclose(encode([-6, 0, 30], "circular", 24.0), [1.5 * np.pi, 0.0, 0.5 * np.pi])


def test_category_numbers_go_by_falling_count() -> None:
    column = complete_column(np.array([2.0, 0.0, 2.0, 1.0, 2.0, 1.0]), "nominal")
    assert column.counts.tolist() == [3, 2, 1]
    assert column.numbers.tolist() == [0, 2, 0, 1, 0, 1]
    np.testing.assert_array_equal(column.values, column.distinct[column.numbers])


def test_standard_units_are_over_the_rows() -> None:
    column = complete_column(np.array([1.0, 1.0, 1.0, 5.0]), "ordinal")
    rows = column.standardised[column.numbers]
    assert rows.mean() == pytest.approx(0.0, abs=1e-15)
    assert rows.std(ddof=1) == pytest.approx(1.0)


def test_missing_dates_are_missing_numbers() -> None:
    dates = pd.Series(pd.to_datetime(["2001-01-01", "", "2003-01-01"]))
    for column in (
        dates,
        dates.astype(object),
        dates - dates[0],
        [1.0, pd.NaT, 2.0],
        dates.dt.to_period("D"),
    ):
        encoded = encode(column, "continuous")
        assert list(np.isnan(encoded)) == [False, True, False]
        assert encoded[0] < encoded[2]
    assert np.isnan(encode(dates, "nominal")[1])


def test_dates_that_are_missing_together_are_not_dependent() -> None:
    rng = np.random.default_rng(0)
    gone = rng.random(300) < 0.2
    first, second = (
        pd.Series(pd.Timestamp("2000-01-01") + pd.to_timedelta(rng.integers(0, 9000, 300), unit="D")).mask(
            gone
        )
        for _ in range(2)
    )
    found = run_test("kci", first, second)
    assert found.n == 300 - gone.sum()
    assert found.pvalue > 0.01


def test_dates_on_a_circle_are_refused() -> None:
    dates = pd.Series(pd.to_datetime(["2001-01-01", "2002-05-01"]))
    with pytest.raises(ValueError, match="take their month"):
        encode(dates, "circular")


def test_ordered_categories_are_their_places() -> None:
    grades = pd.Categorical(["high", None, "low"], categories=["low", "middle", "high"], ordered=True)
    np.testing.assert_array_equal(encode(grades, "ordinal"), [2.0, np.nan, 0.0])
    sizes = pd.Categorical([42, 38], categories=[42, 38], ordered=True)
    np.testing.assert_array_equal(encode(sizes, "ordinal"), [42.0, 38.0])


@pytest.mark.parametrize("cells", [[[1], [2]], [{"a": 1}] * 2, [{1}, {2}], [np.arange(2)] * 2])
def test_cells_that_hold_several_values_are_refused(cells: list[object]) -> None:
    column = pd.Series(cells, dtype=object)
    with pytest.raises(ValueError, match=r"a cell is no label .* one text or number in each cell"):
        encode(column, "nominal")
    with pytest.raises(ValueError, match="a cell is no number"):
        encode(column, "continuous")


@pytest.mark.parametrize("cells", [[1j, 2.0], [10**400, 1]])
def test_numbers_that_no_float_can_hold_are_refused(cells: list[complex]) -> None:
    with pytest.raises(ValueError, match="a cell is no number"):
        encode(pd.Series(cells, dtype=object), "continuous")
    assert list(encode(pd.Series(cells, dtype=object), "nominal")) == [0, 1]


@pytest.mark.parametrize("width", [1e-9, 1e-6, 1e-3, 1.0, 7.0])
def test_the_spread_of_a_circular_column_keeps_its_digits(width: float) -> None:
    """That of small angles is half the variance of the angles."""
    angles = np.random.default_rng(0).uniform(0.0, width, 50)
    turned = complete_column(angles % (2 * np.pi), "circular")
    expected = (np.cos(angles).var(ddof=1) + np.sin(angles).var(ddof=1)) / 2
    if width <= 1e-6:
        expected = angles.var(ddof=1) / 2
    assert turned.spread == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("decimals", [1, 3])
@pytest.mark.parametrize("kind", ["continuous", "circular"])
def test_hidden_pairs_count_as_the_shortest_distances(decimals: int, kind: Kind) -> None:
    rng = np.random.default_rng(0)
    true = complete_column(rng.uniform(0.0, 6.0, 900), kind)
    gathered = complete_column(np.round(true.values, decimals), kind)
    hidden = int((gathered.counts * (gathered.counts - 1) // 2).sum())
    assert hidden > 20
    found = replace(gathered, hidden_pairs=hidden).median_distance
    width = 10.0**-decimals / (true.values.std(ddof=1) if kind == "continuous" else 1.0)
    assert abs(found - true.median_distance) <= width
    first, second = np.triu_indices(900, 1)
    x = gathered.positions[gathered.numbers]
    distances = np.sort(pairwise_distance(x[first], x[second], kind))
    assert found == pytest.approx(distances[(len(distances) - 1) // 2], rel=1e-9)
