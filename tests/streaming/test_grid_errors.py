"""What the cells of a fine grid change, against the columns themselves."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jaxtyping import Float
from scipy.stats import binom
from streaming.parquet_people import chosen

from personax.independence import Variables, run_grid
from personax.independence.columns import Kind
from personax.independence.counted import CountedTests, Levels
from personax.independence.resampling import generator_of
from personax.streaming.cell_tables import cell_table
from personax.streaming.fine_grid import make_grid
from personax.streaming.grid_errors import MOST_ERROR, TOO_WIDE, with_errors

Draw = Callable[[np.random.Generator, int], Float[np.ndarray, " n"]]
MARGINALS: Mapping[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.uniform(size=n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "log-normal": lambda rng, n: np.exp(rng.normal(size=n)),
    "Student's t": lambda rng, n: rng.standard_t(3, n),
    "half zeros": lambda rng, n: np.where(rng.random(n) < 0.5, 0.0, rng.normal(size=n)),
    "angles": lambda rng, n: rng.uniform(0.0, 2.0 * np.pi, n),
    "Cauchy": lambda rng, n: rng.standard_cauchy(n),
}
PEOPLE = 12_000
TESTS_OF_SIZES = ("hsic", "fisher_z", "rcit")


def on_grid_and_exact(
    marginal: str, seed: int, names: tuple[str, ...], n: int = PEOPLE
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A score and a column in the cells of a grid, and the same two in memory; one row for each test."""
    rng = np.random.default_rng(seed)
    score, values = rng.integers(1, 4, n), MARGINALS[marginal](rng, n)
    kind: Kind = "circular" if marginal == "angles" else "continuous"
    grid = make_grid(np.sort(values), float(values.min()), float(values.max()))
    codes = grid.codes(values)
    counts, places = np.zeros((2, 3, grid.cells), dtype=int)
    np.add.at(counts, (score - 1, codes), 1)
    np.add.at(places, (score - 1, codes), grid.places(values, codes).astype(int))
    levels = (
        Levels("s", "ordinal", np.arange(1.0, 4.0), np.bincount(score)[1:]),
        Levels("x", kind, np.empty(0), np.empty(0, dtype=int)),
    )
    table = cell_table(levels, counts, {1: places}, {1: grid})
    tests = {name: (test, test.nulls[1]) for name, (test, _) in chosen(*names).items()}
    counted = CountedTests(tests, int(generator_of(seed).integers(2**63)), 99)
    rows = with_errors(counted, [table], counted.rows([table.moved()]))
    exact = run_grid(
        Variables(pd.DataFrame({"s": score}), {"s": "ordinal"}),
        Variables(pd.DataFrame({"x": values}), {"x": kind}),
        tests=names,
        rng=seed,
        resamples=99,
    )
    return pd.DataFrame(rows).set_index("test"), exact.set_index("test")


@pytest.mark.parametrize("marginal", MARGINALS)
def test_rcit_is_right_to_a_thousandth_or_undefined(marginal: str) -> None:
    found, exact = on_grid_and_exact(marginal, 0, ("rcit",))
    row: Mapping[Hashable, Any] = found.reset_index().to_dict("records")[0]
    if marginal == "Cauchy":
        assert row["null"] == TOO_WIDE
        assert np.isnan(row["pvalue"])
        assert row["route_error"] > MOST_ERROR
    else:
        assert row["statistic"] == pytest.approx(exact.loc["rcit", "statistic"], rel=1e-3)


@pytest.mark.parametrize("marginal", ["half zeros", "log-normal", "Cauchy"])
def test_other_statistics_are_right_to_a_few_ten_thousandths(marginal: str) -> None:
    names = ("kci", "hsic", "distance_correlation", "fisher_z")
    found, exact = on_grid_and_exact(marginal, 1, names, 6000)
    assert found["route_error"].astype(float).max() <= MOST_ERROR
    size = np.maximum(exact["statistic"].abs(), [0.0, 0.0, np.sqrt(2.0) / 6000, 1.0])
    assert ((found["statistic"] - exact["statistic"]).abs() / size).max() < 3e-4


def test_errors_are_below_their_bounds() -> None:
    within = []
    for marginal in ("normal", "log-normal", "half zeros"):
        for seed in range(3):
            found, exact = on_grid_and_exact(marginal, seed, TESTS_OF_SIZES)
            size = np.maximum(exact["statistic"].abs(), [0.0, 1.0, 0.0])
            error: pd.Series = (found["statistic"] - exact["statistic"]).abs() / size
            within += (error <= found["route_error"]).tolist()
            assert error.max() < 1e-3
    assert len(within) == 27
    assert sum(within) >= binom.ppf(1e-3, len(within), 0.99)
