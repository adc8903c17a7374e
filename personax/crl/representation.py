"""Phase 1: every term of Eq. (1) on a batch, and the training that minimises their sum.

Equations are in objective.py. A block is the set of latents of one modality, or the set "s" that all share.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from personax.crl.model_config import Phase1Config
from personax.crl.multiview_vae import Code, MultiViewVAE
from personax.crl.objective import expected_edges
from personax.crl.prior import CausalPrior, graphs_for
from personax.learning.batches import Batch
from personax.learning.gaussians import Posterior, pool
from personax.learning.losses import info_nce, kl_to_standard_normal, reconstruction
from personax.learning.training import Checkpoint, History, Plan, SingleModel, Weights, minimise
from personax.views import SHARED

REPRESENTATION = "representation"  # name of phase 1 in the history


class Draws(NamedTuple):
    """The random numbers of one pass over n rows.

    Attributes:
        latents: block -> (n, d) standard normal.
        edges: (R, g, d, d) uniform on [0, 1], for g graphs.
        noise: modality -> per measurement (n, k) standard normal.
    """

    latents: dict[str, Float[Tensor, "*models n _"]]
    edges: Float[Tensor, "*models R g d d"]
    noise: dict[str, list[Float[Tensor, "*models n _"]]]

    @classmethod
    def of(cls, vae: MultiViewVAE, prior: CausalPrior, rows: int, generator: torch.Generator) -> "Draws":
        """Draw the random numbers for a pass over this many rows from `generator`."""

        def normal(width: int) -> Float[Tensor, "rows width"]:
            return torch.randn(rows, width, generator=generator, device=generator.device)

        blocks = {SHARED: vae.config.shared} if vae.config.shared else {}
        blocks |= {m: vae.config.width(m) for m in vae.modalities}
        latents = {block: normal(width) for block, width in blocks.items()}
        models, d, _ = prior.gate.shape
        size = (models, graphs_for(rows), d, d)
        edges = torch.rand(size, generator=generator, device=generator.device)
        noise = {m: [normal(vae.config.eta(m)) for _ in vae.of(m)] for m in vae.modalities}
        return cls(latents, edges, noise)

    @classmethod
    def stacked(cls, draws: Sequence["Draws"]) -> "Draws":
        """The draws of several models; the models are a new first axis of every tensor."""
        latents, edges, noise = zip(*draws, strict=True)
        return cls(
            {block: torch.stack([of_model[block] for of_model in latents]) for block in latents[0]},
            torch.stack(edges),
            {
                m: [torch.stack(parts) for parts in zip(*(of_model[m] for of_model in noise), strict=True)]
                for m in noise[0]
            },
        )


class WholeBatch:
    """Which rows of a batch this process encodes and decodes. Here these are all (see data_parallel.py)."""

    def own(self, rows: Shaped[Tensor, "n ..."]) -> Shaped[Tensor, "k ..."]:
        """Those of the batch's rows that are this process's."""
        return rows

    def everybody(
        self, codes: Mapping[str, Sequence[Code]], batch: Batch
    ) -> tuple[Mapping[str, Sequence[Code]], Batch]:
        """Codes of all rows of the batch, and who has which measurement, from those of the own rows."""
        return codes, batch


def representation_terms(
    vae: MultiViewVAE, prior: CausalPrior, batch: Batch, draws: Draws, share: WholeBatch | None = None
) -> dict[str, Float[Tensor, ""]]:
    """The terms of Eq. (1) on one batch for the given draws: scalars, without their weights.

    If several processes share the batch, `batch` has this process's rows, and `draws` are for all; the
    reconstruction is that of the own rows.
    """
    share = share or WholeBatch()
    own_codes = vae.encode(batch)
    codes, everybody = share.everybody(own_codes, batch)
    posteriors = vae.posteriors(codes, everybody)
    drawn = {block: posterior.at(draws.latents[block]) for block, posterior in posteriors.items()}

    z = torch.cat(list(drawn.values()), 1)
    edges = prior.open_edges(draws.edges)
    kl = -prior.log_density(z[None], edges)[0].mean()
    for block, posterior in posteriors.items():
        kl = kl + posterior.log_density(drawn[block]).mean()

    shared = share.own(drawn.get(SHARED, z.new_empty(len(z), 0)))
    error = z.new_zeros(())
    for modality in vae.modalities:
        own = share.own(drawn[modality])
        for number, (net, code) in enumerate(zip(vae.of(modality), own_codes[modality], strict=True)):
            spread = (0.5 * code.noise.log_variance).exp()
            eta = code.noise.mean + share.own(draws.noise[modality][number]) * spread
            decoded = net.decode(shared, own, eta)
            x, observed = batch.x[modality][number], batch.observed[modality][:, number]
            error = error + reconstruction(x, decoded, vae.config.observation_sd, observed)
            seen = everybody.observed[modality][:, number]
            kl = kl + (kl_to_standard_normal(*codes[modality][number].noise) * seen).mean()

    cross, shared_terms = _cross(vae, codes, posteriors, everybody)
    return {
        "reconstruction": error,
        "kl": kl,
        "align": _align(vae, codes, everybody),
        "cross": cross,
        "shared": shared_terms,
        "edges": expected_edges(prior.edge_probability(), prior.cross, 0.5, 1.0).sum(),
    }


def representation_plan(config: Phase1Config) -> Plan:
    """The weights of Eq. (1), and the names of phase 1."""
    weights = {
        "reconstruction": 1.0,
        "kl": config.beta,
        "align": config.align,
        "cross": config.cross,
        "shared": config.shared,
        "edges": config.sparsity,
    }
    return Plan(
        Weights(weights, {"kl": config.kl_warm_up}, config.passes),
        phase=REPRESENTATION,
        rate_option="model.phase1.learning_rate",
    )


def train_representation(
    vae: MultiViewVAE,
    prior: CausalPrior,
    train: Batch,
    validation: Batch,
    config: Phase1Config,
    *,
    seed: int,
    checkpoint: Checkpoint | None = None,
    on_epoch: Callable[[History], None] | None = None,
) -> History:
    """Minimise Eq. (1) on `train`; leave `vae` and `prior` at the epoch that is best on `validation`.

    Arguments, result and errors are those of `minimise`. All random draws come from `seed`.
    """

    def terms(batch: Batch, generator: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        return representation_terms(vae, prior, batch, Draws.of(vae, prior, len(batch), generator))

    vae.accelerate(mixed_precision=config.mixed_precision, compiled=config.compile)
    trainee = SingleModel(nn.ModuleList([vae, prior]), terms)
    history = fit_representation(trainee, train, validation, config, seed, checkpoint, on_epoch)
    vae.accelerate(mixed_precision=False, compiled=False)
    return history


def fit_representation(
    trainee: SingleModel[Batch],
    train: Batch,
    validation: Batch,
    config: Phase1Config,
    seed: int,
    checkpoint: Checkpoint | None,
    on_epoch: Callable[[History], None] | None,
) -> History:
    """Minimise Eq. (1) with `minimise`, whose arguments these are."""
    (history,) = minimise(
        trainee,
        train,
        validation,
        config,
        representation_plan(config),
        seeds=[seed],
        checkpoint=checkpoint,
        on_epoch=None if on_epoch is None else lambda _, history: on_epoch(history),
    )
    return history


def _align(vae: MultiViewVAE, codes: Mapping[str, Sequence[Code]], batch: Batch) -> Float[Tensor, ""]:
    """Eq. (4): the mean over pairs of measurements of a modality, summed over modalities."""
    total = batch.observed[vae.modalities[0]].new_zeros((), dtype=torch.float32)
    for modality in vae.modalities:
        pairs = list(combinations(range(len(codes[modality])), 2))
        for i, j in pairs:
            both = _both(batch.seen(modality, i), batch.seen(modality, j))
            a, b = codes[modality][i].content, codes[modality][j].content
            total = total + info_nce(a, b, vae.log_scale[modality].exp(), both) / len(pairs)
    return total


def _cross(
    vae: MultiViewVAE, codes: Mapping[str, Sequence[Code]], posteriors: Mapping[str, Posterior], batch: Batch
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Eq. (5): means over pairs of modalities, of the mapped codes and of the codes of s."""
    pairs = list(combinations(vae.modalities, 2))
    total = batch.observed[vae.modalities[0]].new_zeros((), dtype=torch.float32)
    shared = total
    for first, second in pairs:
        both = _both(batch.seen(first), batch.seen(second))
        a, b = (vae.comparison[m](posteriors[m].mean) for m in (first, second))
        total = total + info_nce(a, b, seen=both) / len(pairs)
        if vae.config.shared:
            a, b = (pool([code.shared for code in codes[m]], batch.observed[m]).mean for m in (first, second))
            shared = shared + info_nce(a, b, vae.log_scale[first].exp(), both) / len(pairs)
    return total, shared


def _both(first: Bool[Tensor, " n"] | None, second: Bool[Tensor, " n"] | None) -> Bool[Tensor, " n"] | None:
    """(n,) bool: rows that are True in both masks; None stands for all rows."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
