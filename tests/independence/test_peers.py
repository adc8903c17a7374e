"""Results equal those of causal-learn, scipy, hyppo, dcor and dense formulas where these are correct."""

import numpy as np
import pytest
from causallearn.utils.KCI.KCI import KCI_UInd
from hyppo.independence import Dcorr
from scipy import stats

from personax.independence import (
    Kind,
    distance_correlation,
    fisher_z,
    hsic,
    kci,
    run_test,
)
from personax.independence.columns import complete_column, encode
from personax.independence.grams import gaussian_matrix
from personax.independence.kernels import kci_width
from personax.independence.reference import REFERENCE

KINDS: tuple[Kind, ...] = ("continuous", "ordinal", "nominal", "circular")


def draw(kind: Kind, n: int, rng: np.random.Generator) -> np.ndarray:
    if kind == "continuous":
        return rng.standard_normal(n) if rng.random() < 0.7 else rng.standard_t(2, n) * 1e3
    if kind == "ordinal":
        return np.round(rng.normal(0, rng.uniform(0.8, 20), n))
    if kind == "nominal":
        return rng.integers(0, rng.integers(2, 12), n).astype(float)
    return rng.uniform(0, 2 * np.pi, n) if rng.random() < 0.5 else rng.integers(0, 12, n) * np.pi / 6


def dense_kernel(values: np.ndarray, kind: Kind) -> np.ndarray:
    """KCI's kernel for kinds of columns that causal-learn does not support."""
    column = complete_column(encode(values, kind), kind)
    if kind == "nominal":
        return np.asarray((values[:, None] == values).astype(float))
    points = np.column_stack([np.sin(values), np.cos(values)])
    scale = np.sqrt(points.var(axis=0, ddof=1).mean())
    x = column.positions[column.numbers]
    return gaussian_matrix(x, x, column, kci_width(len(values)) * scale / np.sqrt(2))


def causal_learn(x: np.ndarray, y: np.ndarray, kinds: tuple[Kind, Kind]) -> tuple[float, float]:
    """V and gamma p by causal-learn's own kernels for numbers, its own statistic and null for all."""
    test = KCI_UInd()
    numeric = test.kernel_matrix(x[:, None].copy(), y[:, None].copy())
    kernels = [
        kernel if kind in ("continuous", "ordinal") else dense_kernel(values, kind)
        for kernel, values, kind in zip(numeric, (x, y), kinds, strict=True)
    ]
    statistic, kx, ky = test.HSIC_V_statistic(*kernels)
    shape, scale = test.get_kappa(kx, ky)
    return float(statistic), float(1 - stats.gamma.cdf(statistic, shape, 0, scale))


@pytest.mark.slow
def test_kci_gamma_equals_causal_learn_on_200_random_pairs() -> None:
    rng = np.random.default_rng(11)
    for number in range(200):
        n = int(20 * 150 ** (rng.random() ** 2)) if number < 195 else 3000
        kinds = KINDS[number % 4], KINDS[number // 4 % 4]
        x, y = draw(kinds[0], n, rng), draw(kinds[1], n, rng)
        if rng.random() < 0.5:
            y = np.where(rng.random(n) < 0.3, np.resize(np.unique(y), n)[np.argsort(np.argsort(x))], y)
        if len(np.unique(x)) < 2 or len(np.unique(y)) < 2:
            continue
        statistic, p = causal_learn(x, y, kinds)
        found = kci(x, y, kinds=kinds, null="gamma")
        assert found.statistic == pytest.approx(statistic, rel=1e-10), (number, n, kinds)
        # 1 - cdf itself is good to 1e-16 only.
        assert found.pvalue == pytest.approx(p, rel=1e-10, abs=1e-13), (number, n, kinds)


@pytest.mark.parametrize("n", [8, 100, 3000])
def test_fisher_z_equals_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    y = 0.2 * x + rng.standard_normal(n)
    expected = stats.pearsonr(x, y)
    found = fisher_z(1900 + 0.01 * x, y, null="normal")
    assert found.effect == pytest.approx(expected.statistic, rel=1e-10)
    z = np.arctanh(expected.statistic) * np.sqrt(n - 3)
    assert found.pvalue == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    assert fisher_z(x, y, null="t").pvalue == pytest.approx(expected.pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [9, 200, 1500])
def test_distance_correlation_equals_hyppo_and_dcor(n: int) -> None:
    import dcor  # compiles for seconds, so not whenever tests are collected

    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    pairs = {
        "continuous": 0.3 * x**2 + rng.standard_normal(n),
        "ordinal": np.round(0.5 * x + rng.standard_normal(n)),
    }
    for y in pairs.values():
        found = distance_correlation(x, y)
        assert found.statistic == pytest.approx(dcor.u_distance_correlation_sqr(x, y), rel=1e-9, abs=1e-11)
        assert found.statistic == pytest.approx(
            Dcorr().statistic(x[:, None], y[:, None]), rel=1e-9, abs=1e-11
        )
    angle = rng.uniform(0, 2 * np.pi, n)
    points = np.column_stack([np.sin(angle), np.cos(angle)])
    found = distance_correlation(angle, x, kinds=("circular", "continuous"))
    assert found.statistic == pytest.approx(dcor.u_distance_correlation_sqr(points, x), rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("n", [12, 500])
def test_hsic_equals_the_dense_formula(n: int) -> None:
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n)
    y = np.round(2 * x + rng.standard_normal(n))
    kernels = []
    for values in (x, y):
        distances = np.abs(values[:, None] - values)
        positive = np.sort(distances[np.triu_indices(n, 1)])
        positive = positive[positive > 0]
        median = positive[(len(positive) - 1) // 2]
        kernels.append(np.exp(-(distances**2) / (2 * median**2)))
    h = np.eye(n) - 1 / n
    dense = np.trace(kernels[0] @ h @ kernels[1] @ h) / n**2
    assert hsic(x, y, kinds=("continuous", "ordinal")).statistic == pytest.approx(dense, rel=1e-10)


def test_reference_implementations_agree_with_ours() -> None:
    """`--implementation reference`: equal statistics where both define the same, similar p elsewhere."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal(300)
    y = np.round(0.6 * x + rng.standard_normal(300))
    for name, procedure in REFERENCE.items():
        kinds: tuple[Kind, Kind] = ("ordinal", "ordinal") if "square" in name else ("continuous", "ordinal")
        first = np.round(x) if "square" in name else x
        theirs = run_test(procedure, first, y, kinds=kinds)
        ours = run_test(name, first, y, kinds=kinds)
        assert theirs.test == ours.test == procedure.name
        assert theirs.pvalue < 0.01
        assert ours.pvalue < 0.01
        if name in ("kci", "distance_correlation", "chi_square", "g_square"):
            assert theirs.statistic == pytest.approx(ours.statistic, rel=1e-9)
