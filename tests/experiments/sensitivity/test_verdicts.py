"""The rule of the sensitivity analysis, on made-up results."""

import itertools

import pytest

from personax.experiments.sensitivity.matching import NO_EDGE, EdgeClaim
from personax.experiments.sensitivity.verdicts import (
    ABSENT,
    APPEARS,
    CLAIM_HOLDS,
    DEPENDS,
    LOST,
    NOT_CHECKED,
    NOT_ROBUST,
    OTHER_SIGN,
    REVERSED,
    ROBUST,
    UNCHECKED,
    UNDIRECTED,
    as_adjacency,
    cell_state,
    edge_state,
    kind_of_verdict,
    verdict_of,
)

GROUP_OF = {"seed 1": "seed", "seed 2": "seed", "half 1": "people", "without images": "modality"}


@pytest.mark.parametrize(
    ("base", "other", "state"),
    [
        (EdgeClaim("->", 1), EdgeClaim("->", 1), CLAIM_HOLDS),
        (EdgeClaim("->", 1), EdgeClaim("->", 0), CLAIM_HOLDS),
        (EdgeClaim("->", 1), EdgeClaim("->", -1), OTHER_SIGN),
        (EdgeClaim("->", 1), EdgeClaim("<-", 1), REVERSED),
        (EdgeClaim("->", 1), EdgeClaim("---", 1), UNDIRECTED),
        (EdgeClaim("---", 1), EdgeClaim("<-", 1), CLAIM_HOLDS),
        (EdgeClaim("---", 1), EdgeClaim("->", -1), OTHER_SIGN),
        (EdgeClaim("<-", -1), NO_EDGE, ABSENT),
        (NO_EDGE, NO_EDGE, CLAIM_HOLDS),
        (NO_EDGE, EdgeClaim("->", 1), APPEARS),
    ],
)
def test_a_variant_agrees_about_an_edge_only_with_its_direction_and_sign(
    base: EdgeClaim, other: EdgeClaim, state: str
) -> None:
    assert edge_state(base, other) == state


@pytest.mark.parametrize(
    ("base", "other", "state"),
    [
        ((True, 1), (True, 1), CLAIM_HOLDS),
        ((True, 1), (True, -1), OTHER_SIGN),
        ((True, 0), (True, -1), CLAIM_HOLDS),
        ((True, 1), (False, 1), ABSENT),
        ((False, 1), (False, -1), CLAIM_HOLDS),
        ((False, 0), (True, 1), APPEARS),
    ],
)
def test_a_variant_agrees_about_a_cell_only_with_its_decision_and_sign(
    base: tuple[bool, int], other: tuple[bool, int], state: str
) -> None:
    assert cell_state(base, other) == state


def test_a_claim_is_robust_exactly_where_it_holds_in_every_variant_that_is_asked() -> None:
    """All combinations of two states over three variants, and one that is never asked."""
    names = list(GROUP_OF)[:3]
    for states in itertools.product((CLAIM_HOLDS, ABSENT, NOT_CHECKED), repeat=3):
        found = dict(zip(names, states, strict=True)) | {"without images": NOT_CHECKED}
        verdict = kind_of_verdict(verdict_of(found, GROUP_OF))
        kinds = {GROUP_OF[name] for name, state in found.items() if state == ABSENT}
        if all(state == NOT_CHECKED for state in states):
            assert verdict == UNCHECKED
        else:
            assert verdict == (ROBUST, DEPENDS, NOT_ROBUST)[len(kinds)]


def test_every_state_but_holds_and_not_checked_is_a_failure() -> None:
    for state in (OTHER_SIGN, UNDIRECTED, REVERSED, ABSENT, APPEARS, LOST):
        found = verdict_of({"seed 1": CLAIM_HOLDS, "half 1": state}, GROUP_OF)
        assert found == "depends on people: half 1"


def test_the_verdict_names_all_variants_of_the_kind_that_matters() -> None:
    states = {"seed 1": LOST, "seed 2": REVERSED, "half 1": CLAIM_HOLDS}
    assert verdict_of(states, GROUP_OF) == "depends on seed: seed 1, seed 2"


def test_adjacency_ignores_direction_and_sign_but_not_a_missing_edge() -> None:
    states = {"seed 1": REVERSED, "seed 2": OTHER_SIGN, "half 1": UNDIRECTED, "without images": CLAIM_HOLDS}
    assert verdict_of(states, GROUP_OF) == NOT_ROBUST
    assert verdict_of(as_adjacency(states), GROUP_OF) == ROBUST
    gone = verdict_of(as_adjacency(states | {"half 1": ABSENT}), GROUP_OF)
    assert gone == "depends on people: half 1"
