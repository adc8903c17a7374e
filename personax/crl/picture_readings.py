"""How pictures of two latents are read if their style is shared: networks and functions, found step by step.

1. One number per modality that tells most of the other modality, f (scalar_codes.py). It is trained again if
   it is stuck, and unfolded if it folds its latent (unfolding.py).
2. Codes of single pictures, and what a small change of a picture is (picture_codes.py).
3. The function g of these codes that depends on f and does not change with it (companions.py), also if its
   effect is symmetric (pursuit.py).

All of it is tried again from other networks if it is not clear what f and g are.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from personax.crl.code_functions import CodeFunction, gradient_rows
from personax.crl.companions import find_companion
from personax.crl.model_config import CRLConfig
from personax.crl.picture_codes import PictureCodes, train_picture_codes
from personax.crl.pursuit import pursue_companion
from personax.crl.scalar_codes import (
    LEAST_UNIT,
    ScalarCodes,
    seen_in_all,
    told_information,
    train_scalar_codes,
    train_to_read,
    two_measurements,
)
from personax.crl.unfolding import Fold, find_fold
from personax.learning.batches import Batch
from personax.runs.errors import TrainingDiverged
from personax.runs.seeds import derived_seed, torch_rng

SCALAR_PASSES, PICTURE_PASSES = 2.0, 4 / 3  # epochs, in those of phase 1
RIVAL_PASSES = 1 / 4  # of scalar codes from other weights, which must not tell more than the trained ones
# By so many nats a rival must tell more. On two tables that were looked at, 30 rivals told 0.004 to 0.02 less
# than trained codes, and a code that folded its latent told 0.03 less than they.
STUCK = 0.01
# Of codes that are unfolded: to learn the unfolded number, then to tell of the other modality again.
COPY_PASSES, UNFOLDED_PASSES = 1 / 3, 1.0
WORSE = 0.02  # nats that an unfolded code may tell less; on two tables it told 0.001 and 0.008 less
APART = 2.0  # how many times the next eigenvalue a companion's must be; otherwise several fit
# Below this eigenvalue a companion is pursued (where both ways work, pursuit is a little worse). On tuning
# scenes it was 0.29 to 0.47 where the companion was a latent, and 0.05 where its effect was symmetric.
SYMMETRIC = 0.15
# Share of f that a pursued companion must explain. On tuning scenes it was 0.32 to 0.42 where there was a
# second latent with a symmetric effect, and 0.12 to 0.21 where there was none.
LEAST_PURSUED = 0.25
# Nats that codes must tell of the other modality, else they are not of a latent. On tuning scenes they told
# 0.3 or more; of modalities that have nothing to do with each other, less than nothing (they overfit).
LEAST_INFORMATION = 0.05
ATTEMPTS = 3  # from other networks and cosines, if readings are not clear or scalar codes are stuck
SEEN_ROWS = 20_000  # rows from which companions and folds are found, evenly spaced; memory grows with them

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PictureReading:
    """How a picture of a modality is read.

    Attributes:
        scalar: its network for f, whose mean and standard deviation over people are `centre` and `scale`.
        centre, scale: of f.
        codes: of pictures.
        companion: g, a function of the codes.
        eigenvalues: of the companion, see `find_companion`.
        is_coordinate: whether f is a coordinate of the pictures, see `Fold`.
        pursued: if none was found by its mean: the share of f that a function of the companion explains.
        companion_is_coordinate: whether g is one; asked of pursued companions only.
    """

    scalar: nn.Module
    centre: float
    scale: float
    codes: PictureCodes
    companion: CodeFunction
    eigenvalues: list[float]
    is_coordinate: bool
    pursued: float | None = None
    companion_is_coordinate: bool = True

    @property
    def explains_f(self) -> bool:
        """Whether a companion was pursued of which a function explains enough of f."""
        return self.pursued is not None and self.pursued >= LEAST_PURSUED

    @property
    def clarity(self) -> float:
        """How far the companion stands apart from others; 1 is enough.

        The first eigenvalue divided by the second, or what a pursued companion explains, in units of what it
        must be.
        """
        if self.pursued is not None:
            return self.pursued / LEAST_PURSUED if self.companion_is_coordinate else 0.0
        return self.eigenvalues[0] / max(self.eigenvalues[1], 1e-12) / APART

    @property
    def is_clear(self) -> bool:
        """Whether f is a coordinate of the pictures, and one companion stands apart from all others."""
        return self.is_coordinate and self.clarity >= 1


def best_readings(
    train: Batch, validation: Batch, config: CRLConfig, seeds: Sequence[int]
) -> dict[str, PictureReading] | None:
    """The first readings, of those with these seeds, in which each companion stands apart.

    If there are none, those with most coordinates, and among them those whose companions are clearest; None
    if nothing can be read with any seed (see `find_readings`).
    """
    found = []
    for seed in seeds:
        readings = find_readings(train, validation, config, seed=seed)
        if readings is not None and all(reading.is_clear for reading in readings.values()):
            return readings
        found += [] if readings is None else [readings]
    return max(found, key=_quality, default=None)


def _quality(readings: Mapping[str, PictureReading]) -> tuple[int, float]:
    """The number of coordinates, and the least clarity."""
    return (
        sum(reading.is_coordinate for reading in readings.values()),
        min(reading.clarity for reading in readings.values()),
    )


def find_readings(
    train: Batch, validation: Batch, config: CRLConfig, *, seed: int
) -> dict[str, PictureReading] | None:
    """How pictures of each modality are read; None if it cannot be found with this seed.

    That is so if a training diverges, if the scalar codes tell nothing, or if they are stuck.
    A code is stuck if it folds the latent by chance, so that two values of the latent have the same code
    though they tell something else of the other modality. Then codes that are trained for a few epochs from
    other weights tell more. If both values tell the same, a folded code is no worse, and is unfolded.

    Args:
        train, validation: rows; those without a measurement of some modality are left out.
        config: widths, the noise of a pixel and the epochs of phase 1.
        seed: of networks, batches and cosines.
    """
    try:
        return _find_readings(train, validation, config, seed)
    except TrainingDiverged as error:
        log.warning("pictures cannot be read with seed %d: %s", seed, error)
        return None


def _find_readings(
    train: Batch, validation: Batch, config: CRLConfig, seed: int
) -> dict[str, PictureReading] | None:
    train, validation = (part.rows(seen_in_all(part).nonzero()[:, 0]) for part in (train, validation))
    shapes = {m: tuple(views[0].shape[1:]) for m, views in train.x.items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # one stream for all, so not by `scalar_codes_of`
        scalars = ScalarCodes(shapes, config.hidden).to(train.device)
        codes = {
            m: PictureCodes(shape, config.hidden, config.observation_sd).to(train.device)
            for m, shape in shapes.items()
        }
    epochs = config.phase1.passes
    missing = train_scalar_codes(scalars, train, validation, epochs=round(SCALAR_PASSES * epochs), seed=seed)
    if told_information(scalars, validation, seed=seed) < LEAST_INFORMATION:
        return None
    if missing > missing_in_rival(shapes, config, train, validation, seed) + STUCK:
        return None
    for modality, network in codes.items():
        train_picture_codes(
            network, modality, train, validation, epochs=round(PICTURE_PASSES * epochs), seed=seed
        )
        network.eval()
    rows = _all_seen_rows(scalars, codes, train, seed)
    folds = _all_folds(rows, seed)
    if any(fold.is_folded for fold in folds.values()):
        again = derived_seed(seed, "unfolded codes")
        unfolded = scalar_codes_of(shapes, config, train, again)
        missing_then = _unfold(unfolded, scalars, folds, codes, train, validation, epochs=epochs, seed=again)
        if missing_then <= missing + WORSE:
            rows = _all_seen_rows(unfolded, codes, train, seed)
            scalars, folds = unfolded, _all_folds(rows, seed)
    cosines = torch.Generator().manual_seed(seed)
    return {
        m: _reading(
            scalars.encoders[m], network, rows[m], folds[m], cosines, derived_seed(seed, f"pursuit {m}")
        )
        for m, network in codes.items()
    }


def missing_in_rival(
    shapes: Mapping[str, tuple[int, ...]], config: CRLConfig, train: Batch, validation: Batch, seed: int
) -> float:
    """The information that is missing in scalar codes which are trained shortly, from other weights."""
    other = derived_seed(seed, "rival")
    rival = scalar_codes_of(shapes, config, train, other)
    epochs = max(1, round(RIVAL_PASSES * config.phase1.passes))
    return train_scalar_codes(rival, train, validation, epochs=epochs, seed=other)


def scalar_codes_of(
    shapes: Mapping[str, tuple[int, ...]], config: CRLConfig, people: Batch, seed: int
) -> ScalarCodes:
    """New networks with these random weights, where the people are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ScalarCodes(shapes, config.hidden).to(people.device)


