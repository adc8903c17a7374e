"""Level I: is a trait independent of a feature? Two columns in, a TestResult out; two tables in, a grid out.

There are seven tests (`TESTS`): kci, hsic, distance_correlation and rcit; chi_square and g_square on tables
of counts; fisher_z. They compute their statistics for one-dimensional columns without approximation, in time
linear in the number of rows n (or n log n): no n x n matrix is formed.

With `given=Z`, they test whether x and y are independent given other columns (conditional.py); gcm and
rcot exist only in this form.

Words: the null hypothesis is independence. The null distribution, or null, of a test is the distribution of
its statistic under independence, from which the p-value is computed. The tail is the part of this
distribution beyond the observed statistic.
"""

from personax.independence.columns import KINDS, Kind
from personax.independence.conditional import CONDITIONAL_TESTS, gcm, rcot, run_conditional
from personax.independence.conditional_grid import run_conditional_grid
from personax.independence.grid import Variables, run_grid
from personax.independence.multiple import Correction, adjust, combine_strata, decide
from personax.independence.procedure import Procedure
from personax.independence.registry import (
    DEFAULT_TESTS,
    PAPER_TESTS,
    TESTS,
    chi_square,
    distance_correlation,
    fisher_z,
    g_square,
    hsic,
    kci,
    rcit,
    run_test,
)
from personax.independence.resampling import RESAMPLES
from personax.independence.results import NOT_APPLICABLE, TestResult

__all__ = [
    "CONDITIONAL_TESTS",
    "DEFAULT_TESTS",
    "KINDS",
    "NOT_APPLICABLE",
    "PAPER_TESTS",
    "RESAMPLES",
    "TESTS",
    "Correction",
    "Kind",
    "Procedure",
    "TestResult",
    "Variables",
    "adjust",
    "chi_square",
    "combine_strata",
    "decide",
    "distance_correlation",
    "fisher_z",
    "g_square",
    "gcm",
    "hsic",
    "kci",
    "rcit",
    "rcot",
    "run_conditional",
    "run_conditional_grid",
    "run_grid",
    "run_test",
]
