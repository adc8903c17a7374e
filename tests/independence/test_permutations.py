"""Permutation p-values against enumeration and closed forms; the rule that chooses a null."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from personax.independence import TESTS, Kind, fisher_z, kci, run_test
from personax.independence.columns import complete_column, encode
from personax.independence.distances import distance_gram
from personax.independence.grams import Gram
from personax.independence.kernels import hsic_gram, kci_gram
from personax.independence.nulls import SURE_SHARE, cross, is_smooth, permutation_variance, support
from personax.independence.permutations import (
    Groups,
    gathered,
    pair_counts,
    permutation_p,
    shuffled_statistics,
)

KERNELS = ("kci", "hsic", "distance_correlation")


def pair(n: int, seed: int = 0) -> tuple[Gram, Gram]:
    rng = np.random.default_rng(seed)
    x = complete_column(rng.standard_cauchy(n), "continuous")
    return kci_gram(x), distance_gram(complete_column(np.round(rng.standard_normal(n)), "ordinal"))


def test_the_variance_is_that_of_all_orders() -> None:
    rng = np.random.default_rng(1)
    for n in (5, 6, 7):
        a = hsic_gram(complete_column(rng.standard_normal(n), "continuous"))
        b = hsic_gram(complete_column(rng.standard_exponential(n), "continuous"))
        values = [cross(a.permuted(np.array(order)), b) for order in permutations(range(n))]
        assert sum(permutation_variance(a, b)) == pytest.approx(np.var(values), rel=1e-9)
        mean = a.diagonal.sum() * b.diagonal.sum() / (n - 1)
        assert mean == pytest.approx(np.mean(values), rel=1e-9)


@pytest.mark.parametrize("n", [30, 400, 3000])
def test_shuffled_statistics_have_the_moments_of_all_orders(n: int) -> None:
    """Pairs of rows, tables by rows and tables by cells: from 400 rows on, values share groups."""
    rng = np.random.default_rng(n)
    x, y = (
        complete_column(rng.standard_normal(n), "continuous"),
        complete_column(rng.integers(0, 5, n) * 1.0, "ordinal"),
    )
    a, b = kci_gram(x), kci_gram(y)
    drawn = shuffled_statistics(gathered(x, a), gathered(y, b), rng, 4000)
    mean = a.diagonal.sum() * b.diagonal.sum() / (n - 1)
    deviation = np.sqrt(sum(permutation_variance(a, b)))
    assert drawn.mean() == pytest.approx(mean, abs=0.02 * mean + 4 * deviation / np.sqrt(4000))
    assert drawn.std() == pytest.approx(deviation, rel=0.1)


def test_a_single_feature_is_shuffled_itself() -> None:
    """The square of a sum over 7 rows, one far out: a random order has each value as often as all orders."""
    x = complete_column(np.r_[np.arange(6.0), 40.0], "continuous")
    groups = Groups(x.numbers, x.counts, x.standardised[:, None])
    drawn = shuffled_statistics(groups, groups, np.random.default_rng(0), 20_000)
    scores = x.standardised[x.numbers]
    every = np.array([(scores @ scores[list(order)]) ** 2 for order in permutations(range(7))])
    shares = [np.mean(values >= 0.9 * np.sum(scores**2) ** 2) for values in (drawn, every)]
    assert drawn.mean() == pytest.approx(every.mean(), abs=4 * every.std() / np.sqrt(20_000))
    assert shares[0] == pytest.approx(shares[1], abs=4 * np.sqrt(shares[1] / 20_000))


@pytest.mark.parametrize("kind", ["continuous", "circular"])
@pytest.mark.parametrize("make", [kci_gram, hsic_gram, distance_gram])
def test_groups_keep_the_statistic(make: object, kind: Kind) -> None:
    assert callable(make)
    rng = np.random.default_rng(4)
    x = rng.uniform(0, 6, 1500)
    y = np.mod(x + rng.standard_normal(1500), 6.0)
    columns = [complete_column(encode(values, kind, 6.0), kind) for values in (x, y)]
    grams = [make(column) for column in columns]
    a, b = (gathered(column, gram) for column, gram in zip(columns, grams, strict=True))
    inner = a.features.T @ pair_counts(a, b) @ b.features
    assert np.sum(inner**2) == pytest.approx(cross(*grams), rel=0.03)
    assert len(a.counts) <= 64


def test_few_rows_are_enumerated() -> None:
    found = fisher_z([0, 0, 0, 1, 1, 1], [5, 5, 5, 9, 9, 9])
    assert found.null == "exact"
    assert found.pvalue == pytest.approx(0.1)
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal(7), rng.standard_normal(7)
    r = abs(np.corrcoef(x, y)[0, 1])
    all_r = [abs(np.corrcoef(x, y[list(order)])[0, 1]) for order in permutations(range(7))]
    assert fisher_z(x, y).pvalue == pytest.approx(np.mean(np.array(all_r) >= r - 1e-9))


@pytest.mark.parametrize("test", list(TESTS))
def test_two_values_have_the_p_of_fishers_exact_test(test: str) -> None:
    """One 1 in each of 100 rows, at the same place: an event of probability 1/100."""
    one = np.eye(100)[7]
    found = run_test(test, one, one, kinds=("ordinal", "ordinal"))
    assert found.null == "exact"
    assert found.pvalue == pytest.approx(0.01)
    assert found.effect == pytest.approx(1.0)
    rng = np.random.default_rng(3)
    x = (rng.random(300) < 0.02).astype(float)
    y = np.where(rng.random(300) < 0.3, x, (rng.random(300) < 0.02).astype(float))
    counts = stats.contingency.crosstab(x, y).count
    expected = stats.fisher_exact(counts).pvalue
    if test != "g_square":  # orders tables by their likelihood, which may differ
        assert run_test(test, x, y, kinds=("ordinal", "ordinal")).pvalue == pytest.approx(expected, rel=1e-6)


def test_a_null_is_chosen_by_what_the_data_bear() -> None:
    """Smooth columns: asymptotic. Heavy tails or rare values: random orders."""
    rng = np.random.default_rng(5)
    normal, heavy, rare = (
        rng.standard_normal(500),
        rng.standard_cauchy(500),
        np.r_[np.zeros(490), rng.random(10)],
    )
    other = rng.standard_normal(500)
    for test in KERNELS:
        assert run_test(test, normal, other).null == "spectral"
    for test in ("distance_correlation", "fisher_z"):
        assert run_test(test, heavy, rng.permutation(heavy)).null == "permutation"
        assert run_test(test, rare, rng.permutation(rare)).null == "permutation"
    assert fisher_z(normal, other).null == "t"
    assert run_test("kci", normal[:40], other[:40]).null == "permutation"


def test_single_rows_that_decide_are_seen_by_the_rule() -> None:
    n = 400
    one = complete_column(np.r_[np.arange(n - 1.0), 1e6], "continuous")
    assert not is_smooth(distance_gram(one), distance_gram(one))
    even = complete_column(np.arange(float(n)), "continuous")
    assert is_smooth(distance_gram(even), distance_gram(even))


def test_no_p_lies_below_what_the_null_supports() -> None:
    x = np.random.default_rng(6).standard_normal(200)
    for test in (*KERNELS, "fisher_z", "rcit"):
        found = run_test(test, x, x)
        assert found.bound
        assert found.pvalue == pytest.approx(np.exp(SURE_SHARE * support(200)))
    assert not kci(x, x, null="spectral").bound


@pytest.mark.parametrize("share", [0.1, 0.3])
@pytest.mark.parametrize("n", [200, 1000])
def test_within_the_support_three_fifths_of_the_asymptotic_exponent_are_right(n: int, share: float) -> None:
    """Two columns with two values, whose exact p is known, at many possible counts of common ones."""
    ones = int(share * n)
    x = np.r_[np.ones(ones), np.zeros(n - ones)]
    compared = []
    for both in range(int(share * ones) + 1, ones + 1, max(1, ones // 20)):
        y = np.r_[np.ones(both), np.zeros(ones - both), np.ones(ones - both), np.zeros(n - 2 * ones + both)]
        spectral = run_test("kci", x, y, null="spectral").log10_pvalue
        exact = float(stats.hypergeom.logsf(both - 1, n, ones, ones)) / np.log(10)
        if spectral < -3:
            assert kci(x, y).null == "exact"
            assert kci(x, y).log10_pvalue == pytest.approx(exact, abs=0.4)  # one tail against two
        if support(n) / np.log(10) < spectral < -2:
            compared.append((spectral, exact))
    assert compared
    for spectral, exact in compared:
        assert 1.1 >= exact / spectral >= SURE_SHARE


def test_the_same_p_for_swapped_columns_and_other_orders_of_rows() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.standard_cauchy(40), rng.standard_cauchy(40)
    order = rng.permutation(40)
    for test in (*KERNELS, "fisher_z"):
        p = [run_test(test, *columns, rng=1).pvalue for columns in ((x, y), (y, x), (x[order], y[order]))]
        assert p[0] == p[1] == p[2]


def test_all_orders_of_eight_rows_are_listed() -> None:
    a, b = pair(8)
    columns = complete_column(np.arange(8.0), "continuous")
    groups = gathered(columns, kci_gram(columns))
    assert permutation_p(groups, groups, np.random.default_rng(0), 10).null == "exact"
    assert a.n == b.n == 8
