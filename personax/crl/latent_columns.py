"""Which coordinates of a block that also holds style, or other nuisance, are the latents."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int


def linked_latents(
    weights: Float[np.ndarray, "d d"], blocks: Mapping[str, slice], spare: Mapping[str, int]
) -> Int[np.ndarray, " k"]:
    """Choose the latents in blocks that also hold nuisance: the coordinates that are linked to other blocks.

    Nuisance has edges, too: between its coordinates, as from a garment's shape to its size, and also from
    latents if the two are not quite disentangled. But no edge joins it to another block, and it causes no
    latent.
    So a block's latents are chosen one after another. Each time it is the coordinate with the strongest edges
    to other blocks and to the latents chosen before, minus the edges into it from the coordinates of its
    block that are not chosen yet.

    Args:
        weights: (d, d) strength of the edges, [i, j] for i -> j.
        blocks: block -> columns of its coordinates.
        spare: block -> number of its coordinates that are nuisance.

    Returns:
        Sorted columns of the latents.
    """
    kept: list[int] = []
    for block, place in blocks.items():
        left = list(range(place.start, place.stop))
        within = np.zeros(len(weights), dtype=bool)
        within[place] = True
        strength = weights + weights.T
        found: list[int] = []
        while len(left) > spare[block]:
            ties = strength[left][:, ~within].sum(1) + strength[np.ix_(left, found)].sum(1)
            ties = ties - weights[np.ix_(left, left)].sum(0)
            found.append(left.pop(int(np.argmax(ties))))
        kept += found
    return np.sort(np.array(kept, dtype=int))
