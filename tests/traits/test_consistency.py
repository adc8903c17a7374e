"""Measures of consistency: known values, other implementations, and annotators whose noise is known."""

import krippendorff
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from traits.simulated_people import cube_of

from personax.traits.answer_cubes import AnswerCube
from personax.traits.consistency import (
    CONFIDENCE,
    NOTHING,
    all_traits_equal,
    alpha_over_people,
    always_equal,
    bootstrapped,
    distance_by_repeats,
    format_distances,
    mean_over_people,
    person_spread,
    raw_always_equal,
    repeat_alpha,
    repeat_spread,
    score_counts,
    share_of_people,
)
from personax.traits.simulated_answers import SimulatedAnnotator

NAN = float("nan")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def steady() -> AnswerCube:
    return cube_of(SimulatedAnnotator("steady"))


def test_one_other_answer_of_five_spreads_by_two_fifths_as_in_the_paper() -> None:
    scores = np.full((2, 5, 5), 2.0)
    scores[0, 0, 0] = 3  # outliers of the paper's boxes are multiples of 0.08 and 0.098
    scores[1, :2, 0] = 1
    assert repeat_spread(scores)[:, 0] == pytest.approx([0.4, np.sqrt(0.24)])
    assert person_spread(scores) == pytest.approx([0.08, 0.0979796])


def test_a_spread_needs_two_scores_and_ignores_missing_ones() -> None:
    scores = np.array([[[1.0], [NAN], [3.0]], [[1.0], [NAN], [NAN]]])
    assert repeat_spread(scores)[:, 0] == pytest.approx([1.0, NAN], nan_ok=True)
    assert person_spread(scores) == pytest.approx([1.0, NAN], nan_ok=True)


def test_equal_answers_include_insufficient_information_but_no_missing_answers() -> None:
    parsed = np.array([[[0.0, 1], [0, 1]], [[0, 1], [1, 1]], [[NAN, 2], [NAN, 2]]])
    assert always_equal(parsed) == pytest.approx(np.array([[1, 1], [0, 1], [NAN, 1]]), nan_ok=True)
    assert all_traits_equal(parsed) == pytest.approx([1, 0, NAN], nan_ok=True)


def test_raw_answers_are_equal_letter_by_letter() -> None:
    raw = np.array([["a", "a"], ["a", "a "], ["a", None]], dtype=object)
    assert raw_always_equal(raw) == pytest.approx([1, 0, NAN], nan_ok=True)


@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_that_of_the_raw_scores_with_gaps(seed: int) -> None:
    scores = rng(seed).integers(1, 6, (40, 5)).astype(float)
    scores[:, 1:] = np.where(rng(seed).random((40, 4)) < 0.5, scores[:, :1], scores[:, 1:])
    scores[rng(seed + 1).random(scores.shape) < 0.1] = NAN
    oracle = krippendorff.alpha(reliability_data=scores.T, level_of_measurement="ordinal")
    assert repeat_alpha(score_counts(scores)) == pytest.approx(oracle, abs=1e-12)


def test_alpha_of_two_repeats_is_about_their_weighted_kappa() -> None:
    """With many people, equally frequent levels and two repeats, both are 1 - observed / expected."""
    cube = cube_of(SimulatedAnnotator("noisy", by_repeat=0.7), n=4000, repeats=2)
    x, y = cube.scores[:, :, 0].T
    kappa = cohen_kappa_score(x, y, weights="quadratic")
    assert repeat_alpha(score_counts(cube.scores[:, :, 0])) == pytest.approx(kappa, abs=0.01)


def test_alpha_is_undefined_where_nothing_can_agree() -> None:
    assert np.isnan(repeat_alpha(score_counts(np.full((4, 3), 2.0))))
    assert np.isnan(repeat_alpha(score_counts(np.array([[1.0, NAN], [NAN, 2.0]]))))
    assert alpha_over_people(np.full((4, 3), NAN), rng(), 10) == NOTHING


def test_an_annotator_without_noise_is_wholly_consistent() -> None:
    cube = steady()
    assert person_spread(cube.scores).max() == 0
    assert share_of_people(all_traits_equal(cube.parsed)).value == 1
    assert share_of_people(raw_always_equal(cube.raw)).value == 1
    assert alpha_over_people(cube.scores[:, :, 0], rng(), 20)[:3] == (1, 1, 1)


