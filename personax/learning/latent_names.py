"""Names of the latents, and the place of each block among all latents.

A block is the set of latents of one modality, or the set "s" that all modalities share.
"""

from collections.abc import Mapping

from personax.views import SHARED


def latent_names(dimensions: Mapping[str, int]) -> dict[str, list[str]]:
    """Block -> names of its latents, for blocks of the given sizes.

    Shared latents are s1, s2, and so on. The others carry the number of their modality and their own number:
    z11, z12, ..., z19, z1_10.

    Examples:
        >>> latent_names({"s": 1, "image": 2, "text": 1})
        {'s': ['s1'], 'image': ['z11', 'z12'], 'text': ['z21']}
    """
    names, modality = {}, 0
    for block, dimension in dimensions.items():
        modality += block != SHARED
        stem = "s" if block == SHARED else f"z{modality}"
        names[block] = [
            f"{stem}{'_' if block != SHARED and k > 9 else ''}{k}" for k in range(1, dimension + 1)
        ]
    return names


def block_slices(dimensions: Mapping[str, int]) -> dict[str, slice]:
    """Block -> its place among all latents, if these are in the order of the blocks.

    Examples:
        >>> block_slices({"s": 1, "image": 2})
        {'s': slice(0, 1, None), 'image': slice(1, 3, None)}
    """
    slices, start = {}, 0
    for block, dimension in dimensions.items():
        slices[block] = slice(start, start + dimension)
        start += dimension
    return slices
