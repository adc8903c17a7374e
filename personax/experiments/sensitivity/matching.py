"""The latents of a variant beside those of the base run, and what the variant says about their edges.

Order, sign and scale of recovered latents are arbitrary. So each latent of the base run is paired with the
latent of the variant that has the largest |correlation| over the people of both (one-to-one, within a block),
and signs are turned to agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from personax.graphs.graph import Graph
from personax.graphs.graph_files import OBSERVED
from personax.learning.metrics import match
from personax.runs.run_folder import GRAPH, LATENTS
from personax.views import SHARED

FORWARD, BACKWARD, OPEN = "->", "<-", "---"
CLEAR_SLOPE = 3.0  # standard errors from which the slope of an effect has a sign
FEWEST_IN_BOTH = 20  # people


@dataclass(frozen=True, eq=False)
class Recovered:
    """What a run has learned: latents by person, and their graph.

    Attributes:
        latents: (n, d), one named column each; the index are the identifiers of the people.
        graph: over these latents.
    """

    latents: pd.DataFrame
    graph: Graph


class Partner(NamedTuple):
    """The latent of a variant that a latent of the base run is paired with, and their correlation."""

    name: str
    correlation: float


class EdgeClaim(NamedTuple):
    """What a run says about two latents, first and second.

    Attributes:
        mark: "->", "<-", "---" (no direction), or "" without an edge.
        sign: 1 if the effect rises, -1 if it falls, 0 if neither is clear.
    """

    mark: str
    sign: int


NO_EDGE = EdgeClaim("", 0)


def read_backwards(claim: EdgeClaim) -> EdgeClaim:
    """The same claim, read from its second latent to its first.

    >>> read_backwards(EdgeClaim("->", 1))
    EdgeClaim(mark='<-', sign=1)
    """
    return claim._replace(mark={FORWARD: BACKWARD, BACKWARD: FORWARD}.get(claim.mark, claim.mark))


def read_recovered(folder: Path) -> Recovered:
    """The latents and the graph in a run folder; without people whose latents were guessed."""
    table, graph = pd.read_parquet(folder / LATENTS), Graph.from_json(folder / GRAPH)
    masks = [name for name in table if str(name).startswith(OBSERVED)]
    table = table[table[masks].all(axis=1)] if masks else table
    return Recovered(table.set_index(table["id"].astype(str))[list(graph.names)], graph)


def partners_of(base: Recovered, variant: Recovered) -> dict[str, Partner]:
    """Latent of the base run -> its partner, for the latents that the variant can have."""
    people = base.latents.index.intersection(variant.latents.index)
    if len(people) < FEWEST_IN_BOTH:
        return {}
    one, other = base.latents.loc[people], variant.latents.loc[people]
    found: dict[str, Partner] = {}
    for names, others in comparable_blocks(base.graph.blocks, variant.graph.blocks):
        columns, correlations = match(other[others].to_numpy(), one[names].to_numpy())
        for name, column, correlation in zip(names, columns, correlations, strict=True):
            paired = others[column] if column < len(others) else ""
            found[name] = Partner(paired, float(correlation))
    return found


def comparable_blocks(
    base: Mapping[str, Sequence[str]], variant: Mapping[str, Sequence[str]]
) -> Iterator[tuple[list[str], list[str]]]:
    """Latents of the base run and those of the variant that may be the same, block by block.

    The only block of a variant with one modality holds the shared latents, too.
    """
    joined = SHARED in base and SHARED not in variant and len(variant) == 1
    for block, names in variant.items():
        wanted = [*(base[SHARED] if joined else ()), *base.get(block, ())]
        if wanted:
            yield wanted, list(names)


def claims_of(run: Recovered, partners: Mapping[str, Partner]) -> dict[tuple[str, str], EdgeClaim]:
    """What a run says about each pair of latents of the base run, in their names and signs.

    Pairs with a latent that has no partner are left out. The base run is its own partner (`own_partners`).
    """
    place = {name: number for number, name in enumerate(run.graph.names)}
    signs, adjacency = slope_signs(run.latents.to_numpy(), run.graph.adjacency), run.graph.adjacency
    known = [name for name, partner in partners.items() if partner.name]
    claims = {}
    for k, first in enumerate(known):
        for second in known[k + 1 :]:
            a, b = (place[partners[name].name] for name in (first, second))
            turned = int(np.sign(partners[first].correlation) * np.sign(partners[second].correlation))
            claims[first, second] = claim_of(adjacency, signs * turned, a, b)
    return claims


def own_partners(run: Recovered) -> dict[str, Partner]:
    """Each latent is its own partner."""
    return {name: Partner(name, 1.0) for name in run.graph.names}


def claim_of(adjacency: Int[np.ndarray, "d d"], signs: Int[np.ndarray, "d d"], a: int, b: int) -> EdgeClaim:
    """What a graph (d, d) says about the nodes a and b; signs (d, d) are those of the effect i -> j."""
    forward, backward = bool(adjacency[a, b]), bool(adjacency[b, a])
    if not forward and not backward:
        return NO_EDGE
    mark = OPEN if forward and backward else FORWARD if forward else BACKWARD
    return EdgeClaim(mark, int(signs[a, b] if forward else signs[b, a]))


def slope_signs(
    latents: Float[np.ndarray, "n d"], adjacency: Int[np.ndarray, "d d"]
) -> Int[np.ndarray, "d d"]:
    """(d, d) sign of the effect i -> j: of the slope of i when j is regressed on all its parents together.

    0 without an edge, and where the slope is less than `CLEAR_SLOPE` standard errors from 0, as for an effect
    that rises and falls.
    """
    signs = np.zeros(adjacency.shape, dtype=int)
    for child in range(len(adjacency)):
        parents = np.flatnonzero(adjacency[:, child])
        if len(parents):
            t = slopes_in_errors(latents[:, parents], latents[:, child])
            signs[parents, child] = np.where(np.abs(t) >= CLEAR_SLOPE, np.sign(t), 0).astype(int)
    return signs


def slopes_in_errors(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, " n"]) -> Float[np.ndarray, " p"]:
    """(p,) least-squares slopes of y on the columns of x, each divided by its standard error."""
    x, y = x - x.mean(0), y - y.mean()
    inverse = np.linalg.pinv(x.T @ x)
    slopes = inverse @ (x.T @ y)
    variance = ((y - x @ slopes) ** 2).sum() / max(1, len(y) - x.shape[1] - 1)
    errors = np.sqrt(np.maximum(variance * np.diag(inverse), np.finfo(float).tiny))
    found: np.ndarray = slopes / errors
    return found
