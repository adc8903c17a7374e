"""The simplest case of the peers (Sun et al. 2025, Case 1), with one measurement and with three: a guard."""

from dataclasses import replace

import numpy as np
import pytest

from personax.crl.estimator import CRL
from personax.crl.model_config import CRLConfig
from personax.crl.trust import IDENTIFIED
from personax.graphs.graph_scores import graph_scores
from personax.learning.metrics import match
from personax.numerical.latent_draws import laplace
from personax.numerical.mixings import random_network
from personax.numerical.numerical_cases import CASES
from personax.views import MultiViewData, split_rows

N, SEED = 3000, 1002


def measured(views: int) -> MultiViewData:
    """Two latents of each modality; each measurement has a mixing and a number of style of its own."""
    data = CASES["case1"].draw(N, SEED)
    if views == 1:
        return data
    rng = np.random.default_rng(SEED)
    blocks = {m: data.true_latents[list(names)].to_numpy() for m, names in data.known_truth.blocks.items()}

    def measurement(own: np.ndarray) -> np.ndarray:
        shown = random_network(3, 15, rng)(np.column_stack([own, laplace(N, rng)]))
        return shown.astype(np.float32)

    return MultiViewData(
        {m: [measurement(own) for _ in range(views)] for m, own in blocks.items()}, truth=data.known_truth
    )


@pytest.mark.parametrize(("views", "epochs", "beta", "searches"), [(1, 20, 0.05, 2), (3, 15, 1.0, 1)])
def test_latents_and_graph_are_found(views: int, epochs: int, beta: float, searches: int) -> None:
    """With less training than CRLConfig.vectors has. With three measurements nothing is linked."""
    data, usual = measured(views), CRLConfig.vectors({"m1": 2, "m2": 2})
    search = replace(
        usual.phase2,
        searches=searches,
        starts=4,
        population=4,
        generations=1,
        generation_steps=100,
        final_steps=300,
    )
    config = replace(usual, phase1=replace(usual.phase1, epochs=epochs, beta=beta), phase2=search)
    split = split_rows(N, np.random.default_rng(0))
    model = CRL(config, seed=0, device="cpu").fit(data, split)
    rows = split.test
    columns, correlations = match(
        model.transform(data).iloc[rows].to_numpy(), data.true_latents.iloc[rows].to_numpy()
    )
    assert np.abs(correlations).mean() > 0.96
    assert data.known_truth.graph is not None
    assert graph_scores(data.known_truth.graph, model.graph[np.ix_(columns, columns)])["shd"] == 0
    assert model.verdict == IDENTIFIED
