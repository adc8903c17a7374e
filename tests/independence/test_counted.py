"""Tests from tables of counts are those of the columns themselves."""

import numpy as np
import pandas as pd
import pytest

from personax.independence import TESTS, Kind, Variables, run_grid
from personax.independence.columns import ColumnPair, PreparedColumn, complete_column, encode
from personax.independence.counted import CountedTests, Levels, PairTable, counted_pair
from personax.independence.counted_grams import CountedFactor, CountedSpacing
from personax.independence.distances import distance_gram
from personax.independence.grams import Gram, gaussian_gram
from personax.independence.joint_counts import joint_counts
from personax.independence.nulls import cross, unbiased
from personax.independence.resampling import generator_of

N = 3000


def levels(name: str, values: np.ndarray, kind: Kind) -> tuple[Levels, np.ndarray]:
    """The column's levels, and the number of each row's level; missing rows have one more."""
    present = ~np.isnan(values)
    distinct, counts = np.unique(values[present], return_counts=True)
    numbers = np.where(present, np.searchsorted(distinct, values), len(distinct))
    return Levels(name, kind, distinct, counts), numbers


def counts_of(x: tuple[Levels, np.ndarray], y: tuple[Levels, np.ndarray], rows: np.ndarray) -> np.ndarray:
    d, e = len(x[0].values), len(y[0].values)
    flat = x[1][rows] * (e + 1) + y[1][rows]
    return np.bincount(flat, minlength=(d + 1) * (e + 1)).reshape(d + 1, e + 1)[:d, :e]


def people(n: int, seed: int) -> tuple[Variables, Variables]:
    """Columns of every kind, with ties, outliers and missing cells; some depend on the trait."""
    rng = np.random.default_rng(seed)
    score = rng.integers(1, 4, n).astype(float)
    hidden = score + rng.normal(0, 2.0, n)
    heavy = np.round(rng.standard_cauchy(n), 2)
    frame = pd.DataFrame(
        {
            "binary": (hidden > 2.5).astype(float),
            "year": np.round(1960 + 9 * hidden),
            "many": np.round(hidden * 400),
            "heavy": heavy,
            "month": rng.integers(1, 13, n).astype(float),
            "minute": np.round(rng.uniform(0, 1440, n)),
            "league": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "club": rng.integers(0, 400, n).astype(float),
        }
    )
    frame = frame.mask(rng.random(frame.shape) < 0.05)
    kinds: dict[str, Kind] = {
        "binary": "nominal",
        "year": "ordinal",
        "many": "continuous",
        "heavy": "continuous",
        "month": "circular",
        "minute": "circular",
        "league": "nominal",
        "club": "nominal",
    }
    traits = pd.DataFrame({"score": score, "sum": np.round(hidden * 300), "odd": rng.integers(0, 2, n) * 1.0})
    traits = traits.mask(rng.random(traits.shape) < 0.03)
    of_traits: dict[str, Kind] = {"score": "ordinal", "sum": "continuous", "odd": "nominal"}
    return Variables(traits, of_traits), Variables(frame, kinds, {"month": 12.0, "minute": 1440.0})


def counted_grid(traits: Variables, features: Variables, tests: list[str], given: np.ndarray) -> pd.DataFrame:
    chosen = {name: (TESTS[name], TESTS[name].choose_null(None)) for name in tests}
    root = int(generator_of(5).integers(2**63))
    counted = CountedTests(chosen, root, 49)
    strata = [given == label for label in np.unique(given)]
    rows = []
    for trait in traits.encoded():
        of_trait = levels(*trait)
        for feature in features.encoded():
            of_feature = levels(*feature)
            counts = (counts_of(of_trait, of_feature, stratum) for stratum in strata)
            rows += counted.rows([PairTable(of_trait[0], of_feature[0], table) for table in counts])
    return pd.DataFrame(rows)


@pytest.mark.parametrize("n", [7, 1500])
def test_the_grid_from_counts_is_that_of_the_columns(n: int) -> None:
    traits, features = people(n, seed=n)
    expected = run_grid(traits, features, tests=list(TESTS), rng=5, resamples=49)
    found = counted_grid(traits, features, list(TESTS), np.zeros(n))
    same = ["trait", "feature", "test", "n", "null", "bound", "applicable"]
    pd.testing.assert_frame_equal(found[same], expected[same])
    np.testing.assert_allclose(found["log10_pvalue"], expected["log10_pvalue"], rtol=1e-10, atol=1e-10)
    for name in ("statistic", "effect", "effect_low", "effect_high"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-9, err_msg=name)


def test_the_grid_within_strata_is_that_of_the_columns() -> None:
    traits, features = people(300, seed=1)
    given = np.random.default_rng(2).integers(0, 3, 300)
    tests = ["chi_square", "distance_correlation"]
    expected = run_grid(traits, features, tests=tests, rng=5, resamples=49, given=pd.Series(given))
    found = counted_grid(traits, features, tests, given)
    assert found["null"].tolist() == expected["null"].tolist()
    np.testing.assert_allclose(found["log10_pvalue"], expected["log10_pvalue"], rtol=1e-10, atol=1e-10)


def as_counted(column: PreparedColumn, other: PreparedColumn) -> ColumnPair:
    """The columns with one row for each pair of values."""
    x, y = (Levels("", each.kind, each.distinct, each.counts) for each in (column, other))
    return counted_pair(PairTable(x, y, joint_counts(column, other).astype(int)))


def test_forms_by_distinct_values_agree_with_those_by_rows() -> None:
    rng = np.random.default_rng(0)
    angle = encode(np.round(rng.uniform(0, 900, N)), "circular", 900.0)
    columns = [
        complete_column(np.round(rng.normal(0, 300, N)), "continuous"),
        complete_column(angle, "circular"),
    ]
    pair = as_counted(columns[0], columns[1])
    assert len(pair[0]) == N
    for make, form in (
        (lambda column: gaussian_gram(column, 0.3, "cosine"), CountedFactor),
        (lambda column: gaussian_gram(column, 0.3, "cholesky"), CountedFactor),
        (distance_gram, CountedSpacing),
    ):
        by_rows: list[Gram] = [make(column) for column in columns]
        by_values: list[Gram] = [make(column) for column in pair]
        assert all(isinstance(gram, form) for gram in by_values)
        v, w = cross(*by_rows), cross(*by_values)
        assert w == pytest.approx(v, rel=1e-9)
        assert unbiased(w, *by_values) == pytest.approx(unbiased(v, *by_rows), rel=1e-7)
        for one, other in zip(by_rows, by_values, strict=True):
            assert other.square == pytest.approx(one.square, rel=1e-10)
            assert other.eigenvalues[:5] == pytest.approx(one.eigenvalues[:5], rel=1e-9)


def test_cells_cannot_be_shuffled() -> None:
    column = complete_column(np.array([1.0, 2, 2, 3, 4]), "ordinal")
    counted = Levels("", "ordinal", column.distinct, column.counts).column()
    with pytest.raises(TypeError, match="another order"):
        distance_gram(counted).permuted(np.arange(4))