def test_alpha_is_near_zero_where_answers_are_noise_only() -> None:
    cube = cube_of(SimulatedAnnotator("noise", by_repeat=30.0), n=300)
    found = alpha_over_people(cube.scores[:, :, 0], rng(), 200)
    assert found.low < 0.02 < 0.1
    assert abs(found.value) < 0.06


def test_more_noise_makes_answers_less_consistent() -> None:
    cubes = [cube_of(SimulatedAnnotator("noisy", by_repeat=noise), n=200) for noise in (0.1, 0.4, 1.6)]
    alphas = [repeat_alpha(score_counts(cube.scores[:, :, 0])) for cube in cubes]
    spreads = [person_spread(cube.scores).mean() for cube in cubes]
    assert alphas == sorted(alphas, reverse=True)
    assert spreads == sorted(spreads)


def test_the_distance_of_formats_is_the_sum_over_traits_of_differences_of_means() -> None:
    first = np.array([[[1.0, 2], [2, 2]], [[1, NAN], [1, NAN]], [[3, 1], [NAN, 1]]])
    second = np.array([[[3.0, 2], [3, 1]], [[1, 1], [1, 1]], [[1, 3], [1, 1]]])
    assert format_distances(first, second) == pytest.approx([1.5 + 0.5, NAN, 2 + 1], nan_ok=True)


@pytest.mark.parametrize("noise", [0.3, 0.9])
def test_the_distance_of_repeats_alone_is_that_of_further_repeats(noise: float) -> None:
    """Five more repeats of the same prompt tell it. That another prompt has an effect must not matter."""
    annotator = SimulatedAnnotator("swayed", by_format=0.8, by_repeat=noise)
    first, second = (
        cube_of(annotator, name, n=600, repeats=10).scores for name in ("number-l3-inc", "number-l3-dec")
    )
    seen = [np.nanmean(format_distances(scores[:, :5], scores[:, 5:])) for scores in (first, second)]
    alone = distance_by_repeats(first[:, :5], second[:, :5], rng())
    assert alone == pytest.approx(np.mean(seen), rel=0.08)
    assert alone < 0.6 * np.nanmean(format_distances(first[:, :5], second[:, :5]))


def test_without_repeats_nothing_tells_what_repeats_alone_make() -> None:
    scores = steady().scores
    assert np.isnan(distance_by_repeats(scores[:, :1], scores, rng()))
    assert distance_by_repeats(scores[:, :2], scores, rng()) == 0


def test_distances_without_common_scores_are_missing() -> None:
    none = np.full((3, 2, 5), NAN)
    assert np.isnan(distance_by_repeats(none, none, rng()))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 200 intervals for the mean of 100 people, about 95 % hold it: bounds of a binomial at 0.1 %."""
    draws = rng(7).exponential(size=(200, 100))
    found = [mean_over_people(values, rng(seed), 200) for seed, values in enumerate(draws)]
    assert 172 <= sum(estimate.low <= 1 <= estimate.high for estimate in found) <= 199


def test_a_share_of_all_people_has_an_interval_with_width() -> None:
    found = share_of_people(np.array([1.0] * 12 + [NAN]))
    assert found[0] == 1
    assert found.people == 12
    z = 1.959964  # Wilson: lower end n / (n + z²) for a share of one
    assert found.low == pytest.approx(12 / (12 + z**2), abs=1e-6)
    assert share_of_people(np.array([NAN])) == NOTHING


def test_the_same_seed_gives_the_same_interval() -> None:
    values = rng().normal(size=50)
    assert mean_over_people(values, rng(3), 50) == mean_over_people(values, rng(3), 50)
    assert mean_over_people(values, rng(3), 50) != mean_over_people(values, rng(4), 50)
    assert CONFIDENCE == 0.95


def test_resamples_without_a_value_are_left_out_of_the_interval() -> None:
    found = bootstrapped(lambda rows: NAN if len(set(rows)) < 3 else 1.0, 3, rng(), 50)
    assert found[:3] == (1, 1, 1)
