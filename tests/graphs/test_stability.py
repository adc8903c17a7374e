"""Resampled graphs, what several of them agree on, and latents of several trainings that belong together."""

import numpy as np
import pandas as pd
import pytest
from graphs.five_latents import BLOCKS, NAMES, TRUE, linear_gaussian

from personax.graphs.discovery import Discovery
from personax.graphs.graph import ARROW, TAIL
from personax.graphs.graph_scores import edge_auc
from personax.graphs.stability import consensus, drop_rare, match_latents, resampled_marks, stability


@pytest.mark.slow
def test_resamples_do_not_depend_on_the_number_of_processes() -> None:
    latents = linear_gaussian(TRUE, 500)
    alone, parallel = (
        resampled_marks([latents], Discovery(), resamples=4, seed=3, jobs=jobs) for jobs in (1, 2)
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
    assert np.array_equal(consensus(agreed, least=0.5), right)
    assert not consensus(agreed, least=0.8).any()
    assert np.array_equal(consensus(stability(np.array([right, left, plain])), least=0.5), plain)
    assert not drop_rare(right, agreed.frequency, 0.8).any()


def test_latents_of_another_seed_are_paired_within_their_block() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 5))
    order = [0, 2, 1, 4, 3]
    changed = -np.exp(z[:, order]) + 0.1 * rng.normal(size=z.shape)
    reference, other = pd.DataFrame(z, columns=NAMES), pd.DataFrame(changed, columns=NAMES)
    found = match_latents(reference, other, BLOCKS, BLOCKS)
    assert found.order.tolist() == order
    assert found.similarity > 0.9
    backwards = match_latents(reference, other.iloc[:, ::-1], BLOCKS, BLOCKS)
    assert (4 - backwards.order).tolist() == order


def test_latents_are_never_paired_across_blocks() -> None:
    z = np.random.default_rng(0).normal(size=(300, 2))
    reference, swapped = pd.DataFrame(z, columns=["a", "b"]), pd.DataFrame(z[:, ::-1], columns=["a", "b"])
    blocks = {"image": ["a"], "text": ["b"]}
    found = match_latents(reference, swapped, blocks, blocks)
    assert found.order.tolist() == [0, 1]
    assert found.similarity < 0.2
