"""Every representation of a centred Gram matrix against the dense matrix in float64."""

from collections.abc import Callable

import numpy as np
import pytest

from personax.independence.columns import Column, complete_column, encode, pairwise_distance
from personax.independence.distances import distance_table, spacing_gram
from personax.independence.grams import Gram, NullRoute, delta_gram, gaussian_gram, gaussian_matrix
from personax.independence.kernels import hsic_gram, kci_gram
from personax.independence.nulls import correlation, cross, gamma_log_p, spectral_log_p, unbiased

ROUTES: tuple[NullRoute, ...] = ("table", "cosine", "cholesky")
N = 400


def columns(n: int = N) -> dict[str, Column]:
    rng = np.random.default_rng(3)
    outlier = np.append(rng.standard_normal(n - 1), 300.0)
    return {
        "normal": complete_column(rng.standard_normal(n), "continuous"),
        "outlier": complete_column(outlier, "continuous"),
        "heavy": complete_column(rng.standard_cauchy(n), "continuous"),
        "years": complete_column(np.round(rng.normal(1965, 12, n)), "ordinal"),
        "scores": complete_column(rng.integers(1, 4, n).astype(float), "ordinal"),
        "angle": complete_column(encode(rng.uniform(0, 24, n), "circular", 24.0), "circular"),
        "month": complete_column(encode(rng.integers(1, 13, n), "circular", 12.0), "circular"),
    }


def centred(matrix: np.ndarray) -> np.ndarray:
    rows = matrix.mean(axis=0)
    return np.asarray(matrix - rows - rows[:, None] + matrix.mean())


def dense_gaussian(column: Column, width: float) -> np.ndarray:
    x = column.positions[column.codes]
    return centred(gaussian_matrix(x, x, column, width))


def dense_distance(column: Column) -> np.ndarray:
    x = column.positions[column.codes]
    return centred(-0.5 * pairwise_distance(x[:, None], x, column.kind))


def check(gram: Gram, dense: np.ndarray) -> None:
    np.testing.assert_allclose(gram.diagonal, np.diag(dense), rtol=1e-10, atol=1e-12)
    assert gram.square == pytest.approx(np.sum(dense**2), rel=1e-10)


@pytest.mark.parametrize("width", [0.3, 0.8])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", columns())
def test_gaussian_routes_agree_with_the_dense_matrix(name: str, route: NullRoute, width: float) -> None:
    column = columns()[name]
    gram = gaussian_gram(column, width, route)
    dense = dense_gaussian(column, width)
    check(gram, dense)
    largest = np.linalg.eigvalsh(dense)[::-1][:20]
    largest = largest[largest > 1e-8 * largest[0]]
    np.testing.assert_allclose(gram.eigenvalues[: len(largest)], largest, rtol=1e-8)


def test_statistics_do_not_depend_on_the_route() -> None:
    found = columns()
    for x, y in (("normal", "years"), ("outlier", "scores"), ("heavy", "normal"), ("angle", "month")):
        dense = float(np.sum(dense_gaussian(found[x], 0.5) * dense_gaussian(found[y], 0.4)))
        logs = []
        for first in ROUTES:
            for second in ROUTES:
                a, b = gaussian_gram(found[x], 0.5, first), gaussian_gram(found[y], 0.4, second)
                assert cross(a, b) == pytest.approx(dense, rel=1e-10)
                logs.append([spectral_log_p(cross(a, b), a, b), gamma_log_p(cross(a, b), a, b)])
        np.testing.assert_allclose(logs, np.broadcast_to(logs[0], np.shape(logs)), rtol=1e-9, atol=1e-10)


def test_the_cheapest_route_is_taken() -> None:
    found = columns(4000)
    assert type(kci_gram(found["normal"])).__name__ == "FactorGram"
    assert type(kci_gram(found["years"])).__name__ == "TableGram"
    small = columns(30)["normal"]
    assert type(kci_gram(small)).__name__ == "TableGram"  # the dense matrix
    half_far = np.append(np.random.default_rng(0).standard_normal(2000), 1e9 + np.arange(2000.0) / 700)
    width = 1e-9  # a series would need billions of terms
    factor = gaussian_gram(complete_column(half_far, "continuous"), width)
    assert factor.factor.shape[1] < 200


@pytest.mark.parametrize("name", columns())
def test_distance_routes_agree_with_the_dense_matrix(name: str) -> None:
    column = columns()[name]
    dense = dense_distance(column)
    for gram in (distance_table(column), spacing_gram(column)):
        check(gram, dense)
        largest = np.linalg.eigvalsh(dense)[::-1][:5]
        largest = largest[largest > 1e-8 * largest[0]]
        np.testing.assert_allclose(gram.eigenvalues[: len(largest)], largest, rtol=1e-8)


@pytest.mark.parametrize("x", ["normal", "heavy", "angle", "years"])
@pytest.mark.parametrize("y", ["normal", "outlier", "angle", "scores", "month"])
def test_distance_covariance_is_the_same_by_sorting_and_by_tables(x: str, y: str) -> None:
    found = columns()
    dense = float(np.sum(dense_distance(found[x]) * dense_distance(found[y])))
    makers: tuple[Callable[[Column], Gram], ...] = (distance_table, spacing_gram)
    for first in makers:
        for second in makers:
            assert cross(first(found[x]), second(found[y])) == pytest.approx(dense, rel=1e-9)


def test_gathered_eigenvalues_leave_p_in_place() -> None:
    """More than 512 distinct values are gathered for the null only; log p moves by less than 1e-3 of it."""
    rng = np.random.default_rng(0)
    for draw in (rng.standard_normal, rng.standard_cauchy):
        pair = [complete_column(draw(1200), "continuous") for _ in range(2)]
        exact, gathered = [distance_table(c) for c in pair], [spacing_gram(c) for c in pair]
        mean = exact[0].diagonal.sum() * exact[1].diagonal.sum() / 1200
        for times in (0.9, 1.5, 4.0):
            reference = spectral_log_p(times * mean, *exact)
            assert spectral_log_p(times * mean, *gathered) == pytest.approx(reference, rel=1e-3)


@pytest.mark.parametrize("name", columns())
@pytest.mark.parametrize("n", [7, 40, 400, 1500])
def test_median_distance_is_the_median(name: str, n: int) -> None:
    column = columns(n)[name]
    first, second = np.triu_indices(n, 1)
    x = column.positions[column.codes]
    distances = pairwise_distance(x[first], x[second], column.kind)
    positive = np.sort(distances[distances > 1e-12])
    assert column.median_distance == pytest.approx(positive[(len(positive) - 1) // 2], rel=1e-9)


def test_unbiased_form_is_that_of_u_centred_matrices() -> None:
    found = columns(60)
    a, b = hsic_gram(found["normal"]), delta_gram(found["scores"])
    k = dense_gaussian(found["normal"], found["normal"].median_distance)
    label = found["scores"].codes
    kernel = centred((label[:, None] == label).astype(float))

    def u_centred(matrix: np.ndarray) -> np.ndarray:
        n = len(matrix)
        off = matrix - np.diag(np.diag(matrix))
        rows = off.sum(axis=1)
        centred_ = off - rows[:, None] / (n - 2) - rows / (n - 2) + off.sum() / ((n - 1) * (n - 2))
        return np.asarray(centred_ - np.diag(np.diag(centred_)))

    expected = float(np.sum(u_centred(k) * u_centred(kernel))) / (60 * 57)
    assert unbiased(cross(a, b), a, b) == pytest.approx(expected, rel=1e-9)
    assert correlation(a.square, a, a) == pytest.approx(1.0)
