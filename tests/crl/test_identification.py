"""Coordinates and graph from codes, on problems with known truth."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from personax.crl import identification, starts
from personax.crl.identification import (
    Codes,
    IdentifiedPrior,
    choose_graphs,
    edge_weights,
    identify,
    identify_together,
)
from personax.crl.model_config import Phase2Config

SEEDS = (3, 0)


QUICK = Phase2Config(
    starts=5,
    population=4,
    generations=3,
    generation_steps=5,
    finalists=2,
    final_steps=8,
    search_batch_size=48,
    batch_size=64,
)


@pytest.fixture
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for sparse rotations is not smooth: its result can depend on the last bit of the codes."""
    monkeypatch.setattr(starts, "ROTATION_STEPS", 3)


@pytest.fixture
def same_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice of graphs is not smooth either, if an edge gains about as much as its price."""
    monkeypatch.setattr(identification, "choose_graphs", lambda *_, **__: None)


def linear_gaussian(n: int, seed: int) -> torch.Tensor:
    """a -> c <- b, c -> d: the only graph of its Markov equivalence class."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, 4))
    a, b = e[:, 0], e[:, 1]
    c = 0.8 * a - 0.9 * b + 0.6 * e[:, 2]
    d = 0.9 * c + 0.7 * e[:, 3]
    return torch.from_numpy(np.stack([d, a, c, b], 1)).float()


def one_latent_a_block(z: torch.Tensor) -> Codes:
    """Codes of four blocks "d", "a", "c" and "b", one column of z (n, 4) each."""
    return Codes(
        {name: z[:, [k]] for k, name in enumerate("dacb")},
        {name: torch.ones(len(z), 1, 1) for name in "dacb"},
        {name: torch.ones(len(z)) for name in "dacb"},
    )


@pytest.mark.slow
def test_the_right_graph_comes_out_on_linear_gaussian_data() -> None:
    """Four blocks of one latent each, so that no coordinates mix them; two data sets, both must be right."""
    config = Phase2Config(
        starts=12,
        population=12,
        generations=3,
        generation_steps=80,
        final_steps=300,
        batch_size=256,
        learning_rate=2e-2,
        sparsity=0.05,
        cross_sparsity=0.05,
    )
    true = torch.zeros(4, 4)
    true[1, 2] = true[3, 2] = true[2, 0] = 1  # order of the columns: d, a, c, b
    parts = [linear_gaussian(3000, seed).split(2400) for seed in range(2)]
    trains, held_out = ([one_latent_a_block(part[k]) for part in parts] for k in range(2))
    models = identify_together(trains, held_out, config, seeds=range(2))
    for train, model in zip(trains, models, strict=True):
        assert torch.equal(model.scm.adjacency()[0], true)
        probability = model.scm.edge_probability()[0].detach()
        fresh = torch.sigmoid(torch.tensor(1.0))  # the most that an untrained edge can have
        assert float(probability[true == 1].min()) > fresh
        assert float(probability[true == 0].max()) < 0.5
        weights = edge_weights(model, train)
        assert 0.5 < float(weights[2, 0]) < 1.2
        assert not weights[true == 0].any()


def two_blocks(z: torch.Tensor) -> Codes:
    """Codes of two blocks "a" and "b" of one latent each, the columns of z (n, 2)."""
    one = torch.ones(len(z))
    return Codes(
        {"a": z[:, :1], "b": z[:, 1:]},
        dict.fromkeys("ab", one[:, None, None]),
        dict.fromkeys("ab", one),
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_symmetric_effect_is_found_though_nothing_correlates(seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(1200, 2, generator=draws)
    z[:, 1] = torch.cos(1.6 * z[:, 0]) + 0.65 * z[:, 1]
    train, held_out = (two_blocks(part) for part in z.split([1000, 200]))
    config = replace(QUICK, generation_steps=100, final_steps=200)  # gates that are learned close
    model = identify(train, held_out, config, seed=seed)
    assert torch.equal(model.scm.adjacency()[0], torch.tensor([[0.0, 1.0], [0.0, 0.0]]))


@pytest.mark.parametrize("seed", [0, 1])
def test_codes_that_are_latents_are_not_mixed_and_only_the_first_ones_have_edges_across(seed: int) -> None:
    """b1 -> b0 -> a0 -> a1; a1 depends on b1, too, which no edge may say."""
    draws = torch.Generator().manual_seed(seed)
    noise = torch.randn(1500, 4, generator=draws)
    b1 = noise[:, 0]
    b0 = torch.cos(1.5 * b1) + 0.5 * noise[:, 1]
    a0 = torch.tanh(1.5 * b0) + 0.4 * noise[:, 2]
    a1 = torch.sin(1.5 * a0) + 0.5 * noise[:, 3] + b1
    u = {"a": torch.stack([a0, a1], 1), "b": torch.stack([b0, b1], 1)}
    u = {block: (values - values.mean(0)) / values.std(0) for block, values in u.items()}
    slanted = torch.tensor([[1.0, 0.6], [0.6, 1.0]]).expand(1500, 2, 2)  # other coordinates look orthogonal
    every = Codes(u, dict.fromkeys("ab", slanted), dict.fromkeys("ab", torch.ones(1500)), separate=True)
    train, held_out = every.rows(torch.arange(1200)), every.rows(torch.arange(1200, 1500))
    config = replace(QUICK, generation_steps=60, final_steps=120)
    model = identify(train, held_out, config, seed=seed)
    z = model.latents(u)[0][0].detach().numpy()
    columns = torch.cat(list(u.values()), 1).numpy()
    for k in range(4):
        assert abs(spearmanr(z[:, k], columns[:, k])[0]) > 0.999
    graph = model.scm.adjacency()[0]
    assert graph[2, 0] == 1 or graph[0, 2] == 1
    assert not graph[[0, 1, 1, 2, 3, 3], [3, 2, 3, 1, 0, 1]].any()
    assert len(model.coordinates["a"].get_parameter("linear")) == 1
    assert identify(replace(train, separate=False), held_out, config, seed=seed).scm.cross[1, 3] == 1


def test_training_leaves_the_graph_as_it_was_chosen(short_search: None) -> None:
    train, held_out = (codes(0, n) for n in (200, 60))
    model = identify(train, held_out, QUICK, seed=0)
    probability = model.scm.edge_probability()[0]
    assert bool(((probability > 0.95) | (probability < 0.05)).all())


def test_a_model_that_has_diverged_keeps_its_graph() -> None:
    train = codes(0, 200)
    model = IdentifiedPrior(train, 2, torch.Generator().manual_seed(0))
    model.coordinates["a"].get_parameter("linear").data[0] = torch.nan
    before = model.scm.adjacency()
    choose_graphs(model, train, QUICK, range(2))
    after = model.scm.adjacency()
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1], after[1])  # independent codes: all edges go


