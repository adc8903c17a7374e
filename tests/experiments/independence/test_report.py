"""What the report of Level I says about decisions."""

import numpy as np
import pandas as pd

from personax.experiments.independence.report import (
    bounds_above_alpha,
    interval_texts,
    negative_controls,
    pvalue_text,
    route_sentence,
    votes,
    votes_table,
)
from personax.streaming.grid_errors import TOO_WIDE

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
    assert pvalue_text(-4.3, bound=True) == "≤ 10^-4.3"


def test_effects_are_written_with_their_intervals() -> None:
    cells = pd.DataFrame(
        {"effect": [0.213, np.nan], "effect_low": [0.1, np.nan], "effect_high": [0.3, np.nan]}
    )
    assert interval_texts(cells) == ["0.21 [0.10, 0.30]", "–"]


def test_bounds_that_a_correction_leaves_too_large_are_warned_of() -> None:
    bounds = DECIDED.assign(bound=True, log10_q_value=np.log10(0.2))
    warning = bounds_above_alpha(bounds, 0.05)
    assert "1 p-values are only bounds" in warning
    assert "4 times as many --resamples" in warning
    assert bounds_above_alpha(bounds.assign(rejected=True), 0.05) == ""
    assert bounds_above_alpha(bounds.assign(bound=False), 0.05) == ""


def test_results_that_cells_would_change_too_much_are_counted() -> None:
    decided = pd.DataFrame(
        {
            "feature": ["Born", "Income", "Income"],
            "route": ["exact", "grid of 9 cells", "grid of 9 cells"],
            "route_error": [0.0, 4e-4, 0.2],
            "null": ["t", "t", TOO_WIDE],
        }
    )
    sentence = route_sentence(decided)
    assert (
        "1 results are from tables of counts of all values; 2 are from columns in fine cells (Income)"
        in sentence
    )
    assert "by at most 4.0e-04 of itself" in sentence
    assert sentence.endswith(f"1 would change by more, and are {TOO_WIDE}.")
