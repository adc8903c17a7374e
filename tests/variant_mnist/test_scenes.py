"""Scenes: their layout, their seed, and their nuisance."""

import numpy as np
import pytest

from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import Latent, StructuralCausalModel, root, sine, variant_mnist_scm


@pytest.mark.parametrize("size", [14, 28])
def test_scenes_have_the_requested_layout(size: int) -> None:
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


def test_scenes_are_drawn_from_a_user_defined_model() -> None:
    scm = StructuralCausalModel(
        {
            "z11": Latent("digit", "vertical", ("z21",), sine(1.0)),
            "z21": Latent("garment", "background", (), root),
        }
    )
    data = make_variant_mnist(stand_in_images(), scm, n=30, measurements=(1, 1))
    assert list(data.true_latents) == ["z11", "z21"]
    assert data.known_truth.graph is not None
    assert data.known_truth.graph.tolist() == [[0, 0], [1, 0]]
