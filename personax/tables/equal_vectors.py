"""Find people with equal embeddings, in time linear in their number.

If the same person has two identifiers, one can be in the training rows and the other in the test rows. Then
the test is done on data that were used in training.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Bool, Float32, Int, Shaped

# The first 8 numbers of the vectors are compared first; rows that differ in them need no further comparison.
_PREFIX = 8


def first_equal(array: Float32[np.ndarray, "n d"], present: Bool[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """(n,) for each row the number of the first present row with the same vector; -1 for rows not present.

    Examples:
        >>> vectors = np.array([[1, 2], [3, 4], [1, 2]], dtype=np.float32)
        >>> first_equal(vectors, np.ones(3, dtype=bool)).tolist()
        [0, 1, 0]
    """
    first = np.full(len(array), -1, dtype=np.int64)
    rows = np.flatnonzero(present)
    # Adding 0 turns -0 into 0: equal numbers with different bits.
    first[rows] = rows[_first_of(map(bytes, array[rows, :_PREFIX] + np.float32(0)))]
    shared = first[rows] != rows
    doubtful = rows[np.isin(first[rows], np.unique(first[rows][shared]))]
    first[doubtful] = doubtful[_first_of(bytes(array[row] + np.float32(0)) for row in doubtful)]
    return first


def describe_equal(
    found: Sequence[tuple[str, Float32[np.ndarray, "n _"], Bool[np.ndarray, " n"]]],
    ids: Shaped[np.ndarray, " n"],
) -> str | None:
    """A sentence about people whose vectors are equal to those of others, or None if there are none.

    Args:
        found: name, vectors and mask of every measurement.
        ids: (n,) identifiers.
    """
    labels = [first_equal(array, present) for _, array, present in found]
    if not labels:
        return None
    rows = np.arange(len(ids))
    columns = np.column_stack(labels)
    seen = (columns >= 0).any(axis=1)
    people = np.flatnonzero(seen)
    everywhere = rows.copy()
    everywhere[people] = people[_first_of(map(bytes, columns[people]))]
    same = everywhere != rows
    repeated = (columns >= 0) & (columns != rows[:, None])
    somewhere = repeated.any(axis=1) & ~same
    parts = []
    if same.any():
        row = int(np.argmax(same))
        parts.append(
            f"all vectors are equal to those of an earlier person for {int(same.sum())} of {len(ids)} people "
            f"(first: IDs {ids[everywhere[row]]} and {ids[row]})"
        )
    if somewhere.any():
        row = int(np.argmax(somewhere))
        column = int(np.argmax(repeated[row]))
        parts.append(
            f"some vectors are equal to an earlier person's for {int(somewhere.sum())} of {len(ids)} people "
            f"(first: IDs {ids[columns[row, column]]} and {ids[row]}, {found[column][0]})"
        )
    if not parts:
        return None
    return f"{'; '.join(parts)}; nobody may be in both training and test rows, keep one row of each person"


def _first_of(keys: Iterable[bytes]) -> Int[np.ndarray, " m"]:
    """(m,) position at which each key occurs first."""
    places: dict[bytes, int] = {}
    return np.array([places.setdefault(key, place) for place, key in enumerate(keys)], dtype=np.int64)
