"""The autoencoder: what is encoded, and how the measurements of a person are pooled.

A block is the set of latents of one modality, or the set "s" that all modalities share. The noise eta of a
measurement is the part that it shares with no other measurement. To pool measurements is to combine what they
say about a block into one posterior distribution.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personax.crl.model_config import CRLConfig
from personax.learning.batches import Batch
from personax.learning.encoders import LinearPlusMLP, make_decoder, make_encoder
from personax.learning.gaussians import Gaussian, Posterior, pool
from personax.views import SHARED

CROSS_DIMENSION = 4  # outputs of the learned maps in Eq. (5)


class Code(NamedTuple):
    """What one measurement says about the shared latents, the block of its modality and its own eta.

    Attributes:
        shared: distribution of the codes of s; 0 columns if there are no shared latents.
        own: distribution of the codes of the modality's block.
        noise: distribution of eta.
    """

    shared: Gaussian
    own: Gaussian
    noise: Gaussian

    @property
    def content(self) -> Float[Tensor, "n _"]:
        """(n, shared + own) means of the codes that the measurements of a modality have in common."""
        return torch.cat([self.shared.mean, self.own.mean], 1)


class Measurement(nn.Module):
    """Encoder and decoder of one measurement."""

    def __init__(self, shape: Sequence[int], shared: int, own: int, noise: int, hidden: int) -> None:
        super().__init__()
        self.sizes = [shared, own, noise]
        total = sum(self.sizes)
        self.encoder = make_encoder(shape, 2 * total, hidden)
        self.decoder = make_decoder(total, shape, hidden)
        self.mixed_precision = False  # True runs networks in bfloat16; codes, losses, weights stay float32

    def encode(self, x: Float[Tensor, "n *shape"]) -> Code:
        """Encode x (n, *shape) as a Code."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed_precision):
            encoded = self.encoder(x)
        mean, log_variance = encoded.float().chunk(2, dim=1)
        parts = zip(mean.split(self.sizes, 1), log_variance.clamp(-10, 4).split(self.sizes, 1), strict=True)
        return Code(*(Gaussian(*part) for part in parts))

    def decode(
        self, shared: Float[Tensor, "n _"], own: Float[Tensor, "n _"], noise: Float[Tensor, "n _"]
    ) -> Float[Tensor, "n *shape"]:
        """The decoder f_{m,i} of Eq. (2): codes s, u_m and eta -> expected measurement (n, *shape)."""
        with torch.autocast(shared.device.type, torch.bfloat16, enabled=self.mixed_precision):
            decoded: Tensor = self.decoder(torch.cat([shared, own, noise], 1))
        return decoded.float()


class MultiViewVAE(nn.Module):
    """Encoders and decoders of all measurements. The prior of the latents is in prior.py.

    Args:
        shapes: modality -> shape of each of its measurements.
        config: latents per modality, shared latents, noise dimensions, widths.
    """

    def __init__(self, shapes: Mapping[str, Sequence[Sequence[int]]], config: CRLConfig) -> None:
        super().__init__()
        self.config = config
        self.modalities = list(shapes)
        self.measurements = nn.ModuleDict(
            {
                modality: nn.ModuleList(
                    Measurement(
                        shape, config.shared, config.width(modality), config.eta(modality), config.hidden
                    )
                    for shape in of_modality
                )
                for modality, of_modality in shapes.items()
            }
        )
        # for each modality the inverse temperature of alignment and its learned map of Eq. (5)
        self.log_scale = nn.ParameterDict({m: nn.Parameter(torch.zeros(())) for m in shapes})
        self.comparison = nn.ModuleDict(
            {
                m: nn.Sequential(nn.Linear(config.width(m), 32), nn.SiLU(), nn.Linear(32, CROSS_DIMENSION))
                for m in shapes
            }
        )

    def of(self, modality: str) -> list[Measurement]:
        """The networks of a modality's measurements."""
        nets = self.measurements[modality]
        assert isinstance(nets, nn.ModuleList)
        return [net for net in nets if isinstance(net, Measurement)]

    def take(self, modality: str, other: "MultiViewVAE") -> None:
        """Copy all weights of this modality from a model of the same shapes."""
        parts = {f"{name}.{modality}" for name in ("measurements", "log_scale", "comparison")}
        own = {
            name: weights
            for name, weights in other.state_dict().items()
            if ".".join(name.split(".")[:2]) in parts
        }
        self.load_state_dict(own, strict=False)

    def replace_encoders(self, make: Callable[[int, int], nn.Module]) -> None:
        """Replace all encoders, which read vectors, by `make(inputs, codes)` of the same sizes."""
        for modality in self.modalities:
            for net in self.of(modality):
                assert isinstance(net.encoder, LinearPlusMLP)
                linear = net.encoder.linear
                net.encoder = make(linear.in_features, sum(net.sizes)).to(linear.weight.device)

    def accelerate(self, *, mixed_precision: bool, compiled: bool) -> None:
        """Set whether all networks run in bfloat16; compile them with torch.compile if `compiled` is True."""
        for modality in self.modalities:
            for net in self.of(modality):
                net.mixed_precision = mixed_precision
                if compiled:
                    net.encoder.compile()
                    net.decoder.compile()

    def encode(self, batch: Batch) -> dict[str, list[Code]]:
        """Modality -> one Code per measurement."""
        return {
            modality: [net.encode(x) for net, x in zip(self.of(modality), batch.x[modality], strict=True)]
            for modality in self.modalities
        }

    def posteriors(self, codes: Mapping[str, Sequence[Code]], batch: Batch) -> dict[str, Posterior]:
        """Block -> pooled posterior. For the shared block all modalities' measurements are pooled."""
        pooled = {}
        if self.config.shared:
            everyone = [code.shared for m in self.modalities for code in codes[m]]
            pooled[SHARED] = pool(everyone, torch.cat([batch.observed[m] for m in self.modalities], 1))
        for m in self.modalities:
            pooled[m] = pool([code.own for code in codes[m]], batch.observed[m])
        return pooled

    @torch.no_grad()
    def pooled_means(self, batch: Batch) -> dict[str, Float[Tensor, "n _"]]:
        """Block -> posterior means (n, d): the codes u that identification learns from."""
        parts = [self.posteriors(self.encode(chunk), chunk) for chunk in batch.in_chunks()]
        return {block: torch.cat([part[block].mean for part in parts]) for block in parts[0]}
