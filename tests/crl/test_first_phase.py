"""Phase 1 as a whole: models begun often, trained again where codes lose latents, and interrupted."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_embeddings import QUICK, embeddings

from personax.crl import CRL
from personax.crl.beginnings import BEGINNING_EPOCHS
from personax.crl.model_config import CRLConfig, Phase1Config, Phase2Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.representation import train_representation
from personax.crl.trust import IDENTIFIED, LATENTS_LOST
from personax.learning.batches import Batch
from personax.learning.training import History, remove_checkpoint
from personax.runs.errors import TrainingDiverged
from personax.views import MultiViewData, Split, split_rows

BEGUN_OFTEN = CRLConfig(
    latents={"a": 1, "b": 2},
    hidden=8,
    phase1=Phase1Config(epochs=3, beginnings=3, cross=0.0),
    phase2=Phase2Config(starts=2, generations=1, generation_steps=2, finalists=1, final_steps=2),
)


def vectors() -> tuple[MultiViewData, Split]:
    rng = np.random.default_rng(0)
    z = rng.laplace(size=(300, 3))
    views = {m: [(z @ rng.standard_normal((3, 4))).astype(np.float32)] for m in BEGUN_OFTEN.latents}
    return MultiViewData(views), split_rows(300, rng)


@pytest.mark.parametrize("diverges", [0, 2])
def test_phase_1_goes_on_from_the_networks_that_are_chosen(
    diverges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three beginnings one diverges, and the first of the two others is chosen."""
    data, split = vectors()
    starts: list[dict[str, torch.Tensor]] = []
    epochs: list[int] = []

    def recorded(vae: MultiViewVAE, *rest: Any, **options: Any) -> History:
        starts.append({name: value.clone() for name, value in vae.state_dict().items()})
        epochs.append(rest[3].epochs)
        if len(starts) == diverges + 1:
            raise TrainingDiverged("the loss is not finite")
        return train_representation(vae, *rest, **options)

    def first(found: list[MultiViewVAE], batch: Batch) -> MultiViewVAE:
        assert (len(found), len(batch)) == (2, len(split.validation))
        chosen.append({name: value.clone() for name, value in found[0].state_dict().items()})
        return found[0]

    chosen: list[dict[str, torch.Tensor]] = []
    monkeypatch.setattr("personax.crl.first_phase.train_representation", recorded)
    monkeypatch.setattr("personax.crl.first_phase.best_beginning", first)
    CRL(BEGUN_OFTEN, seed=0, device="cpu").fit(data, split)
    assert epochs == [BEGINNING_EPOCHS] * 3 + [3]
    assert all(torch.equal(value, chosen[0][name]) for name, value in starts[3].items())
    weights = next(name for name in starts[0] if name.endswith("weight"))
    assert not torch.equal(starts[0][weights], starts[1][weights])  # each begins elsewhere


def test_if_all_beginnings_diverge_the_fit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: Any, **options: Any) -> History:
        raise TrainingDiverged("the loss is not finite")

    monkeypatch.setattr("personax.crl.first_phase.train_representation", diverge)
    with pytest.raises(TrainingDiverged, match="not finite"):
        CRL(BEGUN_OFTEN, seed=0, device="cpu").fit(*vectors())


def test_the_same_seed_gives_the_same_bits() -> None:
    data, split = vectors()
    first, again = (CRL(BEGUN_OFTEN, seed=0, device="cpu").fit(data, split).transform(data) for _ in range(2))
    assert first.equals(again)


def test_models_that_are_begun_often_are_fitted_together_as_alone() -> None:
    data, split = vectors()
    alone = CRL(BEGUN_OFTEN, seed=1, device="cpu").fit(data, split)
    together = [CRL(BEGUN_OFTEN, seed=seed, device="cpu") for seed in (0, 1)]
    CRL.fit_together(together, [(data, split)] * 2)
    assert together[1].transform(data).equals(alone.transform(data))