class SeenRows(NamedTuple):
    """What is known of training rows of a modality before its companion is sought.

    Attributes:
        u: (n, codes) codes of one picture per row.
        again: (n, codes) codes of another picture of the person; the same if there is only one.
        metric: of some of these rows, see `gradient_rows`.
        of_picture: (n,) f of the same picture, in the units of `of_person`.
        of_person: (n,) f of the same person, the mean over the person's pictures; standardised.
        centre, scale: what f was centred by and divided by.
    """

    u: Float[Tensor, "n codes"]
    again: Float[Tensor, "n codes"]
    metric: Float[Tensor, "m codes codes"]
    of_picture: Float[Tensor, " n"]
    of_person: Float[Tensor, " n"]
    centre: float
    scale: float


@torch.no_grad()
def _all_seen_rows(
    scalars: ScalarCodes, codes: Mapping[str, PictureCodes], train: Batch, seed: int
) -> dict[str, SeenRows]:
    """Of at most SEEN_ROWS rows."""
    scalars.eval()
    step = -(-len(train) // SEEN_ROWS)
    if step > 1:
        train = train.rows(torch.arange(0, len(train), step, device=train.device))
    return {m: _seen_rows(scalars.encoders[m], network, m, train, seed) for m, network in codes.items()}


def _seen_rows(scalar: nn.Module, codes: PictureCodes, modality: str, train: Batch, seed: int) -> SeenRows:
    every = torch.stack([in_parts(scalar, x)[:, 0].double().cpu() for x in train.x[modality]], 1)
    seen = train.observed[modality].cpu().double()
    of_person = (every * seen).sum(1) / seen.sum(1)
    centre, scale = float(of_person.mean()), max(float(of_person.std()), LEAST_UNIT)
    drawn = torch.Generator(train.device).manual_seed(seed)
    x, another = two_measurements(train, modality, drawn)
    u, again = (in_parts(codes.means, pictures) for pictures in (x, another))
    metric = codes.metric(u[gradient_rows(len(u))])
    of_picture = (in_parts(scalar, x)[:, 0].double().cpu() - centre) / scale
    return SeenRows(u, again, metric, of_picture, (of_person - centre) / scale, centre, scale)


def _all_folds(rows: Mapping[str, SeenRows], seed: int) -> dict[str, Fold]:
    return {
        m: find_fold(seen.u, seen.metric, seen.of_picture, torch_rng(seed, f"fold {m}"))
        for m, seen in rows.items()
    }


def _unfold(
    unfolded: ScalarCodes,
    scalars: ScalarCodes,
    folds: Mapping[str, Fold],
    codes: Mapping[str, PictureCodes],
    train: Batch,
    validation: Batch,
    *,
    epochs: int,
    seed: int,
) -> float:
    """Train new scalar codes that begin at the unfolded ones, or at the old ones where these do not fold.

    Returns the information that is missing in them.
    """
    for modality, fold in folds.items():
        if fold.is_folded:
            train_to_read(
                unfolded.encoders[modality],
                _reader_of(fold, codes[modality]),
                modality,
                train,
                validation,
                epochs=max(1, round(COPY_PASSES * epochs)),
                seed=seed,
            )
        else:
            unfolded.encoders[modality].load_state_dict(scalars.encoders[modality].state_dict())
            unfolded.critics[modality].load_state_dict(scalars.critics[modality].state_dict())
    return train_scalar_codes(
        unfolded, train, validation, epochs=max(1, round(UNFOLDED_PASSES * epochs)), seed=seed
    )


def _reader_of(fold: Fold, codes: PictureCodes) -> Callable[[Float[Tensor, "n ..."]], Float[Tensor, " n"]]:
    @torch.no_grad()
    def read(x: Float[Tensor, "n ..."]) -> Float[Tensor, " n"]:
        return fold.smoothest(codes.means(x)).to(x)

    return read


def _reading(
    scalar: nn.Module,
    codes: PictureCodes,
    seen: SeenRows,
    fold: Fold,
    cosines: torch.Generator,
    pursuit_seed: int,
) -> PictureReading:
    known = (seen.metric, seen.of_picture, seen.of_person)
    companion, values = find_companion(seen.u, seen.again, *known, cosines)
    reading = PictureReading(
        scalar, seen.centre, seen.scale, codes, companion, values.tolist(), fold.is_coordinate
    )
    if not fold.is_coordinate or reading.eigenvalues[0] >= SYMMETRIC:
        return reading
    drawn = torch.Generator().manual_seed(pursuit_seed)
    companion, share = pursue_companion(seen.u, *known, drawn)
    its_fold = find_fold(seen.u, seen.metric, companion(seen.u.cpu()), drawn)
    return replace(
        reading, companion=companion, pursued=share, companion_is_coordinate=its_fold.is_coordinate
    )


def in_parts(
    network: Callable[[Float[Tensor, "k ..."]], Float[Tensor, "k _"]], x: Float[Tensor, "n ..."]
) -> Float[Tensor, "n _"]:
    """The outputs of a network, in parts of some thousand rows."""
    return torch.cat([network(part) for part in x.split(4096)])
