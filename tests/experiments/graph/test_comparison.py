"""What is said of a comparison with a graph of the paper."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from personax.experiments.graph.run import meaning_of_comparison
from personax.graphs.graph_files import Latents
from personax.runs.errors import InputError

REAL = Latents(pd.DataFrame({"s1": [0.0]}), {"s": ["s1"]}, None, None, simulated=False, path=Path("run"))


def test_people_with_content_are_compared_and_told_that_numbers_are_arbitrary() -> None:
    assert "numbers within a block are arbitrary" in meaning_of_comparison("athlete", [REAL])


def test_simulated_people_are_not_compared_with_the_paper() -> None:
    with pytest.raises(InputError, match="these people are simulated"):
        meaning_of_comparison("celeb", [REAL, replace(REAL, simulated=True)])


def test_other_graphs_and_published_ones_among_themselves_need_no_word() -> None:
    assert meaning_of_comparison("mine.json", [replace(REAL, simulated=True)]) == ""
    assert meaning_of_comparison("athlete", []) == ""
    assert meaning_of_comparison(None, [REAL]) == ""
