"""Draw batches of objects, each at a given sub-pixel position, opacity and background level.

Source images are normalised first, so that the factor that a latent controls can be read from the picture.
The object is made smaller, so that it has room to move. For the position, it is centred on its centre of
mass. For opacity and grey level, it is scaled to a fixed energy: the square root of the sum of its squared
pixels at the resolution of the picture.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, UInt8
from torch.nn import functional

from personax.variant_mnist.scm import Factor

CANVAS = 28  # side in pixels before the reduction to the output size
OBJECT = 20  # side in pixels of the smaller object
SPREAD = 3.0  # a latent of this many standard deviations is at the end of the range of its factor
# Energy of a fully opaque object on 14 x 14 pixels; it grows in proportion to the side. With a higher energy,
# the thinnest digits would be clipped at 1.
ENERGY = 3.0

# Factor -> its value at latent 0, and its change over SPREAD standard deviations. Positions are in pixels of
# the canvas.
RANGES: dict[Factor, tuple[float, float]] = {
    "horizontal": (0.0, 4.0),
    "vertical": (0.0, 4.0),
    "intensity": (0.6, 0.4),
    "background": (0.15, 0.15),
}
DEFAULTS: dict[Factor, float] = {"horizontal": 0.0, "vertical": 0.0, "intensity": 0.8, "background": 0.0}


def factor_values(latent: Float64[np.ndarray, " n"], factor: Factor) -> Float32[np.ndarray, " n"]:
    """The factor as a linear function of the standardised latent, which is clipped at +-SPREAD."""
    spread = latent.std()
    standard = (latent - latent.mean()) / (spread if spread > 0 else 1.0)
    middle, reach = RANGES[factor]
    return np.asarray(middle + reach * np.clip(standard / SPREAD, -1.0, 1.0), dtype=np.float32)


def normalise_objects(
    images: UInt8[np.ndarray, "n 28 28"], *, size: int = 14, batch: int = 8192
) -> Float32[torch.Tensor, "n 20 20"]:
    """Make objects of OBJECT x OBJECT pixels, all with the same energy, from source images.

    The energy is measured at the resolution of a picture with side `size`, because thin strokes lose energy
    when pixels are merged. A black image stays black.
    """
    shown = max(1, round(OBJECT * size / CANVAS))
    parts = []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(images[start : start + batch].astype(np.float32))[:, None] / 255
        small = functional.interpolate(pixels, size=(OBJECT, OBJECT), mode="bilinear", antialias=True)
        seen = functional.interpolate(small, size=(shown, shown), mode="bilinear", antialias=True)
        energy = seen.square().sum((1, 2, 3), keepdim=True).sqrt()
        parts.append((small * (ENERGY * size / 14) / energy.clamp_min(1e-6))[:, 0])
    return torch.cat(parts)


def _centre_of_mass(
    objects: Float[torch.Tensor, "n side side"],
) -> tuple[Float[torch.Tensor, " n"], Float[torch.Tensor, " n"]]:
    """Horizontal and vertical distance of the centre of mass from the middle, (n,) each, in object pixels."""
    side = objects.shape[-1]
    axis = torch.arange(side, dtype=objects.dtype) - (side - 1) / 2
    mass = objects.sum((1, 2)).clamp_min(1e-6)
    return (objects.sum(1) * axis).sum(1) / mass, (objects.sum(2) * axis).sum(1) / mass


def render(
    objects: Float32[torch.Tensor, "n side side"],
    factors: Mapping[Factor, Float32[np.ndarray, " n"]],
    *,
    size: int = 14,
    batch: int = 4096,
) -> Float32[np.ndarray, "n {size} {size}"]:
    """Draw n objects on a black or grey background.

    Args:
        objects: from `normalise_objects`.
        factors: values (n,) of some of the factors: horizontal and vertical (in canvas pixels; right and down
            are positive), intensity and background (in [0, 1]). The others have their defaults.
        size: side of the pictures in pixels, at most 28.
        batch: number of pictures that are drawn at a time.

    Returns:
        Pictures with pixels in [0, 1].
    """
    n = len(objects)
    value = {
        name: torch.from_numpy(np.broadcast_to(factors.get(name, default), n).astype(np.float32))
        for name, default in DEFAULTS.items()
    }
    drawn = [
        _render_batch(
            objects[start : start + batch],
            {name: values[start : start + batch] for name, values in value.items()},
            size,
        )
        for start in range(0, n, batch)
    ]
    return torch.cat(drawn).numpy()


def _render_batch(
    objects: Float[torch.Tensor, "n side side"], value: Mapping[Factor, Float[torch.Tensor, " n"]], size: int
) -> Float[torch.Tensor, "n size size"]:
    horizontal_mass, vertical_mass = _centre_of_mass(objects)
    # affine_grid maps output to input coordinates. Both are in [-1, 1] over the whole side.
    theta = torch.zeros(len(objects), 2, 3)
    theta[:, 0, 0] = theta[:, 1, 1] = CANVAS / OBJECT
    theta[:, 0, 2] = (horizontal_mass - value["horizontal"]) * 2 / OBJECT
    theta[:, 1, 2] = (vertical_mass - value["vertical"]) * 2 / OBJECT
    grid = functional.affine_grid(theta, [len(objects), 1, CANVAS, CANVAS], align_corners=False)
    canvas = functional.grid_sample(objects[:, None], grid, mode="bilinear", align_corners=False)
    if size != CANVAS:
        canvas = functional.interpolate(canvas, size=(size, size), mode="bilinear", antialias=True)
    ink = canvas[:, 0] * value["intensity"][:, None, None]
    background = value["background"][:, None, None]
    return (background + (1 - background) * ink).clamp(0, 1)
