"""The invertible map that a key stands for: x -> x A, and the way back.

- orthogonal: A is a rotation (with reflections), drawn uniformly from all of them (Mezzadri 2007). It keeps
  all distances and angles between vectors. Whatever depends on these only, does not change, and what these
  tell is not hidden.
- general: A = U diag(s) V with two such rotations, and stretches s from the smallest to the largest in equal
  ratios. The condition number is largest / smallest. The mean square of s is 1, so that vectors keep their
  typical length.

Every column has a map of its own, so vectors of two columns cannot be compared any more.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy.linalg import qr

from personax.embeddings.obfuscation_key import ObfuscationKey


@dataclass(frozen=True)
class ObfuscationMap:
    """A map of row vectors and its inverse.

    Attributes:
        forward: (d, d) matrix A.
        backward: (d, d) its inverse.
    """

    forward: Float[np.ndarray, "d d"]
    backward: Float[np.ndarray, "d d"]

    def __call__(self, vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """(n, d) float64 obfuscated vectors; rows of NaN stay NaN."""
        return np.asarray(vectors.astype(np.float64) @ self.forward)

    def undo(self, vectors: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """(n, d) float64 plain vectors, but for added noise."""
        return np.asarray(vectors.astype(np.float64) @ self.backward)


def map_of(key: ObfuscationKey, column: str) -> ObfuscationMap:
    """The map of a column."""
    width = key.widths[column]
    first = _rotation(key.normals(f"{column} first", (width, width)))
    if key.method == "orthogonal":
        return ObfuscationMap(first, first.T)
    second = _rotation(key.normals(f"{column} second", (width, width)))
    stretch = stretches(width, key.condition)
    return ObfuscationMap(first * stretch @ second, (second.T / stretch) @ first.T)


def stretches(width: int, condition: float) -> Float[np.ndarray, " d"]:
    """(width,) factors with the given ratio of largest to smallest, in equal ratios, mean square 1."""
    found = np.geomspace(1.0, condition, width)
    return np.asarray(found / np.sqrt((found**2).mean()))


def _rotation(normals: Float[np.ndarray, "d d"]) -> Float[np.ndarray, "d d"]:
    """The orthogonal factor of a matrix of normals, uniform because the signs are those of R's diagonal."""
    q, r = qr(normals, overwrite_a=True, check_finite=False)
    return np.asarray(q * np.where(np.diag(r) < 0, -1.0, 1.0))


def add_noise(
    vectors: Float[np.ndarray, "n d"], scale: float, rng: np.random.Generator
) -> Float32[np.ndarray, "n d"]:
    """(n, d) vectors with independent normal noise of standard deviation `scale`; rows of NaN stay NaN."""
    if scale > 0:
        vectors = vectors + scale * rng.standard_normal(vectors.shape)
    return vectors.astype(np.float32)
