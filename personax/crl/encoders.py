"""Networks between a measurement and its code: convolutional for images, a perceptron for embeddings."""

import math
from collections.abc import Sequence

import torch
from torch import nn


def make_encoder(shape: Sequence[int], outputs: int, hidden: int) -> nn.Module:
    """A network (n, *shape) -> (n, outputs).

    Images (channels, height, width) are halved by strided convolutions until a side is at most 4;
    embeddings (d,) pass two hidden layers.
    """
    if len(shape) == 1:
        return nn.Sequential(
            nn.Linear(shape[0], 2 * hidden),
            nn.SiLU(),
            nn.Linear(2 * hidden, hidden),
            nn.SiLU(),
            nn.Linear(hidden, outputs),
        )
    channels, height, width = shape
    layers: list[nn.Module] = []
    filters = 16
    while max(height, width) > 4:
        layers += [nn.Conv2d(channels, filters, kernel_size=3, stride=2, padding=1), nn.SiLU()]
        channels, filters = filters, 2 * filters
        height, width = (height + 1) // 2, (width + 1) // 2
    head = [nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.SiLU(), nn.Linear(hidden, outputs)]
    return nn.Sequential(*layers, *head)


def make_decoder(inputs: int, shape: Sequence[int], hidden: int) -> nn.Module:
    """A network (n, inputs) -> (n, *shape)."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.SiLU(),
        nn.Linear(hidden, 2 * hidden),
        nn.SiLU(),
        nn.Linear(2 * hidden, math.prod(shape)),
        nn.Unflatten(1, torch.Size(shape)),
    )
