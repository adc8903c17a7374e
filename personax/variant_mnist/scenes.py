"""Variant-MNIST: scenes of a coloured digit and a grey garment, drawn from known latents.

A scene is to the model what a person is in the tables. Its modalities are the digit and the garment.
"""

import numpy as np
from jaxtyping import Float

from personax.runs.seeds import numpy_rng
from personax.variant_mnist.image_sources import ImageSource
from personax.variant_mnist.rendering import factor_values, normalise_objects, render
from personax.variant_mnist.scene_config import COLOURS, Nuisance
from personax.variant_mnist.scm import Factor, StructuralCausalModel
from personax.views import MultiViewData, Truth


def make_variant_mnist(
    images: ImageSource,
    scm: StructuralCausalModel,
    *,
    n: int,
    measurements: tuple[int, int] = (3, 3),
    nuisance: Nuisance = "independent",
    size: int = 14,
    data_seed: int = 0,
) -> MultiViewData:
    """Draw the latents of n scenes from `scm`, and the pictures of each scene.

    Args:
        images: digits and garments are drawn from these images, with replacement.
        scm: a model with the modalities "digit" and "garment".
        n: number of scenes.
        measurements: number of measurements of the digit (1 to 5, each in another colour) and of the garment
            (1 or more).
        nuisance: "independent" draws a new digit and a new garment for every measurement, so that the
            measurements share nothing but the latents. "shared" (as in the paper) uses the same ones for all
            measurements.
        size: side of the pictures in pixels.
        data_seed: seed of everything that is random here.

    Returns:
        Digits (n, 3, size, size), each measurement in one colour, and garments (n, 1, size, size).

    Examples:
        >>> from personax.variant_mnist.image_sources import stand_in_images
        >>> from personax.variant_mnist.scm import variant_mnist_scm
        >>> data = make_variant_mnist(stand_in_images(), variant_mnist_scm(), n=5, measurements=(3, 1))
        >>> [pictures.shape for pictures in data.measurements["digit"]]
        [(5, 3, 14, 14), (5, 3, 14, 14), (5, 3, 14, 14)]
        >>> list(data.true_latents)
        ['z11', 'z12', 'z21', 'z22']
    """
    latents = scm.sample(n, numpy_rng(data_seed, "latents"))
    shown: dict[str, list[np.ndarray]] = {}
    for modality, pool, count in (
        ("digit", images.digits, measurements[0]),
        ("garment", images.garments, measurements[1]),
    ):
        rng = numpy_rng(data_seed, f"{modality} nuisance")
        factors: dict[Factor, np.ndarray] = {
            latent.factor: factor_values(latents[name].to_numpy(), latent.factor)
            for name, latent in scm.latents.items()
            if latent.modality == modality
        }
        objects = normalise_objects(pool, size=size)
        shown[modality] = []
        for number in range(count):
            if number == 0 or nuisance == "independent":
                grey = render(objects[rng.integers(len(pool), size=n)], factors, size=size)
            shown[modality].append(_coloured(grey, number) if modality == "digit" else grey[:, None])
    return MultiViewData(
        measurements=shown,
        ids=np.arange(n),
        truth=Truth(latents, scm.blocks, scm.graph),
        source=images.name,
    )


def _coloured(grey: Float[np.ndarray, "n h w"], colour: int) -> Float[np.ndarray, "n 3 h w"]:
    """(n, h, w) grey pictures as (n, 3, h, w) pictures in one of the colours."""
    picture = np.zeros((len(grey), 3, *grey.shape[1:]), dtype=np.float32)
    for channel in COLOURS[colour]:
        picture[:, channel] = grey
    return picture