def test_a_killed_fit_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    data, split = vectors()
    checkpoint = tmp_path / "checkpoint.pt"

    def kill(history: History) -> None:
        if len(history) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CRL(BEGUN_OFTEN, seed=0, device="cpu").fit(data, split, checkpoint=checkpoint, on_progress=kill)
    resumed = CRL(BEGUN_OFTEN, seed=0, device="cpu").fit(data, split, checkpoint=checkpoint)
    assert resumed.transform(data).equals(
        CRL(BEGUN_OFTEN, seed=0, device="cpu").fit(data, split).transform(data)
    )


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
    """Let the codes of each training lose the share at its place."""

    def set_shares(values: list[float]) -> None:
        left: Iterator[float] = iter(values)
        monkeypatch.setattr("personax.crl.first_phase.lost_shares", lambda *_: {"a": next(left), "b": 0.0})

    return set_shares


@pytest.mark.parametrize(
    ("told", "verdict", "second"),
    [
        ([0.01], IDENTIFIED, False),
        ([0.2, 0.01], IDENTIFIED, True),
        ([0.2, 0.3, 0.01], IDENTIFIED, True),
        ([0.2, 0.1, 0.15], LATENTS_LOST, True),
        ([0.2, 0.3, 0.2], LATENTS_LOST, False),
    ],
)
def test_the_training_that_loses_less_is_kept(
    shares: Callable[[list[float]], None], told: list[float], verdict: str, second: bool
) -> None:
    data, split = embeddings()
    plain = CRL(QUICK, seed=1, device="cpu").fit(data, split)  # too few people to know
    shares(told)
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert model.verdict == verdict
    assert (model.history != plain.history) == second
    assert model.transform(data).equals(plain.transform(data)) == (not second)
    assert len(model.history) == len(plain.history)


def test_of_three_trainings_the_one_that_loses_least_is_kept(
    shares: Callable[[list[float]], None],
) -> None:
    data, split = embeddings()
    found = []
    for told in ([0.2, 0.1, 0.15], [0.2, 0.01]):
        shares(told)
        found.append(CRL(QUICK, seed=1, device="cpu").fit(data, split).transform(data))
    assert found[0].equals(found[1])  # both times the second


