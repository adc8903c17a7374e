"""Phase 1's loss on a batch: every term of Eq. (1), from the autoencoder's pass."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor

from personax.crl.model import SHARED, Batch, Code, MultiViewVAE, Posterior, pool
from personax.crl.objective import expected_edges, info_nce, kl_to_standard_normal, reconstruction
from personax.crl.prior import CausalPrior, graphs_for


class Terms(NamedTuple):
    """The unweighted terms of Eq. (1), scalars."""

    reconstruction: Tensor
    kl: Tensor
    align: Tensor
    cross: Tensor
    shared: Tensor
    edges: Tensor


class Draws(NamedTuple):
    """The random numbers of one pass over n rows.

    Attributes:
        latents: block -> (n, d) standard normal.
        edges: (R, g, d, d) uniform on [0, 1], for g graphs.
        noise: modality -> per measurement (n, k) standard normal.
    """

    latents: dict[str, Tensor]
    edges: Tensor
    noise: dict[str, list[Tensor]]

    @classmethod
    def of(cls, vae: MultiViewVAE, prior: CausalPrior, rows: int, generator: torch.Generator) -> "Draws":
        """What `generator` gives for a pass over so many rows."""

        def normal(width: int) -> Tensor:
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
        """Draws of several models, with the models as a new first axis of every tensor."""
        latents, edges, noise = zip(*draws, strict=True)
        return cls(
            {block: torch.stack([its[block] for its in latents]) for block in latents[0]},
            torch.stack(edges),
            {
                m: [torch.stack(parts) for parts in zip(*(its[m] for its in noise), strict=True)]
                for m in noise[0]
            },
        )


def representation_terms(vae: MultiViewVAE, prior: CausalPrior, batch: Batch, draws: Draws) -> Terms:
    """All terms of Eq. (1) on one batch, at latents, edges and noise as drawn."""
    codes = vae.encode(batch)
    posteriors = vae.posteriors(codes, batch)
    drawn = {block: posterior.at(draws.latents[block]) for block, posterior in posteriors.items()}

    z = torch.cat(list(drawn.values()), 1)
    edges = prior.open_edges(draws.edges)
    kl = -prior.log_density(z[None], edges)[0].mean()
    for block, posterior in posteriors.items():
        kl = kl + posterior.log_density(drawn[block]).mean()

    shared = drawn.get(SHARED, z.new_empty(len(z), 0))
    error = z.new_zeros(())
    for modality in vae.modalities:
        for number, (net, code) in enumerate(zip(vae.of(modality), codes[modality], strict=True)):
            observed = batch.observed[modality][:, number]
            spread = (0.5 * code.noise.log_variance).exp()
            eta = code.noise.mean + draws.noise[modality][number] * spread
            decoded = net.decode(shared, drawn[modality], eta)
            x = batch.x[modality][number]
            error = error + reconstruction(x, decoded, vae.config.observation_sd, observed)
            kl = kl + (kl_to_standard_normal(*code.noise) * observed).mean()

    cross, shared_terms = _cross(vae, codes, posteriors, batch)
    return Terms(
        reconstruction=error,
        kl=kl,
        align=_align(vae, codes, batch),
        cross=cross,
        shared=shared_terms,
        edges=expected_edges(prior.edge_probability(), prior.cross, 0.5, 1.0).sum(),
    )


def _align(vae: MultiViewVAE, codes: Mapping[str, Sequence[Code]], batch: Batch) -> Tensor:
    """Eq. (4): mean over the pairs of measurements of a modality, summed over modalities."""
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
) -> tuple[Tensor, Tensor]:
    """Eq. (5): means over the pairs of modalities, of mapped latents and of each modality's view of s."""
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


def _both(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """Rows seen in both; None stands for all."""
    if first is None or second is None:
        return second if first is None else first
    return first & second
