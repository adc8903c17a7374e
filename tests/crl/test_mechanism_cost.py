"""Costs of mechanisms: entropies of known distributions, and the same number by two ways."""

import numpy as np
import pytest

from personax.crl.mechanism_cost import Mechanisms, SharedGiven, bends, noise_cost, standardise


@pytest.mark.parametrize("spread", [0.3, 2.0])
@pytest.mark.parametrize(
    ("kind", "entropy"),
    [("laplace", 1 + np.log(2)), ("standard_normal", 0.5 * np.log(2 * np.pi * np.e))],
)
def test_the_cost_is_the_entropy_in_units_of_a_laplace_distribution(
    kind: str, entropy: float, spread: float
) -> None:
    e = spread * getattr(np.random.default_rng(0), kind)(size=200_000)
    expected = entropy + np.log(spread) - (1 + np.log(2))
    assert noise_cost(np.log(np.abs(e))) == pytest.approx(expected, abs=0.01)


def test_a_scale_that_depends_on_s_is_not_paid_for() -> None:
    rng = np.random.default_rng(0)
    s, e = standardise(rng.uniform(size=20_000)), rng.laplace(size=20_000)
    given = SharedGiven(s[:, None])
    plain, scaled = given.cost_of_rest(e), given.cost_of_rest(e * np.exp(0.5 * s))
    assert scaled == pytest.approx(plain, abs=0.01)  # the mean of log scale is 0


@pytest.mark.parametrize("k", [0, 2])
def test_the_table_of_products_gives_the_costs_of_a_regression(k: int) -> None:
    rng = np.random.default_rng(0)
    s, z = standardise(rng.standard_normal((300, k))), rng.standard_normal((300, 3))
    given, everyone = SharedGiven(s), list(range(k))
    expected = given.cost(z[:, 2], [bends(standardise(z[:, j])) for j in (0, 1)])
    assert Mechanisms(z, given).cost(2, [*everyone, k, k + 1]) == pytest.approx(expected, abs=1e-9)


def test_bends_save_where_the_effect_is_bent_only() -> None:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((4000, 1))
    for effect, saved in ((z, 0.0), (np.abs(z), 0.3)):
        both = np.column_stack([z, effect + 0.5 * rng.laplace(size=z.shape)])
        mechanisms = Mechanisms(both, SharedGiven(np.zeros((4000, 0))))
        gain = mechanisms.cost(1, [0], bent=False) - mechanisms.cost(1, [0])
        assert (gain > saved) if saved else (gain < 0.002)
