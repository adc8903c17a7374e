"""Codes that tell which rows of the modalities belong together, and the latents that they lead to."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from personax.crl.estimator import CRL
from personax.crl.graph_choice import graph_of_latents
from personax.crl.identification import Codes, identify
from personax.crl.model_config import CRLConfig, Phase1Config, Phase2Config
from personax.crl.paired_codes import (
    PairedCodes,
    PairedReader,
    agreement,
    find_paired_codes,
    find_stable_codes,
)
from personax.crl.trust import IDENTIFIED, PAIRS_DISAGREE
from personax.learning.metrics import match
from personax.runs.errors import InputError
from personax.views import MultiViewData, split_rows

WIDTHS = {"a": 2, "b": 2}


def pairs(n: int = 1500, seed: int = 0) -> tuple[dict[str, torch.Tensor], np.ndarray]:
    """Codes of two modalities, a turn of two latents and one number of style, and the latents.

    z11 -> z21 and z12 -> z22.
    """
    rng = np.random.default_rng(seed)
    noise = rng.laplace(size=(n, 4)) / np.sqrt(2)
    z = np.column_stack([noise[:, :2], np.tanh(2 * noise[:, :2]) + 0.4 * noise[:, 2:]])
    turns = [np.linalg.qr(np.random.default_rng(k).standard_normal((3, 3)))[0] for k in (7, 8)]
    style = rng.standard_normal((n, 2))
    blocks = [np.column_stack([z[:, 2 * k : 2 * k + 2], style[:, k]]) @ turns[k] for k in (0, 1)]
    return {m: torch.from_numpy(block).float() for m, block in zip("ab", blocks, strict=True)}, z


def test_codes_find_each_latent_and_no_style() -> None:
    train, z = pairs(4000)
    validation, _ = pairs(512, seed=1)
    readers, missing = find_paired_codes(train, validation, WIDTHS, seed=0)
    with torch.no_grad():
        found = {m: reader.codes(train[m]).double().numpy() for m, reader in readers.items()}
    truth = {"a": z[:, :2], "b": z[:, 2:]}
    for m, codes in found.items():
        assert np.abs(match(codes, truth[m], ranks=True)[1]).min() > 0.9
        np.testing.assert_allclose(codes.mean(0), 0, atol=1e-3)
        np.testing.assert_allclose(codes.std(0), 1, atol=1e-2)
    assert missing < 2 * np.log(512) - 0.5  # both modalities know nothing of each other at 2 log n


def test_a_batch_without_information_misses_all_of_it() -> None:
    torch.manual_seed(0)
    codes = PairedCodes({"a": 3, "b": 4, "c": 2}, {"a": 2, "b": 1, "c": 2})
    for links in codes.links:
        links.data.zero_()
    for free in codes.free.values():
        for parameter in free.parameters():
            parameter.data.zero_()
    rows = {m: torch.randn(64, k) for m, k in (("a", 3), ("b", 4), ("c", 2))}
    assert float(codes.missing_information(rows).detach()) == pytest.approx(3 * np.log(64), rel=1e-5)
    assert float(codes.strength().detach()) < 1e-2


def test_the_information_is_that_of_the_formula() -> None:
    """Against the critic written out for every pair of rows."""
    torch.manual_seed(1)
    codes = PairedCodes({"a": 2, "b": 2}, {"a": 2, "b": 1}).double()
    rows = {m: torch.randn(6, 2, dtype=torch.double) for m in "ab"}
    with torch.no_grad():
        told = float(codes.missing_information(rows))
        h = {m: codes.encoders[m](x) for m, x in rows.items()}
        h = {m: (values - values.mean(0)) / values.std(0) for m, values in h.items()}
        bent = {m: codes.bends[m](values) for m, values in h.items()}
        fit = torch.zeros(6, 6, dtype=torch.double)
        for i in range(6):
            for j in range(6):
                for a in range(2):
                    fit[i, j] += bent["a"][i, a] @ codes.links[0][a, :, 0] @ bent["b"][j, 0]
        of_b = torch.log_softmax(fit + codes.free["b"](h["b"]).T, 1).diagonal().mean()
        of_a = torch.log_softmax(fit.T + codes.free["a"](h["a"]).T, 1).diagonal().mean()
    assert told == pytest.approx(-float(of_a + of_b), rel=1e-10)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings that are too short to find anything."""
    monkeypatch.setattr("personax.crl.paired_codes.PAIRED_STEPS", 10)


