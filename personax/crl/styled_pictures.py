"""Pictures whose style the measurements share: encoders of two latents a modality, without alignment.

Alignment (Eq. 4) sheds style if every measurement of a modality shows it anew. If all show the same style,
such as one digit in three colours, or if there is only one measurement, style stays in the block, and takes
the place of a latent. Then the latents are read one after another: first the one that tells of the other
modality (scalar_codes.py), then the one that depends on it but does not change with it (companions.py, on
the codes of picture_codes.py). Style does neither. How both are found is in picture_readings.py. Phase 1
keeps these encoders; it only learns decoders and the noise of each measurement. Phase 2 bends both
numbers and chooses the graph.

Whether this is the case is seen in the measurements alone: whether one of them can be predicted from another.
It is for two modalities of two latents, one of which has an edge to the other modality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personax.crl.code_functions import FEATURES, CodeFeatures, CodeFunction
from personax.crl.model_config import CRLConfig, Phase1Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.picture_codes import CODES
from personax.crl.picture_readings import PictureReading
from personax.crl.regression import FourierBasis
from personax.crl.scalar_codes import seen_in_all
from personax.learning.batches import Batch
from personax.learning.encoders import make_encoder

LATENTS_EACH = 2  # of each modality
STYLED_ROWS = 1000  # training rows; with fewer, functions of 600 cosines fit anything
SAME_STYLE = 0.8  # share of a measurement that another one predicts, from which their style is the same
PREDICTION_ROWS, PREDICTION_RIDGE = 4000, 1e-3
DECODER_PASSES = 1 / 3  # epochs of phase 1, in those of the configuration, if encoders read already
# What parts of a `LatentReader` were called in files of earlier versions.
EARLIER_NAMES = {"pictures.": "code_encoder.", "place": "centre_and_scale"}
READING_VARIANCE = 0.05  # of a code given the picture; latents have variance 1


def can_be_styled(shapes: Mapping[str, Sequence[Sequence[int]]], config: CRLConfig) -> bool:
    """Whether the method applies: to two modalities of pictures, each of one shape, with two latents.

    It rests on right angles and on few edges between modalities, so it is not for models without these.

    Args:
        shapes: modality -> shape of each of its measurements.
        config: the configuration as given.
    """
    pictures = all(len(shape) == 3 and shape == of_m[0] for of_m in shapes.values() for shape in of_m)
    twos = list(config.latents.values()) == [LATENTS_EACH, LATENTS_EACH] and config.shared == 0
    sparse = config.causal and config.phase2.cross_sparsity > config.phase2.sparsity
    plain = not config.flexible and not config.compress and not any(config.nuisance.values())
    return pictures and twos and sparse and plain and config.phase2.orthogonality > 0


def is_styled(people: Batch) -> bool:
    """Whether, in some modality, no other style is seen than that of one measurement."""
    enough = int(seen_in_all(people).sum()) >= STYLED_ROWS
    return enough and any(_shows_one_style(people, modality) for modality in people.x)


def seen_in_one_style(people: Batch) -> list[str]:
    """The modalities in which alignment cannot tell latents from style: it is seen in one version only.

    Arrays that are no pictures may predict each other since they have no style, so only their number counts.
    """
    enough = int(seen_in_all(people).sum()) >= STYLED_ROWS
    return [
        modality
        for modality, views in people.x.items()
        if len(views) == 1 or (enough and views[0].ndim == 4 and _shows_one_style(people, modality))
    ]


def _shows_one_style(people: Batch, modality: str) -> bool:
    views, observed = people.x[modality], people.observed[modality]
    for first in range(len(views) - 1):
        both = observed[:, first] & observed[:, first + 1]
        if predicted_share(views[first][both], views[first + 1][both]) < SAME_STYLE:
            return False
    return True


def predicted_share(known: Float[Tensor, "n ..."], told: Float[Tensor, "n ..."]) -> float:
    """Share of the variance of pictures that a linear map of others predicts, on rows not fitted."""
    x, y = (part[:PREDICTION_ROWS].flatten(1).double().cpu() for part in (known, told))
    half = len(x) // 2
    x, y = x - x[:half].mean(0), y - y[:half].mean(0)
    gram = x[:half] @ x[:half].T
    ridge = PREDICTION_RIDGE * float(gram.diagonal().mean()) + 1e-12
    weights = torch.linalg.solve(gram + ridge * torch.eye(half, dtype=gram.dtype), y[:half])
    lost = (y[half:] - x[half:] @ (x[:half].T @ weights)).square().sum()
    return float(1 - lost / y[half:].square().sum().clamp_min(1e-12))


class LatentReader(nn.Module):
    """An encoder whose codes f and g nothing trains; only that of the noise of the measurement is trained."""

    def __init__(self, shape: Sequence[int], noise: int, hidden: int) -> None:
        """Make the networks, for weights that are loaded or given by `read`."""
        super().__init__()
        self.scalar = make_encoder(shape, 1, hidden).requires_grad_(False)
        self.code_encoder = make_encoder(shape, 2 * CODES, hidden).requires_grad_(False)
        self.eta = make_encoder(shape, 2 * noise, hidden) if noise else None
        sizes = {"frequency": (CODES, FEATURES), "phase": (FEATURES,), "turn": (CODES, CODES)}
        sizes |= {
            "offset": (CODES + FEATURES,),
            "weights": (CODES + FEATURES,),
            "centre": (CODES,),
            "centre_and_scale": (2,),
        }
        for name, size in sizes.items():
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64))
        self.register_load_state_dict_pre_hook(_with_present_names)  # type: ignore[no-untyped-call, unused-ignore]

    @torch.no_grad()
    def read(self, reading: PictureReading) -> None:
        """Read pictures like this. Axes of the codes that are not used become zeros."""
        self.scalar.load_state_dict(reading.scalar.state_dict())
        self.code_encoder.load_state_dict(reading.codes.encoder.state_dict())
        g = reading.companion
        phi = g.features_of
        axes = phi.turn.shape[1]
        self.get_buffer("centre_and_scale").copy_(torch.tensor([reading.centre, reading.scale]))
        self.get_buffer("centre").copy_(phi.centre)
        self.get_buffer("turn")[:, :axes] = phi.turn
        self.get_buffer("frequency")[:axes] = phi.basis.frequency
        self.get_buffer("phase").copy_(phi.basis.phase)
        for name, values in (("offset", phi.offset), ("weights", g.weights)):
            self.get_buffer(name)[:axes] = values[:axes]
            self.get_buffer(name)[CODES:] = values[axes:]

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n both"]:
        """(n, ...) -> (n, 2 (2 + noise)): means of f, g and eta, and their log variances."""
        centre, scale = self.get_buffer("centre_and_scale")
        f = (self.scalar(x).double() - centre) / scale
        basis = FourierBasis(self.get_buffer("frequency"), self.get_buffer("phase"))
        centre_of_codes, turn, offset, weights = map(self.get_buffer, ("centre", "turn", "offset", "weights"))
        companion = CodeFunction(CodeFeatures(centre_of_codes, turn, basis, offset), weights)
        g = companion(self.code_encoder(x)[:, :CODES])
        codes = torch.cat([f, g[:, None]], 1).to(x.dtype)
        certain = torch.full_like(codes, log(READING_VARIANCE))
        if self.eta is None:
            return torch.cat([codes, certain], 1)
        mean, log_variance = self.eta(x).chunk(2, dim=1)
        return torch.cat([codes, mean, certain, log_variance], 1)


def _with_present_names(_: nn.Module, state: dict[str, Any], prefix: str, *__: object) -> None:
    """Rename the saved tensors of a `LatentReader` that have `EARLIER_NAMES`, in `state` itself."""
    for earlier, present in EARLIER_NAMES.items():
        for name in [name for name in state if name.startswith(prefix + earlier)]:
            state[prefix + present + name.removeprefix(prefix + earlier)] = state.pop(name)


def with_fewer_epochs(config: Phase1Config) -> Phase1Config:
    """Phase 1 after the encoders are settled; noise of the measurements and decoders need fewer epochs."""
    return replace(config, epochs=max(1, round(DECODER_PASSES * config.passes)))


def make_readers(vae: MultiViewVAE, shapes: Mapping[str, Sequence[Sequence[int]]]) -> None:
    """Replace all encoders by `LatentReader`s."""
    for modality, of_modality in shapes.items():
        for net, shape in zip(vae.of(modality), of_modality, strict=True):
            device = next(net.decoder.parameters()).device
            net.encoder = LatentReader(shape, vae.config.eta(modality), vae.config.hidden).to(device)


def settle_readers(vae: MultiViewVAE, readings: Mapping[str, PictureReading]) -> None:
    """Let all encoders read as was found."""
    for modality, reading in readings.items():
        for net in vae.of(modality):
            assert isinstance(net.encoder, LatentReader)
            net.encoder.read(reading)
