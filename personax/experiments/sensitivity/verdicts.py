"""The rule: which claims of the base run are robust, and on what the others depend.

A claim is "there is this edge, in this direction and with this sign", "there is no edge", "this trait depends
on this feature, with this sign", or "no dependence was shown". Its state in a variant is one of those below.
"""

from collections.abc import Mapping

from personax.experiments.sensitivity.matching import OPEN, EdgeClaim

CLAIM_HOLDS = "holds"
ABSENT = "absent"  # the edge or the dependence is not found
APPEARS = "appears"  # an edge or a dependence that the base run has not
REVERSED = "reversed"  # the edge has the other direction
UNDIRECTED = "undirected"  # the edge has no direction
OTHER_SIGN = "other sign"
LOST = "latent lost"  # no latent of the variant is like one of the two
NOT_CHECKED = "not checked"  # the variant cannot say anything about it
STILL_ADJACENT = (CLAIM_HOLDS, REVERSED, UNDIRECTED, OTHER_SIGN)

ROBUST, NOT_ROBUST, UNCHECKED = "robust", "not robust", "not checked by any variant"
DEPENDS = "depends on"
LEAST_MATCH = 0.5  # |correlation| from which a latent of a variant counts as that of the base run

RULE = (
    "A claim of the base run holds in a variant if the variant says the same: an edge with the same "
    "direction and sign, no edge, a dependence with the same sign, or no dependence. A sign counts only "
    "where it is clear in both; a base edge without a direction holds with any. A variant that lacks "
    "what the claim is about is not asked (as a modality; or Level I, where only the embeddings "
    "change), nor is one that could not be done (as with too few people); `asked` counts the others. A "
    f"latent whose partner correlates with it by less than {LEAST_MATCH:g} is lost, and no claim about "
    "it holds. **robust**: the claim holds in every variant that is asked. **depends on X**: all "
    "variants in which it fails are of one kind; X is this kind and these variants. **not robust**: it "
    "fails in variants of two kinds or more."
)


def edge_state(base: EdgeClaim, other: EdgeClaim) -> str:
    """The state of a claim about two latents, given what the variant says about them.

    >>> edge_state(EdgeClaim("->", 1), EdgeClaim("->", -1)), edge_state(EdgeClaim("", 0), EdgeClaim("->", 1))
    ('other sign', 'appears')
    """
    if not base.mark or not other.mark:
        return CLAIM_HOLDS if base.mark == other.mark else ABSENT if base.mark else APPEARS
    if other.mark == base.mark or base.mark == OPEN:
        return OTHER_SIGN if base.sign * other.sign < 0 else CLAIM_HOLDS
    return UNDIRECTED if other.mark == OPEN else REVERSED


def cell_state(base: tuple[bool, int], other: tuple[bool, int]) -> str:
    """The state of a claim about a trait and a feature: (rejected, sign) of the base run and the variant.

    >>> cell_state((True, 1), (False, 1)), cell_state((True, 1), (True, 0)), cell_state((False, 0), (True, 1))
    ('absent', 'holds', 'appears')
    """
    if base[0] != other[0]:
        return ABSENT if base[0] else APPEARS
    return OTHER_SIGN if base[0] and base[1] * other[1] < 0 else CLAIM_HOLDS


def verdict_of(states: Mapping[str, str], group_of: Mapping[str, str]) -> str:
    """The verdict on a claim (`RULE`).

    Args:
        states: variant -> state of the claim.
        group_of: variant -> its kind.

    >>> verdict_of({"half 1": "absent", "seed 1": "holds"}, {"half 1": "people", "seed 1": "seed"})
    'depends on people: half 1'
    """
    asked = {variant: state for variant, state in states.items() if state != NOT_CHECKED}
    failing = [variant for variant, state in asked.items() if state != CLAIM_HOLDS]
    kinds = {group_of[variant] for variant in failing}
    if not asked:
        return UNCHECKED
    if not failing:
        return ROBUST
    return f"{DEPENDS} {kinds.pop()}: {', '.join(failing)}" if len(kinds) == 1 else NOT_ROBUST


def kind_of_verdict(verdict: str) -> str:
    """The verdict without what it depends on."""
    return DEPENDS if verdict.startswith(DEPENDS) else verdict


def as_adjacency(states: Mapping[str, str]) -> dict[str, str]:
    """The states of the claim that two latents are adjacent, whatever direction and sign."""
    return {variant: CLAIM_HOLDS if state in STILL_ADJACENT else state for variant, state in states.items()}
