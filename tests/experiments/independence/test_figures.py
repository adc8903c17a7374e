"""What the pictures of Level I show of a cell."""

from pathlib import Path

import numpy as np
import pandas as pd

from personax.experiments.independence.effect_intervals import draw_intervals
from personax.experiments.independence.figures import Caption, draw_evidence

CELLS = pd.DataFrame(
    {
        "trait": ["Openness", "Extraversion"],
        "feature": "League",
        "scores": "aggregated",
        "pvalue": [5e-5, 1e-97],
        "log10_pvalue": [-4.3, -97.0],
        "bound": [True, False],
        "applicable": True,
        "rejected": True,
    }
)


def test_a_bound_has_dots_in_place_of_a_colour_and_a_sentence(tmp_path: Path) -> None:
    draw_evidence(CELLS, "Chi-square", Caption("athlete", "nowhere", 9, simulated=False), tmp_path / "bound")
    drawing = (tmp_path / "bound.svg").read_text()
    assert ">≥4.3<" in drawing
    assert "Dotted, ≥: at least this" in drawing
    assert "<pattern" in drawing
    exact = CELLS.assign(bound=False)
    draw_evidence(exact, "Chi-square", Caption("athlete", "nowhere", 9, simulated=False), tmp_path / "exact")
    drawing = (tmp_path / "exact.svg").read_text()
    assert ">4.3<" in drawing
    assert "<pattern" not in drawing


def test_effects_have_whiskers_and_names_of_sources(tmp_path: Path) -> None:
    cells = CELLS.assign(effect=[0.2, 0.4], effect_low=[0.1, np.nan], effect_high=[0.3, np.nan])
    both = pd.concat([cells, cells.assign(scores="chatgpt", rejected=False)])
    caption = Caption("athlete", "nowhere", 9, simulated=False)
    draw_intervals(both, "KCI", caption, tmp_path / "intervals")
    drawing = (tmp_path / "intervals.svg").read_text()
    for words in ("Openness", "League", "Aggregated", "ChatGPT-4o", "Whiskers: 95 %"):
        assert words in drawing
    draw_intervals(both.assign(effect=np.nan), "KCI", caption, tmp_path / "none")
    assert not (tmp_path / "none.svg").exists()


def test_many_features_continue_on_another_page(tmp_path: Path) -> None:
    cell = CELLS.iloc[:1].assign(effect=0.2, effect_low=0.1, effect_high=0.3)
    many = pd.concat([cell.assign(feature=f"feature {number}") for number in range(60)])
    draw_intervals(many, "KCI", Caption("athlete", "nowhere", 9, simulated=False), tmp_path / "many")
    assert {path.name for path in tmp_path.glob("*.png")} == {"many.png", "many_2.png"}
