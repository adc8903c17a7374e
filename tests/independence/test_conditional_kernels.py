"""Conditional KCI and its relatives: dense formulas, causal-learn, level, power."""

import numpy as np
import pytest
from causallearn.utils.KCI.KCI import KCI_CInd
from scipy import stats

from personax.independence import Kind, gcm, kci, rcit, rcot, run_conditional
from personax.independence.conditional_columns import complete_groups
from personax.independence.conditional_kernels import (
    EXACT_UNTIL,
    FIXED_RIDGE,
    GivenColumns,
    corrected,
    fixed_width,
    kernel_residuals,
)
from personax.independence.conditional_regression import noise_ratio
from personax.independence.row_products import TILES_UNTIL, moments

CONTINUOUS: tuple[Kind, Kind, Kind] = ("continuous",) * 3


def fork(n: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x <- z -> y, nonlinear, with some columns of z that do not matter."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, columns))
    x = np.sin(1.5 * z[:, 0]) + 0.5 * rng.normal(size=n)
    return x, np.tanh(z.sum(1)) + 0.5 * rng.normal(size=n), z


def dense_gaussian(points: np.ndarray, width: float) -> np.ndarray:
    gaps = ((points[:, None] - points[None]) ** 2).sum(-1)
    return np.asarray(np.exp(-0.5 * gaps / width**2))


def gamma_p(total: float, mean: float, variance: float) -> float:
    return float(stats.gamma.sf(total, mean**2 / variance, scale=variance / mean))


def dense_fixed(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[float, float]:
    """The formulas of Zhang et al. 2011 with n x n matrices: statistic and p."""
    n = len(x)
    x, y, z = ((a.reshape(n, -1) - a.mean(0)) / a.reshape(n, -1).std(0, ddof=1) for a in (x, y, z))
    width = fixed_width(n) * np.sqrt(z.shape[1])
    centre = np.eye(n) - 1.0 / n
    k_z = centre @ dense_gaussian(z, width) @ centre
    left = FIXED_RIDGE * np.linalg.inv(k_z + FIXED_RIDGE * np.eye(n))
    a, b = (
        left @ centre @ dense_gaussian(points, width) @ centre @ left
        for points in (np.column_stack([x, 0.5 * z]), y)
    )
    total = float(np.sum(a * b))
    return total, gamma_p(total, float(np.diag(a) @ np.diag(b)), 2.0 * float(np.sum((a * b) ** 2)))


AT_MOST_EXACT = pytest.param(EXACT_UNTIL, 2, marks=pytest.mark.slow)


@pytest.mark.parametrize(("n", "columns"), [(150, 1), (150, 3), (400, 2), AT_MOST_EXACT])
def test_fixed_kci_is_the_dense_formula_and_causal_learn(n: int, columns: int) -> None:
    x, y, z = fork(n, columns, seed=columns)
    found = run_conditional("kci_fixed", x, y, z)
    statistic, p = dense_fixed(x, y, z)
    assert found.statistic == pytest.approx(statistic, rel=1e-8)
    assert found.pvalue == pytest.approx(p, rel=1e-8)
    if n == EXACT_UNTIL:
        return  # causal-learn takes most of a minute
    peer_p, peer_statistic = KCI_CInd().compute_pvalue(x[:, None], y[:, None], z)
    assert found.statistic == pytest.approx(peer_statistic, rel=1e-8)
    assert found.pvalue == pytest.approx(peer_p, rel=1e-3)  # causal-learn drops eigenvalues below 1e-5


def dense_ridge(ridge: np.ndarray, shrinkage: np.ndarray) -> np.ndarray:
    n = len(ridge)
    return np.asarray(np.eye(n) - 1.0 / n - ridge @ np.diag(shrinkage) @ ridge.T)


@pytest.mark.parametrize("n", [300, pytest.param(TILES_UNTIL, marks=pytest.mark.slow)])
def test_kci_is_the_dense_formula_with_its_regressions(n: int) -> None:
    x, y, z = fork(n, 2, seed=5)
    groups = complete_groups((x, y, z), CONTINUOUS, (None,) * 3)
    condition = GivenColumns(groups.given)
    sides = [kernel_residuals(side, condition) for side in (groups.x, groups.y)]
    a, b = (side.features @ side.features.T for side in sides)
    c = condition.weight.factor @ condition.weight.factor.T
    left, right = (dense_ridge(*side.ridge) for side in sides)
    ratio = float(np.sum((left @ right) ** 2) / (np.diag(left @ left) @ np.diag(right @ right)))
    mean = ratio * float(np.sum(np.diag(a) * np.diag(b) * np.diag(c)))
    p = gamma_p(float(np.sum(a * b * c)), mean, 2.0 * ratio**2 * float(np.sum((a * b * c) ** 2)))
    found = kci(x, y, given=z)
    assert noise_ratio(sides[0].ridge, sides[1].ridge) == pytest.approx(ratio, rel=1e-8)
    assert found.statistic == pytest.approx(float(np.sum(a * b * c)), rel=1e-8)
    assert found.pvalue == pytest.approx(p, rel=1e-8)


def test_the_linear_route_agrees_with_the_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y, z = fork(1200, 2, seed=6)
    groups = complete_groups((x, y, z), CONTINUOUS, (None,) * 3)
    tiles, linear = kci(x, y, given=z), []
    monkeypatch.setattr("personax.independence.row_products.TILES_UNTIL", 0)
    monkeypatch.setattr("personax.independence.row_products._TILE_COST", 1e9)
    condition = GivenColumns(groups.given)
    first, second = (kernel_residuals(side, condition) for side in (groups.x, groups.y))
    linear.append(corrected(moments(first.kernel, second.kernel, condition.weight), 1.0))
    other = kci(x, y, given=z)
    assert linear[0].total == pytest.approx(tiles.statistic, rel=1e-10)
    assert other.pvalue != tiles.pvalue  # it did take the other route
    assert other.log10_pvalue == pytest.approx(tiles.log10_pvalue, abs=2e-4)
    assert other.effect == pytest.approx(tiles.effect, abs=1e-3)


@pytest.mark.parametrize("test", ["kci", "rcot", "rcit", "gcm", "distance_correlation"])
def test_a_dependence_given_z_is_found(test: str) -> None:
    x, y, z = fork(400, 2, seed=7)
    common = np.random.default_rng(8).normal(size=400)
    assert run_conditional(test, x + 0.6 * common, y + 0.6 * common, z).pvalue < 1e-3


def test_kci_finds_what_changes_its_sign_with_z_and_gcm_does_not() -> None:
    rng = np.random.default_rng(9)
    z, x = rng.normal(size=(2, 800))
    y = np.sign(z) * x + rng.normal(size=800)
    assert kci(x, y, given=z).pvalue < 1e-6
    assert gcm(x, y, given=z).pvalue > 1e-3


@pytest.mark.parametrize("test", ["kci", "gcm"])
def test_level_of_a_nonlinear_fork(test: str) -> None:
    def rejections(name: str) -> float:
        return sum(run_conditional(name, *fork(120, 1, seed)).pvalue <= 0.05 for seed in range(80))

    low, high = (stats.binom.ppf(q, 80, 0.05) for q in (1e-4, 1 - 1e-4))
    assert low <= rejections(test) <= high


def test_the_order_of_x_and_y_and_units_do_not_matter() -> None:
    x, y, z = fork(200, 2, seed=3)
    p = kci(x, y, given=z).pvalue
    assert kci(y, x, given=z).pvalue == pytest.approx(p, rel=1e-9)
    assert kci(1e160 * x, np.exp(y), given=z**3 * 1e-200).pvalue == pytest.approx(p, rel=1e-9)


def test_mixed_kinds_and_several_columns() -> None:
    rng = np.random.default_rng(1)
    league = rng.integers(0, 4, 300)
    month = rng.integers(0, 12, 300)
    height = league + rng.normal(size=300)
    team = (league + rng.integers(0, 2, 300)) % 4
    kinds: tuple[list[Kind], Kind, Kind] = (["continuous", "circular"], "nominal", "nominal")
    periods = ([None, 12.0], None, None)
    pair = np.column_stack([height, month])
    dependent = kci(pair, team, given=np.zeros(300), kinds=kinds, periods=periods)
    independent = kci(pair, team, given=league, kinds=kinds, periods=periods)
    assert dependent.pvalue < 1e-6
    assert independent.pvalue > 0.01
    names = np.array(["d", "b", "a", "c"])
    renamed = kci(pair, names[team], given=names[league], kinds=kinds, periods=periods)
    assert renamed.pvalue == pytest.approx(independent.pvalue, rel=1e-6)


def test_a_function_of_the_condition_has_no_pvalue() -> None:
    z = np.random.default_rng(0).normal(size=100)
    found = kci(z, z**2, given=z)
    assert np.isnan(found.pvalue)
    assert found.null.startswith("undefined: x or y is a function")


def test_random_features_depend_on_the_seed_only() -> None:
    x, y, z = fork(200, 1, seed=3)
    for test in (rcit, rcot):
        assert test(x, y, given=z, rng=1) == test(x, y, given=z, rng=1)
        assert test(x, y, given=z, rng=1).pvalue != test(x, y, given=z, rng=2).pvalue


def test_gcm_of_several_columns_is_a_bootstrap() -> None:
    x, y, z = fork(200, 1, seed=4)
    found = gcm(np.column_stack([x, x**2]), y, given=z, rng=0)
    assert found.null == "bootstrap"
    assert found.pvalue > 0.01
    assert gcm(np.column_stack([x, y**3]), y, given=z, rng=0, resamples=99).bound
