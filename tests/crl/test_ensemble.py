"""Several models in one batch: each must have the same result as alone."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from personax.crl import CRL, CRLConfig, identification, starts
from personax.crl.ensemble import Ensemble, Stacked
from personax.crl.model_config import Phase1Config, Phase2Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.prior import CausalPrior
from personax.crl.representation import representation_plan
from personax.learning.batches import Batch
from personax.learning.training import Checkpoint, History, minimise
from personax.runs.errors import InputError, TrainingDiverged
from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import variant_mnist_scm
from personax.views import MultiViewData, Split, split_rows

SEEDS = (3, 0)


NO_SEARCH = Phase2Config(
    starts=1, population=1, generations=1, generation_steps=1, finalists=1, final_steps=1
)


QUICK = CRLConfig(
    latents={"digit": 2, "garment": 2},
    noise=2,
    hidden=16,
    phase1=Phase1Config(epochs=3, batch_size=32, learning_rate=2e-3),
    phase2=Phase2Config(
        starts=5,
        population=4,
        generations=3,
        generation_steps=5,
        finalists=2,
        final_steps=8,
        search_batch_size=48,
        batch_size=64,
    ),
)


def scenes(seed: int, n: int = 160, measurements: tuple[int, int] = (2, 2)) -> tuple[MultiViewData, Split]:
    """Pictures and split of one seed."""
    data = make_variant_mnist(
        stand_in_images(), variant_mnist_scm(), n=n, measurements=measurements, size=10, data_seed=seed
    )
    return data, split_rows(n, np.random.default_rng(seed))


def embeddings(seed: int, *, missing: bool = False, n: int = 300) -> tuple[MultiViewData, Split]:
    """Two modalities of two latents, each with two measurements; optionally a third lack one of them."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, 4)) @ rng.standard_normal((4, 4))
    views = {
        m: [
            (z[:, part] @ rng.standard_normal((2, 5)) + 0.1 * rng.standard_normal((n, 5))).astype(np.float32)
            for _ in range(2)
        ]
        for m, part in (("digit", slice(2)), ("garment", slice(2, 4)))
    }
    observed = np.ones((n, 2), dtype=bool)
    observed[::3, 1] = not missing
    return MultiViewData(views, ids=np.arange(n), observed={"digit": observed}), split_rows(n, rng)


def alone(config: CRLConfig, people: list[tuple[MultiViewData, Split]], device: str = "cpu") -> list[CRL]:
    return [CRL(config, seed=s, device=device).fit(*views) for s, views in zip(SEEDS, people, strict=True)]


def together(config: CRLConfig, people: list[tuple[MultiViewData, Split]], device: str = "cpu") -> list[CRL]:
    models = [CRL(config, seed=seed, device=device) for seed in SEEDS]
    CRL.fit_together(models, people)
    return models


