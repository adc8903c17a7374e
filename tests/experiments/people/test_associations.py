"""Imputed latents are not used in the tests of latents against features."""

import numpy as np
import pandas as pd

from personax.experiments.people.associations import without_imputed
from personax.views import MultiViewData

BLOCKS = {"s": ["s1"], "image": ["z11", "z12"], "text": ["z21"]}


def test_latents_are_unknown_where_nothing_of_their_block_was_observed() -> None:
    image, text = np.array([[1, 0], [0, 0], [0, 0], [1, 1]]), np.array([[1], [1], [0], [0]])
    data = MultiViewData(
        {"image": [np.ones((4, 2))] * 2, "text": [np.ones((4, 3))]},
        np.arange(4),
        {"image": image > 0, "text": text > 0},
    )
    latents = pd.DataFrame(np.arange(16.0).reshape(4, 4), columns=["s1", "z11", "z12", "z21"])
    before = latents.copy()
    known = without_imputed(latents, BLOCKS, data)
    assert known.notna().to_numpy().tolist() == [
        [True, True, True, True],
        [True, False, False, True],
        [False, False, False, False],
        [True, True, True, False],
    ]
    pd.testing.assert_frame_equal(known.fillna(before), before)
    pd.testing.assert_frame_equal(latents, before)
