"""Every option of the model and its training, with the reason for its default where one is known.

"Not tuned" says that there is no such reason: the value is that of the first version, which worked, and no
comparison with other values is on record. MCC (how well latents are found, 1 is best) and SHD (wrong edges)
below are of Variant-MNIST; they were looked at while the model was developed, most of them for one seed only.

A block is the set of latents of one modality. eta is the noise of one measurement: what this measurement
shows and no other one of the same modality does. Shares are numbers between 0 and 1; weights are at least 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from numbers import Integral
from typing import Annotated, Any

from personax.learning.optimisation import OptimisationConfig
from personax.runs.bounds import (
    BatchSize,
    Between,
    Dimensions,
    Positive,
    Rate,
    Share,
    SideBySide,
    Spread,
    Weight,
    Width,
    check_bounds,
)
from personax.runs.errors import InputError
from personax.runs.options import documented

# Most coordinates beside the latents of a compressed modality with a single measurement. Not tuned.
MOST_NUISANCE = 3


@documented
@dataclass(frozen=True)
class Phase1Config(OptimisationConfig):
    """Representation: the evidence lower bound with alignment (Eq. 1-6 in objective.py)."""

    beta: Weight = 3.0
    """Weight of the KL term (Eq. 1). Not tuned."""
    kl_warm_up: Share = 0.4
    """Share of the epochs over which the weight of the KL term rises from 0 to beta. With full weight from
    the start, the KL term would press the codes together before alignment has spread them, and later they
    would hardly spread any more. The share itself is not tuned."""
    align: Weight = 20.0
    """Weight of alignment between the measurements of a modality (Eq. 4). Not tuned. Little depends on it
    with three measurements: without alignment MCC was 0.988 in place of 0.990. With 8,000 scenes a weight of
    2 had 0.990, and 20 had 0.958."""
    cross: Weight = 10.0
    """Weight of the contrastive term between the modalities' latents (Eq. 5). Not tuned. With three
    measurements it hardly matters: without it, and without the higher price of edges between modalities, MCC
    was 0.989 in place of 0.990."""
    shared: Weight = 10.0
    """Weight of the contrastive term between the modalities' encodings of s (Eq. 5). Not tuned: that of
    `cross`. The number of shared latents s is another option, `shared` of the model."""
    beginnings: Positive = 1
    """Short trainings of six epochs from different weights; phase 1 goes on from the networks that
    reconstruct each modality best (with shared latents or `cross`, all modalities together). 1: none. An
    autoencoder of vectors may begin folded, so that two values of a latent have one code, and stays so: three
    in ten did on tuning draws of numerical cases. From the fifth epoch on each of these had a larger error
    than all others. Without effect where encoders are not learned in phase 1: in closed form, for pictures of
    one style, and for `linked` vectors without style."""
    sparsity: Weight = 0.2
    """Weight of the expected number of edges (Eq. 6) in the loss of phase 1, for an edge between modalities;
    an edge within one counts half. Not tuned: the graph of phase 1 is a draft, which phase 2 replaces. It has
    another unit than `sparsity` of phase 2, which is a price in nats per row."""


@documented
@dataclass(frozen=True)
class Phase2Config:
    """Identification: coordinates of each block and the graph (Eq. 6-9 in objective.py)."""

    searches: Positive = 1
    """How often phase 2 is done, with other starts; the one with the smallest Eq. (9) on validation rows
    counts. On tuning draws of vectors, two of 24 ended at wrong latents and seven with a wrong edge; the best
    of three had wrong edges in one of eight draws. Without effect in closed form, and for `linked` vectors
    without style."""
    starts: SideBySide = 64
    """Models trained side by side at first, each with its own coordinates and causal order. In closed form
    (closed_form.py): random orders that the search begins with. Of 32 starts 5 to 7 ended at the true graph;
    16 starts lost it in 2 of 5 runs, 64 that are halved after every generation in 0 of 10."""
    population: SideBySide = 16
    """Models that are left once the worse half of the starts has been dropped after each generation.
    Not tuned. Without effect in closed form, like the next two."""
    generations: Positive = 6
    """Rounds of training and selection. The best quarter of the population survives and is copied, and the
    causal orders of the copies are changed. Two rounds halve 64 starts to 16; that four follow is not
    tuned."""
    generation_steps: Positive = 200
    """Optimiser steps of a generation. Not tuned."""
    finalists: SideBySide = 4
    """Models that are trained to the end; the one that is best on validation rows is kept. In closed form:
    causal orders whose coordinates are polished. Not tuned."""
    final_steps: Positive = 1500
    """Optimiser steps of the finalists. Not tuned."""
    search_batch_size: BatchSize = 256
    """Rows per step of a generation: enough to compare the starts. Not tuned."""
    batch_size: BatchSize = 512
    """Rows per step of the finalists. Not tuned."""
    learning_rate: Rate = 1e-2
    """Peak of Adam's learning rate, for the mechanisms; half of it for the coordinates, which the
    mechanisms must be able to follow. Not tuned."""
    orthogonality: Weight = 5.0
    """Weight of orthogonality: coordinates should be at right angles (Eq. 7). If the effect of a latent is
    symmetric, such as a cosine, it seems to vanish in coordinates that are slightly off a right angle, and
    without this term such a model would be cheaper. On three tuning scenes with symmetric effects or other
    pictures, 2, 5 and 20 have the same MCC within 0.001 and SHD 0; 0.3 was 0.01 worse on two of five, and
    lost the fork. With four latents, whose brightness and background are not at right angles, 20 has MCC
    0.88 and SHD 5, and 5 has 0.94 and 1. With 0 the geometry is not used for the starts either."""
    evenness: Weight = 1.0
    """Weight of evenness: equal steps of a coordinate should change the pictures equally everywhere (Eq. 8).
    If an effect is symmetric, there are curved orthogonal coordinates in which it vanishes and which explain
    the block equally well. Those coordinates are uneven. 1 in place of 0: MCC 0.905 in place of 0.872 with a
    square, 0.991 in place of 0.949 with a collider, and 0.992 in place of 0.995 with the default model. Other
    weights have not been compared."""
    sparsity: Weight = 0.02
    """An edge within a modality must improve the log-likelihood by this many nats per row (Eq. 6); a third of
    it, like the next one, where paired codes are the latents (paired_codes.py). The amount is not tuned;
    without any price for edges SHD was 2 in place of 0. (`sparsity` of phase 1 is a weight in another
    loss.)"""
    cross_sparsity: Weight = 0.05
    """The same for an edge between modalities. It is larger because of Sun et al.'s Condition 4.3: few edges
    join modalities. Only if it is larger than `sparsity`, the starts (starts.py) look for coordinates in
    which few latents affect another modality. The amount is not tuned."""


@documented
@dataclass(frozen=True)
class CRLConfig:
    """The multimodal multi-measurement model.

    `CRLConfig.images`, `CRLConfig.embeddings` and `CRLConfig.vectors` are configurations to start from;
    `CRLConfig.quick` is one to try things out with.
    """

    latents: dict[str, Annotated[int, Between(1, 10_000)]] = field(default_factory=dict)
    """Latents per modality, such as {digit: 2, garment: 2}."""
    shared: Dimensions = 0
    """Number of latents s that all modalities share; 0 for none, as in Variant-MNIST. (`shared` of phase 1 is
    the weight of a loss term.)"""
    nuisance: dict[str, Dimensions] = field(default_factory=dict)
    """Modality -> number of coordinates of its block that are not latents but style; they replace eta. If a
    modality has only one measurement, nothing separates its style from its latents before identification, so
    the block holds both. Identification then keeps as latents the coordinates with the strongest links to
    other blocks. By default a modality with one measurement has `noise` such coordinates (with `compress` at
    most 3: those that the compression keeps beyond the latents), the others none. Two modalities of pictures
    with two latents each have none either: their latents are read one after another (styled_pictures.py),
    unless nuisance is given here."""
    noise: Dimensions = 4
    """Dimensions of each measurement's own noise eta: room for the style of a picture. Not tuned."""
    hidden: Width = 128
    """Width of the networks' hidden layers. Not tuned."""
    observation_sd: Spread = 0.1
    """Standard deviation of the decoder's Gaussian: of pixels in [0, 1], or of standardised embeddings, whose
    mean variance is 1 (standardisation.py). Not tuned."""
    compress: bool = False
    """Reduce embeddings to a few coordinates in units of their noise before anything is learned
    (compression.py): what the measurements of a modality share, or the principal components of a single one.
    For vectors of many numbers, as language models make them. Coordinates that are in such units already
    stay as they are."""
    flexible: bool = False
    """With True the scale of a latent's noise depends on its parents, and the noise may have heavy tails and
    skew (prior.py). Together with `compress` and `noise` 0, latents and graph are found in closed form
    (closed_form.py), and phases 1 and 2 only train decoders and mechanisms."""
    linked: bool = False
    """For vectors of modalities that are measured once, without shared latents: half of the starts of phase 2
    are where the modalities tell most of each other (paired_codes.py). Every latent needs an edge to another
    modality. With `noise` 0 these codes are the encoders. Use it with `flexible`, without orthogonality and
    evenness, since vectors have no right angles of their own. It has no effect on pictures, with shared
    latents, with a single modality or several measurements of one, and where a closed form is found."""
    causal: bool = True
    """With True latents may cause each other. With False they are independent; the comparison shows what the
    causal prior adds."""
    phase1: Phase1Config = field(default_factory=Phase1Config)
    """Options of phase 1, representation."""
    phase2: Phase2Config = field(default_factory=Phase2Config)
    """Options of phase 2, identification."""

    @classmethod
    def images(cls, latents: Mapping[str, int] | None = None, *, shared: int = 0) -> "CRLConfig":
        """The settings for pictures with values in [0, 1], which are the defaults of all fields.

        They also suit tables of some ten numbers, which are standardised first.
        """
        return cls(latents=_checked_latents(latents, shared), shared=shared)

    @classmethod
    def quick(cls, latents: Mapping[str, int] | None = None, *, shared: int = 0) -> "CRLConfig":
        """The settings for a first look at tables of some ten numbers: seconds in place of minutes.

        The training is short and few models are tried. Results to rely on need `images` or `embeddings`.
        """
        return cls(
            latents=_checked_latents(latents, shared),
            shared=shared,
            hidden=32,
            phase1=Phase1Config(epochs=20, batch_size=32),
            phase2=Phase2Config(
                starts=4, population=4, generations=1, generation_steps=60, finalists=1, final_steps=200
            ),
        )

    @classmethod
    def embeddings(cls, latents: Mapping[str, int] | None = None, *, shared: int = 0) -> "CRLConfig":
        """The settings for vectors of hundreds of numbers, whose latents are found in closed form.

        Args:
            latents: modality -> number of latents.
            shared: number of latents that all modalities share.

        The reasons: after the compression, what the measurements of a modality do not share is noise of
        variance 1 (noise, observation_sd). What the modalities share is in s; a contrast of the other latents
        would draw it out of s (cross). Embeddings need not change evenly along a latent, and flexible noise
        tells bent coordinates from straight ones (evenness, flexible). The training is short because only
        decoders and mechanisms are trained; its other values are not tuned. population, generations and
        generation_steps count only where there is no closed form, as with flexible=False.
        """
        return cls(
            latents=_checked_latents(latents, shared),
            shared=shared,
            noise=0,
            hidden=64,
            observation_sd=1.0,
            compress=True,
            flexible=True,
            phase1=Phase1Config(
                epochs=8,
                learning_rate=0.006,
                patience=20,
                beta=1.0,
                kl_warm_up=0.0,
                align=1.0,
                cross=0.0,
                shared=3.0,
            ),
            phase2=Phase2Config(
                starts=4,
                population=8,
                generations=3,
                generation_steps=150,
                finalists=10,
                final_steps=500,
                batch_size=256,
                orthogonality=5.0,
                evenness=0.0,
            ),
        )

    @classmethod
    def vectors(
        cls, latents: Mapping[str, int] | None = None, *, shared: int = 0, noise: int = 1
    ) -> "CRLConfig":
        """The settings for vectors of some twenty numbers of modalities that are measured once.

        Args:
            latents: modality -> number of latents.
            shared: number of latents that all modalities share; with them `linked` has no effect.
            noise: numbers of style in each measurement; with 0 it shows nothing but its latents.

        The reasons: one measurement is an invertible function of its latents and its style, so phase 1 is an
        autoencoder that loses little, with hardly any noise in its codes (beta) and no contrast between
        modalities, which would lose style (cross). Vectors have no right angles of their own
        (orthogonality, evenness). On eleven tuning draws of Sun et al.'s Cases 1 to 3, with earlier networks
        of paired codes, MCC was at least 0.97 and SHD 0 in nine; with a third of the prices of edges, SHD was
        0 in three of five.
        """
        return cls(
            latents=_checked_latents(latents, shared),
            shared=shared,
            noise=noise,
            hidden=64,
            observation_sd=0.05,
            flexible=True,
            linked=True,
            phase1=Phase1Config(epochs=60, patience=60, beta=0.05, cross=0.0, beginnings=5),
            phase2=Phase2Config(
                searches=3,
                starts=16,
                population=8,
                generations=4,
                generation_steps=200,
                finalists=2,
                final_steps=1000,
                orthogonality=0.0,
                evenness=0.0,
            ),
        )

    def for_measurements(self, shapes: Mapping[str, Sequence[Sequence[int]]]) -> "CRLConfig":
        """This configuration with `nuisance` filled in.

        shapes: modality -> shape of each of its measurements, as the networks see them.
        """
        seen_once = {m: self._spare(m, of_m[0]) for m, of_m in shapes.items() if len(of_m) == 1}
        return replace(self, nuisance=seen_once | self.nuisance)

    def for_people(self, people: int) -> "CRLConfig":
        """This configuration with the epochs of phase 1 filled in, for this many training people."""
        latents = sum(self.latents.values()) + self.shared
        return replace(self, phase1=self.phase1.for_latents(latents, people))

    def _spare(self, modality: str, shape: Sequence[int]) -> int:
        """Nuisance of a modality whose only measurement has this shape."""
        if not self.compress:
            return self.noise
        return max(0, min(shape[0] - self.latents[modality] - self.shared, MOST_NUISANCE))

    def eta(self, modality: str) -> int:
        """Dimensions of eta of each measurement of a modality: 0 if the block holds the nuisance."""
        return 0 if self.nuisance.get(modality) else self.noise

    def width(self, modality: str) -> int:
        """Coordinates of a modality's block: its latents and its nuisance."""
        return self.latents[modality] + self.nuisance.get(modality, 0)


def _checked_latents(latents: Any, shared: object) -> dict[str, int]:
    """The latents of a preset. Raises InputError for another type; None is for none yet."""
    if latents is None:
        return {}
    numbers = [shared, *latents.values()] if isinstance(latents, Mapping) else []
    if not numbers or not all(isinstance(k, Integral) and not isinstance(k, bool) for k in numbers):
        raise InputError(
            f"latents {latents!r}, shared {shared!r}: latents map each modality to a whole number, as "
            "{'face': 2, 'voice': 2}; shared is a whole number"
        )
    return dict(latents)


def check_config(config: CRLConfig) -> None:
    """Raise InputError for values that cannot be trained; the message names the command-line option."""
    check_bounds(config, "model.")
