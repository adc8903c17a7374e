"""Imputed latents are not used in the tests of latents against features."""

import numpy as np
import pandas as pd

from personax.experiments.fitting import without_imputed
from personax.experiments.people.associations import suggest_names, tentative_labels
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


def test_a_label_needs_a_strong_effect_and_is_used_once() -> None:
    rows = [
        ("z11", "League", 0.9, True),
        ("z12", "League", 0.8, True),
        ("z12", "Height", 0.5, True),
        ("z13", "Weight", 0.27, True),
        ("z13", "Height", 0.45, True),
        ("z14", "Birthyear", 0.7, False),
    ]
    associations = pd.DataFrame(rows, columns=["latent", "feature", "effect", "rejected"])
    latents = ["z11", "z12", "z13", "z14"]
    assert tentative_labels(associations, latents) == {"z11": "League 0.90?", "z12": "Height 0.50?"}
    assert suggest_names(associations, latents)["z13"] == "Height 0.45, Weight 0.27"
