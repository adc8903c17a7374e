"""How much an annotator's answers vary: over repeats of one prompt, and between two prompts (paper Fig. 2).

All measures are functions of arrays people x repeats x traits. Scores are numbers from 1 on, NaN where there
is none ("insufficient information" is no number). "Parsed" answers also have the 0 for "insufficient
information", because it is an answer like others when two answers are compared.

What the paper says, as far as it is known, and what we chose, is in docs/consistency.md.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import krippendorff
import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.stats import binomtest

CONFIDENCE = 0.95  # of all intervals
REDEALS = 50  # of the repeats into halves, for the distance that repeats alone would make


class WithInterval(NamedTuple):
    """A value with its interval.

    Attributes:
        value: the measure on all people; NaN if it cannot be had.
        low, high: ends of the 95 % interval; NaN if there is none.
        people: how many people it is computed from.
    """

    value: float
    low: float
    high: float
    people: int

    def text(self, digits: int = 2) -> str:
        """The value and its interval, as `0.52 [0.40, 0.61]`; empty if there is no value.

        >>> WithInterval(0.523, 0.4, 0.61, 60).text()
        '0.52 [0.40, 0.61]'
        """
        if np.isnan(self.value):
            return ""
        ends = "" if np.isnan(self.low) else f" [{self.low:.{digits}f}, {self.high:.{digits}f}]"
        return f"{self.value:.{digits}f}{ends}"


NOTHING = WithInterval(float("nan"), float("nan"), float("nan"), 0)


def _mean_without_gaps(values: Float[np.ndarray, "*shape"], axis: int) -> Float[np.ndarray, "*_"]:
    """The mean without NaN; NaN where there is no number, and no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray(np.nanmean(values, axis=axis))


# ---- over the repeats of one prompt


def repeat_spread(scores: Float[np.ndarray, "n repeats traits"]) -> Float[np.ndarray, "n traits"]:
    """Standard deviation over the repeats, for each person and trait (Fig. 2, top: its mean over people).

    It is that of a population (divided by the number of repeats): with five repeats, one other score gives
    0.4, as the paper's figure shows. NaN for a person with fewer than two scores.
    """
    enough = np.isfinite(scores).sum(axis=1) >= 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = np.nanstd(scores, axis=1)
    return np.where(enough, spread, np.nan)


def person_spread(scores: Float[np.ndarray, "n repeats traits"]) -> Float[np.ndarray, " n"]:
    """Mean over the traits of `repeat_spread`, for each person (Fig. 2, middle); NaN where none is known."""
    return _mean_without_gaps(repeat_spread(scores), axis=1)


def always_equal(parsed: Float[np.ndarray, "n repeats traits"]) -> Float[np.ndarray, "n traits"]:
    """1 where all repeats have the same parsed answer, 0 where not, NaN where a repeat has no answer.

    Its mean over people is TARa@N, the total agreement rate of the parsed answers of N repeats (Atil et al.
    2024), for each trait.
    """
    equal = (parsed == parsed[:, :1]).all(axis=1).astype(float)
    return np.where(np.isfinite(parsed).all(axis=1), equal, np.nan)


def all_traits_equal(parsed: Float[np.ndarray, "n repeats traits"]) -> Float[np.ndarray, " n"]:
    """1 where all repeats have the same five parsed answers, 0 where not, NaN where an answer is missing."""
    lowest: np.ndarray = always_equal(parsed).min(axis=1)
    return lowest


def raw_always_equal(raw: Shaped[np.ndarray, "n repeats"]) -> Float[np.ndarray, " n"]:
    """1 where the texts of all repeats are the same, letter by letter, 0 where not, NaN where one is missing.

    Its mean over people is TARr@N, the total agreement rate of the raw answers (Atil et al. 2024).
    """
    equal = [float("nan") if None in set(texts) else float(len(set(texts)) == 1) for texts in raw]
    return np.array(equal, dtype=float)


def score_counts(scores: Float[np.ndarray, "n repeats"]) -> Int[np.ndarray, "n levels"]:
    """How many repeats gave each of the scores that occur, for each person; scores from low to high."""
    levels = np.unique(scores[np.isfinite(scores)])
    return np.asarray((scores[:, :, None] == levels).sum(axis=1), dtype=int)


def repeat_alpha(counts: Int[np.ndarray, "n levels"]) -> float:
    """Krippendorff's alpha of ordered scores (Krippendorff 2011), with the repeats as the raters.

    1 means that all repeats agree for every person, 0 that two repeats of a person are no more alike than
    those of different people. NaN if nobody has two scores, or if all scores are equal: then nothing tells
    people apart.

    Args:
        counts: from `score_counts`.
    """
    pairable = counts[counts.sum(axis=1) >= 2]
    if (pairable.sum(axis=0) > 0).sum() < 2:
        return float("nan")
    seen = pairable[:, pairable.sum(axis=0) > 0]
    return float(krippendorff.alpha(value_counts=seen, level_of_measurement="ordinal"))


