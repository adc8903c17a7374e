"""Which coordinates are latents, on strengths written by hand."""

import numpy as np

from personax.crl.latent_columns import linked_latents


def test_latents_among_spare_coordinates_are_those_that_other_blocks_reach() -> None:
    """a -> b0 -> b2 are latents; b1 -> b3 is style with the strongest edge of all; b0 leaks into b3."""
    weights = np.zeros((5, 5))
    weights[0, 1], weights[1, 3], weights[2, 4], weights[1, 4] = 0.5, 0.4, 2.0, 0.6
    blocks = {"a": slice(0, 1), "b": slice(1, 5)}
    assert linked_latents(weights, blocks, {"a": 0, "b": 2}).tolist() == [0, 1, 3]
    assert linked_latents(weights, blocks, {"a": 0, "b": 0}).tolist() == [0, 1, 2, 3, 4]
