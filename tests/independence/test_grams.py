"""Every representation of a Gaussian kernel's centred Gram matrix against the dense matrix."""

import numpy as np
import pytest
from independence.sample_columns import assert_same_sums, columns, dense_gaussian

from personax.independence.columns import complete_column
from personax.independence.grams import FactorGram, GramRoute, TableGram, gaussian_gram
from personax.independence.kernels import kci_gram

ROUTES: tuple[GramRoute, ...] = ("table", "cosine", "cholesky")


@pytest.mark.parametrize("width", [0.3, 0.8])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", columns())
def test_gaussian_routes_agree_with_the_dense_matrix(name: str, route: GramRoute, width: float) -> None:
    column = columns()[name]
    gram = gaussian_gram(column, width, route)
    dense = dense_gaussian(column, width)
    assert_same_sums(gram, dense)
    largest = np.linalg.eigvalsh(dense)[::-1][:20]
    largest = largest[largest > 1e-8 * largest[0]]
    np.testing.assert_allclose(gram.eigenvalues[: len(largest)], largest, rtol=1e-8)


def test_the_cheapest_route_is_taken() -> None:
    found = columns(4000)
    assert isinstance(kci_gram(found["normal"]), FactorGram)
    assert isinstance(kci_gram(found["years"]), TableGram)
    small = columns(30)["normal"]
    assert isinstance(kci_gram(small), TableGram)  # the dense matrix
    half_far = np.append(np.random.default_rng(0).standard_normal(2000), 1e9 + np.arange(2000.0) / 700)
    width = 1e-9  # a series would need billions of terms
    factor = gaussian_gram(complete_column(half_far, "continuous"), width)
    assert isinstance(factor, FactorGram)
    assert factor.factor.shape[1] < 200
