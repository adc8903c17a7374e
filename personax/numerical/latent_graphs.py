"""Random graphs over groups of latents. A group holds the latents of one modality.

All graphs are adjacency matrices A with A[i, j] = 1 for i -> j, without cycles. The latents are numbered
group by group.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int

from personax.runs.errors import InputError

INSIDE = 0.5  # chance of an edge between two latents of one group in `sparse_cross_graph`
MOST_DRAWS = 1000  # of pairings
CHILDREN_IN_A_GROUP = 2  # most children that a latent of `grouped_graph` has in one group


def owners(sizes: Sequence[int]) -> Int[np.ndarray, " d"]:
    """(d,) the group of each latent, for groups of these sizes.

    >>> owners([2, 1]).tolist()
    [0, 0, 1]
    """
    return np.repeat(np.arange(len(sizes)), sizes)


def sparse_cross_graph(
    sizes: Sequence[int], rng: np.random.Generator, *, first: int = 0, findable: bool = True
) -> Int[np.ndarray, "d d"]:
    """Few edges between groups, and edges within groups by chance (the numerical data of Sun et al. 2025).

    The paper asks for random sparse edges between modalities, at least one for each modality, and its
    Condition 4.3 for edges that tell the latents of a modality apart. Our choice is the sparsest graph with
    both: the latents are paired at random, each with one of another group (with an odd number, one latent
    joins a pair), and an edge leads from the earlier to the later one in a random order. Within a group each
    pair has an edge with chance `INSIDE`, but none leads to a latent without children: such a latent minus
    the effect of that edge would explain the data as well with one edge less, so no method could find it.

    Args:
        sizes: latents of each group.
        rng: source of randomness.
        first: this many groups at the beginning come first in the causal order, as shared latents do.
        findable: False keeps the edges to latents without children, and draws until there is one.

    Raises InputError if `MOST_DRAWS` random pairings leave latents that no edge tells apart, or if so many
    draws have no such latent, as in groups of one.
    """
    group = owners(sizes)
    rank = np.argsort(rng.permutation(len(group))) + np.where(group < first, 0, len(group))
    drawn = (_random_pairs(group, rng) for _ in range(MOST_DRAWS))
    linked = next((pairs for pairs in drawn if tells_apart(pairs, group)), None)
    if linked is None:
        raise InputError(f"groups of {list(sizes)}: pairs cannot tell all latents apart; make them equal")
    inside = group[:, None] == group[None]
    order = rank[:, None] < rank[None]
    graphs = ((linked | _random_edges(inside, rng)) & order for _ in range(MOST_DRAWS))
    if not findable:
        hidden = next((graph for graph in graphs if (graph & inside)[:, ~graph.any(1)].any()), None)
        if hidden is None:
            raise InputError(f"groups of {list(sizes)}: no latent has another one of its group before it")
        return np.asarray(hidden, dtype=int)
    graph = next(graphs)
    for latent in np.argsort(-rank):  # effects before their causes, which may lose their last child
        if not graph[latent].any():
            graph[inside[:, latent], latent] = False
    return np.asarray(graph, dtype=int)


def _random_edges(pairs: Bool[np.ndarray, "d d"], rng: np.random.Generator) -> Bool[np.ndarray, "d d"]:
    """(d, d) symmetric: each of these pairs with chance `INSIDE`."""
    chance = np.triu(rng.random(pairs.shape) < INSIDE, 1)
    return pairs & (chance | chance.T)


def _random_pairs(group: Int[np.ndarray, " d"], rng: np.random.Generator) -> Bool[np.ndarray, "d d"]:
    """(d, d) symmetric: latents of different groups, paired one after another."""
    linked = np.zeros((len(group),) * 2, dtype=bool)
    for latent in rng.permutation(len(group)):
        others = np.flatnonzero(group != group[latent])
        free = others[~linked[others].any(1)]
        if not linked[latent].any():
            partner = rng.choice(free if len(free) else others)
            linked[latent, partner] = linked[partner, latent] = True
    return linked


def tells_apart(linked: Bool[np.ndarray, "d d"], group: Int[np.ndarray, " d"]) -> bool:
    """Whether the edges between groups tell the latents of each group apart.

    Each latent needs a neighbour in other groups, and its neighbours there must not all be neighbours of
    another latent of its own group. Otherwise the sum of both latents has no more edges than the other one
    alone, and sparsity (Sun et al. 2025, Condition 4.3) cannot tell them.
    """
    across = (linked | linked.T) & (group[:, None] != group[None])
    missed = across.astype(int) @ (~across).astype(int).T  # neighbours of i that j has not
    rivals = (group[:, None] == group[None]) & ~np.eye(len(group), dtype=bool)
    return bool(across.any(1).all() and (missed[rivals] > 0).all())


def grouped_graph(groups: int, size: int, rng: np.random.Generator) -> Int[np.ndarray, "d d"]:
    """The graph of Simulation 1 of Morioka & Hyvärinen 2024: groups of `size` latents, in causal order.

    A latent has two parents in every earlier group and one in its own group, among the latents before it, as
    in the authors' code (the number of neighbours is one for each pair of groups there). In
    the first group, disjoint pairs of latents cause a third one each instead, so that it is not too
    dependent. A latent has at most `CHILDREN_IN_A_GROUP` children in a group, the blocks of edges between
    groups have full rank, and parents of a latent are not joined by an edge as far as others are left.
    """
    graph = np.zeros((groups * size,) * 2, dtype=int)
    graph[:size, :size] = _disjoint_colliders(size, rng)
    for own in range(1, groups):
        columns = slice(own * size, (own + 1) * size)
        while not _is_full(graph[: own * size, columns], size):
            graph[:, columns] = 0
            for child in range(own * size, (own + 1) * size):
                _choose_parents(graph, child, size, rng)
    return graph


def _is_full(edges: Int[np.ndarray, "earlier size"], size: int) -> bool:
    """Whether each earlier group gives two parents to every latent, and the blocks have full rank."""
    blocks = [edges[start : start + size] for start in range(0, len(edges), size)]
    two_each = all((block.sum(0) == 2).all() for block in blocks)
    return two_each and all(np.linalg.matrix_rank(block) == size for block in blocks)


def _disjoint_colliders(size: int, rng: np.random.Generator) -> Int[np.ndarray, "size size"]:
    """Latents in order, of which each may get two parents that have no other edge."""
    graph = np.zeros((size, size), dtype=int)
    for child in range(2, size):
        free = np.flatnonzero(~(graph[:child].any(1) | graph[:, :child].any(0)))
        if len(free) >= 2:
            graph[rng.choice(free, 2, replace=False), child] = 1
    return graph


def _choose_parents(graph: Int[np.ndarray, "d d"], child: int, size: int, rng: np.random.Generator) -> None:
    """Give `child` one parent within its group and two in each earlier one, where any are free."""
    own = child // size
    of_group = slice(own * size, (own + 1) * size)
    for group in [own, *(g for g in range(own) for _ in range(2))]:
        free = [i for i in range(group * size, min((group + 1) * size, child)) if not graph[i, child]]
        free = [i for i in free if graph[i, of_group].sum() < CHILDREN_IN_A_GROUP]
        parents = np.flatnonzero(graph[:, child])
        apart = [i for i in free if not (graph[i, parents] | graph[parents, i]).any()]
        if free:
            graph[rng.choice(apart or free), child] = 1


def random_dag(size: int, density: float, rng: np.random.Generator) -> Int[np.ndarray, "size size"]:
    """A graph in which each pair in the order of the numbers has an edge with chance `density`."""
    return np.triu(rng.random((size, size)) < density, 1).astype(int)
