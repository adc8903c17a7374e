"""What the report of Level I says about decisions."""

import numpy as np
import pandas as pd

from personax.experiments.independence.report import negative_controls, pvalue_text, votes, votes_table

DECIDED = pd.DataFrame(
    {
        "trait": ["a", "b|c", "a", "b|c", "a", "b|c"],
        "feature": ["Birthmonth"] * 4 + ["Height"] * 2,
        "scores": "s",
        "test": ["kci", "kci", "hsic", "hsic", "kci", "kci"],
        "pvalue": [1e-300, 0.04, 0.04, np.nan, np.nan, 0.5],
        "rejected": [True, True, True, False, False, False],
    }
)


def test_votes_count_rejections_out_of_tests_with_a_pvalue() -> None:
    assert votes(DECIDED)["text"].tolist() == ["2/2", "1/1", "–", "0/1"]


def test_votes_are_a_table_of_features_and_traits() -> None:
    lines = [line.replace(" ", "") for line in votes_table(DECIDED, "s").splitlines()]
    assert lines[0] == "|feature|a|b\\|c|"
    assert lines[2:] == ["|Birthmonth|2/2|1/1|", "|Height|–|0/1|"]


def test_negative_controls_are_counted_among_birthdays_only() -> None:
    line = negative_controls(DECIDED, 0.05, "holm")
    assert line.startswith("Negative controls (Birthmonth): 3 of 3 p-values are below 0.05")
    assert line.endswith("3 rejected after holm.")


def test_without_birthdays_there_are_no_negative_controls() -> None:
    heights = DECIDED[DECIDED["feature"] == "Height"]
    assert negative_controls(heights, 0.05, "none").startswith("Negative controls: none")


def test_small_pvalues_are_powers_of_ten() -> None:
    assert [pvalue_text(v) for v in (np.nan, -0.3, -1000.0)] == ["–", "0.501", "10^-1000.0"]
