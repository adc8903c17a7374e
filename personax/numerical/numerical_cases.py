"""The cases by name. Each is drawn from one seed, as MultiViewData with one measurement of each modality.

A block is the set of latents of one modality, or the set "s" that all modalities share. eta is the noise of
a modality: numbers that only its measurement depends on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import stats

from personax.numerical.latent_draws import (
    additive_latents,
    correlated_normals,
    grouped_latents,
    laplace,
    linear_latents,
    of_variance_one,
)
from personax.numerical.latent_graphs import grouped_graph, owners, random_dag, sparse_cross_graph
from personax.numerical.mixings import random_network, sparse_linear
from personax.runs.errors import InputError
from personax.runs.seeds import numpy_rng
from personax.views import SHARED, MultiViewData, Truth

ROWS_OF_A_DRAW = 100
DOMAIN_WIDTH = 15  # numbers of a measurement of `linear_domains`
CONTENT = 5  # numbers of the content of `content_and_style`, and of each kind of style

Generator = np.random.Generator


@dataclass(frozen=True)
class NumericalCase:
    """One kind of data, of which every seed is another draw: graph, functions, mixings and rows.

    Attributes:
        title: its name in tables.
        source: the paper that defines it.
        n: number of rows there, if nothing else is asked for.
        make: number of rows and randomness -> the data with their truth.
        noise: numbers of eta in each modality.
        linked: every latent has an edge to another modality, and none is shared. So paired codes apply
            (crl/paired_codes.py).
    """

    title: str
    source: str
    n: int
    make: Callable[[int, Generator], MultiViewData]
    noise: int = 0
    linked: bool = False

    def draw(self, n: int, seed: int) -> MultiViewData:
        """n rows of the draw of this seed. Raises InputError for fewer than ROWS_OF_A_DRAW rows."""
        if n < ROWS_OF_A_DRAW:
            raise InputError(f"n {n}: at least {ROWS_OF_A_DRAW} rows")
        return self.make(n, numpy_rng(seed, f"numerical/{self.title}"))


def cross_modal(
    n: int,
    rng: Generator,
    *,
    modalities: int,
    latents: int,
    width: int,
    shared: int = 0,
    findable: bool = True,
) -> MultiViewData:
    """The numerical data of Sun et al. 2025, App. D.1: few edges between modalities, networks as mixings.

    Each modality has `latents` latents of its own and one eta, and a measurement of `width` numbers. Shared
    latents are in every measurement. Graph: `sparse_cross_graph`; latents: `additive_latents`. If not
    `findable`, some latent has a cause in its own modality and no effect, so that no method can find it.
    """
    sizes = [*([shared] if shared else []), *[latents] * modalities]
    graph = sparse_cross_graph(sizes, rng, first=1 if shared else 0, findable=findable)
    z = additive_latents(graph, n, rng)
    group, measurements = owners(sizes), {}
    s = z[:, group == 0] if shared else np.empty((n, 0))
    for number in range(modalities):
        own = z[:, group == number + (shared > 0)]
        inputs = np.column_stack([s, own, laplace(n, rng)])
        measurements[modality(number)] = random_network(inputs.shape[1], width, rng)(inputs)
    return _with_truth(z, [latents] * modalities, shared, graph, measurements)


def grouped(n: int, rng: Generator, *, groups: int, size: int) -> MultiViewData:
    """Simulation 1 of Morioka & Hyvärinen 2024: groups of latents, no noise, as many numbers as latents."""
    graph = grouped_graph(groups, size, rng)
    z = grouped_latents(graph, n, rng)
    measurements = {
        modality(number): random_network(size, size, rng)(z[:, number * size : (number + 1) * size])
        for number in range(groups)
    }
    return _with_truth(z, [size] * groups, 0, graph, measurements)


def linear_domains(n: int, rng: Generator) -> MultiViewData:
    """The data of Sturma et al. 2023: two domains with shared latents, all maps linear.

    The shared latents have a linear structural equation model on a random graph of density 0.75 with an edge
    at least; those of a domain are independent errors. All errors have other distributions. Each shared
    latent has a pure child in either domain. The paper's domains are unpaired; here a row is the same case in
    both, which is easier.
    """
    shared_errors = [stats.beta(2, 3), stats.beta(2, 5), stats.chi2(4)]
    own_errors = [stats.gumbel_r(), stats.lognorm(s=1), stats.weibull_min(c=2), stats.expon(scale=0.1)]
    shared, own = len(shared_errors), len(own_errors) // 2
    drawn = _standard_errors([*shared_errors, *own_errors], n, rng)
    among = random_dag(shared, 0.75, rng)
    while not among.any():  # nothing would be found by finding nothing
        among = random_dag(shared, 0.75, rng)
    s = linear_latents(among, drawn[:shared], rng)
    specific = of_variance_one(np.column_stack(drawn[shared:]))
    parts = [specific[:, :own], specific[:, own:]]
    measurements = {
        modality(number): np.column_stack([s, part])
        @ sparse_linear(shared, shared + own, DOMAIN_WIDTH, rng, pure=True)
        for number, part in enumerate(parts)
    }
    graph = np.zeros((shared + 2 * own,) * 2, dtype=int)
    graph[:shared, :shared] = among
    return _with_truth(np.column_stack([s, specific]), [own, own], shared, graph, measurements)


def content_and_style(n: int, rng: Generator) -> MultiViewData:
    """The numerical simulation of Daunhawer et al. 2023: content, style and what is specific to a modality.

    Content is in both measurements, and its numbers depend on each other. Style depends linearly on content;
    in the second modality each number of style is changed with chance 0.75. Each modality has specific
    numbers, too, which depend on each other. All are normal. Nothing identifies more than the block of the
    content up to an invertible map, and there is no graph to find.
    """
    size = CONTENT
    content = of_variance_one(correlated_normals(n, size, rng))
    style = content @ rng.standard_normal((size, size)) / np.sqrt(size) + correlated_normals(n, size, rng)
    changed = style + (rng.random((n, size)) < 0.75) * correlated_normals(n, size, rng)
    own = [np.column_stack([part, correlated_normals(n, size, rng)]) for part in (style, changed)]
    own = [of_variance_one(part) for part in own]
    measurements = {
        modality(number): random_network(3 * size, 3 * size, rng)(np.column_stack([content, part]))
        for number, part in enumerate(own)
    }
    return _with_truth(np.column_stack([content, *own]), [2 * size] * 2, size, None, measurements)


def modality(number: int) -> str:
    """The name of modality `number`, counted from 0: m1, m2, and so on."""
    return f"m{number + 1}"


def _standard_errors(kinds: Sequence[Any], n: int, rng: Generator) -> list[Float[np.ndarray, " n"]]:
    """n draws of each distribution of scipy.stats, in units of its standard deviation around its mean."""
    return [(kind.rvs(size=n, random_state=rng) - kind.mean()) / kind.std() for kind in kinds]


def _with_truth(
    z: Float[np.ndarray, "n d"],
    sizes: Sequence[int],
    shared: int,
    graph: Int[np.ndarray, "d d"] | None,
    measurements: Mapping[str, Float[np.ndarray, "n _"]],
) -> MultiViewData:
    """The data, with the latents (shared ones first, then modality by modality) as their truth."""
    blocks = {SHARED: [f"s{k + 1}" for k in range(shared)]} if shared else {}
    for number, size in enumerate(sizes):
        blocks[modality(number)] = [f"z{number + 1}{'_' if k > 9 else ''}{k}" for k in range(1, size + 1)]
    names = [name for of_block in blocks.values() for name in of_block]
    return MultiViewData(
        {m: [x.astype(np.float32)] for m, x in measurements.items()},
        truth=Truth(pd.DataFrame(z, columns=names), blocks, graph),
        source="simulated numbers",
    )


SUN, MORIOKA = "Sun et al. 2025", "Morioka & Hyvärinen 2024"
STURMA, DAUNHAWER = "Sturma et al. 2023", "Daunhawer et al. 2023"


def _sun(
    title: str, modalities: int, latents: int, width: int, *, shared: int = 0, findable: bool = True
) -> NumericalCase:
    make = partial(
        cross_modal, modalities=modalities, latents=latents, width=width, shared=shared, findable=findable
    )
    return NumericalCase(title, SUN, 10_000, make, noise=1, linked=shared == 0)


# The sizes of the extensions are not stated by Sun et al. 2025: those of Case 3 are taken.
CASES: dict[str, NumericalCase] = {
    "case1": _sun("Case 1", 2, 2, 15),
    "case1_hidden": _sun("Case 1 with a latent that no method can find", 2, 2, 15, findable=False),
    "case2": _sun("Case 2", 2, 3, 20),
    "case3": _sun("Case 3", 4, 2, 30),
    "modalities5": _sun("5 modalities", 5, 2, 30),
    "modalities6": _sun("6 modalities", 6, 2, 30),
    "modalities8": _sun("8 modalities", 8, 2, 30),
    "shared2": _sun("shared latents, 2 modalities", 2, 2, 30, shared=2),
    "shared3": _sun("shared latents, 3 modalities", 3, 2, 30, shared=2),
    "groups": NumericalCase(
        "G-CaRL, Simulation 1", MORIOKA, 2**16, partial(grouped, groups=3, size=10), linked=True
    ),
    "domains": NumericalCase("shared linear latents", STURMA, 25_000, linear_domains),
    "content": NumericalCase("content and style", DAUNHAWER, 10_000, content_and_style),
}
