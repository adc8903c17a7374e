"""Statistics and null distributions of two Gram matrices."""

import numpy as np
import pytest
from independence.sample_columns import centred, columns, dense_gaussian

from personax.independence.grams import GramRoute, delta_gram, gaussian_gram
from personax.independence.kernels import hsic_gram
from personax.independence.nulls import correlation, cross, gamma_log_p, spectral_log_p, unbiased

ROUTES: tuple[GramRoute, ...] = ("table", "cosine", "cholesky")


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


def test_unbiased_form_is_that_of_u_centred_matrices() -> None:
    found = columns(60)
    a, b = hsic_gram(found["normal"]), delta_gram(found["scores"])
    k = dense_gaussian(found["normal"], found["normal"].median_distance)
    label = found["scores"].numbers
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
