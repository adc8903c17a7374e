"""What vectors of modalities that are measured once tell of each other, latent by latent.

With one measurement nothing within a modality separates its latents from its style, and its codes u hold
both. But other modalities depend on the latents only, and if few edges join modalities, on each latent in its
own way. So functions h of the codes, as many as there are latents, are trained to tell which rows of the
modalities belong together, by InfoNCE (van den Oord et al. 2018). The critic is a sum over pairs of latents
of two modalities,

    T = sum_{m < l} sum_{a, b} g(h_ma)^T L_ab g(h_lb) + sum_m c(h_m)

where g are some functions of one number, and c is any function. Such a T is the logarithm of a density whose
latents depend on each other in pairs (Morioka & Hyvärinen 2024). If h mixes two latents, more pairs are
needed; the sum of the norms |L_ab| is added to the loss, as a price of pairs that depend on each other (Sun
et al. 2025, Cond. 4.3).

If measurements show nothing but their latents, h are the latents, up to a function of each. With style in the
codes, h leads phase 2 to its first coordinates, and the likelihood of all codes finds the latents from there:
dependence alone says little where an effect is nearly constant.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import ceil, log

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.scalar_codes import LEAST_UNIT, in_batch_units, seen_in_all
from personax.crl.starts import symmetric_power
from personax.learning.batches import Batch
from personax.learning.metrics import match
from personax.learning.optimisation import OptimisationConfig
from personax.learning.training import Plan, SingleModel, Weights, minimise
from personax.runs.errors import InputError

# Least steps, and least passes over the rows for each latent; the best epoch on validation rows counts. With
# 8,000 rows and up to eight latents it was one of 22 to 36 (15 steps each, other networks); with 52,000 rows
# and 30 latents one of the last in 90.
PAIRED_STEPS, EPOCHS_OF_A_LATENT = 600, 3
PAIRED_PHASE = "paired codes"  # beside the progress bar
# Narrow, since a step learns little of the latents and much of its rows: with 52,000 rows and 30 latents
# (G-CaRL's, one tuning draw) a width of 64 had a loss of 14.0 nats on training rows, 15.1 on others.
PAIRED_HIDDEN = 32  # width of the functions h
BENDS, OUTPUTS = 16, 8  # tanh units of g, and its numbers
LEAK = 0.2  # slope of a rectifier below 0
FREE_HIDDEN = 32  # of c
# With a rate of 5e-3 three in eight trainings on small data with two latents each ended at mixtures of the
# two, with 2e-2 none.
PAIRED_BATCH, PAIRED_RATE, PAIRED_CLIP = 512, 2e-2, 5.0
# Of Muon, for the matrices of h: when the true latents of this draw were given to learn from, R2 was 0.98
# after 2,000 steps with it, and 0.91 with AdamW.
PAIRED_MATRIX_RATE = 0.02
# With 0.01 one latent of 30 lost all its pairs early, in two trainings of two (rank correlation 0.2).
PRICE_OF_PAIRS = 0.003
FEWEST_PAIRED_ROWS = 20  # with every modality, in training and in validation
AGREEMENT = 0.9  # mean rank correlation of both, from which they agree
# Where paired codes are the latents, the share of the prices of edges that counts. The full prices are for
# coordinates that are still learned: these can bend so that a false edge pays. With three earlier codes of a
# tuning draw of G-CaRL's latents, a third of the prices raised F1 from 0.40-0.53 to 0.66-0.79, and a tenth
# lowered it again; with the true latents a third raised it from 0.69 to 1.
SHARE_OF_PRICES = 1 / 3
PAIRED_VARIANCE = 0.01  # of a code given the vector; codes have variance 1


class PairedCodes(nn.Module):
    """h and the critic. Codes of a batch have mean 0 and standard deviation 1."""

    def __init__(self, inputs: Mapping[str, int], widths: Mapping[str, int]) -> None:
        """Make the networks.

        Args:
            inputs: modality -> numbers that are read; two modalities or more.
            widths: modality -> number of its latents.
        """
        super().__init__()
        self.encoders = nn.ModuleDict({m: CodeNetwork(inputs[m], widths[m]) for m in inputs})
        self.bends = nn.ModuleDict({m: NumberFunctions(widths[m]) for m in inputs})
        self.free = nn.ModuleDict(
            {
                m: nn.Sequential(nn.Linear(widths[m], FREE_HIDDEN), nn.Tanh(), nn.Linear(FREE_HIDDEN, 1))
                for m in inputs
            }
        )
        self.pairs = list(combinations(inputs, 2))
        self.links = nn.ParameterList(
            [
                nn.Parameter(0.02 * torch.randn(widths[m], OUTPUTS, widths[other], OUTPUTS))
                for m, other in self.pairs
            ]
        )

    def missing_information(self, u: Mapping[str, Float[Tensor, "n _"]]) -> Float[Tensor, ""]:
        """InfoNCE, the sum over modalities: in nats, log n for each of them without any information."""
        h = {m: in_batch_units(self.encoders[m](values)) for m, values in u.items()}
        bent = {m: self.bends[m](values).flatten(1) for m, values in h.items()}
        fit = {m: self.free[m](values).T for m, values in h.items()}  # of all rows of m with each row
        for (m, other), links in zip(self.pairs, self.links, strict=True):
            both = bent[m] @ links.flatten(2).flatten(0, 1) @ bent[other].T
            fit[other] = fit[other] + both
            fit[m] = fit[m] + both.T
        own = torch.arange(len(next(iter(u.values()))), device=self.links[0].device)
        missing: Tensor = torch.stack([nn.functional.cross_entropy(each, own) for each in fit.values()]).sum()
        return missing

    def strength(self) -> Float[Tensor, ""]:
        """The sum of the norms of all L_ab."""
        norms = [links.square().sum((1, 3)).add(1e-8).sqrt().sum() for links in self.links]
        total: Tensor = torch.stack(norms).sum()
        return total


class CodeNetwork(nn.Module):
    """A linear map plus a perceptron with two residual layers: a vector -> its codes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        self.first = nn.Linear(inputs, PAIRED_HIDDEN)
        self.middle = nn.ModuleList([nn.Linear(PAIRED_HIDDEN, PAIRED_HIDDEN) for _ in range(2)])
        self.last = nn.Linear(PAIRED_HIDDEN, outputs)

    def forward(self, u: Float[Tensor, "n inputs"]) -> Float[Tensor, "n outputs"]:
        """Codes of u, in any units."""
        hidden = nn.functional.leaky_relu(self.first(u), LEAK)
        for layer in self.middle:
            hidden = hidden + nn.functional.leaky_relu(layer(hidden), LEAK)
        codes: Tensor = self.linear(u) + self.last(hidden)
        return codes


