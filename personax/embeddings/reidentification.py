"""Who finds whom: attacks on obfuscated vectors, with known pairs and without any.

The attacker has the obfuscated vectors of n people in an unknown order, and for the same people plain
vectors of the same encoder (from the same photographs or texts). This is the worst case: real attackers
know other people, too, and have other photographs. The attacker wants to know which vector is whose.

- Known pairs: for k people the attacker knows both vectors, and learns the map from them (alignment_maps.py).
- No pairs: a rotation keeps all distances, so how far somebody is from all others, in order, is a signature
  that is the same in both sets. After whitening (each direction gets variance 1) this holds for every
  invertible map. People whose signatures find each other become the first pairs, and the map learned from
  them finds more.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from personax.embeddings.alignment_maps import (
    Compared,
    Pairs,
    by_procrustes,
    by_ridge,
    centred,
    whitened,
)
from personax.embeddings.encoder_checks import unit_vectors

ROUNDS = 5  # of learning a map from those who find each other
POINTS = 64  # of a signature
Attack = Callable[[Float[np.ndarray, "n d"], Float[np.ndarray, "n d"]], Compared]

WITH_PAIRS = {"Procrustes": by_procrustes, "ridge": by_ridge}


def top_one_with_pairs(
    attack: str,
    released: Float[np.ndarray, "n d"],
    candidates: Float[np.ndarray, "n d"],
    k: int,
    rng: np.random.Generator,
) -> float:
    """The share of the n - k other people that an attack finds with k known ones.

    Row i is the same person on both sides.

    Args:
        attack: a key of WITH_PAIRS.
        released: (n, d) obfuscated vectors.
        candidates: (n, d) plain ones.
        k: number of known people, from 1 to n - 1.
        rng: draws the known people.
    """
    order = rng.permutation(len(released))
    known, others = order[:k], order[k:]
    compared = WITH_PAIRS[attack](centred(released), centred(candidates), Pairs(known, known))
    return share_found(Compared(compared.released[others], compared.candidates[others]))


def by_distances(released: Float[np.ndarray, "n d"], candidates: Float[np.ndarray, "n d"]) -> Compared:
    """Compare without any pair, by distances, which a rotation keeps."""
    return _without_pairs(centred(released), centred(candidates))


def by_whitened_distances(
    released: Float[np.ndarray, "n d"], candidates: Float[np.ndarray, "n d"]
) -> Compared:
    """Compare without any pair, by distances after whitening, which every invertible map keeps."""
    return _without_pairs(whitened(centred(released)), whitened(centred(candidates)))


def directly(released: Float[np.ndarray, "n d"], candidates: Float[np.ndarray, "n d"]) -> Compared:
    """Compare the vectors as they are, by their directions."""
    return Compared(unit_vectors(centred(released)), unit_vectors(centred(candidates)))


WITHOUT_PAIRS: dict[str, Attack] = {
    "distances": by_distances,
    "whitened distances": by_whitened_distances,
}


def share_found(compared: Compared) -> float:
    """The share of rows of the one side whose nearest row of the other side has the same number."""
    nearest = nearest_rows(compared)
    return float((nearest == np.arange(len(nearest))).mean())


def nearest_rows(compared: Compared) -> Int[np.ndarray, " n"]:
    """(n,) for each released row the nearest candidate."""
    return np.asarray(squared_distances(compared.released, compared.candidates).argmin(axis=1))


def mated_auc(compared: Compared) -> float:
    """How well a distance tells two vectors of one person from those of two people: 0.5 not at all, 1 always.

    It is the area under the receiver operating characteristic of all pairs of rows.
    """
    distances = squared_distances(compared.released, compared.candidates)
    n = len(distances)
    ranks = rankdata(distances)
    mated = np.diag(ranks.reshape(n, n)).sum()
    smaller = mated - n * (n + 1) / 2  # how often a pair of two people is nearer than one of the same person
    return float(1 - smaller / (n * (n * n - n)))


def squared_distances(
    first: Float[np.ndarray, "n r"], second: Float[np.ndarray, "m r"]
) -> Float[np.ndarray, "n m"]:
    """(n, m) squared Euclidean distances."""
    sums = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    return np.asarray(np.maximum(sums - 2 * first @ second.T, 0.0))


def _without_pairs(released: Float[np.ndarray, "n d"], candidates: Float[np.ndarray, "n d"]) -> Compared:
    """Signatures first; then, round by round, the rotation that those determine who find each other."""
    compared = Compared(*_both_standardised(_signatures(released), _signatures(candidates)))
    before = Pairs(np.arange(0), np.arange(0))
    for _ in range(ROUNDS):
        pairs = mutual_pairs(compared)
        if len(pairs.released) < 2 or all(map(np.array_equal, pairs, before)):
            break
        compared, before = by_procrustes(released, candidates, pairs), pairs
    return compared


def _signatures(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n p"]:
    """(n, p) quantiles of the inner products of each person with all others, and the own length."""
    products = vectors @ vectors.T
    lengths = np.sqrt(np.diag(products))
    places = np.linspace(0, len(vectors) - 1, min(POINTS, len(vectors))).round().astype(int)
    np.fill_diagonal(products, 0.0)
    return np.column_stack([np.sort(products, axis=1)[:, places], lengths])


def _both_standardised(
    first: Float[np.ndarray, "n p"], second: Float[np.ndarray, "m p"]
) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "m p"]]:
    """Both sides with mean 0 and variance 1 in every column, each by its own moments."""

    def standard(values: Float[np.ndarray, "rows p"]) -> Float[np.ndarray, "rows p"]:
        sd = values.std(axis=0)
        return np.asarray((values - values.mean(axis=0)) / np.where(sd > 0, sd, 1.0))

    return standard(first), standard(second)


def mutual_pairs(compared: Compared) -> Pairs:
    """Rows of the two sides each of which is nearest to the other."""
    distances = squared_distances(compared.released, compared.candidates)
    forward: Int[np.ndarray, " n"] = distances.argmin(axis=1)
    backward: Int[np.ndarray, " m"] = distances.argmin(axis=0)
    mutual: Bool[np.ndarray, " n"] = backward[forward] == np.arange(len(forward))
    rows = np.flatnonzero(mutual)
    return Pairs(rows, forward[rows])
