"""Maps that make obfuscated vectors comparable with plain ones, learned from pairs that an attacker knows.

Rows of `released` are obfuscated vectors, rows of `candidates` plain ones; both are centred. Each function
returns both sides in r coordinates in which the same person is at the same place, if the attack succeeds.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

RIDGE_SHARES = 10.0 ** np.arange(-8, 2)  # to choose from, as shares of the mean eigenvalue
_RIDGE_OF_ONE_PAIR = 1e-3
_NEGLIGIBLE = 1e-10  # a singular value below this share of the largest is 0


class Compared(NamedTuple):
    """Two sets of vectors in the same coordinates.

    Attributes:
        released: (n, r) obfuscated vectors.
        candidates: (m, r) plain vectors.
    """

    released: Float[np.ndarray, "n r"]
    candidates: Float[np.ndarray, "m r"]


class Pairs(NamedTuple):
    """Known pairs: obfuscated row `released[i]` and plain row `candidates[i]` are of one person."""

    released: Int[np.ndarray, " k"]
    candidates: Int[np.ndarray, " k"]


def centred(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """(n, d) float64 vectors minus their mean."""
    return np.asarray(vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64))


def whitened(vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n r"]:
    """(n, r) left singular vectors of centred vectors, times sqrt(n).

    Any invertible map of the vectors only rotates them, if there are more vectors than coordinates.
    """
    left, values, _ = np.linalg.svd(vectors, full_matrices=False)
    return np.asarray(left[:, values > _NEGLIGIBLE * values[0]] * np.sqrt(len(vectors)))


def by_procrustes(
    released: Float[np.ndarray, "n d"], candidates: Float[np.ndarray, "m d"], pairs: Pairs
) -> Compared:
    """The rotation that takes known obfuscated vectors nearest to their plain ones (Schönemann 1966).

    k pairs determine it in k directions at most. Of the others only the length is known, which a rotation
    keeps; it is the last coordinate.
    """
    base, other = _basis(released[pairs.released]), _basis(candidates[pairs.candidates])
    core = (released[pairs.released] @ base).T @ (candidates[pairs.candidates] @ other)
    left, values, right = np.linalg.svd(core)
    rank = int((values > _NEGLIGIBLE * values[0]).sum())
    return Compared(
        _with_rest(released, base @ left[:, :rank]), _with_rest(candidates, other @ right[:rank].T)
    )


def by_ridge(
    released: Float[np.ndarray, "n d"], candidates: Float[np.ndarray, "m d"], pairs: Pairs
) -> Compared:
    """The linear map that predicts known plain vectors from their obfuscated ones, with a ridge penalty.

    The penalty is chosen among the known pairs: each is predicted from the others.
    """
    known, plain = released[pairs.released], candidates[pairs.candidates]
    base = _basis(plain)
    target = plain @ base
    values, vectors = np.linalg.eigh(known @ known.T)
    ridge = _ridge_by_leaving_out(values, vectors, target) * max(float(values.mean()), 1e-300)
    dual = vectors @ ((vectors.T @ target) / (values + ridge)[:, None])
    return Compared((released @ known.T) @ dual, candidates @ base)


def _ridge_by_leaving_out(
    values: Float[np.ndarray, " k"], vectors: Float[np.ndarray, "k k"], target: Float[np.ndarray, "k r"]
) -> float:
    """The ridge, as a share of the mean eigenvalue, with the smallest error when each pair is left out."""
    if len(values) == 1:
        return _RIDGE_OF_ONE_PAIR
    rotated, mean = vectors.T @ target, max(float(values.mean()), 1e-300)
    errors = []
    for share in RIDGE_SHARES:
        shrink = values / (values + share * mean)
        fitted, leverage = vectors @ (shrink[:, None] * rotated), (vectors**2) @ shrink
        errors.append((((target - fitted) / np.maximum(1 - leverage, 1e-12)[:, None]) ** 2).mean())
    return float(RIDGE_SHARES[int(np.argmin(errors))])


def _basis(vectors: Float[np.ndarray, "k d"]) -> Float[np.ndarray, "d r"]:
    """(d, r) orthonormal basis of what k vectors span, r at most k and d."""
    return np.linalg.qr(vectors.T)[0]


def _with_rest(
    vectors: Float[np.ndarray, "n d"], basis: Float[np.ndarray, "d r"]
) -> Float[np.ndarray, "n r1"]:
    """(n, r + 1) coordinates in an orthonormal basis, and the length of what the basis does not show."""
    shown = vectors @ basis
    rest = (vectors**2).sum(axis=1) - (shown**2).sum(axis=1)
    return np.column_stack([shown, np.sqrt(np.maximum(rest, 0.0))])
