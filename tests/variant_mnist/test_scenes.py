"""The causal models and what the renderer makes of them."""

import numpy as np
import pandas as pd
import pytest
import torch

from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.rendering import OBJECT, factor_values, normalise_objects, render
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import (
    SCMS,
    Latent,
    ScmName,
    StructuralCausalModel,
    root,
    sine,
    variant_mnist_scm,
)


@pytest.mark.parametrize("name", SCMS)
def test_no_two_latents_are_nearly_one(name: ScmName) -> None:
    scm = SCMS[name]()
    latents = scm.sample(20_000, np.random.default_rng(0))
    for method in ("pearson", "spearman"):
        off_diagonal = latents.corr(method).to_numpy()[~np.eye(latents.shape[1], dtype=bool)]
        assert np.abs(off_diagonal).max() <= 0.75
    assert latents.std().between(0.8, 1.2).all()
    assert latents.mean().abs().max() < 0.4


def test_the_graph_is_the_papers() -> None:
    scm = variant_mnist_scm()
    assert list(scm.latents) == ["z11", "z12", "z21", "z22"]
    assert scm.graph.tolist() == [[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert scm.blocks == {"digit": ["z11", "z12"], "garment": ["z21", "z22"]}


def test_mechanisms_are_what_links_parent_and_child() -> None:
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
        ({"a": latent("b"), "b": latent("a", factor="vertical")}, "circle"),
        ({"a": latent(), "b": latent()}, "twice"),
        ({"a": latent(factor="smell")}, "unknown factor"),
    ):
        with pytest.raises(ValueError, match=message):
            StructuralCausalModel(latents)


def test_the_picture_moves_by_the_fraction_of_a_pixel_it_is_told() -> None:
    objects = normalise_objects(stand_in_images().digits[:200], size=28)
    shift = np.linspace(-4, 4, 200).astype(np.float32)
    intensity = np.full(200, 0.5, dtype=np.float32)
    pictures = render(objects, {"horizontal": shift, "vertical": -shift / 2, "intensity": intensity}, size=28)
    axis = np.arange(28) - 13.5
    mass = pictures.sum((1, 2))
    np.testing.assert_allclose((pictures.sum(1) * axis).sum(1) / mass, shift, atol=0.05)
    np.testing.assert_allclose((pictures.sum(2) * axis).sum(1) / mass, -shift / 2, atol=0.05)


def test_opacity_can_be_read_off_whatever_the_digit() -> None:
    objects = normalise_objects(stand_in_images().digits[:300])
    opacity = np.random.default_rng(0).uniform(0.2, 1.0, 300).astype(np.float32)
    energy = np.sqrt(np.square(render(objects, {"intensity": opacity})).sum((1, 2)))
    assert np.corrcoef(energy, opacity)[0, 1] > 0.99


def test_background_and_black_images() -> None:
    black = normalise_objects(np.zeros((2, 28, 28), dtype=np.uint8))
    assert torch.isfinite(black).all()
    assert black.shape == (2, OBJECT, OBJECT)
    pictures = render(black, {"background": np.array([0.0, 0.3], dtype=np.float32)})
    assert (pictures[0] == 0).all()
    assert np.allclose(pictures[1], 0.3)


def test_a_constant_latent_gives_the_middle_of_the_range() -> None:
    assert (factor_values(np.full(5, 7.0), "intensity") == np.float32(0.6)).all()


@pytest.mark.parametrize("size", [14, 28])
def test_scenes_have_the_layout_asked_for(size: int) -> None:
    images, scm = stand_in_images(), variant_mnist_scm()
    data = make_variant_mnist(images, scm, n=50, measurements=(3, 2), size=size, data_seed=3)
    assert [a.shape for a in data.measurements["digit"]] == [(50, 3, size, size)] * 3
    assert [a.shape for a in data.measurements["garment"]] == [(50, 1, size, size)] * 2
    for colour, pictures in enumerate(data.measurements["digit"]):
        assert pictures.dtype == np.float32
        assert pictures.min() >= 0
        assert pictures.max() <= 1
        assert pictures[:, colour].any()
        assert not np.delete(pictures, colour, axis=1).any()
    again = make_variant_mnist(images, scm, n=50, measurements=(3, 2), size=size, data_seed=3)
    other = make_variant_mnist(images, scm, n=50, measurements=(3, 2), size=size, data_seed=4)
    assert np.array_equal(data.measurements["digit"][1], again.measurements["digit"][1])
    assert not data.true_latents.equals(other.true_latents)


def test_shared_nuisance_shows_one_digit_in_three_colours() -> None:
    images, scm = stand_in_images(), variant_mnist_scm()
    shared = make_variant_mnist(images, scm, n=20, measurements=(3, 1), nuisance="shared").measurements[
        "digit"
    ]
    fresh = make_variant_mnist(images, scm, n=20, measurements=(3, 1)).measurements["digit"]
    assert np.array_equal(shared[0][:, 0], shared[1][:, 1])
    assert np.array_equal(shared[0][:, 0], shared[2][:, 2])
    assert not np.array_equal(fresh[0][:, 0], fresh[1][:, 1])


def test_a_model_of_ones_own() -> None:
    scm = StructuralCausalModel(
        {
            "z11": Latent("digit", "vertical", ("z21",), sine(1.0)),
            "z21": Latent("garment", "background", (), root),
        }
    )
    data = make_variant_mnist(stand_in_images(), scm, n=30, measurements=(1, 1))
    assert isinstance(data.known_truth.latents, pd.DataFrame)
    assert data.known_truth.graph is not None
    assert data.known_truth.graph.tolist() == [[0, 0], [1, 0]]
