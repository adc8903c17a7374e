"""Columns of all sorts, and the dense matrices that every representation must agree with."""

import numpy as np
import pytest

from personax.independence.columns import PreparedColumn, complete_column, encode, pairwise_distance
from personax.independence.grams import Gram, gaussian_matrix

N = 400


def columns(n: int = N) -> dict[str, PreparedColumn]:
    """One column of each kind that may be difficult for a representation."""
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


def dense_gaussian(column: PreparedColumn, width: float) -> np.ndarray:
    x = column.positions[column.numbers]
    return centred(gaussian_matrix(x, x, column, width))


def dense_distance(column: PreparedColumn) -> np.ndarray:
    x = column.positions[column.numbers]
    return centred(-0.5 * pairwise_distance(x[:, None], x, column.kind))


def assert_same_sums(gram: Gram, dense: np.ndarray) -> None:
    np.testing.assert_allclose(gram.diagonal, np.diag(dense), rtol=1e-10, atol=1e-12)
    assert gram.square == pytest.approx(np.sum(dense**2), rel=1e-10)
