"""Many labels: the same sums as between all labels, and no matrix between them."""

import numpy as np
import pytest
from independence.sample_columns import centred
from scipy import stats

from personax.independence import chi_square, kci
from personax.independence.columns import complete_column
from personax.independence.discrete import (
    expected_counts,
    is_large,
    likelihood_ratio,
    pearson,
    statistic_and_effect,
)
from personax.independence.distances import spacing_gram
from personax.independence.effects import cramers_v
from personax.independence.grams import (
    DeltaGram,
    Gram,
    centred_table,
    delta_gram,
    gaussian_gram,
    joint_counts,
)
from personax.independence.large_tables import pearson_of_cells, shuffled_cells
from personax.independence.nulls import cross, permutation_variance, spectral_log_p, united
from personax.independence.tails import log_weighted_chi2_sf

N = 600


def labels(seed: int) -> DeltaGram:
    column = complete_column(np.random.default_rng(seed).integers(0, 400, N).astype(float), "nominal")
    found = delta_gram(column)
    assert isinstance(found, DeltaGram)
    return found


def dense(gram: DeltaGram) -> np.ndarray:
    return centred((gram.numbers[:, None] == gram.numbers).astype(float))


def test_sums_and_eigenvalues_are_those_of_the_dense_matrix() -> None:
    gram = labels(0)
    matrix = dense(gram)
    np.testing.assert_allclose(gram.diagonal, np.diag(matrix), rtol=1e-10)
    assert gram.square == pytest.approx(np.sum(matrix**2), rel=1e-10)
    expected = np.linalg.eigvalsh(matrix)[::-1]
    np.testing.assert_allclose(gram.eigenvalues, expected[: len(gram.eigenvalues)], rtol=1e-9)
    assert np.abs(expected[len(gram.eigenvalues) :]).max() < 1e-9


def test_every_sum_with_another_column_is_that_of_dense_matrices() -> None:
    rng = np.random.default_rng(1)
    first = labels(2)
    numbers = complete_column(rng.standard_normal(N), "continuous")
    angles = complete_column(rng.uniform(0, 6.28, N), "circular")
    scores = complete_column(rng.integers(0, 3, N).astype(float), "nominal")
    others: list[Gram] = [
        labels(3),
        gaussian_gram(numbers, 0.5, "cosine"),
        gaussian_gram(numbers, 0.5, "table"),
        spacing_gram(numbers),
        spacing_gram(angles),
        centred_table(scores, np.eye(3)),
    ]
    basis = np.eye(N)
    for other in others:
        assert cross(first, other) == pytest.approx(cross(other, first))
        rows = complete_column(np.arange(float(N)), "ordinal")
        as_table = centred_table(rows, (first.numbers[:, None] == first.numbers) * 1.0 + 0.0 * basis)
        if isinstance(other, DeltaGram):
            assert cross(first, other) == pytest.approx(np.sum(dense(first) * dense(other)), rel=1e-9)
        else:
            assert cross(first, other) == pytest.approx(cross(as_table, other), rel=1e-8)


def test_four_thousand_labels_are_tested_and_independent_ones_not_rejected() -> None:
    rng = np.random.default_rng(4)
    label, x = rng.integers(0, 4000, 9000), rng.standard_normal(9000)
    found = kci(label, x, kinds=("nominal", "continuous"))
    assert found.null == "spectral"
    assert found.pvalue > 0.001
    dependent = kci(label, (label % 7) + 0.1 * x, kinds=("nominal", "continuous"))
    assert dependent.pvalue < 1e-10
    assert 0.1 < dependent.effect < 1.0


def test_the_null_of_two_columns_of_labels_is_that_of_all_products_of_eigenvalues() -> None:
    """Of thousands of labels the products are millions: equal ones are united."""
    a, b = labels(5), labels(6)
    values, times = united(a.eigenvalues)
    assert len(values) < 30
    np.testing.assert_array_equal(np.repeat(values, times.astype(int)), a.eigenvalues[::-1])
    weights = np.multiply.outer(a.eigenvalues, b.eigenvalues).ravel() / (N - 1)
    for v in (weights.sum(), 1.2 * weights.sum(), 3.0 * weights.sum()):
        scale = np.sqrt(2.0 * weights @ weights / sum(permutation_variance(a, b)))
        expected = log_weighted_chi2_sf(weights, weights.sum() + (v - weights.sum()) * scale)
        assert spectral_log_p(v, a, b) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_sparse_table_of_many_cells_is_not_drawn_ten_times_as_often() -> None:
    label = np.resize(np.arange(150), 600)
    found = chi_square(label, label, kinds=("nominal", "nominal"), resamples=99)
    assert found.bound
    assert found.pvalue == pytest.approx(0.01)


def test_a_large_table_has_the_statistics_of_all_its_cells() -> None:
    """Only filled cells are listed; statistics, effect and interval are those of the whole table."""
    rng = np.random.default_rng(8)
    x = complete_column(rng.integers(0, 150, 900).astype(float), "nominal")
    y = complete_column(np.round(x.values / 2 + rng.integers(0, 90, 900)), "ordinal")
    assert is_large((x, y))
    table = joint_counts(x, y)
    expected = expected_counts(x.counts, y.counts)
    for measure in (pearson, likelihood_ratio):
        statistic, effect = statistic_and_effect(measure, (x, y))
        assert statistic == pytest.approx(float(measure(table, expected)), rel=1e-9)
        assert tuple(effect) == pytest.approx(tuple(cramers_v(table)), rel=1e-9)


def test_shuffled_cells_have_the_mean_and_the_spread_of_random_tables() -> None:
    rng = np.random.default_rng(9)
    rows, columns = np.bincount(rng.integers(0, 60, 400)), np.bincount(rng.integers(0, 40, 400))
    ours = pearson_of_cells(shuffled_cells(rows, columns, rng, 3000))
    tables = stats.random_table(rows, columns).rvs(3000, random_state=rng)
    theirs = pearson(tables, expected_counts(rows, columns))
    error = theirs.std() * np.sqrt(2 / 3000)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * error)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.08)
    assert ours.mean() == pytest.approx(59 * 39 * 400 / 399, abs=4 * error)


def test_columns_of_thousands_of_values_have_a_chi_square() -> None:
    """5,000 x 5,000 values: the table would have 25 million cells."""
    rng = np.random.default_rng(10)
    x, y = np.arange(6000) % 5000, rng.permutation(6000) % 5000
    free = chi_square(x, y, kinds=("ordinal", "nominal"), resamples=99)
    assert free.null == "permutation"
    assert free.pvalue > 0.01
    tied = chi_square(x, x, kinds=("ordinal", "nominal"), resamples=99)
    assert tied.pvalue == pytest.approx(0.01)
    assert tied.effect == pytest.approx(1.0)
