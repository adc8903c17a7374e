"""How pictures are read: which of several readings is taken, stuck codes, and codes that are folded."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from styled_scenes import QUICK, accept_scalar_codes, as_batch, random_reading, scenes

from personax.crl import picture_readings
from personax.crl.picture_readings import (
    APART,
    LEAST_PURSUED,
    STUCK,
    WORSE,
    best_readings,
    find_readings,
    missing_in_rival,
)
from personax.crl.scalar_codes import ScalarCodes
from personax.crl.unfolding import Fold
from personax.learning.batches import Batch
from personax.runs.errors import TrainingDiverged


@pytest.mark.parametrize(
    ("change", "clear"),
    [
        ({}, True),
        ({"is_coordinate": False}, False),
        ({"eigenvalues": [0.5, 0.5 / (0.9 * APART), 0.0]}, False),
        ({"eigenvalues": [0.5, 0.5 / (1.1 * APART), 0.0]}, True),
        ({"eigenvalues": [0.1, 0.09, 0.0], "pursued": 1.1 * LEAST_PURSUED}, True),
        ({"eigenvalues": [0.1, 0.01, 0.0], "pursued": 0.9 * LEAST_PURSUED}, False),
        ({"is_coordinate": False, "pursued": 1.1 * LEAST_PURSUED}, False),
        ({"companion_is_coordinate": False, "pursued": 1.1 * LEAST_PURSUED}, False),
    ],
)
def test_a_reading_is_clear_if_f_is_a_coordinate_and_one_companion_is_found(
    change: dict[str, Any], clear: bool
) -> None:
    assert replace(random_reading(3), **change).is_clear == clear


@pytest.mark.parametrize(
    ("clarities", "best"),
    [
        ([(3, 1.9), (2, 5), (9, 9)], 1),  # the first that is clear
        ([(9, 1.2), (1.4, 1.3), (1.1, 9)], 1),  # the clearest of those that are not
        ([None, (1.1, 1.2), None], 1),  # the one that is not stuck
        ([None, None, None], None),
    ],
)
def test_which_of_several_readings_is_the_best(
    clarities: list[tuple[float, float] | None], best: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [
        each and {m: random_reading(clarity) for m, clarity in zip("ab", each, strict=True)}
        for each in clarities
    ]
    monkeypatch.setattr(picture_readings, "find_readings", lambda *_, seed: readings[seed])
    people = as_batch(scenes("shared", (2, 1)))
    found = best_readings(people, people, QUICK, [0, 1, 2])
    assert found is (None if best is None else readings[best])


@pytest.mark.parametrize(
    ("change", "better"),
    [
        ({"is_coordinate": True}, 1),  # than a companion that stands far apart
        ({"is_coordinate": False, "pursued": 1.2 * LEAST_PURSUED}, 0),
        ({"is_coordinate": False, "pursued": 9 * LEAST_PURSUED}, 1),
        ({"is_coordinate": False, "pursued": 9 * LEAST_PURSUED, "companion_is_coordinate": False}, 0),
    ],
)
def test_coordinates_count_before_companions(
    change: dict[str, Any], better: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(random_reading(3 * APART), is_coordinate=False)
    other = replace(random_reading(0.9 * APART), **change)
    readings = [{"a": first, "b": first}, {"a": other, "b": other}]
    monkeypatch.setattr(picture_readings, "find_readings", lambda *_, seed: readings[seed])
    people = as_batch(scenes("shared", (2, 1)))
    assert best_readings(people, people, QUICK, [0, 1]) is readings[better]


@pytest.mark.parametrize(("rival", "is_stuck"), [(0.5 - 0.9 * STUCK, False), (0.5 - 1.1 * STUCK, True)])
def test_codes_are_stuck_if_a_rival_tells_more(
    rival: float, is_stuck: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = as_batch(scenes("shared", (2, 1)))
    accept_scalar_codes(monkeypatch)
    monkeypatch.setattr(picture_readings, "train_scalar_codes", lambda *_, **__: 0.5)
    monkeypatch.setattr(picture_readings, "missing_in_rival", lambda *_: rival)
    monkeypatch.setattr(picture_readings, "find_fold", lambda *_: next(folds((0.5, 0.5))))
    assert (find_readings(people, people, QUICK, seed=3) is None) == is_stuck


def test_codes_that_tell_nothing_are_no_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are hardly trained tell nothing of the other modality, and nothing else is tried then."""
    people = as_batch(scenes("shared", (2, 1)))
    monkeypatch.setattr(picture_readings, "train_picture_codes", pytest.fail)
    assert find_readings(people, people, QUICK, seed=3) is None


def test_a_training_that_diverges_does_not_end_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def diverge(*_: object, **__: object) -> float:
        raise TrainingDiverged("scalar codes: the loss is nan")

    monkeypatch.setattr(picture_readings, "train_scalar_codes", diverge)
    people = as_batch(scenes("shared", (2, 1)))
    assert best_readings(people, people, QUICK, [3, 4]) is None
    assert "with seed 4: scalar codes: the loss is nan" in caplog.text