class NumberFunctions(nn.Module):
    """g: for each latent OUTPUTS functions of its code alone, sums of BENDS tanh."""

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.randn(latents, BENDS))
        self.shift = nn.Parameter(torch.randn(latents, BENDS))
        self.mix = nn.Parameter(torch.randn(latents, BENDS, OUTPUTS) / BENDS**0.5)

    def forward(self, h: Float[Tensor, "n latents"]) -> Float[Tensor, "n latents outputs"]:
        """The functions of each code."""
        waves = torch.tanh(h[:, :, None] * self.slope + self.shift)
        values: Tensor = torch.einsum("nlb,lbo->nlo", waves, self.mix)
        return values


class PairedReader(nn.Module):
    """An encoder that reads vectors as was found: means are h, in units of their standard deviation.

    Nothing trains it any more.
    """

    def __init__(self, inputs: int, latents: int) -> None:
        """Make the network, for weights that are loaded or given by `read`."""
        super().__init__()
        self.network = CodeNetwork(inputs, latents).requires_grad_(False)
        sizes = {"centre": (inputs,), "whitening": (inputs, inputs), "mean": (latents,), "spread": (latents,)}
        for name, size in sizes.items():
            self.register_buffer(name, torch.zeros(size))

    @torch.no_grad()
    def standardise(self, x: Float[Tensor, "n inputs"]) -> None:
        """Let the network see x, and vectors like these, as uncorrelated numbers of variance 1."""
        known = x.double()
        self.get_buffer("centre").copy_(known.mean(0))
        self.get_buffer("whitening").copy_(symmetric_power(torch.atleast_2d(torch.cov(known.T)), -0.5))

    @torch.no_grad()
    def read(self, network: nn.Module, x: Float[Tensor, "n inputs"]) -> None:
        """Read vectors with this network; x are those whose codes have mean 0 and standard deviation 1."""
        self.network.load_state_dict(network.state_dict())
        codes = self.network(self.standardised(x))
        self.get_buffer("mean").copy_(codes.mean(0))
        self.get_buffer("spread").copy_(codes.std(0).clamp_min(LEAST_UNIT))

    def standardised(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n inputs"]:
        """x as the network sees it."""
        seen: Tensor = (x - self.get_buffer("centre")) @ self.get_buffer("whitening")
        return seen

    def codes(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n latents"]:
        """The codes h of vectors."""
        h: Tensor = (self.network(self.standardised(x)) - self.get_buffer("mean")) / self.get_buffer("spread")
        return h

    def forward(self, x: Float[Tensor, "n inputs"]) -> Float[Tensor, "n both"]:
        """(n, inputs) -> (n, 2 latents): means, and log variances."""
        h = self.codes(x)
        return torch.cat([h, torch.full_like(h, log(PAIRED_VARIANCE))], 1)


def complete_rows(u: Mapping[str, Float[Tensor, "n _"]], batch: Batch) -> dict[str, Float[Tensor, "k _"]]:
    """Those rows of u (modality -> values, row by row as in `batch`) whose people have every modality."""
    seen = seen_in_all(batch)
    return {modality: values[seen] for modality, values in u.items()}


def find_paired_codes(
    train: Mapping[str, Float[Tensor, "n _"]],
    validation: Mapping[str, Float[Tensor, "v _"]],
    widths: Mapping[str, int],
    *,
    seed: int,
) -> tuple[dict[str, PairedReader], float]:
    """How vectors are read so that they tell most of the other modalities, and what is missing.

    The networks are those of the epoch that is best on `validation`.

    Args:
        train, validation: modality -> vectors of the same rows; two modalities or more.
        widths: modality -> number of its latents.
        seed: of the networks and batches.

    Returns:
        Modality -> its reader; the loss on `validation`.

    Raises InputError for fewer than FEWEST_PAIRED_ROWS rows of either kind.
    """
    refuse_few_pairs(*(len(next(iter(part.values()))) for part in (train, validation)))
    device = next(iter(train.values())).device
    steps = max(1, len(next(iter(train.values()))) // PAIRED_BATCH)
    epochs = max(ceil(PAIRED_STEPS / steps), EPOCHS_OF_A_LATENT * sum(widths.values()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        found = PairedCodes({m: x.shape[1] for m, x in train.items()}, widths).to(device)
        readers = {m: PairedReader(x.shape[1], widths[m]).to(device) for m, x in train.items()}
    for m, x in train.items():
        readers[m].standardise(x)

    def terms(batch: Batch, _: torch.Generator) -> dict[str, Float[Tensor, ""]]:
        seen = {m: views[0] for m, views in batch.x.items()}
        return {"information": found.missing_information(seen), "links": found.strength()}

    def rows(vectors: Mapping[str, Float[Tensor, "n _"]]) -> Batch:
        seen = {m: [readers[m].standardised(x)] for m, x in vectors.items()}
        everybody = {m: torch.ones(len(x), 1, dtype=torch.bool, device=device) for m, x in vectors.items()}
        return Batch(seen, everybody, complete=True)

    config = OptimisationConfig(
        epochs=epochs,
        batch_size=PAIRED_BATCH,
        learning_rate=PAIRED_RATE,
        weight_decay=0.0,
        clip=PAIRED_CLIP,
        patience=epochs,
    )
    plan = Plan(
        Weights({"information": 1.0, "links": PRICE_OF_PAIRS}, {}, epochs),
        phase=PAIRED_PHASE,
        matrices=[each for each in found.encoders.parameters() if each.ndim == 2],
        matrix_rate=PAIRED_MATRIX_RATE,
    )
    trained = SingleModel(found, terms)
    (history,) = minimise(trained, rows(train), rows(validation), config, plan, seeds=[seed])
    for m, x in train.items():
        readers[m].read(found.encoders[m], x)
    return readers, min(float(row["validation"]) for row in history)


def refuse_few_pairs(training: int, validation: int) -> None:
    """Raise InputError if fewer rows than FEWEST_PAIRED_ROWS of either kind have every modality."""
    for name, count in (("training", training), ("validation", validation)):
        if count < FEWEST_PAIRED_ROWS:
            raise InputError(
                f"{count} {name} people with every modality are too few; at least {FEWEST_PAIRED_ROWS}"
            )


def find_stable_codes(
    train: Mapping[str, Float[Tensor, "n _"]],
    validation: Mapping[str, Float[Tensor, "v _"]],
    widths: Mapping[str, int],
    *,
    seeds: Sequence[int],
) -> tuple[dict[str, PairedReader], float]:
    """The best of several trainings, and how far it agrees with the others: see `agreement`.

    Arguments are those of `find_paired_codes`, with a seed for each training.
    """
    found = [find_paired_codes(train, validation, widths, seed=seed) for seed in seeds]
    found.sort(key=lambda each: each[1])
    with torch.no_grad():
        codes = [{m: reader.codes(train[m]) for m, reader in readers.items()} for readers, _ in found]
    best = {m: values.double().cpu().numpy() for m, values in codes[0].items()}
    return found[0][0], min((agreement(other, best) for other in codes[1:]), default=1.0)


def agreement(told: Mapping[str, Float[Tensor, "n _"]], z: Mapping[str, Float[np.ndarray, "n _"]]) -> float:
    """Mean |rank correlation| of the latents of all modalities with the paired codes that match them.

    Args:
        told: modality -> paired codes (n, k).
        z: modality -> latents (n, k).
    """
    both = [match(z[m], codes.double().cpu().numpy(), ranks=True)[1] for m, codes in told.items()]
    return float(np.abs(np.concatenate(both)).mean())


def settle_paired_readers(vae: MultiViewVAE, readers: Mapping[str, PairedReader]) -> None:
    """Let the encoders of all modalities read as was found."""
    for modality, reader in readers.items():
        for net in vae.of(modality):
            net.encoder.load_state_dict(reader.state_dict())
