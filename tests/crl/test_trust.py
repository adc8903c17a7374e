"""Verdicts and what they advise."""

import pytest

from personax.crl import trust


@pytest.mark.parametrize(
    ("verdict", "advice"),
    [
        (trust.IDENTIFIED, "trust"),
        (trust.ORDER_UNKNOWN, "doubt"),
        (trust.LATENTS_UNSTABLE, "doubt"),
        (trust.LATENTS_LOST, "doubt"),
        (trust.STYLE_UNKNOWN, "doubt"),
        (trust.PAIRS_DISAGREE, "doubt"),
        (trust.LATENTS_UNKNOWN, "do not use"),
        ("of another version", "doubt"),
    ],
)
def test_every_verdict_has_an_advice(verdict: str, advice: str) -> None:
    assert trust.advice_for(verdict) == advice
    assert trust.in_words(verdict) == f"{advice} ({verdict})"
