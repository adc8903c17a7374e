"""Level I: is a trait independent of a feature? Two columns in, a TestResult out; two frames in, a table.

Seven tests (`TESTS`): kci, hsic, distance_correlation, rcit; on counts chi_square, g_square; fisher_z.
All are exact for one-dimensional columns in time linear (or n log n) in the number of rows: no n x n matrix.
"""

from personax.independence.columns import KINDS, Kind
from personax.independence.grid import run_grid
from personax.independence.multiple import Correction, adjust, combine_strata
from personax.independence.procedure import Procedure
from personax.independence.registry import (
    DEFAULT_TESTS,
    PAPER_TESTS,
    RESAMPLES,
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
from personax.independence.results import NOT_APPLICABLE, TestResult

__all__ = [
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
    "adjust",
    "chi_square",
    "combine_strata",
    "distance_correlation",
    "fisher_z",
    "g_square",
    "hsic",
    "kci",
    "rcit",
    "run_grid",
    "run_test",
]
