"""T-MEX on latents whose mixtures are known."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from personax.experiments.exclusivity import exclusivity
from personax.learning.metrics import match, mean_correlation

CHAIN = 0.7  # the weight of each true latent's predecessor


def true_latents(seed: int, n: int = 200) -> pd.DataFrame:
    """A chain z1 -> z2 -> z3."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, 3))
    z = np.empty((n, 3))
    z[:, 0] = noise[:, 0]
    for k in (1, 2):
        z[:, k] = CHAIN * z[:, k - 1] + np.sqrt(1.0 - CHAIN**2) * noise[:, k]
    return pd.DataFrame(z, columns=["z1", "z2", "z3"])


def recovered_latents(truth: pd.DataFrame, seed: int, mixture: float) -> pd.DataFrame:
    """Bent, turned-around and noisy; the last one holds `mixture` times the first true latent."""
    noise = 0.1 * np.random.default_rng(1_000 + seed).standard_normal(truth.shape)
    z = truth.to_numpy().copy()
    z[:, 2] = z[:, 2] + mixture * z[:, 0]
    return pd.DataFrame(np.tanh(-0.5 * z[:, ::-1]) + noise, columns=["a", "b", "c"])


def found_in(seed: int, mixture: float) -> dict[str, object]:
    truth = true_latents(seed)
    recovered = recovered_latents(truth, seed, mixture)
    return exclusivity(recovered, truth, match(recovered.to_numpy(), truth.to_numpy())[0])


def test_latents_that_measure_only_their_own_truth_have_score_0_in_95_percent_of_runs() -> None:
    runs = 30
    wrong = sum(found_in(seed, mixture=0.0)["score"] != 0 for seed in range(runs))
    assert wrong <= binom.ppf(0.999, runs, 0.05)


def test_a_mixture_that_correlation_hides_is_found_and_named() -> None:
    truth = true_latents(3, n=1_000)
    recovered = recovered_latents(truth, 3, mixture=0.25)
    assert mean_correlation(recovered.to_numpy(), truth.to_numpy()) > 0.93
    found = exclusivity(recovered, truth, match(recovered.to_numpy(), truth.to_numpy())[0])
    assert "a (z3): z1" in found["mixed"]
    assert (found["pairs"], found["rows"]) == (6, 1_000)
    assert found["share"] == found["score"] / 6


@pytest.mark.parametrize("kept", [["a"], ["a", "b"]])
def test_a_true_latent_without_a_recovered_one_has_no_pairs(kept: list[str]) -> None:
    truth = true_latents(0)
    recovered = recovered_latents(truth, 0, 0.0)[kept]
    found = exclusivity(recovered, truth, match(recovered.to_numpy(), truth.to_numpy())[0])
    assert found["pairs"] == 2 * len(kept)


def test_constant_latents_have_no_pairs_and_no_share() -> None:
    truth = true_latents(0)
    found = exclusivity(truth * 0.0, truth, np.arange(3))
    assert (found["score"], found["pairs"], found["share"]) == (0, 0, None)
