"""The paper's numbers: their means are those that the paper prints, up to rounding."""

import numpy as np
import pytest

from personax.traits.formats import FORMATS
from personax.traits.published import (
    AVERAGE,
    FORMAT_PAIRS,
    FORMAT_TITLES,
    PUBLISHED_DISTANCES,
    PUBLISHED_MEDIANS,
)


@pytest.mark.parametrize("table", PUBLISHED_DISTANCES)
def test_printed_averages_are_the_means_of_their_row_and_column(table: str) -> None:
    values = np.array(list(PUBLISHED_DISTANCES[table].values()))
    assert list(PUBLISHED_DISTANCES[table])[-1] == AVERAGE
    assert values[:, :-1].mean(axis=1) == pytest.approx(values[:, -1], abs=0.011)
    assert values[:-1].mean(axis=0) == pytest.approx(values[-1], abs=0.011)


@pytest.mark.parametrize("table", PUBLISHED_DISTANCES)
def test_medians_and_distances_are_of_the_same_models(table: str) -> None:
    assert set(PUBLISHED_MEDIANS[table]) | {AVERAGE} == set(PUBLISHED_DISTANCES[table])
    assert {len(medians) for medians in PUBLISHED_MEDIANS[table].values()} == {len(FORMAT_TITLES)}


def test_a_pair_compares_formats_of_equal_levels() -> None:
    for first, second in FORMAT_PAIRS.values():
        assert FORMATS[first].levels == FORMATS[second].levels
