"""Random graphs: few edges between groups that tell latents apart, and the groups of Simulation 1."""

import networkx as nx
import numpy as np
import pytest

from personax.numerical.latent_graphs import (
    CHILDREN_IN_A_GROUP,
    grouped_graph,
    owners,
    random_dag,
    sparse_cross_graph,
    tells_apart,
)
from personax.runs.errors import InputError

SEEDS = range(1000, 1020)


def has_no_cycle(graph: np.ndarray) -> bool:
    return bool(nx.is_directed_acyclic_graph(nx.from_numpy_array(graph, create_using=nx.DiGraph)))


@pytest.mark.parametrize("sizes", [[2, 2], [3, 3], [2, 2, 2, 2], [2] * 8, [2, 2, 1]])
def test_a_sparse_cross_graph_has_the_fewest_edges_between_groups(sizes: list[int]) -> None:
    group = owners(sizes)
    across = group[:, None] != group[None]
    for seed in SEEDS:
        graph = sparse_cross_graph(sizes, np.random.default_rng(seed))
        linked = (graph + graph.T) * across
        assert has_no_cycle(graph)
        assert (linked.sum(1) >= 1).all()  # every latent, so every modality, has one
        assert tells_apart(linked.astype(bool), group)
        assert (graph * across).sum() <= np.ceil(len(group) / 2) + 1


@pytest.mark.parametrize("sizes", [[2, 2], [3, 3], [2, 2, 2, 2]])
def test_a_latent_without_children_has_no_cause_in_its_own_group(sizes: list[int]) -> None:
    """Else the latent minus that effect would explain the data as well."""
    group = owners(sizes)
    inside = group[:, None] == group[None]
    for seed in SEEDS:
        graph = sparse_cross_graph(sizes, np.random.default_rng(seed))
        childless = ~graph.any(1)
        assert not (graph * inside)[:, childless].any()


@pytest.mark.parametrize("sizes", [[2, 2], [3, 3], [2, 2, 2, 2]])
def test_a_graph_that_is_not_findable_has_such_a_latent(sizes: list[int]) -> None:
    group = owners(sizes)
    inside = group[:, None] == group[None]
    for seed in range(1000, 1100):
        graph = sparse_cross_graph(sizes, np.random.default_rng(seed), findable=False)
        assert has_no_cycle(graph)
        assert (graph * inside)[:, ~graph.any(1)].any()
        assert tells_apart((graph * ~inside).astype(bool), group)


def test_its_edges_differ_between_seeds_and_go_both_ways() -> None:
    graphs = [sparse_cross_graph([2, 2], np.random.default_rng(seed)) for seed in SEEDS]
    assert len({graph.tobytes() for graph in graphs}) > 8
    assert sum(graph[:2, 2:].sum() for graph in graphs) > 0 < sum(graph[2:, :2].sum() for graph in graphs)
    inside = sum(graph[:2, :2].sum() + graph[2:, 2:].sum() for graph in graphs)
    assert 10 <= inside <= 30  # 40 pairs, each with chance 1/2: binomial bounds of 99.9 %


def test_groups_whose_latents_no_pairs_tell_apart_are_refused() -> None:
    with pytest.raises(InputError, match="cannot tell all latents apart"):
        sparse_cross_graph([3, 1], np.random.default_rng(0))
    with pytest.raises(InputError, match="no latent has another one of its group before it"):
        sparse_cross_graph([1, 1], np.random.default_rng(0), findable=False)


def test_shared_latents_cause_and_are_not_caused() -> None:
    for seed in SEEDS:
        graph = sparse_cross_graph([2, 2, 2], np.random.default_rng(seed), first=1)
        assert graph[2:, :2].sum() == 0


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([(0, 2), (1, 3)], True),
        ([(0, 2)], False),  # latents 1 and 3 have no neighbour elsewhere
        ([(0, 2), (1, 2), (1, 3)], False),  # the neighbours of 0 are among those of 1
        ([(2, 0), (1, 3)], True),
    ],
)
def test_edges_tell_latents_apart(edges: list[tuple[int, int]], told: bool) -> None:
    graph = np.zeros((4, 4), dtype=bool)
    graph[tuple(zip(*edges, strict=True))] = True
    assert tells_apart(graph, owners([2, 2])) is told


def test_mixing_two_latents_needs_more_edges_where_edges_tell_them_apart() -> None:
    """Condition 4.3 itself, by counting the effects that random invertible mixtures leave."""
    rng = np.random.default_rng(1000)
    block = np.diag(rng.uniform(0.5, 1, 2))  # effects of a matching of two and two latents
    for _ in range(200):
        first, second = np.eye(2), np.eye(2)
        first[0, 1], second[1, 0] = rng.normal(size=2) * rng.integers(0, 2, 2)
        mixed = np.linalg.inv(first) @ block @ second
        if first[0, 1] or second[1, 0]:
            assert (np.abs(mixed) > 1e-9).sum() > 2


def test_groups_have_the_parents_of_simulation_1() -> None:
    graph = grouped_graph(3, 10, np.random.default_rng(1000))
    part = {(i, j): graph[10 * i : 10 * i + 10, 10 * j : 10 * j + 10] for i in range(3) for j in range(3)}
    assert has_no_cycle(graph)
    assert not np.tril(graph).any()
    for i, j in [(0, 1), (0, 2), (1, 2)]:
        assert (part[i, j].sum(0) == 2).all()
        assert (part[i, j].sum(1) <= CHILDREN_IN_A_GROUP).all()
        assert np.linalg.matrix_rank(part[i, j]) == 10
        assert not part[j, i].any()
    for group in (1, 2):
        assert part[group, group].sum(0).tolist() == [0] + [1] * 9
    assert set(part[0, 0].sum(0).tolist()) == {0, 2}
    assert part[0, 0].sum(1).max() == 1  # each cause has one effect, and no effect is a cause
    assert not (part[0, 0].sum(0).astype(bool) & part[0, 0].sum(1).astype(bool)).any()


def test_a_random_dag_has_edges_by_chance() -> None:
    drawn = [random_dag(4, 0.75, np.random.default_rng(seed)) for seed in SEEDS]
    assert not any(np.tril(graph).any() for graph in drawn)
    assert 73 <= sum(int(graph.sum()) for graph in drawn) <= 106  # of 120: binomial bounds of 99.9 %
