"""Made-up answers have the properties that they are made with."""

import numpy as np
import pandas as pd
from traits.simulated_people import answers_of, of_model

from personax.tables.schema import TRAITS
from personax.traits.answers import ANSWER_COLUMNS, FAILURE_COLUMNS
from personax.traits.formats import FORMATS
from personax.traits.simulated_answers import SimulatedAnnotator

NOISY = SimulatedAnnotator("noisy", by_repeat=0.5, hesitation=0.1, failing=0.05)


def test_the_columns_are_those_of_read_answers() -> None:
    drawn = answers_of(NOISY, n=20)
    assert tuple(drawn.answers.columns) == ANSWER_COLUMNS
    assert tuple(drawn.failures.columns) == FAILURE_COLUMNS
    assert len(drawn.answers) + len(drawn.failures) == 20 * 6 * 5


def test_levels_are_equally_frequent_in_every_format() -> None:
    for name, answers in answers_of(NOISY, n=3000, repeats=1).answers.groupby("format"):
        scores = answers[list(TRAITS)].to_numpy().ravel()
        levels = FORMATS[str(name)].levels
        shares = np.bincount(scores[scores > 0].astype(int))[1:] / (scores > 0).sum()
        np.testing.assert_allclose(shares, 1 / levels, atol=0.03)


def test_shares_of_failures_and_hesitation_are_as_declared() -> None:
    """Bounds are six standard deviations of a binomial."""
    drawn = answers_of(NOISY, n=500, repeats=2)
    asked = len(drawn.answers) + len(drawn.failures)
    assert abs(len(drawn.failures) / asked - 0.05) < 6 * np.sqrt(0.05 * 0.95 / asked)
    scores = drawn.answers[list(TRAITS)].to_numpy()
    assert abs((scores == 0).mean() - 0.1) < 6 * np.sqrt(0.1 * 0.9 / scores.size)


def test_another_annotator_changes_no_answer() -> None:
    alone, beside = answers_of(NOISY, n=10), answers_of(SimulatedAnnotator("other"), NOISY, n=10)
    pd.testing.assert_frame_equal(
        alone.answers, of_model(beside.answers, "noisy").reset_index(drop=True), check_dtype=False
    )


def test_seeds_differ() -> None:
    first, second = (answers_of(NOISY, n=10, seed=seed).answers for seed in (0, 1))
    assert not first[list(TRAITS)].equals(second[list(TRAITS)])
