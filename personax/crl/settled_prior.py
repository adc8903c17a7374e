"""Latents and a graph that are known, as networks: encoders that read them, and a prior with their order.

So a model of the closed form (closed_form.py) is transformed, saved and examined like any other; and so are
paired codes that are the latents (paired_codes.py). Coordinates, order and edges are given; only decoders
(phase 1) and mechanisms are trained.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from personax.crl.closed_form import ClosedForm
from personax.crl.coordinates import Coordinates
from personax.crl.identification import Codes, IdentifiedPrior
from personax.crl.model_config import Phase2Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch
from personax.learning.encoders import LinearPlusMLP
from personax.learning.optimisation import warm_up_then_cosine
from personax.views import SHARED

LARGEST_GRADIENT = 100.0  # largest norm of a gradient


class LinearReader(nn.Module):
    """An encoder that nothing trains: means are linear in x, variances are constant.

    Attributes:
        weight: (r, codes).
        bias, log_variance: (codes,).
    """

    weight: Float[Tensor, "r codes"]
    bias: Float[Tensor, " codes"]
    log_variance: Float[Tensor, " codes"]

    def __init__(self, inputs: int, codes: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(inputs, codes))
        self.register_buffer("bias", torch.zeros(codes))
        self.register_buffer("log_variance", torch.zeros(codes))

    def forward(self, x: Float[Tensor, "n r"]) -> Float[Tensor, "n both"]:
        """(n, r) -> (n, 2 codes): means, and log variances."""
        mean = x @ self.weight + self.bias
        return torch.cat([mean, self.log_variance.expand_as(mean)], 1)

    def read(self, weight: Float[np.ndarray, "r codes"], centre: Float[np.ndarray, " r"]) -> None:
        """Read codes (x - centre) weight.

        x is in units of noise, so the variance of a code's noise is the squared length of its column.
        """
        self.weight.copy_(torch.from_numpy(weight))
        self.bias.copy_(torch.from_numpy(-centre @ weight))
        self.log_variance.copy_(torch.from_numpy(np.log(np.maximum((weight**2).sum(0), 1e-12))))


@torch.no_grad()
def settle_encoders(vae: MultiViewVAE, form: ClosedForm, train: Batch) -> None:
    """Make the encoders read the latents of the closed form; decoders begin at the best linear maps."""
    for modality in vae.modalities:
        weight = np.concatenate([form.shared[modality], form.own[modality]], axis=1)
        for net in vae.of(modality):
            assert isinstance(net.encoder, LinearReader)
            net.encoder.read(weight, form.centre[modality])
    codes = vae.pooled_means(train)
    for modality in vae.modalities:
        parts = [codes[block] for block in codes if block in (SHARED, modality)]
        for number, net in enumerate(vae.of(modality)):
            seen = train.observed[modality][:, number]
            known = torch.cat([*parts, torch.ones(len(seen), 1, device=seen.device)], 1)[seen].double().cpu()
            target = train.x[modality][number][seen].double().cpu()
            assert isinstance(net.decoder, LinearPlusMLP)
            linear = net.decoder.linear
            weights = torch.linalg.lstsq(known, target).solution.to(linear.weight)
            linear.weight.copy_(weights[:-1].T)
            linear.bias.copy_(weights[-1])


@dataclass(frozen=True)
class KnownGraph:
    """The graph of codes that are the latents already; its nodes are their columns, block by block.

    Attributes:
        parents: (d, d) bool, [i, j] for i -> j.
        order: all latents, causes first.
        evidence: what it rests on, for the history.
    """

    parents: Bool[np.ndarray, "d d"]
    order: Sequence[int]
    evidence: Mapping[str, Any] = field(default_factory=dict)


def settle_prior(
    graph: KnownGraph,
    train: Codes,
    validation: Codes,
    config: Phase2Config,
    *,
    seed: int,
    flexible: bool = True,
    causal: bool = True,
    on_step: Callable[[dict[str, Any]], None],
) -> IdentifiedPrior:
    """A prior with the codes as latents and a graph that is known, whose mechanisms are trained.

    Args:
        graph: the graph.
        train, validation: codes of the training and of the validation rows.
        config: the options of phase 2, of which the steps and rows of the finalists are used.
        seed: seed of the first mechanisms and of the batches.
        flexible, causal: see CausalPrior.
        on_step: called with the terms of Eq. (9) at the end.
    """
    device = next(iter(train.u.values())).device
    generator = torch.Generator().manual_seed(seed)
    model = IdentifiedPrior(train, 1, generator, flexible=flexible, causal=causal, search=False).to(device)
    with torch.no_grad():
        for coordinates in model.coordinates.values():
            assert isinstance(coordinates, Coordinates)
            coordinates.outer.zero_()
        edges = torch.from_numpy(graph.parents.astype(np.float32))
        model.scm.set_graph(0, edges, torch.tensor(graph.order))
    _train_mechanisms(
        model, train, edges[None].to(device), config, torch.Generator(device).manual_seed(seed + 1)
    )
    on_step(_row_of_history(model, validation, config) | dict(graph.evidence))
    return model


def _train_mechanisms(
    model: IdentifiedPrior,
    train: Codes,
    edges: Float[Tensor, "1 d d"],
    config: Phase2Config,
    generator: torch.Generator,
) -> None:
    """Maximise the likelihood of the latents over the mechanisms, given the edges."""
    mechanisms = model.scm.mechanism_parameters()
    optimiser = torch.optim.Adam(mechanisms, lr=config.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: warm_up_then_cosine(step, config.final_steps)
    )
    with torch.no_grad():
        z = model.latents(train.u)[0]
    size = min(config.batch_size, z.shape[1])
    for _ in range(config.final_steps):
        rows = torch.randint(z.shape[1], (size,), generator=generator, device=z.device)
        loss = -model.scm.log_density(z[:, rows], edges[:, None]).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(mechanisms, LARGEST_GRADIENT)
        optimiser.step()
        schedule.step()


@torch.no_grad()
def _row_of_history(model: IdentifiedPrior, rows: Codes, config: Phase2Config) -> dict[str, Any]:
    """A row of the history: Eq. (9) and its terms."""
    edges = model.scm.adjacency()
    terms: Mapping[str, Tensor] = model.terms(rows, edges[:, None])
    loss = model.objective(terms, edges, config)
    finite = [value if math.isfinite(value) else None for value in loss.tolist()]
    named = {name: value.tolist() for name, value in terms.items()}
    return {"phase": "identification", "generation": 1, "objective": finite, **named}
