"""The result of a test."""

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from personax.independence.effects import Effect

NOT_APPLICABLE = "not applicable"
TOO_FEW_ROWS = "undefined: fewer than 5 complete rows"
CONSTANT = "undefined: constant column"
DETERMINED = "undefined: x or y is a function of the condition"
TOO_FAR_APART = "undefined: values too far apart for floating-point numbers"
ALL_DIFFERENT = "undefined: every row has a label of its own"
LN10 = float(np.log(10.0))


class LogPValue(NamedTuple):
    """A p-value.

    Attributes:
        log_p: its natural logarithm.
        null: name of the null distribution from which it was computed.
        is_bound: whether the p-value is only known to be at most as large (`TestResult.bound`).
    """

    log_p: float
    null: str
    is_bound: bool = False


@dataclass(frozen=True)
class TestResult:
    """One test of independence between two columns.

    Attributes:
        test: name of the test, a key of `personax.independence.TESTS`.
        statistic: the test's statistic on its usual scale (each test's docstring says which); larger means
            stronger evidence against independence, except Fisher's z, which is signed.
        pvalue: in (0, 1]. A value below the smallest float is given as that float (2.2e-308), never 0.0.
        log10_pvalue: log10 of the p-value, <= 0; also correct where the p-value is below the smallest float.
        n: rows in which both columns are present.
        effect: size of the dependence, which can be compared between different n. It is in [0, 1]; for
            Fisher's z it is the correlation, in [-1, 1].
        null: the null distribution from which the p-value was computed, one of the names in the test's
            docstring, or the reason why there is no p-value: "not applicable" (the test has no meaning for
            these kinds of column), or "undefined: " with the reason, such as "undefined: constant column".
            Without a p-value, all numbers but n are NaN.
        bound: whether `pvalue` is only an upper bound: no resample was as extreme as the data, so the
            evidence is at least this strong, and may be much stronger.
        effect_low, effect_high: 95 % confidence interval of the effect (delta method, effects.py); NaN if
            there is none.
    """

    __test__ = False  # pytest must not collect this class, although its name starts with Test

    test: str
    statistic: float
    pvalue: float
    log10_pvalue: float
    n: int
    effect: float
    null: str
    bound: bool = False
    effect_low: float = float("nan")
    effect_high: float = float("nan")

    @property
    def applicable(self) -> bool:
        """False if the test has no meaning for the kinds of column; True for undefined results."""
        return self.null != NOT_APPLICABLE

    @property
    def defined(self) -> bool:
        """True if there is a p-value."""
        return self.applicable and not self.null.startswith("undefined")

    def row(self) -> dict[str, Any]:
        """The fields and `applicable` as one row of a table."""
        return asdict(self) | {"applicable": self.applicable}


def result(test: str, statistic: float, p: LogPValue, n: int, effect: Effect) -> TestResult:
    """A TestResult from a p-value."""
    log10_p = min(p.log_p / LN10, 0.0)
    pvalue = max(float(np.exp(min(p.log_p, 0.0))), float(np.finfo(float).tiny))
    return TestResult(
        test, float(statistic), pvalue, log10_p, n, effect.value, p.null, p.is_bound, *effect[1:]
    )


def without_pvalue(test: str, n: int, why: str) -> TestResult:
    """A TestResult that says why there is no p-value."""
    nan = float("nan")
    return TestResult(test, nan, nan, nan, n, nan, why)
