"""What a finished model says of itself without the truth, and how far to trust its latents and graph then."""

from typing import Literal

IDENTIFIED = "identified"
ORDER_UNKNOWN = (
    "order not identified: the mechanisms are straight lines, for which every order fits equally well"
)
LATENTS_UNKNOWN = (
    "latents not identified: the noise of several is close to normal, so rotations fit equally well"
)
LATENTS_UNSTABLE = (
    "latents uncertain: a random half of the people gives other latents, or there are too few people"
)
LATENTS_LOST = (
    "latents uncertain: measurements have more in common than the codes hold, so some latents are read "
    "badly, or there are more of them"
)
STYLE_UNKNOWN = (
    "latents uncertain: a modality shows its style in one version only, and nothing tells its latents from it"
)
PAIRS_DISAGREE = (
    "latents uncertain: what modalities tell of each other does not give the same latents in two ways"
)

Advice = Literal["trust", "doubt", "do not use"]


def advice_for(verdict: str) -> Advice:
    """What to do with latents and graph of a model with this verdict (`CRL.verdict`).

    "doubt" is for latents that may be mixed, for a graph whose edges have no direction though its latents are
    found, and for every verdict that is not one of this file, as of another version.

    >>> advice_for(IDENTIFIED), advice_for(ORDER_UNKNOWN), advice_for(LATENTS_UNKNOWN)
    ('trust', 'doubt', 'do not use')
    """
    if verdict == IDENTIFIED:
        return "trust"
    return "do not use" if verdict == LATENTS_UNKNOWN else "doubt"


def in_words(verdict: str) -> str:
    """The advice, and the verdict it comes from.

    >>> in_words(IDENTIFIED)
    'trust (identified)'
    """
    return f"{advice_for(verdict)} ({verdict})"
