"""The map from the codes u of a block, which phase 1 has learned, to its latents z.

A block is the set of latents of one modality. Alignment identifies it only up to an invertible map (Yao et
al. 2023, Thm 3.2; Sun et al. 2025, Thm 4.2). This module is that map. It is smooth, and its Jacobian is known
in closed form. There are R maps, because phase 2 trains R models (called starts) in one batch.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Coordinates(nn.Module):
    """z = L u + V tanh(W u + b), for R starts at once.

    The log-determinant of the Jacobian is part of the density of u. It falls to minus infinity where the
    Jacobian becomes singular, and this keeps the map locally invertible during training.
    """

    def __init__(
        self,
        linear: Float[Tensor, "R d d"],
        generator: torch.Generator,
        hidden: int = 24,
        *,
        only_bend: bool = False,
    ) -> None:
        """Begin at linear maps.

        Args:
            linear: (R, d, d) first guesses of L; [.., i, j] is the weight of u_i in z_j.
            generator: on the CPU.
            hidden: number of tanh units.
            only_bend: each coordinate is a function of its own code alone, by its share of the units.
        """
        super().__init__()
        starts, dimension, _ = linear.shape

        def normal(*size: int, sd: float) -> nn.Parameter:
            return nn.Parameter(sd * torch.randn(starts, *size, generator=generator))

        self.linear = nn.Parameter(linear.clone())
        self.inner = normal(dimension, hidden, sd=0.7)
        self.bias = normal(hidden, sd=0.7)
        self.outer = normal(hidden, dimension, sd=0.02)
        self.only_bend = only_bend
        if only_bend:
            self._cut()

    def _cut(self) -> None:
        """Cut each coordinate from the codes of others.

        What is cut is 0 in the parameters, too, so that a loaded model computes the same without masks.
        """
        _, dimension, hidden = self.inner.shape
        own = (torch.arange(hidden) % dimension)[:, None] == torch.arange(dimension)
        for name, mask in (("linear", torch.eye(dimension)), ("inner", own.T), ("outer", own)):
            self.get_parameter(name).data *= mask
            self.register_buffer(f"{name}_mask", mask.float(), persistent=False)

    def _weights(self, name: str) -> Float[Tensor, "R _ _"]:
        """Weights; those that are cut get no gradient."""
        weights: Tensor = self.get_parameter(name)
        return weights * self.get_buffer(f"{name}_mask") if self.only_bend else weights

    def forward(
        self, u: Float[Tensor, "*models n d"]
    ) -> tuple[Float[Tensor, "R n d"], Float[Tensor, "R n d d"]]:
        """Map codes u to latents z, and to the Jacobian, [.., j, i] = dz_j / du_i.

        Args:
            u: (n, d), the same codes for all maps, or (R, n, d), different codes for each map.
        """
        linear, inner, outer = (self._weights(name) for name in ("linear", "inner", "outer"))
        wave = torch.tanh(u @ inner + self.bias[:, None])
        z = u @ linear + wave @ outer
        # [r, unit, (j, i)]: what a unit adds to dz_j / du_i if its slope is 1; one product serves all rows
        units = (outer[..., None] * inner.transpose(1, 2)[:, :, None]).flatten(2)
        bend = ((1 - wave.square()) @ units).unflatten(2, linear.shape[1:])
        return z, linear.transpose(1, 2)[:, None] + bend
