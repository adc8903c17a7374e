"""Batched rendering of one object at a sub-pixel position, opacity and background level.

Source images are normalised first, so that what a latent drives can be read off the picture: the object
is shrunk to leave room to move, centred on its centre of mass (position), and scaled to a fixed energy,
the root of the sum of its squared pixels at the output's resolution (opacity, grey level).
"""

import numpy as np
import torch
from torch.nn import functional

from personax.variant_mnist.scm import Factor

CANVAS = 28  # pixels a side before reduction to the output size
OBJECT = 20  # pixels a side of the shrunken object: 28 -> 20
SPREAD = 3.0  # standard deviations of a latent that reach the end of a factor's range
# Energy of a fully opaque object on 14 x 14 pixels (more pixels carry more in proportion): about as bright
# as the thinnest digits allow without clipping at 1.
ENERGY = 3.0

# Factor -> value at latent 0 and change over SPREAD standard deviations. Positions are in canvas pixels.
RANGES: dict[Factor, tuple[float, float]] = {
    "horizontal": (0.0, 4.0),
    "vertical": (0.0, 4.0),
    "intensity": (0.6, 0.4),
    "background": (0.15, 0.15),
}
DEFAULTS: dict[Factor, float] = {"horizontal": 0.0, "vertical": 0.0, "intensity": 0.8, "background": 0.0}


def factor_values(latent: np.ndarray, factor: Factor) -> np.ndarray:
    """Map a latent (n,) to its factor: standardised, linear, clipped at +-SPREAD standard deviations."""
    spread = latent.std()
    standard = (latent - latent.mean()) / (spread if spread > 0 else 1.0)
    middle, reach = RANGES[factor]
    return (middle + reach * np.clip(standard / SPREAD, -1.0, 1.0)).astype(np.float32)


def normalise_objects(images: np.ndarray, *, size: int = 14, batch: int = 8192) -> torch.Tensor:
    """(N, 28, 28) uint8 source images to (N, OBJECT, OBJECT) float32 objects that share one energy.

    The energy is that of the object as it will be seen in a picture of `size` pixels a side, because thin
    strokes lose energy when pixels are merged. An all-black image stays black.
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


def _centre_of_mass(objects: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Horizontal and vertical offset of the mass from the middle, (n,) each, in object pixels."""
    side = objects.shape[-1]
    axis = torch.arange(side, dtype=objects.dtype) - (side - 1) / 2
    mass = objects.sum((1, 2)).clamp_min(1e-6)
    return (objects.sum(1) * axis).sum(1) / mass, (objects.sum(2) * axis).sum(1) / mass


def render(
    objects: torch.Tensor, factors: dict[Factor, np.ndarray], *, size: int = 14, batch: int = 4096
) -> np.ndarray:
    """Draw n objects on black or grey.

    Args:
        objects: (n, OBJECT, OBJECT) from `normalise_objects`.
        factors: some of horizontal and vertical (canvas pixels, right and down positive), intensity and
            background (in [0, 1]), each (n,); those left out take their default.
        size: side of the output in pixels, at most 28.

    Returns:
        (n, size, size) float32 in [0, 1].
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


def _render_batch(objects: torch.Tensor, value: dict[Factor, torch.Tensor], size: int) -> torch.Tensor:
    horizontal_mass, vertical_mass = _centre_of_mass(objects)
    # affine_grid maps output to input coordinates, both in [-1, 1] across their whole side.
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
