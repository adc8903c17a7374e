"""Proposition 2's visible side: is x_i independent of x_j given z_m?

The regression E[x_i | z_m] is fitted on training rows and taken away on test rows; principal components sum
up what is left. Two things make such residuals dependent even where the pictures are not: their spread and
shape vary with z, and z is not seen but inferred from the very pictures (three noisy views of a number
and their mean: given the mean, what one view overshoots the others must undershoot, correlation -1/2). So
the null is made by exchange: every person gets, in each measurement separately, what was left of someone
alike in z (Kim, Neykov, Balakrishnan & Wasserman 2022), and the pictures so made are encoded anew. They
are independent given z by construction, and have everything else in common with the real ones.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
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

EXCHANGES = 30
# Residuals are summed up by their principal components: this many at most, and none that carries less than
# this share, where nothing is left but what the regression missed.
SUMMARIES, LEAST_SHARE = 6, 0.02

Given = Mapping[str, np.ndarray]
"""Modality -> (n, c) what its measurements are explained by."""


@dataclass(frozen=True)
class Condition:
    """What is given, of training and of test people.

    `again` infers it from other pictures; None if it does not come from pictures.
    """

    train: Given
    test: Given
    again: Callable[[MultiViewData], Given] | None = None


def recovered(evidence: Evidence) -> Condition:
    """The recovered coordinates of each modality, and s."""

    def given(encoding: Encoding) -> Given:
        shared = [encoding.coordinates[SHARED]] if SHARED in encoding.coordinates else []
        return {
            m: np.concatenate([*shared, encoding.coordinates[m]], 1) for m in evidence.test_data.modalities
        }

    encode = evidence.encode
    again = None if encode is None else lambda data: given(encode(data))
    return Condition(given(evidence.train), given(evidence.test), again)


def true(evidence: Evidence) -> Condition:
    """The true latents, for data that carry them."""

    def given(data: MultiViewData) -> Given:
        names = {
            m: [*data.known_truth.blocks.get(SHARED, ()), *data.known_truth.blocks[m]]
            for m in data.modalities
        }
        return {m: data.true_latents[columns].to_numpy() for m, columns in names.items()}

    return Condition(given(evidence.train_data), given(evidence.test_data))


@dataclass(frozen=True)
class _View:
    """One measurement: who has it, which numbers vary, their regression, and the axes of what is left."""

    shown: np.ndarray
    varies: np.ndarray
    regression: Regression
    axes: np.ndarray

    @classmethod
    def fit(cls, evidence: Evidence, modality: str, number: int, given: np.ndarray) -> "_View":
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

    def rest(self, x: np.ndarray, given: np.ndarray) -> np.ndarray:
        """(shown, numbers) what is left of the people who have it."""
        return np.asarray(_flat(x[self.shown])[:, self.varies] - self.regression(given[self.shown]))

    def summary(self, x: np.ndarray, given: np.ndarray) -> np.ndarray:
        """(n, k) along the axes; NaN where it is missing."""
        left = np.full((len(self.shown), self.axes.shape[1]), np.nan)
        left[self.shown] = self.rest(x, given) @ self.axes
        return left

    def exchanged(self, x: np.ndarray, given: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """x with everybody's rest replaced by that of someone alike in what is given."""
        order = shuffled_within(neighbourhoods(given[self.shown]), rng)
        values, explained = _flat(x), self.regression(given[self.shown])
        places = np.ix_(self.shown, self.varies)
        values[places] = explained + (values[places] - explained)[order]
        return values.reshape(x.shape).astype(x.dtype)


def _flat(array: np.ndarray) -> np.ndarray:
    """A copy (n, numbers) in double precision."""
    return array.reshape(len(array), -1).astype(float)


def pairs_of(counts: Mapping[str, int]) -> Iterator[tuple[str, str, str, list[int], list[int]]]:
    """What Proposition 2 speaks of: (group, modality, modality, measurements, measurements).

    Pairs of one modality's measurements one by one, two modalities with all their measurements together.
    """
    for modality, count in counts.items():
        for i, j in combinations(range(count), 2):
            yield modality, modality, modality, [i], [j]
    for first, second in combinations(counts, 2):
        yield f"{first}, {second}", first, second, list(range(counts[first])), list(range(counts[second]))