def test_a_person_is_read_from_the_pictures_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the people lack the first picture of the digit, in whose place there are zeros."""
    people = as_batch(scenes("shared", (2, 1)))
    observed = people.observed["digit"].clone()
    observed[::2, 0] = False
    first, second = people.x["digit"][0], 0.5 * people.x["digit"][1]
    x = {**people.x, "digit": [first * observed[:, 0, None, None, None], second]}
    lacking = replace(people, x=x, observed={**people.observed, "digit": observed}, complete=False)
    seen: list[torch.Tensor] = []

    def remember(*known: Any) -> tuple[Any, torch.Tensor]:
        seen.append(known[4])
        return random_reading(3).companion, torch.tensor([0.5, 0.1, 0.0])

    monkeypatch.setattr(picture_readings, "find_companion", remember)
    accept_scalar_codes(monkeypatch)
    monkeypatch.setattr(picture_readings, "find_fold", lambda *_: next(folds((0.97, 0.97))))
    readings = find_readings(lacking, people, QUICK, seed=3)
    assert readings is not None
    digit = readings["digit"]
    of_second = (digit.scalar(second)[:, 0].double() - digit.centre) / digit.scale
    torch.testing.assert_close(seen[0][::2], of_second[::2].detach())
    assert not torch.allclose(seen[0][1::2], of_second[1::2].detach())


def test_the_rival_is_another_model_that_is_trained_less(monkeypatch: pytest.MonkeyPatch) -> None:
    data = scenes("shared", (2, 1))
    people, shapes = as_batch(data), {"digit": (1, 8, 8), "garment": (1, 8, 8)}
    config = replace(QUICK, phase1=replace(QUICK.phase1, epochs=8))
    seen: list[tuple[int, float]] = []

    def train(codes: ScalarCodes, *_: Batch, epochs: int, seed: int) -> float:
        seen.append((epochs, float(next(codes.parameters()).detach().sum())))
        return float(seed)

    monkeypatch.setattr(picture_readings, "train_scalar_codes", train)
    assert abs(missing_in_rival(shapes, config, people, people, 5) - 5) > 2  # no seed of the trained ones
    torch.manual_seed(5)
    trained = float(next(ScalarCodes(shapes, config.hidden).parameters()).detach().sum())
    assert seen[0][0] == 2
    assert seen[0][1] != trained


def folds(*found: tuple[float, float]) -> Iterator[Fold]:
    """One fold after another, of these shares, whose function is the first code."""
    return (Fold(random_reading(3).companion, *shares) for shares in found)


@pytest.mark.parametrize(
    ("missing_then", "taken"),
    [(0.5 + 0.9 * WORSE, True), (0.5 + 1.1 * WORSE, False)],
)
def test_codes_that_fold_are_unfolded_unless_they_tell_less_then(
    missing_then: float, taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digit's code folds, the garment's does not; its networks are the beginning of further training."""
    people = as_batch(scenes("shared", (2, 1)))
    found = folds((0.8, 0.0), (0.97, 0.97), (0.97, 0.97), (0.97, 0.97))
    monkeypatch.setattr(picture_readings, "find_fold", lambda *_: next(found))
    accept_scalar_codes(monkeypatch)
    monkeypatch.setattr(picture_readings, "SYMMETRIC", 0.0)
    copied: list[str] = []
    monkeypatch.setattr(picture_readings, "train_to_read", lambda *words, **_: copied.append(words[2]))
    trained: list[ScalarCodes] = []
    begun: list[torch.Tensor] = []

    def train(codes: ScalarCodes, *_: Batch, epochs: int, seed: int) -> float:
        begun.append(torch.cat([p.flatten() for p in codes.encoders["garment"].parameters()]).detach())
        trained.append(codes)
        return missing_then if len(trained) == 2 else 0.5

    monkeypatch.setattr(picture_readings, "train_scalar_codes", train)
    readings = find_readings(people, people, QUICK, seed=3)
    assert readings is not None
    assert copied == ["digit"]
    assert torch.equal(*begun)
    assert readings["digit"].scalar is trained[taken].encoders["digit"]
    assert [readings[m].is_coordinate for m in ("digit", "garment")] == [taken, True]


def test_codes_that_do_not_fold_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    people = as_batch(scenes("shared", (2, 1)))
    found = folds((0.5, 0.2), (0.97, 0.97))
    monkeypatch.setattr(picture_readings, "find_fold", lambda *_: next(found))
    accept_scalar_codes(monkeypatch)
    monkeypatch.setattr(picture_readings, "train_to_read", pytest.fail)
    monkeypatch.setattr(picture_readings, "SYMMETRIC", 0.0)
    readings = find_readings(people, people, QUICK, seed=3)
    assert readings is not None
    assert [reading.is_coordinate for reading in readings.values()] == [False, True]


@pytest.mark.parametrize("shares", [(0.97, 0.97), (0.97, 0.5)])
def test_a_companion_that_explains_little_is_pursued_and_must_be_a_coordinate(
    shares: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the digit f is no coordinate, so nothing is pursued."""
    people = as_batch(scenes("shared", (2, 1)))
    found = folds((0.5, 0.2), (0.97, 0.97), shares)
    pursued = random_reading(3).companion
    monkeypatch.setattr(picture_readings, "find_fold", lambda *_: next(found))
    accept_scalar_codes(monkeypatch)
    monkeypatch.setattr(picture_readings, "SYMMETRIC", torch.inf)
    monkeypatch.setattr(picture_readings, "pursue_companion", lambda *_: (pursued, 0.4))
    readings = find_readings(people, people, QUICK, seed=3)
    assert readings is not None
    assert readings["digit"].pursued is None
    assert readings["garment"].pursued == 0.4
    assert readings["garment"].companion is pursued
    assert readings["garment"].is_coordinate
    assert readings["garment"].companion_is_coordinate == (shares == (0.97, 0.97))
