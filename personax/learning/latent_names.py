"""What latents are called, and where those of a block stand among all of them."""

from collections.abc import Mapping

from personax.views import SHARED


def latent_names(dimensions: Mapping[str, int]) -> dict[str, list[str]]:
    """Block -> names: s1, s2, ...; z11, z12, ... by modality and number (z1_10 from the tenth on)."""
    names, modality = {}, 0
    for block, dimension in dimensions.items():
        modality += block != SHARED
        stem = "s" if block == SHARED else f"z{modality}"
        names[block] = [
            f"{stem}{'_' if block != SHARED and k > 9 else ''}{k}" for k in range(1, dimension + 1)
        ]
    return names


def block_slices(dimensions: Mapping[str, int]) -> dict[str, slice]:
    """Block -> its place among the latents, in order."""
    slices, start = {}, 0
    for block, dimension in dimensions.items():
        slices[block] = slice(start, start + dimension)
        start += dimension
    return slices
