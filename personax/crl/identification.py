"""Phase 2: which coordinates of each block are the latents, and which latent causes which.

A block is the set of latents of one modality, or the set that all modalities share. The encoders are not
trained any more. Their codes u of each block are now the data, a few numbers per person. Coordinates h of
each block, graph and mechanisms are learned together by Eq. (9). The structural causal model must explain
h(u) with few edges, above all with few between modalities; this selects the coordinate that carries them (Sun
et al. 2025, Cond. 4.3). And the coordinates must be orthogonal in the geometry of the block, with an even
pace (geometry.py); this fixes the coordinates that no edge between modalities touches.

Gradients learn mechanisms and coordinates well, but they hardly ever reverse a causal order. So training
alternates with a choice of the graph (graph_choice.py): gradients improve coordinates and mechanisms for a
fixed graph, then the graph is chosen anew that explains the latents best in these coordinates.

Where this ends depends on the first coordinates. So many models, called starts, are trained side by side in
one batch. Each start has its own coordinates and its own random order, and at first all edges that the order
allows. A generation is a number of training steps, after which models are selected on validation rows: first
the better half goes on, until `population` models are left. After each later generation the best quarter of
the population survives and is copied, and in each copy one latent moves to another place in the order. At the
end the best few, the finalists, are trained longer. The truth is never used.

Several data sets, each with its own population, can share the batch (`identify_together`). The models of
the first data set come first, then those of the second, and so on. They do not influence each other.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import jacfwd, vmap

from personax.crl.coordinates import Coordinates
from personax.crl.geometry import usual_shape
from personax.crl.graph_choice import GraphChoice
from personax.crl.model_config import Phase2Config
from personax.crl.objective import evenness, expected_edges, gradient_products, orthogonality
from personax.crl.prior import CausalPrior
from personax.crl.starts import start_rotations, starts_as_told
from personax.learning.optimisation import warm_up_then_cosine
from personax.learning.training import clip_each
from personax.runs.errors import TrainingDiverged
from personax.runs.progress import progress
from personax.views import SHARED

log = logging.getLogger(__name__)

CHILDREN = 4  # each survivor of a generation becomes this many models: itself and its copies
COORDINATE_RATE = 0.5  # learning rate of the coordinates, as a share; mechanisms must be able to follow them
GRAPH_ROWS = 4000  # about how many rows graphs are chosen from
WARM_UP, CLIP = 20, 100.0  # steps until the learning rate is full; largest norm of a gradient


@dataclass(frozen=True)
class Codes:
    """What identification learns from: one data set, or S of them with equally many rows, stacked.

    Attributes:
        u: block -> codes (n, d). In stacked data sets they are (S, n, d), and likewise below.
        inverse_metric: block -> (n, d, d), see `Geometry.inverse_metric`.
        trust: block -> (n,) weights of the rows in Eq. (7) and (8), see `Geometry.trust`.
        coupling: modality -> C (d, shared), see `Geometry.coupling`; empty without shared latents.
        told: modality -> what other modalities tell of its codes: (n, latents) paired codes
            (paired_codes.py), if they were trained. Only starts use it, so `rows` and `stacked` leave it out.
        separate: whether each code is a latent already, but for a bend, and only the first one of each block
            has edges to other blocks (pictures of one style: picture_readings.py).
    """

    u: Mapping[str, Float[Tensor, "*sets n _"]]
    inverse_metric: Mapping[str, Float[Tensor, "*sets n _ _"]]
    trust: Mapping[str, Float[Tensor, "*sets n"]]
    coupling: Mapping[str, Float[Tensor, "*sets _ shared"]] = field(default_factory=dict)
    told: Mapping[str, Float[Tensor, "*sets n _"]] = field(default_factory=dict)
    separate: bool = False

    def __len__(self) -> int:
        return next(iter(self.u.values())).shape[-2]

    def rows(self, index: Int[Tensor, "*sets k"]) -> "Codes":
        """The given rows: index (k,), or for stacked data sets (S, k), the rows of each data set."""
        place: tuple[Tensor, ...] = (index,)
        if index.ndim == 2:
            place = (torch.arange(len(index), device=index.device)[:, None], index)
        return Codes(
            {b: u[place] for b, u in self.u.items()},
            {b: m[place] for b, m in self.inverse_metric.items()},
            {b: t[place] for b, t in self.trust.items()},
            self.coupling,
            separate=self.separate,
        )

    @classmethod
    def stacked(cls, parts: Sequence["Codes"]) -> "Codes":
        """Several data sets with equally many rows as one; a single one is returned as it is."""
        if len(parts) == 1:
            return parts[0]
        first = parts[0]
        return cls(
            {b: torch.stack([part.u[b] for part in parts]) for b in first.u},
            {b: torch.stack([part.inverse_metric[b] for part in parts]) for b in first.inverse_metric},
            {b: torch.stack([part.trust[b] for part in parts]) for b in first.trust},
            {b: torch.stack([part.coupling[b] for part in parts]) for b in first.coupling},
            separate=first.separate,
        )


class IdentifiedPrior(nn.Module):
    """R models (starts): coordinates of every block and a structural causal model over them.

    Codes are standardised first: `centre` and `scale` hold their mean and standard deviation in each block.
    With several data sets (`side_by_side`) these two have a first axis of length `sets`, and the first
    R / sets models belong to the first data set, and so on.
    """

    def __init__(
        self,
        codes: Codes,
        starts: int,
        generator: torch.Generator,
        *,
        flexible: bool = False,
        causal: bool = True,
        search: bool = True,
        sparse: bool = True,
        isometric: bool = True,
    ) -> None:
        """Choose the coordinates of every start, and draw its order and mechanisms.

        Args:
            codes: codes of the training rows. If something is told of them, half of the starts begin there;
                if they are separate, they are the first coordinates of all.
            starts: R.
            generator: on the CPU.
            flexible, causal: see CausalPrior.
            search: False takes the codes themselves as first coordinates; for a model whose weights are
                loaded afterwards.
            sparse: see `start_rotations`.
            isometric: False ignores the geometry of the measurements and uses that of the standardised codes.
        """
        super().__init__()
        self.sets = 1
        self.coupling = nn.ParameterDict({b: nn.Parameter(c, False) for b, c in codes.coupling.items()})
        u = {block: self._decoupled(codes.u, block) for block in codes.u}
        self.dimensions = {block: values.shape[1] for block, values in u.items()}
        self.centre = nn.ParameterDict({b: nn.Parameter(v.mean(0), False) for b, v in u.items()})
        scale = {b: v.std(0).clamp_min(1e-6) for b, v in u.items()}
        self.scale = nn.ParameterDict({b: nn.Parameter(v, False) for b, v in scale.items()})
        if search and not codes.separate:
            shapes = {b: usual_shape(m, codes.trust[b]) for b, m in codes.inverse_metric.items()}
            shapes = {
                b: shape / (scale[b][:, None] * scale[b]) if isometric else torch.eye(len(shape)).to(shape)
                for b, shape in shapes.items()
            }
            standard = {b: (v - v.mean(0)) / scale[b] for b, v in u.items()}
            guesses = start_rotations(standard, shapes, starts, generator, sparse=sparse)
            if codes.told:
                half = (starts + 1) // 2
                read = starts_as_told(standard, codes.told, half, generator)
                guesses = {b: torch.cat([read[b], maps[half:]]) for b, maps in guesses.items()}
        else:
            guesses = {b: torch.eye(d).repeat(starts, 1, 1) for b, d in self.dimensions.items()}
        self.coordinates = nn.ModuleDict(
            {b: Coordinates(guess, generator, only_bend=codes.separate) for b, guess in guesses.items()}
        )
        self.scm = CausalPrior(self.dimensions, starts, generator, flexible=flexible, causal=causal)
        if codes.separate:
            first = torch.cat([torch.arange(size) == 0 for size in self.dimensions.values()])
            self.scm.forbid((self.scm.cross > 0) & ~(first[:, None] & first))

    def _decoupled(
        self, u: Mapping[str, Float[Tensor, "*sets n _"]], block: str
    ) -> Float[Tensor, "*sets n d"]:
        """Codes (n, d) of a block, made orthogonal to s (see `Geometry.coupling`)."""
        return u[block] + u[SHARED] @ self.coupling[block].mT if block in self.coupling else u[block]

    def _per_model(self, values: Float[Tensor, "sets ..."]) -> Float[Tensor, "models ..."]:
        """Repeat values of each data set for each of its models, (sets, ...) -> (R, ...).

        Values of a single data set are returned as they are.
        """
        return values if self.sets == 1 else values.repeat_interleave(len(self.scm.gate) // self.sets, 0)

    def latents(
        self, u: Mapping[str, Float[Tensor, "..."]]
    ) -> tuple[Float[Tensor, "R n d"], dict[str, Float[Tensor, "R n _ _"]]]:
        """Latents (R, n, d) of all blocks in order, and block -> Jacobian dz/du (R, n, d_b, d_b)."""
        parts, jacobians = [], {}
        for block in self.dimensions:
            standard = (self._decoupled(u, block) - self.centre[block]) / self.scale[block]
            standard = self._per_model(standard)
            z, jacobian = self.coordinates[block](standard)
            parts.append(z)
            jacobians[block] = jacobian / self._per_model(self.scale[block])[..., None, :]
        return torch.cat(parts, 2), jacobians

    def terms(self, codes: Codes, edges: Float[Tensor, "R g d d"]) -> dict[str, Float[Tensor, " R"]]:
        """Unweighted terms of Eq. (9), (R,) each, for g graphs per model (see CausalPrior.mechanisms).

        `centring` keeps each latent's mean at 0 and its standard deviation at 1; no other term does.
        """
        z, jacobians = self.latents(codes.u)
        likelihood = self.scm.log_density(z, edges).mean(1)
        angle = pace = torch.zeros_like(likelihood)
        for block, jacobian in jacobians.items():
            likelihood = likelihood + torch.linalg.slogdet(jacobian)[1].mean(1)
            products = gradient_products(jacobian, self._per_model(codes.inverse_metric[block]))
            trust = self._per_model(codes.trust[block])
            angle = angle + orthogonality(products, trust)
            pace = pace + evenness(products, trust)
        centring = z.mean(1).square().sum(1) + (z.std(1) - 1).square().sum(1)
        return {"likelihood": likelihood, "orthogonality": angle, "evenness": pace, "centring": centring}

    def objective(
        self,
        terms: Mapping[str, Float[Tensor, " R"]],
        probability: Float[Tensor, "R d d"],
        config: Phase2Config,
    ) -> Float[Tensor, " R"]:
        """Eq. (9) per start, (R,)."""
        edges = expected_edges(probability, self.scm.cross, config.sparsity, config.cross_sparsity)
        geometry = config.orthogonality * terms["orthogonality"] + config.evenness * terms["evenness"]
        return -terms["likelihood"] + geometry + terms["centring"] + edges

    def keep(self, models: Int[Tensor, " kept"]) -> None:
        """Keep only these models, in this order, equally many of each data set; repeated ones are copied."""
        for parameter in self._learned():
            parameter.data = parameter.data[models.to(parameter.device)].clone()

    def _learned(self) -> list[nn.Parameter]:
        """Parameters that differ between models; their first axis is the models."""
        return [*self.coordinates.parameters(), *self.scm.parameters()]

    def _given(self) -> list[nn.Parameter]:
        """Parameters that are the same for all models of a data set."""
        return [*self.centre.values(), *self.scale.values(), *self.coupling.values()]

    @classmethod
    def side_by_side(cls, models: Sequence["IdentifiedPrior"]) -> "IdentifiedPrior":
        """Join the models of several data sets, equally many of each; a single one is returned as it is."""
        if len(models) == 1:
            return models[0]
        together = deepcopy(models[0])
        together.sets = len(models)
        for learned, *parts in zip(together._learned(), *(m._learned() for m in models), strict=True):
            learned.data = torch.cat(parts)
        for given, *parts in zip(together._given(), *(m._given() for m in models), strict=True):
            # centre and scale broadcast over a data set's rows
            given.data = torch.stack([part if part.ndim == 2 else part[None] for part in parts])
        return together

    def apart(self) -> list["IdentifiedPrior"]:
        """Separate the models of each data set; the reverse of `side_by_side`."""
        if self.sets == 1:
            return [self]
        models = [deepcopy(self) for _ in range(self.sets)]
        for number, model in enumerate(models):
            model.sets = 1
            for learned in model._learned():
                learned.data = learned.data.chunk(self.sets)[number].clone()
            for given in (*model.centre.values(), *model.scale.values()):
                given.data = given.data[number, 0].clone()
            for given in model.coupling.values():
                given.data = given.data[number].clone()
        return models


def identify(
    train: Codes,
    validation: Codes,
    config: Phase2Config,
    *,
    seed: int,
    flexible: bool = False,
    causal: bool = True,
    on_step: Callable[[dict[str, Any]], None] | None = None,
) -> IdentifiedPrior:
    """Minimise Eq. (9) on `train` with a population of models; return the one that is best on `validation`.

    Args:
        train: codes of the training rows.
        validation: codes of the validation rows.
        config: the options of phase 2.
        seed: seed of the starts, the changes of order, the batches and the random graphs.
        flexible, causal: see CausalPrior.
        on_step: called after each generation with its terms and every model's objective.

    Raises TrainingDiverged if no model's objective is finite.
    """
    return identify_together(
        [train],
        [validation],
        config,
        seeds=[seed],
        flexible=flexible,
        causal=causal,
        on_step=None if on_step is None else lambda _, row: on_step(row),
    )[0]


def identify_together(
    trains: Sequence[Codes],
    validations: Sequence[Codes],
    config: Phase2Config,
    *,
    seeds: Sequence[int],
    flexible: bool = False,
    causal: bool = True,
    on_step: Callable[[int, dict[str, Any]], None] | None = None,
) -> list[IdentifiedPrior]:
    """Do `identify` for several data sets in one batch; up to rounding each result is the same as alone.

    Args:
        trains, validations: data sets of equal shapes.
        config: the options of phase 2.
        seeds: for each data set its seed.
        flexible, causal: see CausalPrior.
        on_step: as in `identify`, with the data set's number as first argument.

    Raises TrainingDiverged if in some data set no model's objective is finite.
    """
    device = next(iter(trains[0].u.values())).device
    cpus = [torch.Generator().manual_seed(seed) for seed in seeds]
    generators = [torch.Generator(device).manual_seed(seed + 1) for seed in seeds]
    model = _first_models(trains, config, cpus, device, flexible=flexible, causal=causal)
    train, validation = Codes.stacked(trains), Codes.stacked(validations)
    total = config.generations * config.generation_steps + config.final_steps
    bar = progress(total, "identification", "step")
    for generation in range(config.generations + 1):
        _train_generation(model, train, config, generation, generators, bar.update)
        loss, terms = _score(model, validation, config)
        losses = loss.chunk(len(seeds))
        models = len(losses[0])
        best = ", ".join(f"{of_set.min():.4f}" for of_set in losses)
        log.debug("generation %d: best of %d models %s", generation + 1, models, best)
        chosen = []
        for number, of_set in enumerate(losses):
            if on_step is not None:
                parts = {name: value.chunk(len(seeds))[number] for name, value in terms.items()}
                on_step(number, _generation_row(generation + 1, parts, of_set))
            survivors, parents = _survivors(torch.argsort(of_set), generation, config)
            chosen.append(number * models + survivors)
        model.keep(torch.cat(chosen))
        if generation < config.generations:
            _new_graphs(model, train, config, cpus, parents)
    bar.close()
    if not all(torch.isfinite(of_set.min()) for of_set in losses):
        raise TrainingDiverged("identification: no model's loss is finite; check the data's scale")
    return model.apart()


def _first_models(
    trains: Sequence[Codes],
    config: Phase2Config,
    cpus: Sequence[torch.Generator],
    device: torch.device,
    *,
    flexible: bool,
    causal: bool,
) -> IdentifiedPrior:
    """The starts of all data sets, side by side.

    A property that Eq. (9) does not reward must not guide the starts either. What is told of the codes does.
    """
    models = [
        IdentifiedPrior(
            codes,
            config.population if codes.separate else config.starts,  # which differ in their orders only
            cpu,
            flexible=flexible,
            causal=causal,
            sparse=config.cross_sparsity > config.sparsity,
            isometric=config.orthogonality > 0,
        ).to(device)
        for codes, cpu in zip(trains, cpus, strict=True)
    ]
    return IdentifiedPrior.side_by_side(models)


def _train_generation(
    model: IdentifiedPrior,
    train: Codes,
    config: Phase2Config,
    generation: int,
    generators: Sequence[torch.Generator],
    after_step: Callable[[], object],
) -> None:
    """Train all models for a generation (counted from 0).

    The last generation trains the finalists, whose graphs are chosen once more half-way.
    """
    if generation < config.generations:
        steps = config.generation_steps
        _descend(model, train, config, steps, generators, settle=False, after_step=after_step)
        return
    half = config.final_steps // 2
    _descend(model, train, config, half, generators, settle=True, after_step=after_step)
    choose_graphs(model, train, config, range(len(model.scm.gate)))
    rest = config.final_steps - half
    _descend(model, train, config, rest, generators, settle=True, after_step=after_step)


def choose_graphs(
    model: IdentifiedPrior,
    codes: Codes,
    config: Phase2Config,
    models: Sequence[int],
    *,
    any_order: bool = True,
) -> None:
    """Give each of the models the graph that explains its latents best (graph_choice.py).

    Args:
        model: all models.
        codes: codes of the training rows.
        config: the options of phase 2, of which the prices of edges are used.
        models: numbers of the models whose graphs are chosen.
        any_order: False keeps the order of each model.
    """
    scm = model.scm
    steps = torch.arange(0, len(codes), max(1, len(codes) // GRAPH_ROWS), device=scm.gate.device)
    with torch.no_grad():
        rows = codes.rows(steps if model.sets == 1 else steps.repeat(model.sets, 1))
        latents = model.latents(rows.u)[0]
        least = model._per_model(torch.stack(list(rows.trust.values())).amin(0))
    trust = least.expand(len(scm.gate), -1).double().cpu().numpy()
    price = torch.where(scm.cross > 0, config.cross_sparsity, config.sparsity)
    prices = torch.where(scm.allowed > 0, price, torch.inf).double().cpu().numpy()
    for number in models:
        z = latents[number].double().cpu().numpy()
        if not np.isfinite(z).all():
            continue  # a model that has diverged is not selected
        choice = GraphChoice(z, prices, trust[number])
        order = scm.potential[number].argsort().tolist()
        if any_order:
            order = min(map(choice.climbed, (order, order[::-1])), key=choice.cost_of_order)
        scm.set_graph(number, torch.from_numpy(choice.graph(order)), torch.tensor(order))


def _new_graphs(
    model: IdentifiedPrior,
    train: Codes,
    config: Phase2Config,
    cpus: Sequence[torch.Generator],
    parents: int,
) -> None:
    """Choose the graphs of survivors, and those of their copies after a change of the order.

    Args:
        model: all models, equally many of each data set, the survivors of each before their copies.
        train: codes of the training rows.
        config: the options of phase 2.
        cpus: for each data set the generator of the changes.
        parents: survivors of each data set.
    """
    of_set = len(model.scm.gate) // len(cpus)
    for number, cpu in enumerate(cpus):
        first = number * of_set
        copies = range(first + parents, first + of_set)
        choose_graphs(model, train, config, range(first, first + parents))
        model.scm.mutate(torch.tensor(copies, dtype=torch.long), cpu)
        choose_graphs(model, train, config, copies, any_order=False)


def _survivors(
    ranking: Int[Tensor, " R"], generation: int, config: Phase2Config
) -> tuple[Int[Tensor, " kept"], int]:
    """The models that continue after a generation (counted from 0), and how many of them keep their order.

    Args:
        ranking: numbers of the models, from the best to the worst.
        generation: the generation that has ended.
        config: the options of phase 2.
    """
    if generation == config.generations:
        survivors = ranking[:1]
    elif generation == config.generations - 1:
        survivors = ranking[: config.finalists]
    elif len(ranking) > config.population:
        survivors = ranking[: max(config.population, len(ranking) // 2)]
    else:
        parents = ranking[: max(1, config.population // CHILDREN)]
        return parents.repeat(CHILDREN)[: config.population], len(parents)
    return survivors, len(survivors)


def _descend(
    model: IdentifiedPrior,
    train: Codes,
    config: Phase2Config,
    steps: int,
    generators: Sequence[torch.Generator],
    *,
    settle: bool,
    after_step: Callable[[], object],
) -> None:
    """Take `steps` steps of Adam on Eq. (9) for all models, whose graphs stay as they are.

    With `settle` the learning rate falls to zero.
    """
    sets = len(generators)
    coordinates = list(model.coordinates.parameters())
    mechanisms = model.scm.mechanism_parameters()
    groups = [
        {"params": mechanisms, "lr": config.learning_rate},
        {"params": coordinates, "lr": config.learning_rate * COORDINATE_RATE},
    ]
    optimiser = torch.optim.Adam(groups, fused=True)
    trainable = [*mechanisms, *coordinates]
    edges = model.scm.adjacency()
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: warm_up_then_cosine(step, steps) if settle else min(1.0, (step + 1) / WARM_UP)
    )
    size = min(config.batch_size if settle else config.search_batch_size, len(train))
    for _ in range(steps):
        rows = [torch.randint(len(train), (size,), generator=g, device=g.device) for g in generators]
        batch = train.rows(rows[0] if sets == 1 else torch.stack(rows))
        loss = model.objective(model.terms(batch, edges[:, None]), edges, config)
        optimiser.zero_grad(set_to_none=True)
        loss.sum().backward()
        clip_each(trainable, sets, CLIP)
        optimiser.step()
        schedule.step()
        after_step()


@torch.no_grad()
def _score(
    model: IdentifiedPrior, rows: Codes, config: Phase2Config
) -> tuple[Float[Tensor, " R"], dict[str, Float[Tensor, " R"]]]:
    """Eq. (9) and its terms, (R,) each, of every model with its most likely graph; inf if not finite."""
    edges = model.scm.adjacency()
    terms = model.terms(rows, edges[:, None])
    loss = model.objective(terms, edges, config)
    return torch.where(torch.isfinite(loss), loss, torch.inf), terms


def _generation_row(
    generation: int, terms: Mapping[str, Float[Tensor, " R"]], loss: Float[Tensor, " R"]
) -> dict[str, Any]:
    named = {name: value.tolist() for name, value in terms.items()}
    return {"phase": "identification", "generation": generation, "objective": loss.tolist(), **named}


def edge_weights(model: IdentifiedPrior, codes: Codes) -> Float[Tensor, "d d"]:
    """(d, d) strength of every edge i -> j: root mean square over rows of d E[z_j] / d z_i.

    Latents have standard deviation 1. Edges that are not in the graph have strength 0. Of several models the
    first one counts.
    """
    scm, adjacency = model.scm, model.scm.adjacency()
    z = model.latents(codes.u)[0].detach()[0]

    def mean(row: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
        return scm.mechanisms(row[None, None], adjacency[:, None])[0][0, 0]

    slopes = vmap(jacfwd(mean))(z)  # [n, child, parent]
    strength: Tensor = slopes.detach().square().mean(0).sqrt().T * adjacency[0]
    return strength.detach()
