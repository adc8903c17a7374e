"""Scores against the truth, and criteria without it, on histories and graphs that are known."""

from typing import Any

import numpy as np
import pandas as pd

from personax.experiments.evaluation import matched_graph, truth_free_criteria
from personax.learning.metrics import match


def epoch(number: int, weight: float, validation: float) -> dict[str, Any]:
    """A row of a history: an epoch with this weight of the KL term and this validation objective."""
    terms = {f"validation_{name}": number + k for k, name in enumerate(("reconstruction", "kl", "align"))}
    return {
        "phase": "representation",
        "epoch": number,
        "weight_kl": weight,
        "validation": validation,
        **terms,
    }


def test_criteria_are_those_of_the_kept_epoch_and_model() -> None:
    history = pd.DataFrame(
        [
            epoch(1, 1.0, 0.0),  # the lowest, but the weight of the KL term was still rising
            epoch(2, 3.0, 5.0),
            epoch(3, 3.0, 7.0),
            {
                "phase": "identification",
                "objective": [9.0, 8.0, None],  # JSON has null for a loss that is not finite
                "orthogonality": [0.1, 0.2, None],
                "evenness": [0.3, 0.4, None],
            },
        ]
    )
    assert truth_free_criteria(history) == {
        "representation": 5.0,
        "negative_elbo": 5.0,
        "alignment": 4.0,
        "identification": 8.0,
        "orthogonality": 0.2,
        "evenness": 0.4,
    }


def test_a_true_latent_without_a_recovered_one_has_no_edges() -> None:
    true_latents = np.random.default_rng(0).standard_normal((500, 3))
    recovered = np.column_stack([true_latents[:, 2], -true_latents[:, 0]])
    columns, _ = match(recovered, true_latents)
    edge = np.array([[0, 1], [0, 0]])  # from the first recovered latent, the third true one
    assert matched_graph(edge, columns).tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