def test_a_little_loss_is_tried_once_more_and_trusted(
    shares: Callable[[list[float]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a twist from new weights, else from the same networks; never a third time."""
    data, split = embeddings()
    plain = CRL(QUICK, seed=1, device="cpu").fit(data, split).transform(data)
    found = {}
    for twisted in (False, True):
        monkeypatch.setattr(
            "personax.crl.first_phase.start_without_twist", lambda *_, seed, is_so=twisted: is_so
        )
        for second in (0.03, 0.025):
            shares([0.03, second])  # a third training would ask for a third share
            model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
            assert model.verdict == IDENTIFIED
            found[twisted, second] = model.transform(data)
            assert found[twisted, second].equals(plain) == (second == 0.03)
    assert not found[False, 0.025].equals(found[True, 0.025])


def test_a_second_training_that_diverges_is_dropped(
    shares: Callable[[list[float]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, split = embeddings()
    plain = CRL(QUICK, seed=1, device="cpu").fit(data, split)

    def diverge(*_: object, seed: int) -> bool:
        raise TrainingDiverged("the loss is not finite")

    monkeypatch.setattr("personax.crl.first_phase.start_without_twist", diverge)
    shares([0.03])
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert model.transform(data).equals(plain.transform(data))


@pytest.mark.parametrize("diverges", [2, 3])
def test_a_further_training_that_diverges_is_dropped(
    shares: Callable[[list[float]], None], monkeypatch: pytest.MonkeyPatch, diverges: int
) -> None:
    """Its networks go with it; the third training is made if the second diverges."""
    data, split = embeddings()
    shares([0.2, 0.1])
    trainings = []

    def diverge(*words: Any, **options: Any) -> History:
        trainings.append(1)
        if len(trainings) == diverges:
            raise TrainingDiverged("the loss is not finite")
        return train_representation(*words, **options)

    monkeypatch.setattr("personax.crl.first_phase.train_representation", diverge)
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert len(trainings) == 3
    monkeypatch.undo()
    plain = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert not model.transform(data).equals(plain.transform(data))
    assert model.verdict == LATENTS_LOST  # 0.1 is the best of the two that ended


@pytest.mark.parametrize("diverges", [1, 2])
def test_with_several_processes_a_training_that_diverges_ends_the_fit(
    shares: Callable[[list[float]], None], monkeypatch: pytest.MonkeyPatch, diverges: int
) -> None:
    """The other processes are in the middle of it."""
    trainings = []

    def diverge(training: Any, checkpoint: Any, on_epoch: Any) -> History:
        trainings.append(1)
        if len(trainings) == diverges:
            raise TrainingDiverged("the loss is not finite")
        return [{"phase": "representation", "validation": 1.0}]

    shares([0.2])
    monkeypatch.setattr("personax.crl.first_phase.process_count", lambda: 2)
    monkeypatch.setattr("personax.crl.first_phase.train_in_all_processes", diverge)
    begun = dataclasses.replace(QUICK, phase1=dataclasses.replace(QUICK.phase1, beginnings=2))
    with pytest.raises(TrainingDiverged):  # a beginning, or the second training
        CRL(begun if diverges == 1 else QUICK, seed=1, device="cpu").fit(*embeddings())
    assert len(trainings) == diverges


def test_a_model_without_alignment_is_trained_once(shares: Callable[[list[float]], None]) -> None:
    data, split = embeddings()
    shares([])
    config = dataclasses.replace(QUICK, phase1=dataclasses.replace(QUICK.phase1, align=0.0))
    assert CRL(config, seed=1, device="cpu").fit(data, split).verdict == IDENTIFIED


def test_models_side_by_side_are_trained_again_too(shares: Callable[[list[float]], None]) -> None:
    data, split = embeddings()
    shares([0.01, 0.2, 0.3, 0.1])
    models = [CRL(QUICK, seed=seed, device="cpu") for seed in (1, 2)]
    CRL.fit_together(models, [(data, split)] * 2)
    assert [model.verdict for model in models] == [IDENTIFIED, LATENTS_LOST]


@pytest.mark.parametrize(
    ("told", "kill_after", "goes_on_at"),
    [
        ([0.2, 0.01], [1, 2, 3, 4, 1, 2], 3),  # in the second training
        ([0.2, 0.3, 0.01], [1, 2, 3, 4, 1, 2, 3, 4, 1, 2], 3),  # in the third
        ([0.2, 0.01], [1, 2, 3, 4, 1, 2, 3, 4, 5], 5),  # in phase 2
    ],
)
def test_an_interrupted_second_training_ends_as_an_uninterrupted_one(
    shares: Callable[[list[float]], None],
    tmp_path: Path,
    told: list[float],
    kill_after: list[int],
    goes_on_at: int,
) -> None:
    data, split = embeddings()
    shares(told)
    whole = CRL(QUICK, seed=1, device="cpu").fit(data, split)

    class Killed(Exception):
        pass

    epochs = []

    def kill(history: list[dict[str, object]]) -> None:
        epochs.append(len(history))
        if epochs == kill_after:
            raise Killed

    checkpoint = tmp_path / "checkpoint.pt"
    shares(told)
    with pytest.raises(Killed):
        CRL(QUICK, seed=1, device="cpu").fit(data, split, checkpoint=checkpoint, on_progress=kill)
    shares(told)
    again: list[int] = []
    resumed = CRL(QUICK, seed=1, device="cpu").fit(
        data, split, checkpoint=checkpoint, on_progress=lambda history: again.append(len(history))
    )
    assert again[0] == goes_on_at
    assert resumed.transform(data).equals(whole.transform(data))
    assert resumed.history == whole.history
    assert len(list(tmp_path.iterdir())) == len(told)
    remove_checkpoint(checkpoint)
    assert not list(tmp_path.iterdir())
