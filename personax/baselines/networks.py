"""What the baselines are put together from: networks, pooling, and the fit and transform they share."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from personax.baselines.baseline_config import BaselineConfig
from personax.learning.batches import Batch
from personax.learning.encoders import make_decoder, make_encoder
from personax.learning.gaussians import Gaussian, Posterior, pool
from personax.learning.losses import kl_to_standard_normal, reconstruction

Shapes = Mapping[str, Sequence[Sequence[int]]]
"""Modality -> shape of each of its measurements."""


class Networks(nn.Module):
    """An encoder, and if wanted a decoder, of every measurement.

    Args:
        shapes: of the measurements.
        hidden: width of the hidden layers.
        outputs: modality -> numbers that each of its encoders gives.
        inputs: modality -> numbers that each of its decoders takes; no decoders if left out.
    """

    def __init__(
        self, shapes: Shapes, hidden: int, outputs: Mapping[str, int], inputs: Mapping[str, int] | None = None
    ) -> None:
        super().__init__()
        self.modalities = list(shapes)
        self.encoders = nn.ModuleDict(
            {m: nn.ModuleList(make_encoder(s, outputs[m], hidden) for s in its) for m, its in shapes.items()}
        )
        self.decoders = nn.ModuleDict(
            {
                m: nn.ModuleList(make_decoder(inputs[m], s, hidden) for s in its)
                for m, its in (shapes if inputs is not None else {}).items()
                if inputs is not None
            }
        )
        self.mixed_precision = False  # networks in bfloat16; codes, losses and weights stay float32

    def encode(self, batch: Batch) -> dict[str, list[Tensor]]:
        """Modality -> one code (n, outputs) per measurement."""
        return {
            m: [self._run(net, x) for net, x in zip(self._nets(self.encoders, m), batch.x[m], strict=True)]
            for m in self.modalities
        }

    def decode(self, modality: str, number: int, code: Tensor) -> Tensor:
        """(n, inputs) -> (n, *shape) of a measurement, counted from 0."""
        return self._run(self._nets(self.decoders, modality)[number], code)

    def accelerate(self, *, mixed_precision: bool, compiled: bool) -> None:
        """Run all networks in bfloat16, compile them with torch.compile, or both."""
        self.mixed_precision = mixed_precision
        for nets in (*self.encoders.values(), *self.decoders.values()):
            for net in nets.children() if compiled else ():
                net.compile()

    @staticmethod
    def _nets(nets: nn.ModuleDict, modality: str) -> list[nn.Module]:
        return list(nets[modality].children())

    def _run(self, net: nn.Module, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed_precision):
            out: Tensor = net(x)
        return out.float()


class GaussianNetworks(Networks):
    """Encoders that give a Gaussian of the modality's latents and one of the measurement's noise."""

    def __init__(self, shapes: Shapes, config: BaselineConfig) -> None:
        sizes = {m: config.latents[m] + config.noise for m in shapes}
        super().__init__(shapes, config.hidden, {m: 2 * size for m, size in sizes.items()}, sizes)
        self.config = config

    def posteriors(self, batch: Batch) -> tuple[dict[str, Posterior], dict[str, list[Gaussian]]]:
        """Modality -> product of its measurements' experts (Wu & Goodman 2018), and each one's q(eta | x)."""
        latents, noise = {}, {}
        for m, codes in self.encode(batch).items():
            d, moments = self.config.latents[m], [code.chunk(2, dim=1) for code in codes]
            gaussians = [Gaussian(mean, log_variance.clamp(-10, 4)) for mean, log_variance in moments]
            latents[m] = pool(
                [Gaussian(mean[:, :d], spread[:, :d]) for mean, spread in gaussians], batch.observed[m]
            )
            noise[m] = [Gaussian(mean[:, d:], spread[:, d:]) for mean, spread in gaussians]
        return latents, noise

    def explain(
        self,
        batch: Batch,
        latents: Mapping[str, Tensor],
        noise: Mapping[str, Sequence[Gaussian]],
        generator: torch.Generator,
    ) -> tuple[Tensor, Tensor]:
        """-E log p(x | z, eta) up to a constant and KL(q(eta) || N(0, I)), both summed over measurements.

        latents: modality -> (n, d) draws; eta is drawn here.
        """
        error = kl = next(iter(latents.values())).new_zeros(())
        for m, its_noise in noise.items():
            for number, eta in enumerate(its_noise):
                observed = batch.observed[m][:, number]
                white = torch.randn(eta.mean.shape, generator=generator, device=eta.mean.device)
                drawn = eta.mean + white * (0.5 * eta.log_variance).exp()
                decoded = self.decode(m, number, torch.cat([latents[m], drawn], 1))
                error = error + reconstruction(
                    batch.x[m][number], decoded, self.config.observation_sd, observed
                )
                kl = kl + (kl_to_standard_normal(*eta) * observed).mean()
        return error, kl


def average(codes: Sequence[Tensor], observed: Tensor) -> Tensor:
    """Mean (n, d) of the codes (n, d) of the measurements that a person has, 0 without any.

    observed: (n, measurements) bool.
    """
    stacked = torch.stack(list(codes), 1) * observed[:, :, None]
    return stacked.sum(1) / observed.sum(1, keepdim=True).clamp_min(1)