@pytest.fixture(autouse=True)
def short_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for sparse rotations is not smooth: its result can depend on the last bit of the codes.

    Nor is the choice of graphs, if an edge gains about as much as its price.
    """
    monkeypatch.setattr(starts, "ROTATION_STEPS", 3)
    monkeypatch.setattr(identification, "choose_graphs", lambda *_, **__: None)


def assert_alike(first: list[CRL], second: list[CRL], people: list[tuple[MultiViewData, Split]]) -> None:
    """Histories, codes, latents and graphs agree up to the rounding of some dozen steps.

    In the geometry of so few pictures, which identification sees, rounding grows most.
    """
    for one, other, (data, _) in zip(first, second, people, strict=True):
        assert len(one.history) == len(other.history)
        for row, other_row in zip(one.history, other.history, strict=True):
            assert list(row) == list(other_row)
            for key, value in row.items():
                near = 5e-3 if row["phase"] == "identification" else 2e-4
                assert other_row[key] == (value if key == "phase" else pytest.approx(value, near, 2e-5)), key
        expected, encoding = one.encode(data), other.encode(data)
        np.testing.assert_allclose(encoding.content["digit"][0], expected.content["digit"][0], atol=1e-3)
        np.testing.assert_allclose(encoding.z, expected.z, atol=2e-2)
        assert np.array_equal(one.graph, other.graph)


def test_pictures_of_several_seeds_are_learned_as_if_alone() -> None:
    people = [scenes(seed) for seed in SEEDS]
    apart, batched = alone(QUICK, people), together(QUICK, people)
    assert_alike(apart, batched, people)
    for one, other in zip(apart, batched, strict=True):  # before differences can grow
        expected = {key: value for key, value in one.history[0].items() if key != "phase"}
        assert {key: other.history[0][key] for key in expected} == pytest.approx(expected, rel=2e-6, abs=1e-6)


@pytest.mark.parametrize("shared", [0, 1])
def test_so_are_embeddings_with_gaps_shared_latents_and_flexible_mechanisms(shared: int) -> None:
    config = dataclasses.replace(QUICK, shared=shared, flexible=bool(shared))
    people = [embeddings(seed, missing=seed != 0) for seed in SEEDS]
    assert_alike(alone(config, people), together(config, people), people)


def test_a_model_without_patience_left_keeps_its_best_epoch_while_others_go_on() -> None:
    phase1 = dataclasses.replace(QUICK.phase1, epochs=6, patience=1, kl_warm_up=0.0, learning_rate=0.01)
    config = dataclasses.replace(QUICK, phase1=phase1, phase2=NO_SEARCH)
    people = []
    for seed in SEEDS:  # on held-out rows measurements do not belong together: soon learning makes it worse
        data, split = embeddings(seed)
        for arrays in data.measurements.values():
            arrays[0][split.validation] = arrays[0][np.random.default_rng(seed).permutation(split.validation)]
        people.append((dataclasses.replace(data, known_units=True), split))
    apart, batched = alone(config, people), together(config, people)
    assert [sum(row["phase"] == "representation" for row in model.history) for model in apart] == [6, 5]
    assert_alike(apart, batched, people)


def test_the_same_bits_twice_and_saved_like_any_other(tmp_path: Path) -> None:
    people = [embeddings(seed) for seed in SEEDS]
    first, again = together(QUICK, people), together(QUICK, people)
    for one, other, (data, _) in zip(first, again, people, strict=True):
        assert one.history == other.history
        assert one.transform(data).equals(other.transform(data))
        one.save(tmp_path / str(one.seed))
        loaded = CRL.load(tmp_path / str(one.seed), device="cpu")
        assert loaded.transform(data).equals(one.transform(data))
        assert np.array_equal(loaded.edge_weights, one.edge_weights)


Pair = tuple[MultiViewVAE, CausalPrior]


def test_a_killed_training_of_several_models_goes_on_bit_for_bit(tmp_path: Path) -> None:
    sets = [embeddings(seed, missing=seed != 0) for seed in SEEDS]
    train = Stacked([Batch.of(data.rows(split.train)) for data, split in sets])
    held_out = Stacked([Batch.of(data.rows(split.validation)) for data, split in sets])
    phase1 = dataclasses.replace(QUICK.phase1, epochs=4)

    def fresh_pairs() -> list[Pair]:
        pairs = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            vae = MultiViewVAE({"digit": [[5], [5]], "garment": [[5], [5]]}, QUICK)
            pairs.append((vae, CausalPrior(QUICK.latents, 1, torch.Generator().manual_seed(seed))))
        return pairs

    def trained(
        pairs: list[Pair], kept: Checkpoint | None, on_epoch: Callable[[int, History], None] | None = None
    ) -> list[History]:
        ensemble = Ensemble(pairs, mixed_precision=False)
        plan = representation_plan(phase1)
        return minimise(
            ensemble, train, held_out, phase1, plan, seeds=SEEDS, checkpoint=kept, on_epoch=on_epoch
        )

    class Killed(Exception):
        pass

    def kill_after_two(_: int, history: History) -> None:
        if len(history) == 2:
            raise Killed

    whole, resumed, checkpoint = fresh_pairs(), fresh_pairs(), Checkpoint(tmp_path / "checkpoint.pt")
    histories = trained(whole, None)
    with pytest.raises(Killed):
        trained(fresh_pairs(), checkpoint, kill_after_two)
    started_anew: list[int] = []
    assert trained(resumed, checkpoint, lambda model, _: started_anew.append(model)) == histories
    assert len(started_anew) == 2 * len(SEEDS)  # of four epochs each, two were left
    for pair, other in zip(whole, resumed, strict=True):
        for net, other_net in zip(pair, other, strict=True):
            for value, other_value in zip(net.parameters(), other_net.parameters(), strict=True):
                assert torch.equal(value, other_value)


def test_mixed_precision_trains_together_too() -> None:
    config = dataclasses.replace(QUICK, phase2=NO_SEARCH)
    faster = dataclasses.replace(config, phase1=dataclasses.replace(QUICK.phase1, mixed_precision=True))
    people = [embeddings(seed) for seed in SEEDS]
    plain, mixed = (together(each, people)[0].history[2] for each in (config, faster))
    assert plain["train"] != mixed["train"] == pytest.approx(plain["train"], rel=0.05)


def test_what_cannot_be_trained_together_is_named() -> None:
    def fit(*models: CRL, people: list[tuple[MultiViewData, Split]]) -> None:
        CRL.fit_together(models, people)

    two = [CRL(QUICK, seed=seed, device="cpu") for seed in (0, 1)]
    with pytest.raises(InputError, match="equal shapes"):
        fit(*two, people=[embeddings(0), embeddings(1, n=310)])
    with pytest.raises(InputError, match="equal shapes"):
        fit(*two, people=[scenes(0), scenes(1, measurements=(2, 3))])
    other = CRL(dataclasses.replace(QUICK, noise=1), seed=1, device="cpu")
    with pytest.raises(InputError, match="same configuration"):
        fit(two[0], other, people=[embeddings(0), embeddings(1)])
    data, split = embeddings(1)
    huge = {m: [array * np.float32(1e30) for array in arrays] for m, arrays in data.measurements.items()}
    with pytest.raises(TrainingDiverged, match=r"epoch 1, step 1, in models \[2\] of 2"):
        fit(
            *two,
            people=[embeddings(0), (dataclasses.replace(data, measurements=huge, known_units=True), split)],
        )
    compiled = dataclasses.replace(QUICK, phase1=dataclasses.replace(QUICK.phase1, compile=True))
    with pytest.raises(InputError, match="compile"):
        fit(CRL(compiled, device="cpu"), people=[embeddings(0)])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_trains_together_as_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # it rounds to ten bits
    people = [scenes(seed) for seed in SEEDS]
    assert_alike(alone(QUICK, people, "cuda"), together(QUICK, people, "cuda"), people)
