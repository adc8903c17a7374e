"""Attack one way of obfuscation: who is found again, and are two releases linkable?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float32

from personax.embeddings.reidentification import (
    WITH_PAIRS,
    WITHOUT_PAIRS,
    Attack,
    directly,
    mated_auc,
    nearest_rows,
    share_found,
    top_one_with_pairs,
)
from personax.experiments.obfuscated_releases import Release
from personax.runs.seeds import numpy_rng

HALF = "half of the people"


def attack_release(
    release: Release,
    vectors: Float32[np.ndarray, "n d"],
    strangers: Float32[np.ndarray, "m d"],
    known: Sequence[int],
    repeats: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One row per attack: attack, k (people that the attacker knows), top1 of every repeat, chance.

    Args:
        release: the way of obfuscation.
        vectors: (n, d) plain vectors, all of them there.
        strangers: (m, d) plain vectors of other people, m at least n / 2, or (0, d) to leave out the attack
            by somebody who has half of the people only.
        known: numbers of known people, each from 1 to n - 2.
        repeats: how often they are drawn.
        seed: seed of key, noise and draws.
    """
    n, everybody = len(vectors), np.ones(len(vectors), dtype=bool)
    hidden = release.apply(vectors, everybody, seed, "attacked")
    rows: list[dict[str, Any]] = []
    for k in known:
        for attack in WITH_PAIRS:
            rngs = [numpy_rng(seed, f"attack/{k}/{repeat}") for repeat in range(repeats)]
            found = [top_one_with_pairs(attack, hidden, vectors, k, rng) for rng in rngs]
            rows.append({"attack": attack, "k": k, "top1": found, "chance": 1 / (n - k)})
    for name, blind in WITHOUT_PAIRS.items():
        rows.append({"attack": name, "k": 0, "top1": [share_found(blind(hidden, vectors))], "chance": 1 / n})
        if 2 * len(strangers) >= n:
            share = share_found_of_half(blind, hidden, vectors, strangers)
            rows.append({"attack": f"{name}, {HALF}", "k": 0, "top1": [share], "chance": 1 / n})
    return rows


def share_found_of_half(
    attack: Attack,
    released: Float32[np.ndarray, "n d"],
    vectors: Float32[np.ndarray, "n d"],
    strangers: Float32[np.ndarray, "m d"],
) -> float:
    """The share found if the attacker has every second released person, and strangers in place of the others.

    The share is among those whom the attacker has.
    """
    mixed = vectors.copy()
    mixed[1::2] = strangers[: len(mixed[1::2])]
    compared = attack(released, mixed)
    nearest = nearest_rows(compared)[::2]
    return float((nearest == np.arange(0, len(vectors), 2)).mean())


def link_releases(
    release: Release, vectors: Float32[np.ndarray, "n d"], seed: int
) -> dict[str, float | dict[str, float]]:
    """How well two releases of the same people, with two keys, are linked to each other.

    Returns:
        auc: how well a direct comparison tells the same person from another, 0.5 not at all; top1: attack
            without known pairs -> share of people who are linked; chance.
    """
    everybody = np.ones(len(vectors), dtype=bool)
    first = release.apply(vectors, everybody, seed, "first release")
    second = release.apply(vectors, everybody, seed, "second release")
    return {
        "auc": mated_auc(directly(first, second)),
        "top1": {name: share_found(attack(first, second)) for name, attack in WITHOUT_PAIRS.items()},
        "chance": 1 / len(vectors),
    }
