"""Resampled graphs, the consensus of several graphs, and matching latents of several trainings."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from graphs.five_latents import BLOCKS, NAMES, TRUE, linear_gaussian

from personax.graphs.choices import DiscoveryMethod, Test
from personax.graphs.discovery import Discovery
from personax.graphs.graph import ARROW, CIRCLE, TAIL
from personax.graphs.graph_scores import edge_auc
from personax.graphs.stability import (
    consensus,
    drop_rare,
    match_latents,
    open_unsure,
    resampled_marks,
    stability,
)
from personax.runs.workers import Workers

METHODS: tuple[DiscoveryMethod, ...] = ("pc", "fci")


@pytest.mark.slow
@pytest.mark.parametrize("test", ["fisherz", "kci"])
def test_resamples_do_not_depend_on_the_number_of_processes(test: Test) -> None:
    latents = linear_gaussian(TRUE, 500)
    alone, parallel = (
        resampled_marks([latents], Discovery(test=test), resamples=4, seed=3, workers=Workers(jobs=jobs))
        for jobs in (1, 2)
    )
    assert alone.shape == (4, 5, 5)
    assert np.array_equal(alone, parallel)


def test_resamples_depend_on_the_seed() -> None:
    weak = linear_gaussian(0.1 * TRUE, 200)  # edges come and go
    first, again, other = (resampled_marks([weak], Discovery(), resamples=6, seed=s) for s in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_resamples_take_the_runs_in_turn() -> None:
    related, unrelated = linear_gaussian(TRUE, 500), linear_gaussian(np.zeros((5, 5)), 500)
    marks = resampled_marks([related, unrelated], Discovery(alpha=1e-6), resamples=4)
    assert [int((each != 0).sum() / 2) for each in marks] == [5, 0, 5, 0]


def test_frequencies_separate_true_from_false_edges() -> None:
    rng = np.random.default_rng(0)
    true = np.triu(rng.random((9, 9)) < 0.25, 1).astype(int)
    weights = true * rng.uniform(0.5, 1, true.shape) * rng.choice([-1, 1], true.shape)
    marks = resampled_marks([linear_gaussian(weights, 800)], Discovery(), resamples=20, resample="half")
    found = stability(marks)
    assert edge_auc(true, found.frequency) > 0.95
    assert len(marks) == 20
    assert np.array_equal(found.frequency, found.frequency.T)
    assert (found.orientation + found.orientation.T <= 1).all()


def test_consensus_and_rare_edges() -> None:
    right, left, plain = (np.array([[0, a], [b, 0]]) for a, b in ((ARROW, TAIL), (TAIL, ARROW), (TAIL, TAIL)))
    none = np.zeros((2, 2), dtype=int)
    agreed = stability(np.array([right, right, plain, none]))
    assert agreed.frequency[0, 1] == 0.75
    assert agreed.orientation[0, 1] == pytest.approx(2 / 3)
    assert np.array_equal(consensus(agreed, least=0.5).marks, right)
    assert not consensus(agreed, least=0.8).marks.any()
    assert np.array_equal(consensus(stability(np.array([right, left, plain])), least=0.5).marks, plain)
    assert not drop_rare(right, agreed.frequency, 0.8).any()


def edge(mark_at_first: int, mark_at_second: int) -> np.ndarray:
    """Endpoint marks of a graph of two nodes and one edge."""
    return np.array([[0, mark_at_second], [mark_at_first, 0]])


@pytest.mark.parametrize(
    ("graphs", "agreed"),
    [
        ([edge(ARROW, ARROW)] * 2 + [edge(TAIL, ARROW)], edge(ARROW, ARROW)),  # <-> stays <->
        ([edge(CIRCLE, ARROW)] * 2 + [edge(TAIL, ARROW)], edge(CIRCLE, ARROW)),  # o-> does not become ->
        ([edge(CIRCLE, ARROW), edge(ARROW, ARROW)], edge(CIRCLE, ARROW)),  # one end is agreed, one is open
        ([edge(CIRCLE, CIRCLE), edge(TAIL, ARROW)], edge(CIRCLE, CIRCLE)),
        ([edge(TAIL, ARROW), edge(ARROW, TAIL)], edge(TAIL, TAIL)),  # no hidden causes: undirected
        ([edge(TAIL, ARROW)] * 2 + [edge(TAIL, TAIL)], edge(TAIL, ARROW)),
    ],
)
def test_each_end_gets_the_mark_of_the_majority(graphs: list[np.ndarray], agreed: np.ndarray) -> None:
    assert np.array_equal(consensus(stability(np.array(graphs)), least=0.5).marks, agreed)


def test_a_majority_with_a_cycle_loses_its_least_frequent_direction() -> None:
    def chain(*nodes: int) -> np.ndarray:
        marks = np.zeros((3, 3), dtype=int)
        for i, j in pairwise(nodes):
            marks[i, j], marks[j, i] = ARROW, TAIL
        return marks

    acyclic = [chain(0, 1, 2), chain(1, 2, 0), chain(2, 0, 1), chain(0, 1, 2)]
    found = consensus(stability(np.array(acyclic)), least=0.5)
    assert found.opened == [(2, 0)]  # in two graphs; 0 -> 1 and 1 -> 2 are in three
    assert found.marks[2, 0] == found.marks[0, 2] == TAIL
    assert found.marks[0, 1] == found.marks[1, 2] == ARROW


@pytest.mark.parametrize(("oriented", "left"), [(1, edge(TAIL, TAIL)), (5, edge(TAIL, ARROW))])
def test_an_arrow_that_few_resamples_have_is_left_open(oriented: int, left: np.ndarray) -> None:
    arrow, reverse, absent = edge(TAIL, ARROW), edge(ARROW, TAIL), np.zeros((2, 2), dtype=int)
    found = stability(np.array([arrow] * oriented + [reverse] * (9 - oriented) + [absent]))
    sure = open_unsure(arrow, found)
    assert np.array_equal(sure.marks, left)
    assert sure.opened == ([] if oriented == 5 else [(0, 1)])
    assert np.array_equal(open_unsure(reverse, found).marks, edge(TAIL, TAIL) if oriented == 5 else reverse)


def test_an_end_without_its_arrowhead_becomes_a_circle_where_there_are_circles() -> None:
    found = stability(np.array([edge(TAIL, ARROW)] * 3 + [edge(CIRCLE, CIRCLE)] * 7))
    assert np.array_equal(open_unsure(edge(TAIL, ARROW), found, open_end=CIRCLE).marks, edge(TAIL, CIRCLE))


def test_a_latent_that_is_rare_in_a_resample_has_no_edges() -> None:
    rng = np.random.default_rng(0)
    latents = np.column_stack([np.arange(100) == 17, rng.normal(size=(100, 3))]).astype(float)
    for method in METHODS:
        marks = resampled_marks([latents], Discovery(method, alpha=0.01), resamples=30, seed=1)
        assert stability(marks).frequency[0].max() < 0.3  # 42 % when undefined p-values meant dependence


def test_latents_of_another_seed_are_paired_within_their_block() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 5))
    order = [0, 2, 1, 4, 3]
    changed = -np.exp(z[:, order]) + 0.1 * rng.normal(size=z.shape)
    reference, other = pd.DataFrame(z, columns=NAMES), pd.DataFrame(changed, columns=NAMES)
    found = match_latents(reference, other, BLOCKS, BLOCKS)
    assert found.order.tolist() == order
    assert found.similarity > 0.9
    assert (found.signs == -1).all()
    backwards = match_latents(reference, other.iloc[:, ::-1], BLOCKS, BLOCKS)
    assert (4 - backwards.order).tolist() == order


def test_latents_are_never_paired_across_blocks() -> None:
    z = np.random.default_rng(0).normal(size=(300, 2))
    reference, swapped = pd.DataFrame(z, columns=["a", "b"]), pd.DataFrame(z[:, ::-1], columns=["a", "b"])
    blocks = {"image": ["a"], "text": ["b"]}
    found = match_latents(reference, swapped, blocks, blocks)
    assert found.order.tolist() == [0, 1]
    assert found.similarity < 0.2
