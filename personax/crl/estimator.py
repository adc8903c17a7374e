"""CRL: the whole model with fit, transform, encode, save and load.

A block is the set of latents of one modality, or the set "s" that all modalities share. If a modality has
only one measurement, its block also holds nuisance: coordinates for its style, which are not latents.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int, Num

from personax.crl.closed_form import ClosedForm, solve
from personax.crl.ensemble import train_together
from personax.crl.first_phase import FirstPhase
from personax.crl.geometry import Geometry
from personax.crl.graph_choice import graph_of_latents
from personax.crl.identification import (
    Codes,
    IdentifiedPrior,
    edge_weights,
    identify,
    identify_together,
)
from personax.crl.latent_columns import linked_latents
from personax.crl.latent_counts import LatentCounts, count_latents
from personax.crl.lost_share import MOST_LOST
from personax.crl.model_config import CRLConfig, Phase1Config, check_config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.paired_codes import (
    AGREEMENT,
    SHARE_OF_PRICES,
    PairedReader,
    agreement,
    complete_rows,
    find_paired_codes,
    find_stable_codes,
    refuse_few_pairs,
    settle_paired_readers,
)
from personax.crl.picture_counts import WIDTH, count_in_measurements
from personax.crl.picture_readings import ATTEMPTS, best_readings
from personax.crl.prior import CausalPrior, edge_masks
from personax.crl.routes import LatentRoute, route_of
from personax.crl.scalar_codes import seen_in_all
from personax.crl.settled_prior import KnownGraph, LinearReader, settle_encoders, settle_prior
from personax.crl.styled_pictures import (
    can_be_styled,
    is_styled,
    make_readers,
    seen_in_one_style,
    settle_readers,
    with_fewer_epochs,
)
from personax.crl.trust import (
    IDENTIFIED,
    LATENTS_LOST,
    ORDER_UNKNOWN,
    PAIRS_DISAGREE,
    STYLE_UNKNOWN,
    Advice,
    advice_for,
)
from personax.graphs.graph import Graph
from personax.learning.base import THREADS_OF_TORCH, Estimator, OnProgress
from personax.learning.batches import Batch
from personax.learning.checks import check_fit
from personax.learning.compression import Compression
from personax.learning.latent_names import block_slices, latent_names
from personax.learning.standardisation import Standardisation
from personax.learning.training import Checkpoint, History
from personax.runs.errors import InputError, NotFittedError, TrainingDiverged
from personax.runs.processor import threads_unless_chosen
from personax.runs.seeds import torch_rng
from personax.views import SHARED, MultiViewData, Split

log = logging.getLogger(__name__)

# Coordinates of a block are at right angles in the geometry of the measurements (geometry.py). But embeddings
# may mix the latents in any way. Then two independent latents need not be at a right angle, and coordinates
# that are at a right angle depend on each other. If the latents are up to 30 degrees off a right angle, this
# makes a false edge of strength up to tan(30 degrees) = 0.58. So a weaker edge within a block of embeddings
# is taken out of the graph. This is not done for pictures, where the model assumes right angles, nor for
# coordinates of the compression, which are in units of their noise, nor for paired codes that are the
# latents: those of a modality may depend on each other in any way.
OBLIQUE = float(np.tan(np.pi / 6))


def _blank_codes(dimensions: Mapping[str, int], config: CRLConfig) -> Codes:
    """Codes of the right shapes, to build a model whose weights are loaded afterwards."""
    coupled = [block for block in dimensions if block != SHARED and config.shared and config.flexible]
    return Codes(
        {block: torch.randn(8, d) for block, d in dimensions.items()},
        {block: torch.eye(d).expand(8, -1, -1) for block, d in dimensions.items()},
        {block: torch.ones(8) for block in dimensions},
        {block: torch.zeros(dimensions[block], config.shared) for block in coupled},
    )


@dataclass(frozen=True)
class Encoding:
    """What the model infers about n people, all computed from posterior means.

    Attributes:
        z: (n, d) latents, as `CRL.transform` returns them.
        eps: (n, d) exogenous noises (z_k - f_k) / sigma_k under the recovered graph, in the same columns.
            The exogenous noise of a latent is the part that its parents in the graph do not explain.
        coordinates: block -> (n, width), all its coordinates: latents and nuisance.
        content: modality -> for each measurement (n, shared + own), the codes of s and of the modality's
            block from this measurement alone. Rows of missing measurements are NaN, here and in `eta`.
        eta: modality -> for each measurement (n, noise), the noise of this measurement: what it shows and no
            other measurement of the modality does.
    """

    z: pd.DataFrame
    eps: pd.DataFrame
    coordinates: Mapping[str, Float[np.ndarray, "n _"]]
    content: Mapping[str, Sequence[Float[np.ndarray, "n _"]]]
    eta: Mapping[str, Sequence[Float[np.ndarray, "n _"]]]


class CRL(Estimator[CRLConfig]):
    """Multimodal multi-measurement causal representation learning (paper §4).

    `fit` learns the representation, the coordinates of the latents and their graph. Afterwards `transform`
    returns the latents of any people, and `graph` is the recovered graph.

    Example (the training is much too short to find anything):
        >>> from personax.crl.model_config import Phase1Config, Phase2Config
        >>> from personax.views import split_rows
        >>> rng = np.random.default_rng(0)
        >>> z = rng.standard_normal((100, 2))
        >>> texts = [(z @ rng.standard_normal((2, 4))).astype(np.float32) for _ in range(2)]
        >>> data = MultiViewData({"text": texts}, ids=np.arange(100))
        >>> search = Phase2Config(starts=2, generations=1, generation_steps=1, finalists=1, final_steps=1)
        >>> config = CRLConfig(latents={"text": 2}, hidden=8, phase1=Phase1Config(epochs=1), phase2=search)
        >>> model = CRL(config, device="cpu").fit(data, split_rows(100, rng))
        >>> list(model.transform(data).columns)
        ['z11', 'z12']
        >>> model.graph.shape
        (2, 2)
    """

    configuration = CRLConfig
    reads_files = True

    def __init__(self, config: CRLConfig, *, seed: int = 0, device: str = "auto") -> None:
        """Keep the configuration, whose latents must name every modality of the data.

        Raises InputError for a configuration or a seed of another type, and a device that does not exist.
        """
        super().__init__(config, seed=seed, device=device)
        self._vae: MultiViewVAE | None = None
        self._prior: IdentifiedPrior | None = None
        self._weights: np.ndarray | None = None
        self._kept: np.ndarray = np.empty(0, dtype=int)
        self._verdict = IDENTIFIED
        self._route = LatentRoute.ALIGNED

    def _learn(
        self, train: Batch, validation: Batch, checkpoint: Checkpoint | None, on_progress: OnProgress | None
    ) -> None:
        config = self.config.for_people(len(train))
        sample, held_out = train.sample(), validation.sample()
        form = None
        if self._route is LatentRoute.CLOSED_FORM:
            form = self._closed_form(sample)
        elif self._route.has_pairs:
            refuse_few_pairs(*(int(seen_in_all(part).sum()) for part in (sample, held_out)))
        elif self._shares_style(sample):
            self._read_styled(sample, held_out, config)
        if self._route is LatentRoute.PAIRED:
            self._read_pairs(sample, held_out)
        if self._route in (LatentRoute.STYLED, LatentRoute.PAIRED):
            config = replace(config, phase1=with_fewer_epochs(config.phase1))
        rows = (train, validation, sample, held_out)
        phase1 = self._first_phase(rows, config.phase1, on_progress)
        self._vae, self.history, lost = phase1.run(
            self._networks(), checkpoint, encoders_learn=self._route.trains_encoders
        )
        codes, codes_held_out = self._codes(sample, held_out)

        def report(row: dict[str, Any]) -> None:
            self.history.append(row)
            if on_progress is not None:
                on_progress(self.history)

        options: dict[str, Any] = {
            "flexible": self.config.flexible,
            "causal": self.config.causal,
            "on_step": report,
        }
        if form is not None:
            known = KnownGraph(form.parents, form.order, asdict(form.evidence))
            prior = self._settle(known, codes, codes_held_out, options)
        elif self._route is LatentRoute.PAIRED:
            known = KnownGraph(*self._graph_of_pairs(codes))
            prior = self._settle(known, codes, codes_held_out, options)
        else:
            prior, codes = self._search(codes, codes_held_out, sample, held_out, options)
            if on_progress is not None and self.config.phase2.searches > 1:
                on_progress(self.history)  # with the rows of the best search alone
        self._conclude(prior, codes, sample, lost)
        if form is not None:
            own = [k - self.config.shared for k in self._kept.tolist() if k >= self.config.shared]
            self._verdict = form.evidence.verdict(own)

    def _first_phase(
        self, rows: tuple[Batch, Batch, Batch, Batch], config: Phase1Config, on_progress: OnProgress | None
    ) -> FirstPhase:
        """What trains the networks; the rows are its first four attributes."""
        return FirstPhase(*rows, config, self.seed, self._networks_of, self._draft, on_progress)

    def _networks(self) -> MultiViewVAE:
        """The networks of this fit."""
        assert self._vae is not None
        return self._vae

    def _networks_of(self, name: str) -> MultiViewVAE:
        """Networks with the random numbers of this name."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._derived(name))
            return self._new_networks()

    def _closed_form(self, train: Batch) -> ClosedForm:
        """The latents of the training rows in closed form, and encoders that read them."""
        widths = {modality: self._resolved.width(modality) for modality in self._shapes}
        seed, causal = self._derived("closed form") % 2**32, self.config.causal
        form = solve(train, self.config.shared, widths, config=self.config.phase2, seed=seed, causal=causal)
        settle_encoders(self._networks(), form, train)
        return form

    def _shares_style(self, train: Batch) -> bool:
        """Whether style takes the place of latents, which are then read in another way."""
        return can_be_styled(self._shapes, self.config) and is_styled(train)

    def _read_styled(self, train: Batch, validation: Batch, config: CRLConfig) -> None:
        """Make networks whose encoders read the latents in spite of shared style (styled_pictures.py).

        If the latents do not stand apart, the verdict says so; if they cannot be read, the networks stay as
        they are.
        """
        further = [f"readings {number}" for number in range(2, ATTEMPTS + 1)]
        seeds = [self._derived(name) for name in ("readings", *further)]
        readings = best_readings(train, validation, config, seeds)
        if readings is None:
            return
        self._route = LatentRoute.STYLED
        self._vae = self._networks_of("networks")
        settle_readers(self._vae, readings)
        if not all(reading.is_clear for reading in readings.values()):
            self._verdict = STYLE_UNKNOWN

    def _read_pairs(self, train: Batch, validation: Batch) -> None:
        """Let the encoders read what the modalities tell of each other (paired_codes.py)."""
        complete, held_out = (
            complete_rows({m: views[0] for m, views in part.x.items()}, part) for part in (train, validation)
        )
        seeds = [self._derived(name) for name in ("paired codes", "other paired codes")]
        readers, agrees = find_stable_codes(complete, held_out, self.config.latents, seeds=seeds)
        settle_paired_readers(self._networks(), readers)
        log.info("two trainings of paired codes agree with a rank correlation of %.3f", agrees)
        if agrees < AGREEMENT:
            self._verdict = PAIRS_DISAGREE

    @staticmethod
    @threads_unless_chosen(THREADS_OF_TORCH)
    def fit_together(
        models: Sequence["CRL"],
        people: Sequence[tuple[MultiViewData, Split]],
        *,
        on_progress: Callable[[int, History], None] | None = None,
    ) -> None:
        """Fit models of one configuration, each to its own data, in one batch.

        Up to rounding the results are those of `fit`. It is faster on a GPU. There are no checkpoints. Models
        with several beginnings or searches, in closed form, of vectors that are measured once, or of pictures
        of one style are fitted one after another.

        Args:
            models: models with the same configuration and device.
            people: for each model its data and split; all of equal shapes.
            on_progress: called with a model's number and its history so far.

        Raises InputError as `fit` does, and if configurations, devices or shapes differ.
        """
        config, device = models[0].config, models[0].device
        if any(model.config != config or model.device != device for model in models):
            raise InputError("models that are fitted together need the same configuration and device")
        batches = [model._prepare(data, split) for model, (data, split) in zip(models, people, strict=True)]
        several = config.phase1.beginnings > 1 or config.phase2.searches > 1
        alone = several or models[0]._route is not LatentRoute.ALIGNED
        if alone or any(m._shares_style(rows.sample()) for m, (rows, _) in zip(models, batches, strict=True)):
            for number, (model, batch) in enumerate(zip(models, batches, strict=True)):
                model._learn(*batch, None, on_progress and partial(on_progress, number))
            return
        lost = CRL._represent_together(models, batches, on_progress)
        CRL._identify_together(models, batches, lost, on_progress)

    @staticmethod
    def _represent_together(
        models: Sequence["CRL"],
        batches: Sequence[tuple[Batch, Batch]],
        on_progress: Callable[[int, History], None] | None,
    ) -> list[float]:
        """Phase 1 of all models. Returns the share that each one's codes lose, see `Represented`."""
        phase1 = models[0].config.for_people(len(batches[0][0])).phase1
        networks = [model._networks() for model in models]
        histories = train_together(
            [(vae, model._draft()) for model, vae in zip(models, networks, strict=True)],
            [train.rows(slice(None)) for train, _ in batches],  # in memory, also if it was in files
            [validation.rows(slice(None)) for _, validation in batches],
            phase1,
            seeds=[model._derived("representation") for model in models],
            on_epoch=on_progress,
        )
        lost = []
        for number, (model, history) in enumerate(zip(models, histories, strict=True)):
            model.history = history
            train, validation = batches[number]
            shown = on_progress and partial(on_progress, number)
            rows = (train, validation, train.sample(), validation.sample())
            phase = model._first_phase(rows, phase1, shown)
            model._vae, model.history, left = phase.train_again_if_lost(networks[number], history, None)
            lost.append(left)
        return lost

    @staticmethod
    def _identify_together(
        models: Sequence["CRL"],
        batches: Sequence[tuple[Batch, Batch]],
        lost: Sequence[float],
        on_progress: Callable[[int, History], None] | None,
    ) -> None:
        """Phase 2 of all models."""

        def report(number: int, row: dict[str, Any]) -> None:
            models[number].history.append(row)
            if on_progress is not None:
                on_progress(number, models[number].history)

        config = models[0].config
        samples = [(train.sample(), validation.sample()) for train, validation in batches]
        codes = [model._codes(*sample) for model, sample in zip(models, samples, strict=True)]
        priors = identify_together(
            [train for train, _ in codes],
            [validation for _, validation in codes],
            config.phase2,
            seeds=[model._derived("identification") for model in models],
            flexible=config.flexible,
            causal=config.causal,
            on_step=report,
        )
        for number, model in enumerate(models):
            model._conclude(priors[number], codes[number][0], samples[number][0], lost[number])

    def transform(self, data: MultiViewData) -> pd.DataFrame:
        """Latents (n, d), one named column each, of any people with the measurements of the fit.

        Measurements that a person lacks are left out. Raises InputError for measurements that do not match
        those of the fit, NotFittedError before `fit` or `load`.
        """
        vae, prior = self._fitted()
        parts = []
        for batch in self._batches(data):
            with torch.no_grad():
                parts.append(prior.latents(vae.pooled_means(batch))[0][0].cpu().numpy())
        return self._table(np.concatenate(parts)[:, self._kept])

    @torch.no_grad()
    def encode(self, data: MultiViewData) -> Encoding:
        """Latents and exogenous noises of any people, and the codes of each of their measurements alone.

        Raises the same errors as `transform`.
        """
        vae, prior = self._fitted()
        sizes = {modality: len(arrays) for modality, arrays in data.measurements.items()}
        z, eps = [], []
        content: dict[str, list[list[np.ndarray]]] = {m: [[] for _ in range(k)] for m, k in sizes.items()}
        eta: dict[str, list[list[np.ndarray]]] = {m: [[] for _ in range(k)] for m, k in sizes.items()}
        for batch in self._batches(data):
            codes = vae.encode(batch)
            posteriors = vae.posteriors(codes, batch)
            latents = prior.latents({block: q.mean for block, q in posteriors.items()})[0]
            z.append(latents[0].cpu().numpy())
            eps.append(prior.scm.noise(latents, prior.scm.adjacency()[:, None])[0].cpu().numpy())
            for modality, views in codes.items():
                for number, code in enumerate(views):
                    missing = ~batch.observed[modality][:, number, None]
                    for store, values in ((content, code.content), (eta, code.noise.mean)):
                        store[modality][number].append(values.masked_fill(missing, torch.nan).cpu().numpy())
        every = np.concatenate(z)
        return Encoding(
            z=self._table(every[:, self._kept]),
            eps=pd.DataFrame(np.concatenate(eps)[:, self._kept], columns=self.names),
            coordinates={block: every[:, place] for block, place in block_slices(self._dimensions()).items()},
            content={m: [np.concatenate(parts) for parts in stored] for m, stored in content.items()},
            eta={m: [np.concatenate(parts) for parts in stored] for m, stored in eta.items()},
        )

    @classmethod
    @threads_unless_chosen(THREADS_OF_TORCH)
    def count_latents(
        cls, data: MultiViewData, split: Split, config: CRLConfig, *, seed: int = 0, device: str = "auto"
    ) -> LatentCounts:
        """The numbers of latents that training rows show, if they are not known.

        Args:
            data: people with at least one modality.
            split: training and validation rows; test rows are not used.
            config: the model; its `latents` are not used. `shared` is found only of compressed embeddings.
            seed: of the networks that are trained for it.
            device: where they are trained.

        Raises InputError for data that do not fit the configuration, and where the number cannot be found.
        """
        least = dict.fromkeys(data.modalities, 1 if config.compress else WIDTH)
        model = cls(replace(config, latents=least, nuisance={}), seed=seed, device=device)
        train, validation = (part.sample() for part in model._prepare(data, split))
        if config.compress:
            return count_latents(train, config.phase2, seed=model._derived("counts") % 2**32)
        own = count_in_measurements(train, validation, config, seed=model._derived("counts"))
        return LatentCounts(config.shared, own)

    @property
    def blocks(self) -> dict[str, list[str]]:
        """Block ("s" if there are shared latents, and the modalities) -> names of its latents."""
        sizes = self._dimensions()
        return latent_names({b: size - self._resolved.nuisance.get(b, 0) for b, size in sizes.items()})

    @property
    def graph(self) -> Int[np.ndarray, "d d"]:
        """(d, d) of 0 and 1, A[i, j] = 1 meaning names[i] -> names[j]; it has no cycle."""
        adjacency = self._fitted()[1].scm.adjacency()[0].cpu().numpy().astype(int)
        return self._among_latents(adjacency)

    @property
    def edge_weights(self) -> Float[np.ndarray, "d d"]:
        """(d, d) strength of each edge i -> j of the graph: root mean square of d E[z_j] / d z_i over people.

        Latents have standard deviation 1, so it says by how many standard deviations z_j changes.
        """
        self._fitted()
        assert self._weights is not None
        return self._among_latents(self._weights)

    @property
    def verdict(self) -> str:
        """Whether the data identify latents and their order, as far as can be seen without the truth.

        "identified", or what is not: `ClosedFormEvidence.verdict` of embeddings read in closed form, and
        `STYLE_UNKNOWN`, `LATENTS_LOST` or `PAIRS_DISAGREE` of others (trust.py).
        """
        self._fitted()
        return self._verdict

    @property
    def advice(self) -> Advice:
        """How far to trust latents and graph by the verdict: "trust", "doubt" or "do not use"."""
        return advice_for(self.verdict)

    def learned(self, *, simulated: bool = False) -> Graph:
        """The graph with its names, blocks and strengths; `simulated` marks people who do not exist.

        If the order of the latents is not identified, edges between latents that are not shared are
        undirected, though `graph` has one of the orders that fit.
        """
        graph, weights = self.graph, self.edge_weights
        if self.verdict == ORDER_UNKNOWN:
            k = self.config.shared
            graph[k:, k:] |= graph[k:, k:].T
            weights[k:, k:] += weights[k:, k:].T
        return Graph(self.names, graph, weights=weights, blocks=self.blocks, simulated=simulated)

    @property
    def _resolved(self) -> CRLConfig:
        """The configuration, with the nuisance of modalities that are seen once filled in."""
        styled = self._route is LatentRoute.STYLED
        nuisance = dict.fromkeys(self._shapes, 0) if styled else self.config.nuisance
        return replace(self.config, nuisance=nuisance).for_measurements(self._shapes)

    def _dimensions(self) -> dict[str, int]:
        """Block -> number of its coordinates, latents and nuisance together."""
        shared = {SHARED: self.config.shared} if self.config.shared else {}
        modalities = self._shapes or self.config.latents
        return shared | {modality: self._resolved.width(modality) for modality in modalities}

    def _linked(self, weights: Float[np.ndarray, "d d"]) -> Int[np.ndarray, " k"]:
        """Columns of the latents among all coordinates, see `linked_latents`."""
        spare = {block: self._resolved.nuisance.get(block, 0) for block in self._dimensions()}
        return linked_latents(weights, block_slices(self._dimensions()), spare)

    def _check(self, data: MultiViewData, split: Split) -> None:
        check_config(self.config)
        check_fit(data, split, self.config.latents, self.config.shared, self.config.nuisance)
        for modality, arrays in data.measurements.items():
            if self._compresses(data) and any(array.ndim != 2 for array in arrays):
                raise InputError(
                    f"{modality}: pictures, which cannot be compressed; begin with CRLConfig.images, or say "
                    "compress=False"
                )

    def _compresses(self, data: MultiViewData) -> bool:
        return self.config.compress and not data.known_units

    def _standardise(self, data: MultiViewData, split: Split) -> Standardisation:
        if not self._compresses(data):
            return super()._standardise(data, split)
        least = {modality: number + self.config.shared for modality, number in self.config.latents.items()}
        compression = Compression.fit(data, split.train, least=least, seed=self._derived("compression"))
        return Standardisation(compression.projections)

    def _state(self) -> dict[str, Any]:
        vae, prior = self._fitted()
        weights = torch.from_numpy(self._weights)
        networks = {"vae": vae.state_dict(), "prior": prior.state_dict()}
        styled = self._route is LatentRoute.STYLED
        return {**networks, "edge_weights": weights, "verdict": self._verdict, "styled": styled}

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._build(styled=bool(state.get("styled", False)))  # older models are not
        self._prior = IdentifiedPrior(
            _blank_codes(self._dimensions(), self.config),
            1,
            torch.Generator(),
            flexible=self.config.flexible,
            causal=self.config.causal,
            search=False,
        ).to(self.device)
        self._networks().load_state_dict(state["vae"])
        self._prior.load_state_dict(state["prior"])
        self._networks().eval()
        self._weights = state["edge_weights"].cpu().numpy()
        self._verdict = state.get("verdict", IDENTIFIED)  # older models have none
        self._kept = self._linked(self._weights)

    def _build(self, *, styled: bool = False) -> None:
        # those of an earlier fit do not belong to these networks
        self._prior, self._verdict = None, IDENTIFIED
        seen = self.config.for_measurements(self._shapes)
        self._route = LatentRoute.STYLED if styled else route_of(self._shapes, seen)
        self._vae = self._new_networks()

    def _new_networks(self) -> MultiViewVAE:
        """Networks that read the measurements in the way of this model, with new weights."""
        vae = MultiViewVAE(self._shapes, self._resolved).to(self.device)
        if self._route is LatentRoute.CLOSED_FORM:
            vae.replace_encoders(LinearReader)
        elif self._route is LatentRoute.STYLED:
            make_readers(vae, self._shapes)
        elif self._route is LatentRoute.PAIRED:
            vae.replace_encoders(PairedReader)
        return vae

    def _draft(self) -> CausalPrior:
        """A draft of the prior, which phase 1 trains and identification replaces."""
        generator = torch_rng(self.seed, "prior")
        flexible, causal = self.config.flexible, self.config.causal
        return CausalPrior(self._dimensions(), 1, generator, flexible=flexible, causal=causal).to(self.device)

    def _codes(self, train: Batch, validation: Batch) -> tuple[Codes, Codes]:
        """What identification learns and chooses from, once the autoencoder is trained."""
        vae = self._networks().eval()
        u_train, u_validation = vae.pooled_means(train), vae.pooled_means(validation)
        geometry = Geometry.fit(u_train, train, torch_rng(self.seed, "geometry"))
        coupling = geometry.coupling(u_train) if self.config.flexible else {}
        if self._route is LatentRoute.CLOSED_FORM:  # its codes are orthogonal to s as they are
            coupling = {modality: torch.zeros_like(matrix) for modality, matrix in coupling.items()}
        separate = self._route is LatentRoute.STYLED

        def codes(u: Mapping[str, Float[torch.Tensor, "n _"]]) -> Codes:
            return Codes(u, geometry.inverse_metric(u), geometry.trust(u), coupling, separate=separate)

        return codes(u_train), codes(u_validation)

    def _settle(
        self, known: KnownGraph, codes: Codes, held_out: Codes, options: Mapping[str, Any]
    ) -> IdentifiedPrior:
        """Phase 2 for a graph and coordinates that are known; `options` as in `_search`."""
        seed = self._derived("identification")
        return settle_prior(known, codes, held_out, self.config.phase2, seed=seed, **options)

    def _search(
        self, codes: Codes, held_out: Codes, train: Batch, validation: Batch, options: Mapping[str, Any]
    ) -> tuple[IdentifiedPrior, Codes]:
        """Phase 2, as often as the configuration says: the best result, and the codes it began from.

        `options` are those of `identify`, without the seed. The history has the rows of the best search only.
        A search that diverges is dropped, unless all do.
        """
        representation, searches = self.history, self.config.phase2.searches
        found: list[tuple[float, IdentifiedPrior, Codes, History]] = []
        for number in range(searches):
            suffix = f" {number}" if number else ""
            self.history = list(representation)
            try:
                if self._route is LatentRoute.GUIDED:
                    codes = self._told(codes, held_out, train, validation, f"paired codes{suffix}")
                seed = self._derived(f"identification{suffix}")
                prior = identify(codes, held_out, self.config.phase2, seed=seed, **options)
            except TrainingDiverged as error:
                if not found and number == searches - 1:
                    raise
                log.warning("search %d: %s", number + 1, error)
                continue
            found.append((min(self.history[-1]["objective"]), prior, codes, self.history))
        if searches > 1:
            log.info("Eq. (9) of the searches: %s", [round(loss, 3) for loss, *_ in found])
        _, prior, codes, self.history = min(found, key=lambda each: each[0])
        return prior, codes

    def _told(self, codes: Codes, held_out: Codes, train: Batch, validation: Batch, name: str) -> Codes:
        """The codes with what the modalities tell of each other (paired_codes.py), of all training rows.

        It is learned from the rows that have every modality, with the random numbers of this name.
        """
        complete = (complete_rows(codes.u, train), complete_rows(held_out.u, validation))
        readers, _ = find_paired_codes(*complete, self.config.latents, seed=self._derived(name))
        with torch.no_grad():
            return replace(codes, told={m: reader.codes(codes.u[m]) for m, reader in readers.items()})

    def _graph_of_pairs(self, codes: Codes) -> tuple[Bool[np.ndarray, "d d"], list[int]]:
        """The graph of paired codes that are the latents, and its order."""
        z = torch.cat(list(codes.u.values()), 1).double().cpu().numpy()
        allowed, cross = (mask.numpy() > 0 for mask in edge_masks(self._dimensions()))
        phase2 = self.config.phase2
        prices = np.where(cross, phase2.cross_sparsity, phase2.sparsity)
        prices = np.where(allowed & self.config.causal, SHARE_OF_PRICES * prices, np.inf)
        return graph_of_latents(z, prices, seed=self._derived("graph") % 2**32)

    def _conclude(self, prior: IdentifiedPrior, codes: Codes, train: Batch, lost: float) -> None:
        """Keep the identified model, the strengths of its edges and the latents among its coordinates.

        The verdict is that of latents learned by alignment or from paired codes; a closed form has one of its
        own. `lost` is what the codes lose (lost_share.py).
        """
        self._prior = prior
        weights = edge_weights(prior, codes)
        unlicensed = torch.zeros_like(weights, dtype=torch.bool)
        oblique = set() if self._route is LatentRoute.PAIRED else set(self._standardisation.projections)
        for block, place in block_slices(self._dimensions()).items():
            if block in oblique and not self.config.compress:
                unlicensed[place, place] = weights[place, place] < OBLIQUE
        prior.scm.forbid(unlicensed)
        self._weights = weights.where(~unlicensed, 0).cpu().numpy()
        self._kept = self._linked(self._weights)
        if self._route is LatentRoute.GUIDED and self._agreement(prior, codes) < AGREEMENT:
            self._verdict = PAIRS_DISAGREE
        elif self._route is LatentRoute.ALIGNED and seen_in_one_style(train):
            self._verdict = STYLE_UNKNOWN
        elif self._route is LatentRoute.ALIGNED and lost > MOST_LOST:
            self._verdict = LATENTS_LOST

    @torch.no_grad()
    def _agreement(self, prior: IdentifiedPrior, codes: Codes) -> float:
        """How far paired codes agree with the latents that were found."""
        z = prior.latents(codes.u)[0][0].cpu().numpy()[:, self._kept]
        places = block_slices({m: len(names) for m, names in self.blocks.items()})
        found = agreement(codes.told, {m: z[:, places[m]] for m in codes.told})
        log.info("paired codes and latents agree with a rank correlation of %.3f", found)
        return found

    def _among_latents(self, matrix: Num[np.ndarray, "D D"]) -> Num[np.ndarray, "d d"]:
        """The rows and columns of the latents in a matrix over all coordinates."""
        return np.asarray(matrix[np.ix_(self._kept, self._kept)])

    def _fitted(self) -> tuple[MultiViewVAE, IdentifiedPrior]:
        if self._vae is None or self._prior is None:
            raise NotFittedError("this model has learned nothing yet; call fit or load first")
        return self._vae, self._prior
