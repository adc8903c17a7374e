"""Networks between a measurement and its code: convolutional for images, linear plus MLP for embeddings."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LinearPlusMLP(nn.Module):
    """A linear map plus a perceptron whose output is near zero at first.

    It starts almost linear because, with few people, a network that starts with more bends overfits.
    """

    def __init__(self, inputs: int, outputs: int, hidden: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        last = nn.Linear(hidden, outputs)
        nn.init.normal_(last.weight, std=1e-3)
        nn.init.zeros_(last.bias)
        self.bend = nn.Sequential(
            nn.Linear(inputs, 2 * hidden), nn.SiLU(), nn.Linear(2 * hidden, hidden), nn.SiLU(), last
        )

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        """(n, inputs) -> (n, outputs)."""
        linear, bent = self.linear(x), self.bend(x)
        out: Tensor = linear + bent
        return out


def make_encoder(shape: Sequence[int], outputs: int, hidden: int) -> nn.Module:
    """A network (n, *shape) -> (n, outputs).

    Images (channels, height, width) are halved by strided convolutions until a side is at most 7, then pass
    two hidden layers; embeddings (d,) pass a linear map and, beside it, two hidden layers.
    """
    if len(shape) == 1:
        return LinearPlusMLP(shape[0], outputs, hidden)
    channels, height, width = shape
    layers: list[nn.Module] = []
    filters = 8
    while max(height, width) > 7:
        layers += [nn.Conv2d(channels, filters, kernel_size=5, stride=2, padding=2), nn.SiLU()]
        channels, filters = filters, 2 * filters
        height, width = (height + 1) // 2, (width + 1) // 2
    head = [nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.SiLU()]
    return nn.Sequential(
        *layers, *head, nn.Linear(hidden, hidden // 2), nn.SiLU(), nn.Linear(hidden // 2, outputs)
    )


def features_before_codes(encoder: nn.Module, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n hidden"]:
    """What the last layer of an encoder of `make_encoder` sees, of a `LinearPlusMLP` that of its bent part.

    (n, *shape) -> (n, hidden).
    """
    layers = encoder.bend if isinstance(encoder, LinearPlusMLP) else encoder
    assert isinstance(layers, nn.Sequential)
    features: Tensor = layers[:-1](x)
    return features


def make_decoder(inputs: int, shape: Sequence[int], hidden: int) -> nn.Module:
    """A network (n, inputs) -> (n, *shape), of the same kind as the encoder."""
    if len(shape) == 1:
        return LinearPlusMLP(inputs, shape[0], hidden)
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.SiLU(),
        nn.Linear(hidden, hidden),
        nn.SiLU(),
        nn.Linear(hidden, math.prod(shape)),
        nn.Unflatten(1, torch.Size(shape)),
    )
