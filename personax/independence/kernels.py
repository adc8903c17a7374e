"""Kernel and distance tests: each turns a column into a Gram matrix and compares two Gram matrices."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from jaxtyping import Float

from personax.independence.columns import ColumnPair, PreparedColumn
from personax.independence.effects import Squares, alignment_effect
from personax.independence.grams import FactorGram, Gram, delta_gram, gaussian_gram, gram_of_factor, trace
from personax.independence.joint_counts import joint_counts
from personax.independence.nulls import cross, kernel_p
from personax.independence.permutations import Groups, gathered
from personax.independence.procedure import Compare, Comparison, Null

RANDOM_FEATURES = 5  # of RCIT, for each column (Strobl et al. 2019)
KERNEL_NULLS: tuple[Null, ...] = ("auto", "spectral", "gamma", "permutation")

# (V, a, b) -> the statistic that is reported
Scale = Callable[[float, Gram, Gram], float]


def kci_width(n: int) -> float:
    """Width of KCI's Gaussian kernel in standard deviations (Zhang et al. 2011, as in causal-learn)."""
    return 0.8 if n < 200 else 0.5 if n < 1200 else 0.3


def kci_gram(column: PreparedColumn) -> Gram:
    """Gaussian kernel of z-scores (ddof = 1), of the chord for circular columns; delta kernel for nominal.

    A circular column has two coordinates (sin, cos), so the squared width is divided by 2, as in
    causal-learn.
    """
    width = kci_width(len(column))
    if column.kind == "nominal":
        return delta_gram(column)
    if column.kind == "circular":
        return gaussian_gram(column, width * np.sqrt(column.spread / 2.0))
    return gaussian_gram(column, width)


def hsic_gram(column: PreparedColumn) -> Gram:
    """Gaussian kernel whose width is the median of the column's own positive distances."""
    if column.kind == "nominal":
        return delta_gram(column)
    return gaussian_gram(column, column.median_distance)


def draw_frequencies(rng: np.random.Generator) -> Float[np.ndarray, "features 3"]:
    """(RANDOM_FEATURES, 3): two standard normal frequencies and one uniform phase for each random feature."""
    return np.column_stack(
        [
            rng.standard_normal((RANDOM_FEATURES, 2)),
            rng.uniform(0.0, 2.0 * np.pi, RANDOM_FEATURES),
        ]
    )


def rcit_gram(frequencies: Float[np.ndarray, "features 3"], column: PreparedColumn) -> Gram:
    """Random Fourier features cos(w x / width + b), each standardised; w and b are from `draw_frequencies`.

    Both columns of a test share the frequencies. The test is then symmetric, and a grid builds the features
    of a column once. A nominal column has the delta kernel, whose features are its categories.
    """
    if column.kind == "nominal":
        return delta_gram(column)
    if column.kind == "circular":
        points = np.column_stack([np.sin(column.distinct), np.cos(column.distinct)])
    else:
        points = column.positions[:, None]
    phases = points @ frequencies[:, : points.shape[1]].T / column.median_distance + frequencies[:, 2]
    if column.weights is not None:
        centred = np.cos(phases) - (column.counts / len(column)) @ np.cos(phases)
        deviation = np.sqrt(column.counts @ centred**2 / (len(column) - 1))
        return gram_of_factor(column, centred / np.maximum(deviation, 1e-12))
    features = np.asfortranarray(np.cos(phases)[column.numbers])
    features -= features.mean(axis=0)
    features /= np.maximum(features.std(axis=0, ddof=1), 1e-12)
    return FactorGram(features)


@dataclass(frozen=True, eq=False)
class KernelColumn:
    """A column with its Gram matrix and, when they are first needed, its groups (permutations.py)."""

    column: PreparedColumn
    gram: Gram

    @cached_property
    def groups(self) -> Groups:
        """The rows in at most MOST_GROUPS groups."""
        return gathered(self.column, self.gram)


def as_kernel_column(make: Callable[[PreparedColumn], Gram], column: PreparedColumn) -> KernelColumn:
    """The column with the Gram matrix that `make` gives it."""
    return KernelColumn(column, make(column))


def compare_grams(scale: Scale) -> Compare:
    """The comparison of two Gram matrices whose reported statistic is scale(V, a, b), V as in nulls.py."""
    return partial(_compare_grams, scale)


def _compare_grams(
    scale: Scale,
    columns: ColumnPair,
    prepared: tuple[KernelColumn, KernelColumn],
    null: Null,
    rng: np.random.Generator,
    resamples: int,
) -> Comparison:
    a, b = prepared
    v = cross(a.gram, b.gram)
    traces = trace(a.gram) * trace(b.gram)
    n = a.gram.n
    squares = Squares(v, a.gram.square, b.gram.square, traces / (n - 1))
    table = joint_counts(a.groups, b.groups)
    effect = alignment_effect(squares, table, a.groups.kernel, b.groups.kernel)
    p = kernel_p(v, columns, (a.gram, b.gram), lambda: (a.groups, b.groups), null, rng, resamples)
    return Comparison(scale(v, a.gram, b.gram), p, effect)


def unscaled(v: float, a: Gram, b: Gram) -> float:
    """V = sum(Kc_x * Kc_y) = n^2 HSIC, KCI's statistic."""
    return v


def per_pair(v: float, a: Gram, b: Gram) -> float:
    """V / n^2 = tr(K H L H) / n^2, the biased HSIC (Gretton et al. 2008, Eq. 4)."""
    return v / a.n**2


def per_row(v: float, a: Gram, b: Gram) -> float:
    """V n / (n - 1)^2 = n || C_xy ||_F^2 with C_xy covariances (ddof = 1), the statistic of RIT."""
    return v * a.n / (a.n - 1) ** 2
