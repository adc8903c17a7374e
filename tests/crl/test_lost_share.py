"""Codes that lose what measurements have in common are seen, and phase 1 is made again for them."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from small_embeddings import QUICK, embeddings
from torch import Tensor

from personax.crl import CRL
from personax.crl.closed_form import IDENTIFIED
from personax.crl.lost_share import LATENTS_LOST, MOST_LOST, lost_share, lost_shares
from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch
from personax.learning.training import remove_checkpoint
from personax.runs.errors import TrainingDiverged

CODES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "themselves": lambda a, b: torch.stack([a, b], 1),
    "bent": lambda a, b: torch.stack([a + 0.3 * b.square(), b - 0.5 * a.tanh()], 1),
    "twisted": lambda a, b: torch.stack([a, a * b], 1),
    "folded": lambda a, b: torch.stack([a, b.abs()], 1),
    "one of two": lambda a, b: torch.stack([a, 2 * a], 1),
}


def features(z: Tensor, generator: torch.Generator) -> list[Tensor]:
    """What three measurements show: different functions of the latents, and a style of each."""
    views = []
    for _ in range(3):
        waves = torch.randn(2, 20, generator=generator, dtype=z.dtype)
        style = torch.randn(len(z), 3, generator=generator, dtype=z.dtype)
        told = torch.cat([torch.sin(0.5 * z @ waves), 0.3 * z @ waves], 1)
        seen = told @ torch.randn(40, 12, generator=generator, dtype=z.dtype)
        shown = seen + style @ torch.randn(3, 12, generator=generator, dtype=z.dtype)
        shown = shown + 0.3 * torch.randn(shown.shape, generator=generator, dtype=z.dtype)
        views.append(shown)
    return views


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("seed", range(5))
def test_codes_that_lose_latents_are_told_from_codes_that_mix_them(name: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(4000, 2, generator=generator, dtype=torch.float64)
    share = lost_share(CODES[name](z[:, 0], z[:, 1]), features(z, generator), generator)
    assert (share > 1.5 * MOST_LOST) == (name not in {"themselves", "bent"})
    assert share < (0.5 * MOST_LOST if name in {"themselves", "bent"} else 1)


def test_measurements_without_a_common_part_lose_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(3000, 2, generator=generator, dtype=torch.float64)
    assert lost_share(codes, [torch.ones(3000, 5, dtype=torch.float64)] * 2, generator) == 0
    noise = [torch.randn(3000, 5, generator=generator, dtype=torch.float64) for _ in range(2)]
    assert lost_share(codes, noise, generator) == 0


def test_only_people_with_all_measurements_count() -> None:
    data, _ = embeddings(2500)
    views = data.measurements
    once = dataclasses.replace(
        data,
        measurements={"a": views["a"][:1], "b": views["b"]},
        observed={"a": np.ones((2500, 1), bool), "b": data.observed["b"]},
    )
    few = dataclasses.replace(
        data, observed={"a": np.ones((2500, 2), bool), "b": np.arange(5000).reshape(2500, 2) % 3 > 0}
    )
    for people, expected in [(data, {"a", "b"}), (once, {"b"}), (few, set())]:
        shapes = {m: [list(array.shape[1:]) for array in views] for m, views in people.measurements.items()}
        torch.manual_seed(0)
        vae = MultiViewVAE(shapes, QUICK.for_measurements(shapes))
        found = lost_shares(vae, Batch.of(people), torch.Generator().manual_seed(0))
        assert found.keys() == expected
        assert all(MOST_LOST < share <= 1 for share in found.values())  # networks that are not trained


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[float]], None]:
    """Let the codes of each training lose the share at its place."""

    def set_shares(values: list[float]) -> None:
        left: Iterator[float] = iter(values)
        monkeypatch.setattr("personax.crl.estimator.lost_shares", lambda *_: {"a": next(left), "b": 0.0})

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
            "personax.crl.estimator.start_without_twist", lambda *_, seed, is_so=twisted: is_so
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

    monkeypatch.setattr("personax.crl.estimator.start_without_twist", diverge)
    shares([0.03])
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert model.transform(data).equals(plain.transform(data))


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
