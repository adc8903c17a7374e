"""The networks of the baselines: encoders and decoders, and how measurements are combined (pooled)."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from personax.baselines.baseline_config import BaselineConfig
from personax.learning.batches import Batch
from personax.learning.encoders import make_decoder, make_encoder
from personax.learning.gaussians import Gaussian, Posterior, pool
from personax.learning.losses import kl_to_standard_normal, reconstruction

Shapes = Mapping[str, Sequence[Sequence[int]]]
"""Modality -> shape of each of its measurements."""


class Networks(nn.Module):
    """An encoder for every measurement and, if `inputs` is given, a decoder.

    Args:
        shapes: shapes of the measurements.
        hidden: width of the hidden layers.
        outputs: modality -> length of the vector that each of its encoders returns.
        inputs: modality -> length of the vector that each of its decoders takes; without it there are no
            decoders.
    """

    def __init__(
        self, shapes: Shapes, hidden: int, outputs: Mapping[str, int], inputs: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self.modalities = list(shapes)
        self.encoders = nn.ModuleDict(
            {
                m: nn.ModuleList(make_encoder(shape, outputs[m], hidden) for shape in of_modality)
                for m, of_modality in shapes.items()
            }
        )
        self.decoders = nn.ModuleDict(
            {
                m: nn.ModuleList(make_decoder(length, shape, hidden) for shape in shapes[m])
                for m, length in (inputs or {}).items()
            }
        )
        self.mixed_precision = False  # True runs networks in bfloat16; outputs, losses, weights stay float32

    def encode(self, batch: Batch) -> dict[str, list[Float[Tensor, "n _"]]]:
        """Modality -> the output (n, outputs) of the encoder of each measurement."""
        return {
            m: [self._run(net, x) for net, x in zip(self._nets(self.encoders, m), batch.x[m], strict=True)]
            for m in self.modalities
        }

    def decode(
        self, modality: str, number: int, latents: Float[Tensor, "n inputs"]
    ) -> Float[Tensor, "n *shape"]:
        """A measurement (n, *shape) from latents and noise (n, inputs). `number` counts from 0."""
        return self._run(self._nets(self.decoders, modality)[number], latents)

    def accelerate(self, *, mixed_precision: bool, compiled: bool) -> None:
        """Choose whether networks run in bfloat16; compile them with torch.compile if `compiled`."""
        self.mixed_precision = mixed_precision
        for nets in (*self.encoders.values(), *self.decoders.values()):
            for net in nets.children() if compiled else ():
                net.compile()

    @staticmethod
    def _nets(nets: nn.ModuleDict, modality: str) -> list[nn.Module]:
        return list(nets[modality].children())

    def _run(self, net: nn.Module, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed_precision):
            out: Tensor = net(x)
        return out.float()


class GaussianNetworks(Networks):
    """Encoders with two Gaussians as output: of the modality's latents, and of the measurement's eta."""

    def __init__(self, shapes: Shapes, config: BaselineConfig) -> None:
        sizes = {m: config.latents[m] + config.noise for m in shapes}
        super().__init__(shapes, config.hidden, {m: 2 * size for m, size in sizes.items()}, sizes)
        self.config = config

    def posteriors(self, batch: Batch) -> tuple[dict[str, Posterior], dict[str, list[Gaussian]]]:
        """The posterior distributions of latents and noise, per modality.

        Returns:
            The posterior of the latents, pooled over the measurements (Wu & Goodman 2018); and, for each
            measurement, q(eta | x).
        """
        latents, noise = {}, {}
        for m, outputs in self.encode(batch).items():
            d, moments = self.config.latents[m], [output.chunk(2, dim=1) for output in outputs]
            gaussians = [Gaussian(mean, log_variance.clamp(-10, 4)) for mean, log_variance in moments]
            latents[m] = pool(
                [Gaussian(mean[:, :d], spread[:, :d]) for mean, spread in gaussians], batch.observed[m]
            )
            noise[m] = [Gaussian(mean[:, d:], spread[:, d:]) for mean, spread in gaussians]
        return latents, noise

    def explain(
        self,
        batch: Batch,
        latents: Mapping[str, Float[Tensor, "n _"]],
        noise: Mapping[str, Sequence[Gaussian]],
        generator: torch.Generator,
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """Two terms of the evidence lower bound, each summed over the measurements.

        Args:
            batch: the measurements to explain.
            latents: modality -> (n, d) latents drawn from the posterior.
            noise: modality -> q(eta | x) of each measurement; eta is drawn from it here.
            generator: source of the draws of eta.

        Returns:
            -E log p(x | z, eta) up to a constant, and KL(q(eta | x) || N(0, I)).
        """
        error = kl = next(iter(latents.values())).new_zeros(())
        for m, of_modality in noise.items():
            for number, eta in enumerate(of_modality):
                observed = batch.observed[m][:, number]
                white = torch.randn(eta.mean.shape, generator=generator, device=eta.mean.device)
                drawn = eta.mean + white * (0.5 * eta.log_variance).exp()
                decoded = self.decode(m, number, torch.cat([latents[m], drawn], 1))
                error = error + reconstruction(
                    batch.x[m][number], decoded, self.config.observation_sd, observed
                )
                kl = kl + (kl_to_standard_normal(*eta) * observed).mean()
        return error, kl


def average(
    latents: Sequence[Float[Tensor, "n d"]], observed: Bool[Tensor, "n measurements"]
) -> Float[Tensor, "n d"]:
    """Mean over the measurements that a person has; 0 for a person without any.

    Args:
        latents: for each measurement the latents (n, d) that its encoder returns.
        observed: (n, measurements), whether a person has the measurement.
    """
    stacked = torch.stack(list(latents), 1) * observed[:, :, None]
    return stacked.sum(1) / observed.sum(1, keepdim=True).clamp_min(1)
