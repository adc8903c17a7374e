"""Properties over many random inputs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personax.independence import TESTS, Kind, TestResult, run_test

CHECKS = settings(max_examples=25, deadline=None, derandomize=True)
KERNELS = ("kci", "hsic", "distance_correlation", "rcit")

pairs = st.builds(
    lambda seed, n, kinds, link, missing: make_pair(seed, n, kinds, link, missing),
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(6, 300),
    kinds=st.tuples(*[st.sampled_from(["continuous", "ordinal", "nominal", "circular"])] * 2),
    link=st.booleans(),
    missing=st.sampled_from([0.0, 0.2]),
)


class Pair:
    """Two columns with their kinds."""

    def __init__(self, x: np.ndarray, y: np.ndarray, kinds: tuple[Kind, Kind]) -> None:
        self.x, self.y, self.kinds = x, y, kinds


def make_pair(seed: int, n: int, kinds: tuple[Kind, Kind], link: bool, missing: float) -> Pair:
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal(n)
    drawn = []
    for kind in kinds:
        values = (hidden if link else 0.0) + rng.standard_normal(n)
        if kind == "ordinal":
            values = np.round(values)
        elif kind == "nominal":
            values = np.digitize(values, [-1.0, 0.1, 0.7]).astype(float)
        elif kind == "circular":
            values = np.mod(values, 2 * np.pi)
        values[rng.random(n) < missing] = np.nan
        drawn.append(values)
    return Pair(drawn[0], drawn[1], kinds)


def run_all(pair: Pair, tests: tuple[str, ...] = tuple(TESTS), null: str | None = None) -> list[TestResult]:
    return [
        run_test(t, pair.x, pair.y, kinds=pair.kinds, null=null, rng=np.random.default_rng(1), resamples=99)
        for t in tests
    ]


def assert_same(first: list[TestResult], second: list[TestResult], tolerance: float = 1e-7) -> None:
    for a, b in zip(first, second, strict=True):
        assert (a.test, a.n, a.null) == (b.test, b.n, b.null)
        for x, y in ((a.statistic, b.statistic), (a.log10_pvalue, b.log10_pvalue), (a.effect, b.effect)):
            assert x == pytest.approx(y, rel=tolerance, abs=1e-7, nan_ok=True), (a, b)


@CHECKS
@given(pairs)
def test_symmetric_in_x_and_y(pair: Pair) -> None:
    assert_same(run_all(pair), run_all(Pair(pair.y, pair.x, (pair.kinds[1], pair.kinds[0]))))


@CHECKS
@given(pairs, st.integers(0, 1000))
def test_row_order_does_not_matter(pair: Pair, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(pair.x))
    assert_same(run_all(pair), run_all(Pair(pair.x[order], pair.y[order], pair.kinds)))


@CHECKS
@given(pairs, st.floats(1e-3, 1e4), st.floats(-1e3, 1e3))
def test_units_do_not_matter(pair: Pair, scale: float, shift: float) -> None:
    """Shift and scale of numbers. (Turning a circle moves RCIT's random features: not tested for it.)"""
    if pair.kinds[0] in ("nominal", "circular"):
        return
    moved = Pair(scale * pair.x + shift, pair.y, pair.kinds)
    assert_same(run_all(pair), run_all(moved), tolerance=1e-6)


@CHECKS
@given(pairs, st.floats(0, 6.28))
def test_turning_a_circle_does_not_matter(pair: Pair, turn: float) -> None:
    circular = Pair(np.mod(pair.x, 2 * np.pi), pair.y, ("circular", pair.kinds[1]))
    turned = Pair(np.mod(circular.x + turn, 2 * np.pi), pair.y, circular.kinds)
    kernels = ("kci", "hsic", "distance_correlation")
    assert_same(run_all(circular, kernels), run_all(turned, kernels), tolerance=1e-6)


@CHECKS
@given(pairs, st.permutations(range(4)))
def test_names_of_categories_do_not_matter(pair: Pair, names: list[int]) -> None:
    labels = np.array(["a", "b", "c", "d"], dtype=object)
    values = np.digitize(pair.x, [-1.0, 0.1, 0.7])
    first = Pair(labels[values], pair.y, ("nominal", pair.kinds[1]))
    second = Pair(labels[np.array(names)[values]], pair.y, first.kinds)
    assert_same(run_all(first), run_all(second))


@CHECKS
@given(pairs)
@pytest.mark.slow
def test_permutation_p_is_symmetric_and_ignores_row_order(pair: Pair) -> None:
    first = run_all(pair, KERNELS, null="permutation")
    order = np.random.default_rng(0).permutation(len(pair.x))
    swapped = Pair(pair.y[order], pair.x[order], (pair.kinds[1], pair.kinds[0]))
    for a, b in zip(first, run_all(swapped, KERNELS, null="permutation"), strict=True):
        # Equal, except if the rule that decides which column is shuffled has a tie.
        assert a.pvalue == pytest.approx(b.pvalue, abs=0.2, nan_ok=True)


@CHECKS
@given(pairs)
def test_results_are_in_range(pair: Pair) -> None:
    for found in run_all(pair):
        if not found.defined:
            assert np.isnan(found.pvalue)
            assert np.isnan(found.statistic)
            continue
        assert 0 < found.pvalue <= 1
        assert found.log10_pvalue <= 0
        assert (-1 if found.test == "fisher_z" else 0) <= found.effect <= 1
