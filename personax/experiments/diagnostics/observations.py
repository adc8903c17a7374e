"""The observable side of Proposition 2: is x_i independent of x_j given z_m?

The regression E[x_i | z_m] is fitted on training rows and subtracted on test rows; principal components
summarise the residuals. Two things make such residuals dependent even if the pictures are independent given
z. First, the spread and the shape of the residuals vary with z. Second, z is not observed but inferred from
the pictures themselves. Take three noisy measurements of a number, and their mean: given the mean, if one
measurement is too high, the others must be too low (correlation -1/2).

So the null distribution is made by exchange: every person gets, in each measurement separately, the residuals
of somebody with a similar z (Kim, Neykov, Balakrishnan & Wasserman 2022), and the resulting pictures are
encoded again. By construction these pictures are independent given z, and in all other respects they are like
the real ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Shaped
from scipy.stats import t as student

from personax.crl.estimator import Encoding
from personax.experiments.diagnostics.dependence import (
    Dependence,
    Regression,
    aligned,
    as_effect,
    neighbourhoods,
    shuffled_within,
    vector_gram,
)
from personax.experiments.diagnostics.findings import Evidence
from personax.independence.grams import FactorGram
from personax.independence.results import LN10
from personax.runs.seeds import numpy_rng, torch_rng
from personax.views import SHARED, MultiViewData

EXCHANGES = 30  # number of exchanges
# Residuals are summarised by at most this many principal components, each with at least this share of the
# variance. Smaller components hold little more than errors of the regression.
SUMMARIES, LEAST_SHARE = 6, 0.02

Given = Mapping[str, Float[np.ndarray, "_ _"]]
"""Modality -> (n, c) numbers known about the people, from which the measurements are predicted."""


@dataclass(frozen=True)
class Condition:
    """The numbers that are given in a conditional test, such as z.

    Attributes:
        train: the numbers of training people.
        test: the numbers of test people.
        again: function that infers them from other pictures; None if they do not come from pictures.
    """

    train: Given
    test: Given
    again: Callable[[MultiViewData], Given] | None = None


def given_recovered(evidence: Evidence) -> Condition:
    """The condition: the recovered coordinates of each modality, and s."""

    def given(encoding: Encoding) -> Given:
        shared = [encoding.coordinates[SHARED]] if SHARED in encoding.coordinates else []
        return {
            m: np.concatenate([*shared, encoding.coordinates[m]], 1) for m in evidence.test_data.modalities
        }

    encode = evidence.encode
    again = None if encode is None else lambda data: given(encode(data))
    return Condition(given(evidence.train), given(evidence.test), again)


def given_true(evidence: Evidence) -> Condition:
    """The condition: the true latents of each modality, and s. Raises ValueError if the truth is unknown."""

    def given(data: MultiViewData) -> Given:
        blocks = data.known_truth.blocks
        shared = list(blocks.get(SHARED, ()))
        return {m: data.true_latents[[*shared, *blocks[m]]].to_numpy() for m in data.modalities}

    return Condition(given(evidence.train_data), given(evidence.test_data))


@dataclass(frozen=True)
class Residuals:
    """The residuals of one measurement after a regression on the condition.

    Attributes:
        shown: (n,) which test people have the measurement.
        varies: which of its numbers vary over training people.
        regression: regression of those numbers on the condition.
        axes: (numbers, k) principal axes of the residuals of training people.
    """

    shown: Bool[np.ndarray, " n"]
    varies: Bool[np.ndarray, " numbers"]
    regression: Regression
    axes: Float[np.ndarray, "varying k"]

    @classmethod
    def fit(
        cls, evidence: Evidence, modality: str, number: int, given: Float[np.ndarray, "train c"]
    ) -> "Residuals":
        """Fit the regression and the axes to training people."""
        data = evidence.train_data
        seen = data.observed[modality][:, number]
        x = _flat(data.measurements[modality][number][seen])
        varies = x.std(0) > 0
        generator = torch_rng(evidence.seed, f"diagnostics/{modality}/{number}")
        regression = Regression.fit(given[seen], x[:, varies], generator)
        rest = x[:, varies] - regression(given[seen])
        values, vectors = np.linalg.eigh(rest.T @ rest)
        kept = np.argsort(values)[::-1][:SUMMARIES]
        kept = kept[values[kept] > LEAST_SHARE * values.sum()]
        return cls(evidence.test_data.observed[modality][:, number], varies, regression, vectors[:, kept])

    def rest(
        self, x: Shaped[np.ndarray, "n *shape"], given: Float[np.ndarray, "n c"]
    ) -> Float[np.ndarray, "shown varying"]:
        """(shown, numbers) residuals of the people who have the measurement."""
        return np.asarray(_flat(x[self.shown])[:, self.varies] - self.regression(given[self.shown]))

    def summary(
        self, x: Shaped[np.ndarray, "n *shape"], given: Float[np.ndarray, "n c"]
    ) -> Float[np.ndarray, "n k"]:
        """(n, k) residuals along the axes; NaN where the measurement is missing."""
        left = np.full((len(self.shown), self.axes.shape[1]), np.nan)
        left[self.shown] = self.rest(x, given) @ self.axes
        return left

    def exchanged(
        self, x: Shaped[np.ndarray, "n *shape"], given: Float[np.ndarray, "n c"], rng: np.random.Generator
    ) -> Shaped[np.ndarray, "n *shape"]:
        """x in which everybody has the residuals of somebody with a similar condition."""
        order = shuffled_within(neighbourhoods(given[self.shown]), rng)
        values, explained = _flat(x), self.regression(given[self.shown])
        places = np.ix_(self.shown, self.varies)
        values[places] = explained + (values[places] - explained)[order]
        return values.reshape(x.shape).astype(x.dtype)


def _flat(array: Shaped[np.ndarray, "n *shape"]) -> Float[np.ndarray, "n numbers"]:
    """A copy (n, numbers) in double precision."""
    return array.reshape(len(array), -1).astype(float)


class MeasurementPair(NamedTuple):
    """Two sets of measurements that Proposition 2 compares.

    Attributes:
        group: a modality, or two of them; tests are judged for each group.
        first: modality of the first set.
        second: modality of the second set.
        left: numbers of the measurements in the first set, from 0.
        right: numbers of the measurements in the second set.
    """

    group: str
    first: str
    second: str
    left: list[int]
    right: list[int]

    @property
    def name(self) -> str:
        """For example "digit 1, 2" (two measurements of a modality) or "digit, garment" (two modalities)."""
        if self.first != self.second:
            return f"{self.first}, {self.second}"
        return f"{self.first} {self.left[0] + 1}, {self.right[0] + 1}"


def pairs_of(counts: Mapping[str, int]) -> Iterator[MeasurementPair]:
    """Every two measurements of one modality, and every two modalities with all their measurements.

    `counts` is modality -> number of measurements.

    >>> [pair.name for pair in pairs_of({"digit": 2, "garment": 1})]
    ['digit 1, 2', 'digit, garment']
    """
    for modality, count in counts.items():
        for i, j in combinations(range(count), 2):
            yield MeasurementPair(modality, modality, modality, [i], [j])
    for first, second in combinations(counts, 2):
        left, right = (list(range(counts[modality])) for modality in (first, second))
        yield MeasurementPair(f"{first}, {second}", first, second, left, right)


class PairKey(NamedTuple):
    """Group and name of a pair."""

    group: str
    name: str


ResidualsOf = Mapping[str, Sequence[Residuals]]
"""Modality -> the residuals of each measurement."""


def observed_pairs(evidence: Evidence, condition: Condition) -> dict[str, list[Dependence]]:
    """Group of `pairs_of` -> tests of x_i against x_j given `condition`.

    The effect is the difference between the alignment and its mean over the exchanges. The p-value is that of
    Student's t for one more draw from the distribution of the exchanges.
    """
    rng = numpy_rng(evidence.seed, "diagnostics/observed")
    data = evidence.test_data
    residuals = {
        m: [Residuals.fit(evidence, m, number, condition.train[m]) for number in range(len(arrays))]
        for m, arrays in data.measurements.items()
    }
    observed = _alignments(residuals, data, condition.test)
    drawn: list[dict[PairKey, float]] = []
    for _ in range(EXCHANGES):
        made = _exchanged(residuals, data, condition.test, rng)
        given = condition.test if condition.again is None else condition.again(made)
        drawn.append(_alignments(residuals, made, given))
    found: dict[str, list[Dependence]] = {pair.group: [] for pair in pairs_of(_sizes(residuals))}
    for key, value in observed.items():
        null = np.array([draw[key] for draw in drawn if key in draw])
        if len(null) > 1:
            found[key.group].append(beyond_exchanges(key.name, value, null, len(data)))
    return found


def _sizes(residuals: ResidualsOf) -> dict[str, int]:
    """Modality -> number of measurements."""
    return {modality: len(members) for modality, members in residuals.items()}


def _exchanged(
    residuals: ResidualsOf, data: MultiViewData, given: Given, rng: np.random.Generator
) -> MultiViewData:
    """The data after one exchange of residuals in every measurement."""
    made = {
        m: [each.exchanged(x, given[m], rng) for each, x in zip(members, data.measurements[m], strict=True)]
        for m, members in residuals.items()
    }
    return replace(data, measurements=made)


def _alignments(residuals: ResidualsOf, data: MultiViewData, given: Given) -> dict[PairKey, float]:
    """Squared alignment of the residuals of every pair; pairs without residuals are left out."""
    factors = {
        m: [
            gram_factor(each.summary(x, given[m]))
            for each, x in zip(members, data.measurements[m], strict=True)
        ]
        for m, members in residuals.items()
    }
    found = {}
    for pair in pairs_of(_sizes(residuals)):
        a = np.concatenate([factors[pair.first][i] for i in pair.left], 1)
        b = np.concatenate([factors[pair.second][j] for j in pair.right], 1)
        rows = np.isfinite(a).all(1) & np.isfinite(b).all(1)
        if rows.sum() >= 5 and a.shape[1] and b.shape[1]:
            grams = [FactorGram(np.asfortranarray(part[rows] - part[rows].mean(0))) for part in (a, b)]
            found[PairKey(pair.group, pair.name)] = aligned(*grams)(None)
    return found


def gram_factor(summary: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n m"]:
    """(n, m) factor of the Gram matrix of a measurement's residuals; the same for all its pairs.

    Rows that are NaN in `summary` (n, k) stay NaN.
    """
    rows = np.isfinite(summary).all(1)
    gram = vector_gram(summary[rows]) if rows.sum() >= 5 else None
    factor = np.full((len(summary), 0 if gram is None else gram.factor.shape[1]), np.nan)
    if gram is not None:
        factor[rows] = gram.factor
    return factor


def beyond_exchanges(name: str, value: float, null: Float[np.ndarray, " draws"], n: int) -> Dependence:
    """Compare an alignment with the alignments after the exchanges, `null` (draws,)."""
    usual, spread = float(null.mean()), float(null.std(ddof=1))
    score = (value - usual) / max(spread * np.sqrt(1 + 1 / len(null)), 1e-12)
    log10_p = float(student.logsf(score, len(null) - 1)) / LN10
    chance = np.array([as_effect(each - usual) for each in null])
    return Dependence(name, as_effect(value - usual), min(log10_p, 0.0), chance, n)
