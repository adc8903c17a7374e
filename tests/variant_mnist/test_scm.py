"""The structural causal models: graph, mechanisms, and models that are refused."""

import numpy as np
import pytest

from personax.variant_mnist.scene_config import ScmName
from personax.variant_mnist.scm import SCMS, Latent, StructuralCausalModel, root, variant_mnist_scm


@pytest.mark.parametrize("name", SCMS)
def test_no_two_latents_are_strongly_correlated(name: ScmName) -> None:
    scm = SCMS[name]()
    latents = scm.sample(20_000, np.random.default_rng(0))
    for method in ("pearson", "spearman"):
        off_diagonal = latents.corr(method).to_numpy()[~np.eye(latents.shape[1], dtype=bool)]
        assert np.abs(off_diagonal).max() <= 0.75
    assert latents.std().between(0.8, 1.2).all()
    assert latents.mean().abs().max() < 0.4


def test_the_graph_is_that_of_the_paper() -> None:
    scm = variant_mnist_scm()
    assert list(scm.latents) == ["z11", "z12", "z21", "z22"]
    assert scm.graph.tolist() == [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert scm.blocks == {"digit": ["z11", "z12"], "garment": ["z21", "z22"]}


def test_a_latent_is_its_mechanism_of_the_parents_plus_noise() -> None:
    latents = variant_mnist_scm().sample(200_000, np.random.default_rng(1))
    noise = latents["z12"] - 0.95 * np.sin(1.5 * latents["z11"])
    assert abs(noise.std() - 0.65) < 0.01
    assert abs(np.corrcoef(noise, latents["z11"])[0, 1]) < 0.01


def test_impossible_models_are_refused() -> None:
    def latent(*parents: str, factor: str = "horizontal") -> Latent:
        made = Latent("digit", "horizontal", parents, root)
        object.__setattr__(made, "factor", factor)  # the type would not allow every value
        return made

    for latents, message in (
        ({"a": latent("b")}, "unknown parent"),
        ({"a": latent("b"), "b": latent("a", factor="vertical")}, "cycle"),
        ({"a": latent(), "b": latent()}, "another latent controls the factor horizontal"),
        ({"a": latent(factor="smell")}, "unknown factor"),
    ):
        with pytest.raises(ValueError, match=message):
            StructuralCausalModel(latents)