@pytest.mark.usefixtures("few_steps")
def test_the_same_seed_gives_the_same_bits_and_leaves_the_common_generator() -> None:
    train, _ = pairs(300)
    state = torch.get_rng_state()
    first, again = (find_paired_codes(train, train, WIDTHS, seed=3)[0] for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for m in train:
        assert torch.equal(first[m](train[m]), again[m](train[m]))


def test_a_reader_does_not_mind_units_and_a_constant_number() -> None:
    reader = PairedReader(3, 2)
    x = torch.randn(200, 3) * torch.tensor([1000.0, 0.001, 0.0])
    reader.standardise(x)
    seen = reader.standardised(x)
    assert bool(torch.isfinite(seen).all())
    np.testing.assert_allclose(torch.cov(seen[:, :2].T).numpy(), np.eye(2), atol=1e-2)
    assert reader(x).shape == (200, 4)


def test_agreement_is_of_ranks_and_of_the_best_match() -> None:
    z = np.random.default_rng(0).standard_normal((100, 2))
    told = {"a": torch.from_numpy(np.exp(z[:, ::-1].copy()))}
    assert agreement(told, {"a": z}) == pytest.approx(1)
    assert agreement(told, {"a": np.random.default_rng(1).standard_normal((100, 2))}) < 0.3


@pytest.mark.usefixtures("few_steps")
def test_of_several_trainings_the_best_is_kept() -> None:
    train, _ = pairs(400)
    readers, agrees = find_stable_codes(train, train, WIDTHS, seeds=[0, 1])
    alone = [find_paired_codes(train, train, WIDTHS, seed=seed) for seed in (0, 1)]
    best = min(alone, key=lambda each: each[1])[0]
    assert torch.equal(readers["a"](train["a"]), best["a"](train["a"]))
    others = [{m: reader.codes(train[m]).detach() for m, reader in each.items()} for each, _ in alone]
    first, second = ({m: codes.double().numpy() for m, codes in each.items()} for each in others)
    told = {m: torch.from_numpy(codes) for m, codes in second.items()}
    assert agrees == pytest.approx(agreement(told, first))


SEARCH = Phase2Config(
    starts=4,
    population=4,
    generations=1,
    generation_steps=60,
    finalists=1,
    final_steps=60,
    orthogonality=0.0,
    evenness=0.0,
)


def linked_model(noise: int) -> CRLConfig:
    """A small model of vectors that are measured once."""
    phase1 = Phase1Config(epochs=10, patience=10, beta=0.05, cross=0.0)
    return CRLConfig(
        latents=WIDTHS,
        hidden=16,
        noise=noise,
        observation_sd=0.05,
        flexible=True,
        linked=True,
        phase1=phase1,
        phase2=SEARCH,
    )


def vectors(noise: int, n: int = 1500) -> tuple[MultiViewData, np.ndarray]:
    """Vectors with style, or without any, and their latents."""
    codes, z = pairs(n)
    if not noise:
        turn = np.random.default_rng(0).standard_normal((2, 2))
        codes = {m: torch.from_numpy(z[:, k : k + 2] @ turn).float() for m, k in (("a", 0), ("b", 2))}
    return MultiViewData({m: [x.numpy()] for m, x in codes.items()}), z


@pytest.mark.parametrize(("noise", "flexible"), [(0, False), (1, True)])
def test_a_model_of_them_is_like_any_other(noise: int, flexible: bool, tmp_path: Path) -> None:
    """With style beside the latents, and without: fitted, transformed, saved and loaded."""
    data, z = vectors(noise)
    split = split_rows(len(z), np.random.default_rng(0))
    config = replace(linked_model(noise), flexible=flexible)
    model = CRL(config, seed=0, device="cpu").fit(data, split)
    found = model.transform(data)
    columns, correlations = match(found.to_numpy(), z, ranks=True)
    assert np.abs(correlations).min() > 0.8
    assert model.verdict == IDENTIFIED
    if not noise:
        assert model.graph[np.ix_(columns, columns)][:2, 2:].tolist() == [[1, 0], [0, 1]]
    assert {row["phase"] for row in model.history} == {"representation", "identification"}
    model.save(tmp_path / "model")
    assert CRL.load(tmp_path / "model", device="cpu").transform(data).equals(found)


def test_weak_edges_within_a_modality_are_kept_where_codes_are_the_latents() -> None:
    """z11 -> z12 with a slope of 0.5, below what a search for coordinates would keep within a modality."""
    rng = np.random.default_rng(3)
    noise = rng.laplace(size=(3000, 4)) / np.sqrt(2)
    first = noise[:, 0]
    second = 0.5 * first + np.sqrt(0.75) * noise[:, 1]
    z = np.column_stack([first, second, np.tanh(2 * first), np.tanh(2 * second)])
    z[:, 2:] += 0.4 * noise[:, 2:]
    turn = np.array([[1.0, 0.4], [-0.3, 1.0]])
    views = {m: [(z[:, k : k + 2] @ turn).astype(np.float32)] for m, k in (("a", 0), ("b", 2))}
    model = CRL(linked_model(0), seed=0, device="cpu").fit(MultiViewData(views), split_rows(3000, rng))
    columns, _ = match(model.transform(MultiViewData(views)).to_numpy()[:, :2], z[:, :2], ranks=True)
    assert model.graph is not None
    found = model.graph[np.ix_(columns, columns)]
    assert found[0, 1] or found[1, 0]


def test_modalities_that_tell_nothing_of_each_other_are_called_uncertain() -> None:
    """Without edges between modalities the two ways have nothing in common."""
    rng = np.random.default_rng(0)
    views = {m: [rng.laplace(size=(800, 3)).astype(np.float32)] for m in "ab"}
    model = CRL(linked_model(1), seed=0, device="cpu").fit(MultiViewData(views), split_rows(800, rng))
    assert model.verdict == PAIRS_DISAGREE


@pytest.mark.usefixtures("few_steps")
def test_paired_codes_are_learned_from_rows_with_every_modality(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def counted(train: Any, validation: Any, widths: Any, *, seed: int) -> Any:
        seen.extend(len(vectors["a"]) for vectors in (train, validation))
        return find_paired_codes(train, validation, widths, seed=seed)

    monkeypatch.setattr("personax.crl.estimator.find_paired_codes", counted)
    data, _ = vectors(1, 600)
    lacks = np.arange(600)[:, None] >= 100
    data = MultiViewData(data.measurements, observed={"a": np.ones((600, 1), dtype=bool), "b": lacks})
    split = split_rows(600, np.random.default_rng(0))
    model = CRL(linked_model(1), seed=0, device="cpu").fit(data, split)
    assert seen == [int(lacks[rows].sum()) for rows in (split.train, split.validation)]
    assert np.isfinite(model.transform(data).to_numpy()).all()


@pytest.mark.parametrize("noise", [0, 1])
def test_too_few_rows_with_every_modality_are_refused_in_one_line(noise: int) -> None:
    data, _ = vectors(noise, 400)
    split = split_rows(400, np.random.default_rng(0))
    seen = np.zeros((400, 1), dtype=bool)
    seen[split.train[:19]] = True
    seen[split.validation] = True
    data = MultiViewData(data.measurements, observed={"a": np.ones((400, 1), dtype=bool), "b": seen})
    epochs: list[Any] = []
    with pytest.raises(InputError, match=r"^19 training people with every modality are too few"):
        CRL(linked_model(noise), seed=0, device="cpu").fit(data, split, on_progress=epochs.append)
    assert not epochs  # nothing was trained


@pytest.mark.usefixtures("few_steps")
def test_edges_of_paired_codes_that_are_latents_cost_a_third(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[np.ndarray] = []

    def recorded(z: np.ndarray, prices: np.ndarray, *, seed: int) -> Any:
        asked.append(prices)
        return graph_of_latents(z, prices, seed=seed)

    monkeypatch.setattr("personax.crl.estimator.graph_of_latents", recorded)
    data, _ = vectors(0, 300)
    config = linked_model(0)
    CRL(config, seed=0, device="cpu").fit(data, split_rows(300, np.random.default_rng(0)))
    within, across = config.phase2.sparsity / 3, config.phase2.cross_sparsity / 3
    block = np.array([[np.inf, within], [within, np.inf]])
    between = np.full((2, 2), across)
    assert np.allclose(asked[0], np.block([[block, between], [between, block]]))


@pytest.mark.usefixtures("few_steps")
def test_the_verdict_is_that_of_the_best_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The codes told in its own search are compared with its latents."""
    told: list[torch.Tensor] = []

    def judged(train: Codes, *rest: Any, on_step: Any, **options: Any) -> Any:
        told.append(train.told["a"])
        loss = [[2.0], [1.0], [3.0]][len(told) - 1]
        return identify(train, *rest, on_step=lambda row: on_step({**row, "objective": loss}), **options)

    def compared(best: dict[str, torch.Tensor], _: Any) -> float:
        assert best["a"] is told[1]
        return 0.95

    monkeypatch.setattr("personax.crl.estimator.identify", judged)
    monkeypatch.setattr("personax.crl.estimator.agreement", compared)
    config = linked_model(1)
    config = replace(config, phase2=replace(config.phase2, searches=3))
    data, _ = vectors(1, 300)
    model = CRL(config, seed=0, device="cpu").fit(data, split_rows(300, np.random.default_rng(0)))
    assert model.verdict == IDENTIFIED
    assert not torch.equal(told[0], told[1])  # each search is told anew


def test_compressed_vectors_are_read_in_closed_form_also_if_they_are_linked() -> None:
    data, _ = vectors(1, 400)
    config = replace(CRLConfig.embeddings(WIDTHS), linked=True, phase1=Phase1Config(epochs=1))
    model = CRL(config, seed=0, device="cpu").fit(data, split_rows(400, np.random.default_rng(0)))
    assert "correlations" in model.history[-1]


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("noise", [0, 1])
def test_models_are_fitted_together_as_alone(noise: int) -> None:
    data, _ = vectors(noise, 300)
    split = split_rows(300, np.random.default_rng(0))
    alone, *together = (CRL(linked_model(noise), seed=seed, device="cpu") for seed in (0, 0, 1))
    alone.fit(data, split)
    CRL.fit_together(together, [(data, split), (data, split)])
    first, single = (model.transform(data).to_numpy() for model in (together[0], alone))
    for k in range(4):  # rounding grows in phase 2, above all with few rows
        assert np.corrcoef(first[:, k], single[:, k])[0, 1] > 0.999
