"""The graph of several trainings: matched latents, and what the graphs of the seeds agree on."""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from graphs.five_latents import BLOCKS, NAMES, TRUE, linear_gaussian, linear_laplace

from personax.graphs import direction
from personax.graphs.discovery import Discovery
from personax.graphs.estimate import estimated_graph, learned_consensus, match_runs
from personax.graphs.graph import Graph
from personax.graphs.graph_files import Latents
from personax.graphs.knowledge import Statements, forbidden_arrows
from personax.runs.errors import InputError

FORBIDDEN = forbidden_arrows(NAMES, BLOCKS, Statements())


@pytest.fixture(autouse=True)
def _few_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Directions are examined in a third of the halves, which is quicker."""
    monkeypatch.setattr(direction, "HALVES", 13)


def run_of(latents: np.ndarray, adjacency: np.ndarray | None = TRUE, path: str = "seed-0") -> Latents:
    """A run whose model learned this graph; without one if `adjacency` is None."""
    learned = None if adjacency is None else Graph(NAMES, adjacency, weights=0.5 * adjacency, blocks=BLOCKS)
    return Latents(pd.DataFrame(latents, columns=NAMES), BLOCKS, learned, None, False, Path(path))


def test_another_seed_gets_the_order_of_the_first() -> None:
    z, order = linear_gaussian(TRUE, 400), [0, 2, 1, 4, 3]
    shuffled = run_of(z[:, order] ** 3, TRUE[np.ix_(order, order)])
    first, second = match_runs([run_of(z), shuffled])
    assert second.names == NAMES
    assert np.array_equal(second.table.to_numpy(), first.table.to_numpy() ** 3)
    assert second.learned is not None
    assert np.array_equal(second.learned.adjacency, TRUE)


def test_seeds_that_found_other_latents_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    unrelated = [linear_gaussian(TRUE, 200, seed) for seed in (0, 1)]
    with caplog.at_level(logging.WARNING):
        match_runs([run_of(unrelated[0]), run_of(unrelated[1], path="seed-1")])
    assert "seed-1: |Spearman| of its latents" in caplog.text


def test_runs_that_do_not_belong_together_are_refused() -> None:
    z = linear_gaussian(TRUE, 50)
    four = Latents(
        pd.DataFrame(z[:, :4], columns=NAMES[:4]),
        {"s": ["s1"], "image": ["z11", "z12"], "text": ["z21"]},
        None,
        None,
        False,
        Path("seed-1"),
    )
    with pytest.raises(InputError, match="seed-1: 1 latents in block 'text', seed-0 has 2"):
        match_runs([run_of(z), four])
    few = run_of(z[:5], path="seed-2")
    with pytest.raises(InputError, match="seed-2: has 5 people in common"):
        match_runs([run_of(z), few])


def test_the_learned_graph_of_one_run_stays_as_it_is_where_the_latents_support_it() -> None:
    graph = learned_consensus([run_of(linear_laplace(TRUE, 600))], least=0.5)
    assert np.array_equal(graph.adjacency, TRUE)
    assert graph.calibrated


def test_a_learned_direction_that_the_latents_leave_open_is_drawn_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """z21 -> z22 is linear and Gaussian, and no collider tells its direction; arrows out of s are given."""
    with caplog.at_level(logging.WARNING):
        graph = learned_consensus([run_of(linear_gaussian(TRUE, 600))], least=0.5)
    assert graph.edge_texts() == ["s1 -> z11", "s1 -> z21", "z11 -> z12", "z21 -> z12", "z21 --- z22"]
    assert "do not decide between z21 -> z22 and its reverse" in caplog.text
    assert graph.weights is not None
    assert graph.weights[3, 4] == graph.weights[4, 3] == 0.5


def test_learned_graphs_of_several_runs_keep_what_most_of_them_have() -> None:
    z = linear_laplace(TRUE, 600)
    fewer = TRUE.copy()
    fewer[0, 1] = 0
    graph = learned_consensus([run_of(z), run_of(z, fewer), run_of(z, fewer)], least=0.5)
    assert np.array_equal(graph.adjacency, fewer)
    assert graph.frequency is not None
    assert graph.orientation is not None
    alone = learned_consensus([run_of(z)], least=0.5)
    assert alone.frequency is not None
    assert graph.frequency[0, 1] == pytest.approx(alone.frequency[0, 1] / 3)  # one run of three has the edge
    assert graph.frequency[0, 3] == pytest.approx(alone.frequency[0, 3], rel=0.05)  # all have it
    assert graph.orientation[0, 3] == 1  # arrows out of s are given
    assert graph.calibrated
    assert graph.weights is not None
    assert graph.weights[0, 1] == pytest.approx(0.5 / 3)
    with pytest.raises(InputError, match="no learned graph"):
        learned_consensus([run_of(z), run_of(z, None)], least=0.5)


def test_weights_of_seeds_do_not_cancel_because_a_latent_has_another_sign() -> None:
    z = linear_laplace(TRUE, 600)
    turned = np.array([1, 1, -1, 1, 1])
    mirrored = run_of(z * turned)
    assert mirrored.learned is not None
    weights = 0.5 * TRUE * np.outer(turned, turned)
    mirrored = replace(mirrored, learned=replace(mirrored.learned, weights=weights))
    runs = match_runs([run_of(z), mirrored])
    np.testing.assert_allclose(runs[1].table, z)
    learned = learned_consensus(runs, least=0.5)
    np.testing.assert_allclose(np.asarray(learned.weights), 0.5 * TRUE)
    estimated = estimated_graph(runs, Discovery(alpha=0.001, forbidden=FORBIDDEN), least=0.5, resamples=0)
    alone = estimated_graph(runs[:1], Discovery(alpha=0.001, forbidden=FORBIDDEN), least=0.5, resamples=0)
    np.testing.assert_allclose(np.asarray(estimated.weights), np.asarray(alone.weights))


def test_a_cyclic_majority_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    z = linear_gaussian(TRUE, 50)
    cycle = [(1, 2), (2, 3), (3, 1)]
    graphs = []
    for left_out in range(3):
        adjacency = np.zeros((5, 5), dtype=int)
        for edge in cycle[:left_out] + cycle[left_out + 1 :]:
            adjacency[edge] = 1
        run = run_of(z, adjacency)
        assert run.learned is not None
        all_shared = {"s": NAMES}  # its arrows are given, so they are not checked with the latents
        learned = replace(run.learned, blocks=all_shared)
        graphs.append(replace(run, blocks=all_shared, learned=learned))
    with caplog.at_level(logging.WARNING):
        found = learned_consensus(graphs, least=0.5)
    assert "z11 -> z12 (67 % of the graphs), is left open" in caplog.text
    assert found.edge_texts() == ["z11 --- z12", "z12 -> z21", "z21 -> z11"]


def test_an_estimated_graph_without_resamples_has_no_frequencies() -> None:
    how = Discovery(alpha=0.01, forbidden=FORBIDDEN)
    graph = estimated_graph([run_of(linear_gaussian(TRUE, 2000))], how, least=0.0, resamples=0)
    assert np.array_equal(graph.adjacency, TRUE)
    assert graph.blocks == BLOCKS
    assert (graph.frequency, graph.orientation) == (None, None)


def test_several_runs_without_resamples_give_the_consensus_of_their_graphs() -> None:
    how = Discovery(alpha=0.001, forbidden=FORBIDDEN)
    runs = [run_of(linear_gaussian(TRUE, 2000, seed)) for seed in (0, 1)]
    graph = estimated_graph(runs, how, least=0.5, resamples=0)
    assert np.array_equal(graph.adjacency, TRUE)
    assert graph.frequency is not None
    assert set(np.unique(graph.frequency)) <= {0.0, 0.5, 1.0}
