"""Distance matrices by tables and by sorted prefix sums against the dense matrix."""

from collections.abc import Callable

import numpy as np
import pytest
from independence.sample_columns import assert_same_sums, columns, dense_distance

from personax.independence.columns import PreparedColumn, complete_column
from personax.independence.distances import distance_table, spacing_gram
from personax.independence.grams import Gram
from personax.independence.nulls import cross, spectral_log_p


@pytest.mark.parametrize("name", columns())
def test_distance_routes_agree_with_the_dense_matrix(name: str) -> None:
    column = columns()[name]
    dense = dense_distance(column)
    for gram in (distance_table(column), spacing_gram(column)):
        assert_same_sums(gram, dense)
        largest = np.linalg.eigvalsh(dense)[::-1][:5]
        largest = largest[largest > 1e-8 * largest[0]]
        np.testing.assert_allclose(gram.eigenvalues[: len(largest)], largest, rtol=1e-8)


@pytest.mark.parametrize("x", ["normal", "heavy", "angle", "years"])
@pytest.mark.parametrize("y", ["normal", "outlier", "angle", "scores", "month"])
def test_distance_covariance_is_the_same_by_sorting_and_by_tables(x: str, y: str) -> None:
    found = columns()
    dense = float(np.sum(dense_distance(found[x]) * dense_distance(found[y])))
    makers: tuple[Callable[[PreparedColumn], Gram], ...] = (distance_table, spacing_gram)
    for first in makers:
        for second in makers:
            assert cross(first(found[x]), second(found[y])) == pytest.approx(dense, rel=1e-9)


def test_gathered_eigenvalues_leave_p_in_place() -> None:
    """More than 512 distinct values are grouped only for the null; log p changes by less than 0.1 %."""
    rng = np.random.default_rng(0)
    for draw in (rng.standard_normal, rng.standard_cauchy):
        pair = [complete_column(draw(1200), "continuous") for _ in range(2)]
        exact, gathered = [distance_table(c) for c in pair], [spacing_gram(c) for c in pair]
        mean = exact[0].diagonal.sum() * exact[1].diagonal.sum() / 1200
        for times in (0.9, 1.5, 4.0):
            reference = spectral_log_p(times * mean, *exact)
            assert spectral_log_p(times * mean, *gathered) == pytest.approx(reference, rel=1e-3)
