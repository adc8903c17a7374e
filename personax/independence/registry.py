"""The seven tests, each a plain function of two columns, and the registry that grids and commands use."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from personax.independence.columns import Column, Kind, complete_column, encode
from personax.independence.discrete import (
    TABLE_NULLS,
    compare_tables,
    is_discrete,
    likelihood_ratio,
    pearson,
)
from personax.independence.distances import distance_gram
from personax.independence.kernels import (
    KERNEL_NULLS,
    as_it_is,
    compare_grams,
    draw_frequencies,
    hsic_gram,
    kci_gram,
    per_pair,
    per_row,
    rcit_gram,
)
from personax.independence.linear import LINEAR_NULLS, compare_linear, has_a_line, z_scores
from personax.independence.nulls import correlation
from personax.independence.procedure import Procedure, any_column
from personax.independence.results import TestResult
from personax.independence.threads import one_blas_thread

RESAMPLES = 1999
CONTINUOUS: tuple[Kind, Kind] = ("continuous", "continuous")
RADIANS: tuple[float | None, float | None] = (None, None)


def _always(prepare: Callable[[Column], Any]) -> Callable[[np.random.Generator], Callable[[Column], Any]]:
    """A preparation that draws nothing."""
    return lambda rng: prepare


def _nothing(column: Column) -> None:
    return None


TESTS: dict[str, Procedure] = {
    test.name: test
    for test in (
        Procedure("kci", "KCI", KERNEL_NULLS, any_column, _always(kci_gram), compare_grams(as_it_is)),
        Procedure("hsic", "HSIC", KERNEL_NULLS, any_column, _always(hsic_gram), compare_grams(per_pair)),
        Procedure(
            "distance_correlation",
            "Distance correlation",
            KERNEL_NULLS,
            any_column,
            _always(distance_gram),
            compare_grams(correlation),
        ),
        Procedure(
            "chi_square", "Chi-square", TABLE_NULLS, is_discrete, _always(_nothing), compare_tables(pearson)
        ),
        Procedure("fisher_z", "Fisher's z", LINEAR_NULLS, has_a_line, _always(z_scores), compare_linear),
        Procedure(
            "rcit",
            "RCIT",
            KERNEL_NULLS,
            any_column,
            lambda rng: rcit_gram(draw_frequencies(rng)),
            compare_grams(per_row),
        ),
        Procedure(
            "g_square",
            "G-square",
            TABLE_NULLS,
            is_discrete,
            _always(_nothing),
            compare_tables(likelihood_ratio),
        ),
    )
}
DEFAULT_TESTS = ("kci", "hsic", "distance_correlation", "chi_square", "fisher_z")
PAPER_TESTS = ("kci", "rcit", "hsic", "chi_square", "g_square")


def run_test(  # noqa: PLR0913
    name: str,
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
    procedures: Mapping[str, Procedure] = TESTS,
) -> TestResult:
    """Run the test `name` on two columns.

    Args:
        x, y: (n,) sequences, arrays or Series; numbers, or labels of any type where the kind is nominal.
            Rows in which either is missing (NaN, None) are left out; `n` of the result counts the rest.
        kinds: kind of x and of y: "continuous", "ordinal", "nominal" or "circular".
        periods: length of one turn for circular columns; None means 2 pi.
        null: null distribution, one that the test offers; None is the test's default.
        rng: randomness of `permutation` nulls and of RCIT's features; None is a generator seeded with 0, so
            that a call repeats itself. The same generator state gives the same result for (x, y) and (y, x),
            for other units and, but for rounding, for another order of rows.
        resamples: most permutations or Monte-Carlo tables, >= 1; the smallest p is 1/(resamples + 1). Drawing
            stops early where p is large (`resampling_log_p`).
        procedures: `TESTS`, or `REFERENCE` for the peers' implementations (reference.py).

    Raises ValueError: unequal lengths, unknown name, kind or null, text in a numeric column, infinities.

    Without a p-value (see `TestResult.null`): a column the test does not apply to, fewer than 5 complete rows
    (also: all missing), or a column that is constant over the complete rows.
    """
    if name not in procedures:
        raise ValueError(f"test {name!r} is unknown; choose from {', '.join(procedures)}")
    if resamples < 1:
        raise ValueError(f"resamples={resamples} must be at least 1")
    test = procedures[name]
    chosen = test.choose_null(null)
    a, b = encode(x, kinds[0], periods[0]), encode(y, kinds[1], periods[1])
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"x and y must be columns of one length, not {a.shape} and {b.shape}")
    complete = ~(np.isnan(a) | np.isnan(b))
    columns = complete_column(a[complete], kinds[0]), complete_column(b[complete], kinds[1])
    refused = test.refusal(*columns)
    if refused is not None:
        return refused
    rng = np.random.default_rng(0) if rng is None else rng
    prepare = test.preparation(rng)
    with one_blas_thread():
        return test.test(columns, (prepare(columns[0]), prepare(columns[1])), chosen, rng, resamples)


def kci(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Kernel independence test of Zhang et al. (2011), unconditional; arguments and errors as `run_test`.

    Statistic V = sum(Kc_x * Kc_y) with Gaussian kernels of width 0.8 (n < 200), 0.5 (n < 1200) or 0.3
    standard deviations, causal-learn's; circular columns through (sin, cos), nominal ones through the delta
    kernel.
    Effect: root of the debiased kernel alignment, in [0, 1]. Nulls: spectral (default), gamma (the numbers of
    causal-learn), permutation.
    """
    return run_test("kci", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples)


def hsic(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Hilbert-Schmidt independence criterion (Gretton et al. 2008); arguments and errors as `run_test`.

    Statistic tr(K H L H) / n^2 with Gaussian kernels, each as wide as the median positive distance of its own
    column. Effect and nulls as for `kci`.
    """
    return run_test("hsic", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples)


def distance_correlation(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Distance correlation (Szekely et al. 2007); arguments and errors as `run_test`.

    Statistic: the bias-corrected squared distance correlation (Szekely & Rizzo 2013), which may be negative;
    the p-value is that of the underlying n dCov^2. Distances |a - b|, the chord of circular columns, [a != b]
    of nominal ones. Effect: root of the statistic, cut to [0, 1]. Nulls as for `kci`.
    """
    return run_test(
        "distance_correlation", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples
    )


def chi_square(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Pearson's chi-square test of a table of counts; arguments and errors as `run_test`.

    Applies to ordinal and nominal columns and to circular ones whose values recur. Effect: Cramer's V,
    corrected for bias. Nulls: auto (default: chi2 unless an expected count is below 5, then permutation),
    chi2, permutation (Monte Carlo over tables with the observed margins). No continuity correction.
    """
    return run_test("chi_square", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples)


def fisher_z(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Fisher's z of the correlation coefficient; arguments and errors as `run_test`.

    Applies to continuous, ordinal and binary columns. Statistic sqrt(n - 3) atanh(r), effect r (both without
    sign if a column is nominal). Nulls: normal (default), permutation. It sees linear dependence only.
    """
    return run_test("fisher_z", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples)


def rcit(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """RCIT without a condition, i.e. RIT (Strobl et al. 2019); arguments and errors as `run_test`.

    Statistic n ||C_xy||_F^2 of the covariances between 5 random Fourier features of each column, width the
    median distance. It depends on `rng`, through the features. Effect and nulls as for `kci`.
    """
    return run_test("rcit", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples)


def g_square(
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Likelihood-ratio test G^2 of a table of counts; all else as `chi_square`."""
    return run_test("g_square", x, y, kinds=kinds, periods=periods, null=null, rng=rng, resamples=resamples)
