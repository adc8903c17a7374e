"""The table of claims, on made-up runs with known truth, and its page, figure and section."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from experiments.sensitivity.made_up_runs import NAMES, base_run, disguised
from pictures import is_drawn

from personax.experiments.sensitivity.changes import AnalysisChange
from personax.experiments.sensitivity.claims import (
    FIXED,
    KnownTruth,
    VariantResult,
    claims_table,
    edge_truth,
    variants_table,
)
from personax.experiments.sensitivity.figures import draw_sensitivity
from personax.experiments.sensitivity.level_one import HowTested, cells_of_level_one, sign_of, sources_to_test
from personax.experiments.sensitivity.matching import EdgeClaim, Recovered
from personax.experiments.sensitivity.plan import BASE_RUN, Variant
from personax.experiments.sensitivity.report import sensitivity_page, summary_of
from personax.graphs.graph import Graph
from personax.tables import simulate_table


def cells_of(*verdicts: tuple[str, bool, int]) -> pd.DataFrame:
    """Cells of one trait: (feature, rejected, sign)."""
    rows = [
        {"scores": "aggregated", "trait": "Openness", "feature": f, "test": "kci", "pvalue": 0.1}
        | {"rejected": rejected, "sign": sign}
        for f, rejected, sign in verdicts
    ]
    return pd.DataFrame(rows)


def variant_of(group: str, name: str, run: Recovered | None, cells: pd.DataFrame | None) -> VariantResult:
    return VariantResult(Variant(group, name, AnalysisChange()), run, cells)


BASE = base_run()
TRUE_GRAPH = Graph(NAMES, np.array([[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 0]]))
CELLS = cells_of(("Height", True, 1), ("Weight", True, -1), ("League", False, 0))
TRUTH = KnownTruth(
    TRUE_GRAPH, pd.DataFrame([[True, False, True]], ["Openness"], ["Height", "Weight", "League"])
)


def with_other_edges(*pairs: tuple[int, int]) -> Recovered:
    """The base run with these edges only."""
    adjacency = np.zeros((4, 4), dtype=int)
    for i, j in pairs:
        adjacency[i, j] = 1
    return Recovered(BASE.latents, Graph(NAMES, adjacency, blocks=BASE.graph.blocks))


@pytest.fixture
def variants() -> list[VariantResult]:
    """One that agrees, one that reverses an edge, one with another edge; one with scores alone."""
    return [
        variant_of("seed", "seed 1", disguised(BASE, ["s1", "z12", "z11", "z21"], [-1, 1, -1, 1]), CELLS),
        variant_of("people", "half 1", with_other_edges((1, 0), (1, 2), (2, 3)), None),
        variant_of("people", "half 2", with_other_edges((0, 1), (1, 2), (0, 3)), None),
        variant_of(
            "language model",
            "without llama",
            None,
            cells_of(("Height", True, 1), ("Weight", False, 0), ("League", True, 0)),
        ),
    ]


@pytest.fixture
def claims(variants: list[VariantResult]) -> pd.DataFrame:
    return claims_table(VariantResult(BASE_RUN, BASE, CELLS), variants, TRUTH)


def test_every_claim_has_its_states_its_verdict_and_its_truth(claims: pd.DataFrame) -> None:
    names = ["seed 1", "half 1", "half 2", "without llama"]
    assert list(claims) == [*FIXED, *names, *(f"{name} says" for name in names)]
    rows = {(row["first"], row["second"]): row for row in claims.to_dict("records")}
    assert len(rows) == len(claims) == 6 + 3
    first = rows["s1", "z11"]
    assert first["base"] == "-> (+)"
    assert (first["seed 1"], first["half 1"], first["half 2"]) == ("holds", "reversed", "holds")
    assert first["without llama"] == "not checked"
    said = [first[f"{name} says"] for name in names]
    assert said == ["-> (+)", "<- (+)", "-> (+)", ""]
    assert (first["verdict"], first["adjacent"]) == ("depends on people: half 1", "robust")
    assert (first["held"], first["asked"], first["true"]) == (2, 3, 1.0)
    second = rows["z11", "z12"]
    assert (second["base"], second["verdict"], second["true"]) == ("-> (-)", "robust", 1.0)
    third = rows["z12", "z21"]
    assert (third["half 2"], third["verdict"], third["adjacent"]) == (
        "absent",
        "depends on people: half 2",
        "depends on people: half 2",
    )
    assert third["true"] == 0.0
    none = rows["s1", "z21"]
    assert (none["base"], none["positive"], none["half 2"]) == ("no edge", False, "appears")
    assert none["true"] == 1.0
    assert rows["z11", "z21"]["true"] == 0.0
    weight = rows["Openness", "Weight"]
    assert (weight["base"], weight["verdict"]) == (
        "dependent (-)",
        "depends on language model: without llama",
    )
    assert (weight["asked"], weight["true"]) == (2, 0.0)
    assert (weight["seed 1 says"], weight["without llama says"]) == ("dependent (-)", "no dependence shown")
    league = rows["Openness", "League"]
    assert (league["base"], league["without llama"], league["true"]) == (
        "no dependence shown",
        "appears",
        0.0,
    )


@pytest.mark.parametrize(
    ("first", "second", "mark", "true"),
    [
        ("s1", "z11", "->", 1.0),
        ("z11", "s1", "->", 0.0),
        ("z11", "s1", "---", 1.0),
        ("s1", "z21", "->", 0.0),
        ("s1", "z21", "", 1.0),
        ("z11", "z21", "", 0.0),
    ],
)
def test_an_edge_is_true_only_with_its_direction(first: str, second: str, mark: str, true: float) -> None:
    assert edge_truth(TRUE_GRAPH, first, second, EdgeClaim(mark, 0)) == true
    assert np.isnan(edge_truth(None, first, second, EdgeClaim(mark, 0)))


def test_the_summary_counts_the_claims_and_the_true_ones(claims: pd.DataFrame) -> None:
    summary = summary_of(claims)
    assert summary.loc["edges"].to_dict() == {
        "claims": 3,
        "robust": "1 (1 true)",
        "depends on": "2 (1 true)",
        "not robust": "0",
        "not checked by any variant": "0",
    }
    assert summary.loc["dependences (Level I)", "robust"] == "1 (1 true)"


def test_the_page_states_the_rule_and_lists_what_fails(
    claims: pd.DataFrame, variants: list[VariantResult]
) -> None:
    others = variants_table(VariantResult(BASE_RUN, BASE, CELLS), variants, claims)
    assert others["mean match"].round(6).tolist()[:3] == [1.0, 1.0, 1.0]
    assert others["edges"].tolist() == ["3 of 3", "2 of 3", "2 of 3", ""]
    assert others["dependences"].tolist() == ["2 of 2", "", "", "1 of 2"]
    page = sensitivity_page(claims, others, "a | table", simulated=True)
    assert "**robust**: the claim holds in every variant that is asked" in page
    assert "SIMULATED DATA. a \\| table." in page
    assert "half 1 (reversed)" in page
    assert "without llama (absent)" in page


def test_the_figure_is_drawn_with_and_without_each_level(
    claims: pd.DataFrame, variants: list[VariantResult], tmp_path: Path
) -> None:
    names = [found.variant.name for found in variants]
    for part in ("edge", "cell", None):
        shown = claims if part is None else claims[claims["level"] == part]
        draw_sensitivity(shown, names, tmp_path / f"{part}", title="made up")
        assert is_drawn(tmp_path / f"{part}.png")
    assert draw_sensitivity(claims.iloc[:0], names, tmp_path / "none", title="") == []


def test_level_one_of_a_variant_is_that_of_the_command_with_signs() -> None:
    table = simulate_table("athlete", n=300, embeddings=False)
    testing = HowTested(sources_to_test(table), ("kci",), 0.05, "none", 99)
    assert testing.sources == ("aggregated",)
    found = cells_of_level_one(testing, table, 0)
    assert len(found) == 5 * len(table.features.columns)
    scores = table.to_test()["aggregated"]
    first = found.iloc[0]
    assert first["sign"] == sign_of(scores, first["trait"], table, first["feature"])
    nominal = [name for name, kind in table.kinds.items() if kind == "nominal"]
    assert set(found.loc[found["feature"].isin(nominal), "sign"]) == {0}
    falling = simulate_table("athlete", n=300, embeddings=False)
    falling.features["Height"] = -falling.scores["aggregated"]["Openness"]
    assert sign_of(scores, "Openness", falling, "Height") == -1
