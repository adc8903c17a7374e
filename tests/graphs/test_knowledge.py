"""Background knowledge: from texts and files to a matrix of forbidden arrows, and its effect on a graph."""

from pathlib import Path

import numpy as np
import pytest
from graphs.five_latents import BLOCKS, NAMES

from personax.graphs.graph import ARROW, TAIL, adjacency_from_marks
from personax.graphs.knowledge import (
    Statements,
    forbidden_arrows,
    forbidden_arrows_found,
    orient_by_knowledge,
    parse_arrows,
    parse_tiers,
    read_statements,
)
from personax.runs.errors import InputError


def test_tiers_and_single_arrows_become_a_matrix() -> None:
    known = Statements(tiers=(("s1",), ("image",), ("text",)), forbid=(("z11", "z12"),))
    forbidden = forbidden_arrows(NAMES, BLOCKS, known)
    assert forbidden[1:, 0].all()
    assert forbidden[3:, 1:3].all()
    assert not forbidden[1:3, 3:].any()
    assert forbidden[1, 2]
    assert not forbidden[2, 1]


def test_only_the_allowed_modalities_have_arrows_between_them() -> None:
    forbidden = forbidden_arrows(NAMES, BLOCKS, Statements(cross_modal=(("text", "image"),)))
    assert forbidden[1:3, 3:].all()
    assert not forbidden[3:, 1:3].any()
    assert not forbidden[0].any()


def test_names_in_no_block_are_no_shared_latents() -> None:
    forbidden = forbidden_arrows(NAMES, {"s": ["s1"]}, Statements())
    assert forbidden[1:, 0].all()
    assert not forbidden[:, 1:].any()


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (Statements(tiers=(("z11", "s1"), ("z11",))), "z11 is in tier 1 and in tier 2"),
        (Statements(tiers=(("image",), ("s",))), "nothing may point into s1"),
        (
            Statements(tiers=(("image",), ("text",)), cross_modal=(("text", "image"),)),
            "text->image is allowed",
        ),
        (Statements(tiers=(("sound",),)), "'sound' in the tiers"),
        (Statements(cross_modal=(("image", "sound"),)), "'sound' is not a modality"),
        (Statements(cross_modal=(("image", "image"),)), "does not cross"),
        (Statements(forbid=(("z11", "z99"),)), "'z99' is not a node"),
        (Statements(forbid=(("z11", "z11"),)), "not an arrow between two nodes"),
    ],
)
def test_contradictions_and_unknown_names_are_refused(known: Statements, message: str) -> None:
    with pytest.raises(InputError, match=message):
        forbidden_arrows(NAMES, BLOCKS, known)


def test_options_and_yaml_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "knowledge.yaml").write_text(
        "nothing_into_s: false\ntiers: [[s], [z11, z12], [text]]\n"
        "cross_modal: [image->text]\nforbid: [z11->z12]\n"
    )
    assert read_statements(tmp_path / "knowledge.yaml") == Statements(
        nothing_into_s=False,
        tiers=parse_tiers("s; z11, z12; text"),
        cross_modal=parse_arrows("image->text", "--cross_modal"),
        forbid=parse_arrows("z11 -> z12", "--forbid"),
    )


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("tier: []", "unknown key 'tier'"),
        ("- a", "mapping"),
        ("nothing_into_s: 3", "true or false"),
        ("tiers: [a, b]", "list of lists"),
        ("forbid: [a]", "not an arrow"),
        ("cross_modal: image->text", "list of arrows"),
    ],
)
def test_a_bad_knowledge_file_is_named(tmp_path: Path, yaml: str, message: str) -> None:
    (tmp_path / "knowledge.yaml").write_text(yaml)
    with pytest.raises(InputError, match=f"knowledge.yaml.*{message}"):
        read_statements(tmp_path / "knowledge.yaml")


def test_undirected_edges_are_oriented_and_impossible_ones_removed() -> None:
    marks = np.array([[0, TAIL, ARROW], [TAIL, 0, TAIL], [TAIL, TAIL, 0]])  # 0 - 1, 0 -> 2, 1 - 2
    forbidden = np.zeros((3, 3), dtype=bool)
    forbidden[1, 0] = forbidden[0, 2] = forbidden[1, 2] = forbidden[2, 1] = True
    oriented = orient_by_knowledge(marks, forbidden)
    assert np.array_equal(adjacency_from_marks(oriented), [[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    assert forbidden_arrows_found(oriented, forbidden) == 1