# ---- between two prompts


def format_distances(
    first: Float[np.ndarray, "n _repeats traits"], second: Float[np.ndarray, "n _others traits"]
) -> Float[np.ndarray, " n"]:
    """Manhattan distance of two prompts, for each person (Fig. 2, bottom: its mean over people).

    It is the sum over the traits of |difference of the mean scores over the repeats|. Both prompts must have
    the same levels. NaN for a person without a score of some trait.
    """
    distance: np.ndarray = np.abs(_mean_without_gaps(first, axis=1) - _mean_without_gaps(second, axis=1)).sum(
        axis=1
    )
    return distance


def distance_by_repeats(
    first: Float[np.ndarray, "n repeats traits"],
    second: Float[np.ndarray, "n others traits"],
    rng: np.random.Generator,
) -> float:
    """The mean Manhattan distance that would be seen if the two prompts had the same effect.

    Repeats differ, so their means differ, too, even for equal prompts. How much is seen within each prompt:
    its repeats are dealt into two halves, `REDEALS` times. The distance of the halves is scaled to as many
    repeats as the prompts have (means of more repeats differ less, by the square root of their number). NaN
    with fewer than two repeats, or if no person has all traits with both prompts.
    """
    known = np.isfinite(format_distances(first, second))
    if not known.any() or min(first.shape[1], second.shape[1]) < 2:
        return float("nan")
    target = 1 / first.shape[1] + 1 / second.shape[1]
    return float(np.mean([_distance_of_halves(own[known], target, rng) for own in (first, second)]))


def _distance_of_halves(
    scores: Float[np.ndarray, "n repeats traits"], target: float, rng: np.random.Generator
) -> float:
    """Mean distance of two halves of the repeats; `target`: 1 / N + 1 / N', of the numbers to scale to."""
    n, repeats = scores.shape[:2]
    half = repeats // 2
    means = []
    for _ in range(REDEALS):
        order = rng.permuted(np.tile(np.arange(repeats), (n, 1)), axis=1)
        dealt = np.take_along_axis(scores, order[:, :, None], axis=1)
        distances = format_distances(dealt[:, :half], dealt[:, half:])
        if np.isfinite(distances).any():
            means.append(float(np.nanmean(distances)))
    scale = np.sqrt(target / (1 / half + 1 / (repeats - half)))
    return float(scale * np.mean(means)) if means else float("nan")


# ---- values with intervals


def mean_over_people(
    values: Float[np.ndarray, " n"], rng: np.random.Generator, resamples: int
) -> WithInterval:
    """The mean of the known values, with a bootstrap interval over people (percentiles)."""
    known = values[np.isfinite(values)]
    return bootstrapped(lambda rows: float(known[rows].mean()), len(known), rng, resamples)


def share_of_people(hits: Float[np.ndarray, " n"]) -> WithInterval:
    """The share of ones among zeros and ones, without NaN, with Wilson's interval (Wilson 1927).

    A bootstrap of a share of 0 or 1 would give an interval without width.
    """
    known = hits[np.isfinite(hits)]
    if not len(known):
        return NOTHING
    found = binomtest(int(known.sum()), len(known))
    ends = found.proportion_ci(CONFIDENCE, method="wilson")
    return WithInterval(float(known.mean()), float(ends.low), float(ends.high), len(known))


def bootstrapped(
    measure: Callable[[Int[np.ndarray, " n"]], float], n: int, rng: np.random.Generator, resamples: int
) -> WithInterval:
    """A measure of n people, with a bootstrap interval (percentiles, Efron & Tibshirani 1993).

    Args:
        measure: function of the numbers of the people who are in; NaN where it is undefined.
        n: number of people.
        rng: draws people with replacement.
        resamples: how many times.
    """
    if n == 0:
        return NOTHING
    drawn = np.array([measure(rng.integers(n, size=n)) for _ in range(resamples)], dtype=float)
    drawn = drawn[np.isfinite(drawn)]
    ends = np.quantile(drawn, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) if len(drawn) else [np.nan] * 2
    value = measure(np.arange(n))
    low, high = (float(end) if np.isfinite(value) else float("nan") for end in ends)
    return WithInterval(value, low, high, n)


def alpha_over_people(
    scores: Float[np.ndarray, "n repeats"], rng: np.random.Generator, resamples: int
) -> WithInterval:
    """Krippendorff's alpha over the repeats (`repeat_alpha`) with a bootstrap interval over people."""
    counts = score_counts(scores)
    pairable = counts[counts.sum(axis=1) >= 2]
    return bootstrapped(lambda rows: repeat_alpha(pairable[rows]), len(pairable), rng, resamples)
