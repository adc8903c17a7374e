import numpy as np
import pandas as pd
from sklearn.metrics import cohen_kappa_score

from personax.tables import TRAITS
from personax.tables.agreement import agreement_table, intraclass_correlation, weighted_kappa


def test_kappa_equals_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(1, 4, 200)
    y = np.clip(x + rng.integers(-1, 2, 200), 1, 3)
    expected = cohen_kappa_score(x, y, weights="quadratic")
    assert abs(weighted_kappa(x.astype(float), y.astype(float)) - expected) < 1e-12


def test_kappa_drops_people_whom_one_rater_did_not_score() -> None:
    x, y = np.array([1.0, 2, 3, 2, np.nan]), np.array([1.0, 3, 3, np.nan, 1])
    assert weighted_kappa(x, y) == weighted_kappa(x[:3], y[:3])


def test_kappa_of_known_ratings() -> None:
    x = np.array([1.0, 2, 3, 1, 2, 3])
    assert weighted_kappa(x, x) == 1
    assert weighted_kappa(x, 4 - x) == -1
    assert np.isnan(weighted_kappa(np.ones(4), np.ones(4)))
    assert np.isnan(weighted_kappa(np.array([1.0]), np.array([1.0])))


def test_icc_of_the_textbook_example() -> None:
    # Shrout and Fleiss (1979), table 2: six targets, four judges; ICC(2,1) = 0.29.
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    assert abs(intraclass_correlation(ratings) - 0.2898) < 5e-4


def test_icc_falls_with_a_raters_bias_as_absolute_agreement_must() -> None:
    people = np.arange(30.0)
    agree = np.column_stack([people, people, people])
    assert intraclass_correlation(agree) == 1
    assert intraclass_correlation(agree + np.array([0, 0, 10])) < 0.9
    assert np.isnan(intraclass_correlation(agree[:, :1]))
    assert np.isnan(intraclass_correlation(np.full((5, 3), 2.0)))


def test_table_has_a_row_per_trait_and_a_kappa_per_pair() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(1, 4, (300, 5)).astype(float)
    noisy = np.clip(truth + rng.integers(-1, 2, truth.shape), 1, 3)
    noisy[:7, 0] = np.nan
    frames = {
        "chatgpt": pd.DataFrame(truth, columns=list(TRAITS)),
        "gemini": pd.DataFrame(noisy, columns=list(TRAITS)),
    }
    table = agreement_table(frames)
    assert list(table.index) == list(TRAITS)
    assert list(table.columns) == ["kappa chatgpt-gemini", "icc", "n"]
    assert table.loc["Openness", "n"] == 293
    assert table.loc["Neuroticism", "n"] == 300
    assert ((table["kappa chatgpt-gemini"] > 0.4) & (table["kappa chatgpt-gemini"] < 0.9)).all()


def test_one_rater_gives_no_agreement() -> None:
    one = {"llama": pd.DataFrame(np.ones((4, 5)), columns=list(TRAITS))}
    assert agreement_table(one)["icc"].isna().all()
    assert list(agreement_table({}).columns) == ["icc", "n"]
