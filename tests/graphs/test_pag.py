"""PAGs against known truth: exact graphs with hidden causes, and all graphs of four nodes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pytest
from causallearn.utils.cit import CIT_Base

from personax.graphs.discovery import fci_marks
from personax.graphs.graph import ARROW, CIRCLE, TAIL
from personax.graphs.pag import pag_marks


class ExactTest(CIT_Base):  # type: ignore[misc]  # causal-learn has no types
    """The independences of a DAG, whose first d nodes are observed; p is 1 or 0."""

    def __init__(self, dag: nx.DiGraph[int], d: int) -> None:
        super().__init__(np.zeros((2, d)))
        self.dag, self.method = dag, "exact"

    def __call__(self, X: Any, Y: Any, condition_set: Any = None) -> float:
        given = {int(node) for node in condition_set or ()}
        return float(nx.is_d_separator(self.dag, {int(X)}, {int(Y)}, given))


def dag_of(*edges: tuple[int, int]) -> nx.DiGraph[int]:
    return nx.DiGraph(edges)


def knowledge(d: int, *forbidden: tuple[int, int]) -> np.ndarray:
    matrix = np.zeros((d, d), dtype=bool)
    for i, j in forbidden:
        matrix[i, j] = True
    return matrix


def reachable(edges: np.ndarray) -> np.ndarray:
    closure: np.ndarray = nx.to_numpy_array(
        nx.transitive_closure(nx.from_numpy_array(edges, create_using=nx.DiGraph))
    )
    return closure > 0


def test_knowledge_that_z_does_not_cause_s_leaves_a_hidden_cause_possible() -> None:
    """s (0) and z (1) have a hidden cause (2): s o-> z, and not s -> z."""
    s, z, hidden = 0, 1, 2
    marks = fci_marks(ExactTest(dag_of((hidden, s), (hidden, z)), 2), 0.5, knowledge(2, (z, s)))
    assert (marks[z, s], marks[s, z]) == (CIRCLE, ARROW)


def test_a_hidden_cause_between_two_colliders_stays_bidirected() -> None:
    """a -> s <-> z <- b, given that z does not cause s."""
    s, z, a, b, hidden = range(5)
    dag = dag_of((hidden, s), (hidden, z), (a, s), (b, z))
    marks = fci_marks(ExactTest(dag, 4), 0.5, knowledge(4, (z, s)))
    assert marks[s, z] == marks[z, s] == ARROW


def test_what_is_forbidden_both_ways_is_a_hidden_cause() -> None:
    marks = fci_marks(ExactTest(dag_of((2, 0), (2, 1)), 2), 0.5, knowledge(2, (0, 1), (1, 0)))
    assert marks[0, 1] == marks[1, 0] == ARROW


def test_a_forbidden_arrow_says_nothing_where_the_cause_may_act_through_others() -> None:
    """0 -> 1 -> 2 and a hidden cause of 0 and 2: 0 does cause 2, although 0 -> 2 is forbidden."""
    marks = fci_marks(ExactTest(dag_of((0, 1), (1, 2), (3, 0), (3, 2)), 3), 0.5, knowledge(3, (0, 2)))
    assert marks[2, 0] != ARROW


@pytest.mark.parametrize("tiers", [0, 3])
def test_no_mark_is_false_on_exact_graphs_with_hidden_causes(tiers: int) -> None:
    rng = np.random.default_rng(tiers)
    heads = tails = 0
    for _ in range(60):
        d, hidden = rng.integers(4, 7), rng.integers(0, 4)
        n = int(d + hidden)
        edges = np.triu(rng.random((n, n)) < rng.choice([0.25, 0.4, 0.55]), 1).astype(int)
        order = rng.permutation(n)
        edges = edges[np.ix_(order, order)]
        cause = reachable(edges)[:d, :d]
        tier = np.argsort(order)[:d] * 0 if not tiers else order[:d] * tiers // n
        later = tier[:, None] > tier[None]
        assert not (later & cause).any()  # the knowledge is true
        marks = fci_marks(ExactTest(nx.from_numpy_array(edges, create_using=nx.DiGraph), int(d)), 0.5, later)
        assert not (cause.T & (marks == ARROW)).any()
        assert cause.T[marks == TAIL].all()
        heads, tails = heads + int((marks == ARROW).sum()), tails + int((marks == TAIL).sum())
    assert heads > 100
    assert tails > 20


class Model(NamedTuple):
    """An ancestral graph over four nodes: its marks, and who causes whom."""

    marks: np.ndarray
    causes: np.ndarray


Independences = tuple[tuple[tuple[int, ...], ...], ...]
PAIRS = tuple(combinations(range(4), 2))


def ancestral_graphs() -> Iterator[tuple[Independences, Model]]:
    """Every maximal ancestral graph over four nodes, with the separating sets of each pair."""
    for kinds in product(range(4), repeat=6):
        directed, both = np.zeros((4, 4), dtype=int), np.zeros((4, 4), dtype=bool)
        for (i, j), kind in zip(PAIRS, kinds, strict=True):
            directed[i, j], directed[j, i] = kind == 1, kind == 2
            both[i, j] = both[j, i] = kind == 3
        causes = reachable(directed)
        if causes.diagonal().any() or (both & causes).any():
            continue
        graph = nx.from_numpy_array(directed, create_using=nx.DiGraph)
        graph.add_edges_from((4 + k, node) for k, pair in enumerate(PAIRS) if both[pair] for node in pair)
        separating = tuple(separating_sets(graph, pair) for pair in PAIRS)
        adjacent = [bool(kind) for kind in kinds]
        if all(found == () if joined else found for found, joined in zip(separating, adjacent, strict=True)):
            marks = np.where(both | (directed == 1), ARROW, np.where(directed.T == 1, TAIL, 0))
            yield separating, Model(marks, causes)


def separating_sets(graph: nx.DiGraph[int], pair: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
    others = [node for node in range(4) if node not in pair]
    return tuple(
        given
        for size in range(3)
        for given in combinations(others, size)
        if nx.is_d_separator(graph, {pair[0]}, {pair[1]}, set(given))
    )


@pytest.mark.slow
def test_marks_are_those_on_which_all_graphs_of_four_nodes_agree() -> None:
    """With and without tiers: the mark where it is the same in every graph that fits, else a circle."""
    classes: dict[Independences, list[Model]] = {}
    for separating, model in ancestral_graphs():
        classes.setdefault(separating, []).append(model)
    assert len(classes) == 248
    checked = 0
    for number, (independences, models) in enumerate(classes.items()):
        adjacent = models[0].marks != 0
        separators = {pair: set(sets[0]) for pair, sets in zip(PAIRS, independences, strict=True) if sets}
        for tiers in ((0, 0, 0, 0), *list(product(range(3), repeat=4))[number % 21 :: 21]):
            later = np.greater.outer(tiers, tiers)
            fitting = np.array([model.marks for model in models if not (model.causes & later).any()])
            if len(fitting):
                agreed = np.where((fitting == fitting[0]).all(0), fitting[0], CIRCLE)
                np.testing.assert_array_equal(pag_marks(adjacent, separators, later), agreed)
                checked += 1
    assert checked > 500
