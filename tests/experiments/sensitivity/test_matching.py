"""Latents of a variant are matched to those of the base run, and edges are read in its names and signs."""

from pathlib import Path

import numpy as np
import pytest
from experiments.sensitivity.made_up_runs import BLOCKS, NAMES, base_run, disguised

from personax.experiments.sensitivity.claims import edge_words
from personax.experiments.sensitivity.matching import (
    NO_EDGE,
    EdgeClaim,
    Recovered,
    claims_of,
    comparable_blocks,
    own_partners,
    partners_of,
    read_recovered,
    slope_signs,
    slopes_in_errors,
)
from personax.graphs.graph import Graph


@pytest.fixture
def base() -> Recovered:
    return base_run()


def test_order_sign_and_scale_of_latents_change_no_claim(base: Recovered) -> None:
    other = disguised(base, ["s1", "z12", "z11", "z21"], [-1, 3, -1, -2])
    partners = partners_of(base, other)
    assert {name: partner.name for name, partner in partners.items()} == {
        "s1": "s1",
        "z11": "z12",
        "z12": "z11",
        "z21": "z21",
    }
    assert [round(partner.correlation, 6) for partner in partners.values()] == [-1, -1, 1, -1]
    claims = claims_of(base, own_partners(base))
    assert claims["s1", "z11"] == EdgeClaim("->", 1)
    assert claims["z11", "z12"] == EdgeClaim("->", -1)
    assert claims["s1", "z21"] == NO_EDGE
    assert claims_of(other, partners) == claims
    assert {word.state for word in edge_words(base, claims, other).values()} == {"holds"}


def test_only_people_of_both_runs_are_compared(base: Recovered) -> None:
    half = Recovered(base.latents.iloc[::2].sample(frac=1, random_state=0), base.graph)
    assert {name: round(p.correlation, 6) for name, p in partners_of(base, half).items()} == dict.fromkeys(
        NAMES, 1.0
    )
    stranger = Recovered(base.latents.set_axis([f"q{k}" for k in range(400)]), base.graph)
    claims = claims_of(base, own_partners(base))
    assert partners_of(base, stranger) == {}
    assert {word.state for word in edge_words(base, claims, stranger).values()} == {"not checked"}


def test_the_block_of_one_modality_holds_the_shared_latents_too(base: Recovered) -> None:
    assert list(comparable_blocks(BLOCKS, {"image": ["a", "b", "c"]})) == [
        (["s1", "z11", "z12"], ["a", "b", "c"])
    ]
    names = ["z11", "z12", "z13"]
    latents = base.latents[["z12", "s1", "z11"]].set_axis(names, axis=1)
    adjacency = np.array([[0, 0, 0], [0, 0, 1], [1, 0, 0]])
    images = Recovered(latents, Graph(names, adjacency, blocks={"image": names}))
    words = edge_words(base, claims_of(base, own_partners(base)), images)
    assert words["s1", "z11"].state == words["z11", "z12"].state == "holds"
    assert words["z12", "z21"].state == "not checked"


def test_an_edge_at_a_latent_that_is_not_found_is_lost(base: Recovered) -> None:
    noise = np.random.default_rng(1).standard_normal(400)
    other = Recovered(base.latents.assign(z21=noise), base.graph)
    words = edge_words(base, claims_of(base, own_partners(base)), other)
    assert words["z12", "z21"].state == words["s1", "z21"].state == "latent lost"
    assert words["s1", "z11"].state == "holds"


def test_a_latent_without_partner_is_lost(base: Recovered) -> None:
    kept = ["s1", "z11", "z21"]
    places = [0, 1, 3]
    fewer = Recovered(
        base.latents[kept],
        Graph(
            kept,
            base.graph.adjacency[np.ix_(places, places)],
            blocks={"s": ["s1"], "image": ["z11"], "text": ["z21"]},
        ),
    )
    words = edge_words(base, claims_of(base, own_partners(base)), fewer)
    assert words["z11", "z12"].state == "latent lost"
    assert words["s1", "z11"].state == "holds"


def test_a_reversed_edge_is_seen_whatever_the_order_of_blocks(base: Recovered) -> None:
    adjacency = base.graph.adjacency.copy()
    adjacency[0, 1], adjacency[1, 0] = 0, 1
    order = [3, 1, 2, 0]
    names = [NAMES[k] for k in order]
    blocks = {"text": ["z21"], "image": ["z11", "z12"], "s": ["s1"]}
    other = Recovered(base.latents[names], Graph(names, adjacency[np.ix_(order, order)], blocks=blocks))
    words = edge_words(base, claims_of(base, own_partners(base)), other)
    assert words["s1", "z11"] == ("reversed", "<- (+)")
    assert words["z11", "z12"].said == "-> (-)"
    assert words["z11", "z12"].state == words["z12", "z21"].state == "holds"


def test_slopes_are_those_of_least_squares_with_all_parents() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((200, 3)) @ rng.standard_normal((3, 3)) + 5
    y = x @ [1.0, -0.5, 0.0] + rng.standard_normal(200)
    design = np.column_stack([np.ones(200), x])
    slopes, (rest,), _, _ = np.linalg.lstsq(design, y, rcond=None)
    errors = np.sqrt(rest / (200 - 4) * np.diag(np.linalg.inv(design.T @ design)))
    np.testing.assert_allclose(slopes_in_errors(x, y), (slopes / errors)[1:], rtol=1e-8)


def test_a_sign_needs_a_clear_slope() -> None:
    rng = np.random.default_rng(3)
    cause = rng.standard_normal(500)
    bent = cause**2 + 0.1 * rng.standard_normal(500)
    falling = -cause + 0.1 * rng.standard_normal(500)
    adjacency = np.array([[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    signs = slope_signs(np.column_stack([cause, bent, falling]), adjacency)
    np.testing.assert_array_equal(signs, [[0, 0, -1], [0, 0, 0], [0, 0, 0]])


def test_people_whose_latents_were_guessed_are_left_out(tmp_path: Path, base: Recovered) -> None:
    table = base.latents.assign(observed_image=[False, *[True] * 399]).rename_axis("id").reset_index()
    table.to_parquet(tmp_path / "latents.parquet")
    base.graph.to_json(tmp_path / "graph.json")
    found = read_recovered(tmp_path)
    assert "p0" not in found.latents.index
    assert len(found.latents) == 399
