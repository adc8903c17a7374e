"""What the pictures of Level I show of a cell."""

from pathlib import Path

import pandas as pd

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