def pair_name(first: str, second: str, left: Sequence[int], right: Sequence[int]) -> str:
    """Such as "digit 1, 2" for two measurements of a modality, "digit, garment" for two modalities."""
    return f"{first} {left[0] + 1}, {right[0] + 1}" if first == second else f"{first}, {second}"


def observed_pairs(evidence: Evidence, condition: Condition) -> dict[str, list[Dependence]]:
    """Group of `pairs_of` -> tests of x_i against x_j given what `condition` says.

    The effect is what the alignment exceeds its mean over the exchanges by; p is that of Student's t of
    a further draw.
    """
    rng = numpy_rng(evidence.seed, "diagnostics/observed")
    data = evidence.test_data
    views = {
        m: [_View.fit(evidence, m, number, condition.train[m]) for number in range(len(arrays))]
        for m, arrays in data.measurements.items()
    }
    observed = _alignments(views, data, condition.test)
    drawn: list[dict[tuple[str, str], float]] = []
    for _ in range(EXCHANGES):
        made = replace(
            data,
            measurements={
                m: [
                    view.exchanged(x, condition.test[m], rng)
                    for view, x in zip(its, data.measurements[m], strict=True)
                ]
                for m, its in views.items()
            },
        )
        given = condition.test if condition.again is None else condition.again(made)
        drawn.append(_alignments(views, made, given))
    found: dict[str, list[Dependence]] = {group: [] for group, *_ in pairs_of(_counts(views))}
    for key, value in observed.items():
        null = np.array([draw[key] for draw in drawn if key in draw])
        if len(null) > 1:
            found[key[0]].append(_beyond(key[1], value, null, len(data)))
    return found


def _counts(views: Mapping[str, Sequence[_View]]) -> dict[str, int]:
    return {modality: len(its) for modality, its in views.items()}


def _alignments(
    views: Mapping[str, Sequence[_View]], data: MultiViewData, given: Given
) -> dict[tuple[str, str], float]:
    """(group, name of the pair) -> squared alignment of what is left; absent where nothing is."""
    factors = {
        m: [_factor(view.summary(x, given[m])) for view, x in zip(its, data.measurements[m], strict=True)]
        for m, its in views.items()
    }
    found = {}
    for group, first, second, some, others in pairs_of(_counts(views)):
        a = np.concatenate([factors[first][i] for i in some], 1)
        b = np.concatenate([factors[second][j] for j in others], 1)
        rows = np.isfinite(a).all(1) & np.isfinite(b).all(1)
        if rows.sum() >= 5 and a.shape[1] and b.shape[1]:
            grams = [FactorGram(np.asfortranarray(part[rows] - part[rows].mean(0))) for part in (a, b)]
            found[group, pair_name(first, second, some, others)] = aligned(*grams)(None)
    return found


def _factor(left: np.ndarray) -> np.ndarray:
    """(n, m) the factor of a measurement's Gram matrix, made once for all its pairs; rows may be NaN."""
    rows = np.isfinite(left).all(1)
    gram = vector_gram(left[rows]) if rows.sum() >= 5 else None
    factor = np.full((len(left), 0 if gram is None else gram.factor.shape[1]), np.nan)
    if gram is not None:
        factor[rows] = gram.factor
    return factor


def _beyond(name: str, value: float, null: np.ndarray, n: int) -> Dependence:
    """A Dependence from an alignment and those of the exchanges."""
    usual, spread = float(null.mean()), float(null.std(ddof=1))
    score = (value - usual) / max(spread * np.sqrt(1 + 1 / len(null)), 1e-12)
    log10_p = float(student.logsf(score, len(null) - 1)) / LN10
    chance = np.array([as_effect(each - usual) for each in null])
    return Dependence(name, as_effect(value - usual), min(log10_p, 0.0), chance, n)
