"""The seven tests, each a plain function of two columns, and their registry for grids and commands."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypedDict, Unpack, cast

import numpy as np

from personax.independence.columns import (
    ColumnPair,
    Kind,
    PreparedColumn,
    complete_column,
    encode,
    refuse_other_index,
)
from personax.independence.conditional import ConditionalOptions, run_conditional
from personax.independence.conditional_columns import Kinds, Periods
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
    as_kernel_column,
    compare_grams,
    draw_frequencies,
    hsic_gram,
    kci_gram,
    per_pair,
    per_row,
    rcit_gram,
    unscaled,
)
from personax.independence.linear import LINEAR_NULLS, compare_linear, has_a_line, z_scores
from personax.independence.nulls import correlation
from personax.independence.procedure import Procedure, any_column
from personax.independence.resampling import RESAMPLES, Randomness, generator_of
from personax.independence.results import TestResult
from personax.independence.threads import one_blas_thread
from personax.runs.errors import InputError

CONTINUOUS: tuple[Kind, Kind] = ("continuous", "continuous")
RADIANS: tuple[float | None, float | None] = (None, None)


def _always(
    prepare: Callable[[PreparedColumn], Any],
) -> Callable[[np.random.Generator], Callable[[PreparedColumn], Any]]:
    """A preparation that needs no random numbers."""
    return lambda rng: prepare


def _nothing_to_prepare(column: PreparedColumn) -> None:
    return None


TESTS: dict[str, Procedure] = {
    test.name: test
    for test in (
        Procedure(
            "kci",
            "KCI",
            KERNEL_NULLS,
            any_column,
            _always(partial(as_kernel_column, kci_gram)),
            compare_grams(unscaled),
        ),
        Procedure(
            "hsic",
            "HSIC",
            KERNEL_NULLS,
            any_column,
            _always(partial(as_kernel_column, hsic_gram)),
            compare_grams(per_pair),
        ),
        Procedure(
            "distance_correlation",
            "Distance correlation",
            KERNEL_NULLS,
            any_column,
            _always(partial(as_kernel_column, distance_gram)),
            compare_grams(correlation),
        ),
        Procedure(
            "chi_square",
            "Chi-square",
            TABLE_NULLS,
            is_discrete,
            _always(_nothing_to_prepare),
            compare_tables(pearson),
            needs_labels=True,
        ),
        Procedure("fisher_z", "Fisher's z", LINEAR_NULLS, has_a_line, _always(z_scores), compare_linear),
        Procedure(
            "rcit",
            "RCIT",
            KERNEL_NULLS,
            any_column,
            lambda rng: partial(as_kernel_column, partial(rcit_gram, draw_frequencies(rng))),
            compare_grams(per_row),
        ),
        Procedure(
            "g_square",
            "G-square",
            TABLE_NULLS,
            is_discrete,
            _always(_nothing_to_prepare),
            compare_tables(likelihood_ratio),
            needs_labels=True,
        ),
    )
}
DEFAULT_TESTS = ("kci", "hsic", "distance_correlation", "chi_square", "fisher_z")
PAPER_TESTS = ("kci", "rcit", "hsic", "chi_square", "g_square")


class PairOptions(TypedDict, total=False):
    """The keyword arguments that every test has; `run_test` explains them."""

    kinds: tuple[Kind, Kind]
    periods: tuple[float | None, float | None]
    null: str | None
    rng: Randomness
    resamples: int


class GivenOptions(TypedDict, total=False):
    """The keyword arguments of a test that can also be done given other columns.

    given: None, or the columns Z of the condition. With `given`, `kinds` and `periods` have three entries,
    and everything is as in `run_conditional`; without, as in `run_test`.
    """

    given: Any
    kinds: tuple[Kind, Kind] | tuple[Kinds, Kinds, Kinds]
    periods: tuple[float | None, float | None] | tuple[Periods, Periods, Periods]
    null: str | None
    rng: Randomness
    resamples: int


def _run(test: str, x: Any, y: Any, options: GivenOptions) -> TestResult:
    """The unconditional test, or the conditional one if there is `given`."""
    others = {name: value for name, value in options.items() if name != "given"}
    if options.get("given") is not None:
        return run_conditional(test, x, y, options["given"], **cast(ConditionalOptions, others))
    return run_test(test, x, y, **cast(PairOptions, others))


def run_test(
    test: str | Procedure,
    x: Any,
    y: Any,
    *,
    kinds: tuple[Kind, Kind] = CONTINUOUS,
    periods: tuple[float | None, float | None] = RADIANS,
    null: str | None = None,
    rng: Randomness = None,
    resamples: int = RESAMPLES,
) -> TestResult:
    """Run a test on two columns.

    Args:
        test: a name in `TESTS`, or a test itself, such as `REFERENCE["kci"]` (of another library, see
            reference.py).
        x, y: (n,) sequences, arrays or Series; numbers, or labels of any type where the kind is nominal.
            Rows in which either is missing (NaN, None, NaT) are left out; `n` of the result counts the rest.
            Two Series must have the same index: rows are paired by position.
        kinds: kind of x and of y: "continuous", "ordinal", "nominal" or "circular".
        periods: length of one turn for circular columns; None means 2 pi.
        null: null distribution, one that the test offers; None is the test's default.
        rng: randomness of `permutation` nulls and of RCIT's features: a generator, or a seed; None is the
            seed 0, so that a call repeats itself. The same generator state gives the same result for (x, y)
            and (y, x), for other units and, except for rounding, for another order of rows.
        resamples: number of permutations or Monte-Carlo tables, >= 1. Drawing stops early where p is large.
            Where no table of counts is as extreme as the observed one, ten times as many are drawn, but
            not of tables with more than 10,000 cells; if none is then, p is a bound (`TestResult.bound`).
            See `resampling_log_p`.

    Raises InputError for an unknown name of a test and for columns with different indexes, ValueError for
    unequal lengths, an unknown kind or null, text in a numeric column, and infinities.

    There is no p-value (see `TestResult.null`) if the test does not apply to a column, if fewer than 5 rows
    are complete, or if a column is constant over the complete rows.

    >>> found = run_test("fisher_z", [1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    >>> round(found.effect, 3), round(found.pvalue, 3), found.null
    (0.829, 0.058, 'exact')
    """
    if isinstance(test, str) and test not in TESTS:
        raise InputError(f"test {test!r} is unknown; choose from {', '.join(TESTS)}")
    if resamples < 1:
        raise ValueError(f"resamples={resamples} must be at least 1")
    procedure = TESTS[test] if isinstance(test, str) else test
    chosen = procedure.choose_null(null)
    columns = _complete_pair((x, y), kinds, periods)
    refused = procedure.refusal(*columns)
    if refused is not None:
        return refused
    generator = generator_of(rng)
    prepare = procedure.preparation(generator)
    with one_blas_thread():
        return procedure.test(
            columns, (prepare(columns[0]), prepare(columns[1])), chosen, generator, resamples
        )


def _complete_pair(
    pair: tuple[Any, Any], kinds: tuple[Kind, Kind], periods: tuple[float | None, float | None]
) -> ColumnPair:
    """Both columns over the rows in which neither is missing."""
    refuse_other_index("x and y", *pair)
    a, b = encode(pair[0], kinds[0], periods[0]), encode(pair[1], kinds[1], periods[1])
    if a.shape != b.shape:
        raise ValueError(f"x and y must be columns of one length, not {a.shape} and {b.shape}")
    complete = ~(np.isnan(a) | np.isnan(b))
    return complete_column(a[complete], kinds[0]), complete_column(b[complete], kinds[1])


def kci(x: Any, y: Any, **options: Unpack[GivenOptions]) -> TestResult:
    """Kernel independence test of Zhang et al. (2011), unconditional; arguments and errors as in `run_test`.

    The statistic is V = sum(Kc_x * Kc_y), Kc being the centred Gram matrix of a Gaussian kernel. Its width is
    0.8 (n < 200), 0.5 (n < 1200) or 0.3 standard deviations, as in causal-learn. Circular columns are used as
    (sin, cos), nominal ones with the delta kernel (1 for equal categories, else 0). The effect is the square
    root of the kernel alignment corrected for chance, in [0, 1] (effects.py).

    Nulls: auto (default; what the data bear, `choose_p` in nulls.py: spectral, else exact or permutation),
    spectral (the asymptotic weighted sum of chi-squares, with the exact mean and variance of all orders of
    the rows), gamma (as causal-learn), permutation (random orders of the rows, or all of at most 8).

    >>> x = np.linspace(-1.0, 1.0, 201)
    >>> found = kci(x, x**2, kinds=("continuous", "continuous"))
    >>> found.null, found.n, found.pvalue < 1e-6
    ('spectral', 201, True)
    """
    return _run("kci", x, y, options)


def hsic(x: Any, y: Any, **options: Unpack[PairOptions]) -> TestResult:
    """Hilbert-Schmidt independence criterion (Gretton et al. 2008); arguments and errors as in `run_test`.

    The statistic is tr(K H L H) / n^2 with Gaussian kernels, each as wide as the median positive distance of
    its own column. Effect and nulls are those of `kci`.
    """
    return run_test("hsic", x, y, **options)


def distance_correlation(x: Any, y: Any, **options: Unpack[GivenOptions]) -> TestResult:
    """Distance correlation (Szekely et al. 2007); arguments and errors as in `run_test`.

    The statistic is the bias-corrected squared distance correlation (Szekely & Rizzo 2013), which may be
    negative. The p-value and the effect are those of the underlying
    n dCov^2. Distances are |a - b|, the chord for circular
    columns and [a != b] for nominal ones. The effect is the distance correlation corrected for chance, as
    for `kci`; so are the nulls.
    """
    return _run("distance_correlation", x, y, options)


def chi_square(x: Any, y: Any, **options: Unpack[GivenOptions]) -> TestResult:
    """Pearson's chi-square test of a table of counts; arguments and errors as in `run_test`.

    It applies to ordinal and nominal columns, and to circular ones whose values occur at least 5 times on
    average. The effect is Cramer's V, corrected for bias, in [0, 1]. There is no continuity correction.

    Nulls: auto (default; chi2 unless an expected count is below 5, then permutation; the exact distribution
    where two columns with two values need it), chi2, permutation (Monte Carlo over tables with the observed
    margins).
    """
    return _run("chi_square", x, y, options)


def fisher_z(x: Any, y: Any, **options: Unpack[GivenOptions]) -> TestResult:
    """Fisher's z of the correlation coefficient (Fisher 1921); arguments and errors as in `run_test`.

    It applies to continuous, ordinal and binary columns, and detects linear dependence only. The statistic is
    sqrt(n - 3) atanh(r) and the effect is r, both without sign if a column is nominal. Nulls: auto
    (default; t where the data bear it, else exact or permutation), t, normal (that of z), permutation.
    """
    return _run("fisher_z", x, y, options)


def rcit(x: Any, y: Any, **options: Unpack[GivenOptions]) -> TestResult:
    """RCIT without a condition, i.e. RIT (Strobl et al. 2019); arguments and errors as in `run_test`.

    The statistic is n ||C_xy||_F^2, where C_xy holds the covariances between 5 random Fourier features of
    each column. The width of their kernel is the median distance of the column. The features, and so the
    result, depend on `rng`. Effect and nulls are those of `kci`.
    """
    return _run("rcit", x, y, options)


def g_square(x: Any, y: Any, **options: Unpack[GivenOptions]) -> TestResult:
    """Likelihood-ratio test G^2 of a table of counts; everything else is as in `chi_square`.

    With the null auto, the chi-square distribution is that of G^2 divided by Williams' correction (1976).
    """
    return _run("g_square", x, y, options)