def test_the_order_of_a_model_can_be_kept() -> None:
    draws = torch.Generator().manual_seed(0)
    z = torch.randn(1000, 2, generator=draws)
    z[:, 1] = torch.sin(1.6 * z[:, 0]) + 0.4 * z[:, 1]
    train = two_blocks(z)
    for order in ([0, 1], [1, 0]):
        model = IdentifiedPrior(train, 1, draws)
        model.scm.set_graph(0, torch.zeros(2, 2), torch.tensor(order))
        choose_graphs(model, train, QUICK, [0], any_order=False)
        assert model.scm.adjacency()[0].nonzero().tolist() == [order]
        choose_graphs(model, train, QUICK, [0])
        assert model.scm.adjacency()[0].nonzero().tolist() == [[0, 1]]


def codes(seed: int, n: int) -> Codes:
    rng = torch.Generator().manual_seed(seed)
    u = {block: (seed + 1) * torch.randn(n, 2, generator=rng) + seed for block in "ab"}
    metric = torch.eye(2) + 0.3 * seed * torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    trust = {block: torch.rand(n, generator=rng) for block in "ab"}
    return Codes(u, {block: metric.expand(n, 2, 2) for block in "ab"}, trust)


def test_identification_of_several_data_sets_is_that_of_each(short_search: None, same_graphs: None) -> None:
    trains, held_out = ([codes(seed, n) for seed in SEEDS] for n in (200, 60))
    rows: list[list[dict[str, Any]]] = [[] for _ in SEEDS]
    models = identify_together(
        trains, held_out, QUICK, seeds=SEEDS, on_step=lambda k, row: rows[k].append(row)
    )
    for number, seed in enumerate(SEEDS):
        alone_rows: list[dict[str, Any]] = []
        model = identify(trains[number], held_out[number], QUICK, seed=seed, on_step=alone_rows.append)
        for one, other in zip(rows[number], alone_rows, strict=True):
            assert one["objective"] == pytest.approx(other["objective"], rel=1e-4, abs=1e-4)
        for (name, one_value), other_value in zip(
            models[number].state_dict().items(), model.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(one_value, other_value, rtol=1e-3, atol=1e-3, msg=name)


def test_graphs_of_several_data_sets_are_those_of_each() -> None:
    trains = [codes(seed, 300) for seed in SEEDS]
    free = replace(QUICK, sparsity=0.02, cross_sparsity=0.02)  # chance pays for some edges and not for others
    models = [IdentifiedPrior(train, 3, torch.Generator().manual_seed(0)) for train in trains]
    together = IdentifiedPrior.side_by_side(models)
    choose_graphs(together, Codes.stacked(trains), free, range(3 * len(SEEDS)))
    for model, train, found in zip(models, trains, together.apart(), strict=True):
        choose_graphs(model, train, free, range(3))
        assert torch.equal(model.scm.adjacency(), found.scm.adjacency())
        assert 0 < model.scm.adjacency().sum() < 3 * 6


def test_models_side_by_side_come_apart_again() -> None:
    models = [IdentifiedPrior(codes(s, 50), 3, torch.Generator().manual_seed(s)) for s in SEEDS]
    for model, same in zip(models, IdentifiedPrior.side_by_side(models).apart(), strict=True):
        for one, other in zip(model.state_dict().values(), same.state_dict().values(), strict=True):
            assert torch.equal(one, other)
