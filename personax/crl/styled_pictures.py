"""Pictures whose style the measurements share: encoders of two latents a modality, without alignment.

Alignment (Eq. 4) sheds style if every measurement of a modality shows it anew. If all show the same style,
such as one digit in three colours, or if there is only one measurement, style stays in the block, and takes
the place of a latent. Then the latents are read one after another: first the one that tells of the other
modality (scalar_codes.py), then the one that depends on it but does not change with it (companions.py, on
the codes of picture_codes.py). Style does neither. Phase 1 keeps these encoders; it only learns decoders and
the noise of each measurement. Phase 2 goes on from the pair of numbers as from any block.

Whether this is the case is seen in the measurements alone: whether one of them can be predicted from another.
It is for two modalities of two latents, one of which has an edge to the other modality.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personax.crl.companions import FEATURES, CodeFunction, find_companion, gradient_rows
from personax.crl.model_config import CRLConfig, Phase1Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.picture_codes import CODES, PictureCodes, train_picture_codes
from personax.crl.scalar_codes import ScalarCodes, one_measurement, seen_in_all, train_scalar_codes
from personax.learning.batches import Batch
from personax.learning.encoders import make_encoder

LATENTS_EACH = 2  # of each modality
STYLED_ROWS = 1000  # training rows; with fewer, functions of 600 cosines fit anything
SAME_STYLE = 0.8  # share of a measurement that another one predicts, from which their style is the same
PREDICTION_ROWS, PREDICTION_RIDGE = 4000, 1e-3
SCALAR_PASSES, PICTURE_PASSES = 2.0, 4 / 3  # epochs, in those of phase 1
RIVAL_PASSES = 1 / 4  # of scalar codes from other weights, which must not tell more than the trained ones
# By so many nats a rival must tell more. On two tables that were looked at, 30 rivals told 0.004 to 0.02 less
# than trained codes, and a code that folded its latent told 0.03 less than they.
STUCK = 0.01
DECODER_PASSES = 1 / 3  # epochs of phase 1, in those of the configuration, if encoders read already
APART = 2.0  # how many times the next eigenvalue a companion's must be; otherwise several fit
ATTEMPTS = 3  # from other networks and cosines, if readings are not clear or scalar codes are stuck
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


@dataclass(frozen=True)
class PictureReading:
    """How a picture of a modality is read.

    Attributes:
        scalar: its network for f, whose mean and standard deviation over people are `centre` and `scale`.
        centre, scale: of f.
        codes: of pictures.
        companion: g, a function of the codes.
        eigenvalues: of the companion, see `find_companion`.
    """

    scalar: nn.Module
    centre: float
    scale: float
    codes: PictureCodes
    companion: CodeFunction
    eigenvalues: list[float]

    @property
    def clarity(self) -> float:
        """The first eigenvalue divided by the second."""
        return self.eigenvalues[0] / max(self.eigenvalues[1], 1e-12)

    @property
    def is_clear(self) -> bool:
        """Whether one companion stands apart from all others."""
        return self.clarity >= APART


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
        axes = g.turn.shape[1]
        self.get_buffer("centre_and_scale").copy_(torch.tensor([reading.centre, reading.scale]))
        self.get_buffer("centre").copy_(g.centre)
        self.get_buffer("turn")[:, :axes] = g.turn
        self.get_buffer("frequency")[:axes] = g.basis.frequency
        self.get_buffer("phase").copy_(g.basis.phase)
        for name, values in (("offset", g.offset), ("weights", g.weights)):
            self.get_buffer(name)[:axes] = values[:axes]
            self.get_buffer(name)[CODES:] = values[axes:]

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n both"]:
        """(n, ...) -> (n, 2 (2 + noise)): means of f, g and eta, and their log variances."""
        centre, scale = self.get_buffer("centre_and_scale")
        f = (self.scalar(x).double() - centre) / scale
        u = self.code_encoder(x)[:, :CODES].double()
        w = (u - self.get_buffer("centre")) @ self.get_buffer("turn")
        waves = torch.cos(w @ self.get_buffer("frequency") + self.get_buffer("phase"))
        g = (torch.cat([w, waves], 1) - self.get_buffer("offset")) @ self.get_buffer("weights")
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


def best_readings(
    train: Batch, validation: Batch, config: CRLConfig, seeds: Sequence[int]
) -> dict[str, PictureReading] | None:
    """The first readings, of those with these seeds, in which each companion stands apart.

    If there are none, those whose companions are clearest; None if the scalar codes are stuck with each seed.
    """
    found = []
    for seed in seeds:
        readings = find_readings(train, validation, config, seed=seed)
        if readings is not None and all(reading.is_clear for reading in readings.values()):
            return readings
        found += [] if readings is None else [readings]
    return max(found, key=lambda readings: min(each.clarity for each in readings.values()), default=None)


def find_readings(
    train: Batch, validation: Batch, config: CRLConfig, *, seed: int
) -> dict[str, PictureReading] | None:
    """How pictures of each modality are read; None if the training of the scalar codes got stuck.

    A code is stuck if it folds the latent, so that two values of the latent have the same code. Then codes
    that are trained for a few epochs from other weights tell more.

    Args:
        train, validation: rows; those without a measurement of some modality are left out.
        config: widths, the noise of a pixel and the epochs of phase 1.
        seed: of networks, batches and cosines.
    """
    train, validation = (part.rows(seen_in_all(part).nonzero()[:, 0]) for part in (train, validation))
    shapes = {m: tuple(views[0].shape[1:]) for m, views in train.x.items()}
    device = next(iter(train.observed.values())).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        scalars = ScalarCodes(shapes, config.hidden).to(device)
        codes = {
            m: PictureCodes(shape, config.hidden, config.observation_sd).to(device)
            for m, shape in shapes.items()
        }
    epochs = config.phase1.passes
    missing = train_scalar_codes(scalars, train, validation, epochs=round(SCALAR_PASSES * epochs), seed=seed)
    if missing > missing_in_rival(shapes, config, train, validation, seed) + STUCK:
        return None
    for modality, network in codes.items():
        train_picture_codes(
            network, modality, train, validation, epochs=round(PICTURE_PASSES * epochs), seed=seed
        )
    scalars.eval()
    generator = torch.Generator().manual_seed(seed)
    return {m: _reading(scalars, network.eval(), m, train, generator) for m, network in codes.items()}


def missing_in_rival(
    shapes: Mapping[str, tuple[int, ...]], config: CRLConfig, train: Batch, validation: Batch, seed: int
) -> float:
    """The information that is missing in scalar codes which are trained shortly, from other weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + 1)
        rival = ScalarCodes(shapes, config.hidden).to(next(iter(train.observed.values())).device)
    epochs = max(1, round(RIVAL_PASSES * config.phase1.passes))
    return train_scalar_codes(rival, train, validation, epochs=epochs, seed=seed + 1)


@torch.no_grad()
def _reading(
    scalars: ScalarCodes, codes: PictureCodes, modality: str, train: Batch, generator: torch.Generator
) -> PictureReading:
    network = scalars.encoders[modality]
    every = torch.stack([in_parts(network, x)[:, 0].double().cpu() for x in train.x[modality]], 1)
    seen = train.observed[modality].cpu().double()
    told = (every * seen).sum(1) / seen.sum(1)
    centre, scale = float(told.mean()), max(float(told.std()), 1e-9)
    drawn = torch.Generator(train.observed[modality].device).manual_seed(generator.initial_seed())
    x = one_measurement(train, modality, drawn)
    u = in_parts(codes.encoder, x)[:, :CODES]
    own = (in_parts(network, x)[:, 0].double().cpu() - centre) / scale
    metric = codes.metric(u[gradient_rows(len(u))])
    companion, values = find_companion(u, metric, own, (told - centre) / scale, generator)
    return PictureReading(network, centre, scale, codes, companion, values.tolist())


def in_parts(network: nn.Module, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n _"]:
    """The outputs of a network, in parts of some thousand rows."""
    return torch.cat([network(part) for part in x.split(4096)])
