"""Pictures whose style all measurements share: when this is seen, and how they are read."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from styled_scenes import QUICK, TWO, as_batch, random_reading, read_small_scenes, scenes
from torch import nn

from personax.crl import CRL, picture_readings
from personax.crl import styled_pictures as rules
from personax.crl.model_config import Phase1Config
from personax.crl.picture_readings import ATTEMPTS, PictureReading
from personax.crl.styled_pictures import (
    LatentReader,
    can_be_styled,
    is_styled,
    predicted_share,
    with_fewer_epochs,
)
from personax.crl.trust import IDENTIFIED, STYLE_UNKNOWN
from personax.variant_mnist.scene_config import Nuisance
from personax.views import MultiViewData, Split, split_rows

PICTURES = {"digit": [[1, 8, 8], [1, 8, 8]], "garment": [[1, 8, 8]]}


@pytest.fixture
def few_rows_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    read_small_scenes(monkeypatch)


@pytest.mark.parametrize(
    ("nuisance", "measurements", "styled"),
    [
        ("shared", (3, 3), True),
        ("independent", (3, 3), False),
        ("shared", (3, 1), True),
        ("independent", (3, 1), True),
        ("independent", (1, 1), True),
    ],
)
@pytest.mark.usefixtures("few_rows_are_enough")
def test_shared_style_is_seen_in_the_pictures(
    nuisance: Nuisance, measurements: tuple[int, int], styled: bool
) -> None:
    assert is_styled(as_batch(scenes(nuisance, measurements))) == styled


def test_few_people_are_read_as_before() -> None:
    assert not is_styled(as_batch(scenes("shared", (1, 1))))


def test_what_a_picture_tells_of_another_is_all_of_a_copy_and_nothing_of_noise() -> None:
    rng = torch.Generator().manual_seed(0)
    x, other = (torch.rand(600, 1, 4, 4, generator=rng) for _ in range(2))
    assert predicted_share(x, 2 * x + 1) > 0.99
    assert predicted_share(x, other) < 0.1
    assert predicted_share(x, torch.zeros_like(x)) <= 1


@pytest.mark.parametrize(
    ("change", "applies"),
    [
        ({}, True),
        ({"causal": False}, False),
        ({"flexible": True}, False),
        ({"shared": 1}, False),
        ({"latents": {"digit": 2, "garment": 3}}, False),
        ({"nuisance": {"garment": 3}}, False),
        ({"phase2": replace(QUICK.phase2, orthogonality=0.0)}, False),
        ({"phase2": replace(QUICK.phase2, cross_sparsity=0.0)}, False),
    ],
)
def test_it_applies_to_two_modalities_of_two_latents(change: dict[str, Any], applies: bool) -> None:
    assert can_be_styled(PICTURES, replace(QUICK, **change)) == applies


def test_it_does_not_apply_to_tables_nor_to_pictures_of_several_shapes() -> None:
    assert not can_be_styled(PICTURES | {"digit": [[6], [6]]}, QUICK)
    assert not can_be_styled(PICTURES | {"digit": [[1, 8, 8], [2, 8, 8]]}, QUICK)


def test_the_reader_computes_both_numbers() -> None:
    reading = random_reading(clarity=3)
    scalar, pictures, companion = reading.scalar, reading.codes, reading.companion
    reader = LatentReader((1, 8, 8), 2, 8)
    reader.read(reading)
    x = torch.rand(5, 1, 8, 8)
    means, log_variances = reader(x).chunk(2, dim=1)
    assert means.shape == (5, 4)
    torch.testing.assert_close(means[:, 0], (scalar(x)[:, 0] - 0.5) / 2.0)
    torch.testing.assert_close(means[:, 1].double(), companion(pictures.posterior(x).mean))
    assert (log_variances[:, :2] == log_variances[0, 0]).all()
    assert {name.split(".")[0] for name, p in reader.named_parameters() if p.requires_grad} == {"eta"}


def test_a_reader_takes_weights_under_their_earlier_names() -> None:
    torch.manual_seed(0)
    saved, loaded = (LatentReader((1, 8, 8), 2, 8) for _ in range(2))
    saved.get_buffer("centre_and_scale").copy_(torch.tensor([0.5, 2.0]))
    earlier = {
        name.replace("code_encoder.", "pictures.").replace("centre_and_scale", "place"): value
        for name, value in saved.state_dict().items()
    }
    assert "place" in earlier
    assert earlier.keys() & saved.state_dict().keys() < earlier.keys()
    nn.Sequential(loaded).load_state_dict({f"0.{name}": value for name, value in earlier.items()})
    x = torch.rand(5, 1, 8, 8)
    assert torch.equal(loaded(x), saved(x))


@pytest.fixture(scope="module")
def fitted() -> tuple[CRL, MultiViewData, Split]:
    data = scenes("shared", (2, 1))
    split = split_rows(len(data), np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        read_small_scenes(patch)
        return CRL(QUICK, seed=1, device="cpu").fit(data, split), data, split


def test_a_model_of_such_pictures_has_two_coordinates_a_modality(
    fitted: tuple[CRL, MultiViewData, Split],
) -> None:
    model, data, _ = fitted
    assert model.names == ["z11", "z12", "z21", "z22"]
    encoding = model.encode(data)
    assert {block: z.shape[1] for block, z in encoding.coordinates.items()} == TWO
    assert encoding.eta["garment"][0].shape == (len(data), 1)


def test_the_encoders_are_settled_before_phase_1(fitted: tuple[CRL, MultiViewData, Split]) -> None:
    """Phase 1 does not change the codes that it is given, so a third of its epochs is enough."""
    assert with_fewer_epochs(Phase1Config(epochs=30)).epochs == 10
    epochs = [row for row in fitted[0].history if row["phase"] == "representation"]
    assert len(epochs) == 1


def test_such_a_model_is_saved_and_loaded(fitted: tuple[CRL, MultiViewData, Split], tmp_path: Path) -> None:
    model, data, _ = fitted
    model.save(tmp_path)
    loaded = CRL.load(tmp_path, device="cpu")
    np.testing.assert_array_equal(loaded.transform(data).to_numpy(), model.transform(data).to_numpy())
    np.testing.assert_array_equal(loaded.graph, model.graph)


@pytest.mark.usefixtures("few_rows_are_enough")
def test_several_such_models_are_fitted_together_as_alone(
    fitted: tuple[CRL, MultiViewData, Split],
) -> None:
    model, data, split = fitted
    other = CRL(QUICK, seed=1, device="cpu")
    CRL.fit_together([other], [(data, split)])
    np.testing.assert_array_equal(other.transform(data).to_numpy(), model.transform(data).to_numpy())


@pytest.mark.usefixtures("few_rows_are_enough")
def test_readings_that_are_not_clear_are_used_with_doubt(
    fitted: tuple[CRL, MultiViewData, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data, split = fitted
    monkeypatch.setattr(PictureReading, "is_clear", property(lambda _: False))
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert model.verdict == STYLE_UNKNOWN
    assert model.encode(data).coordinates["garment"].shape == (len(data), 2)


@pytest.mark.usefixtures("few_rows_are_enough")
def test_latents_that_cannot_be_read_are_learned_as_before(
    fitted: tuple[CRL, MultiViewData, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data, split = fitted
    monkeypatch.setattr(
        picture_readings, "missing_in_rival", lambda *_: -np.inf
    )  # all scalar codes are stuck
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    monkeypatch.setattr(rules, "STYLED_ROWS", 1000)  # more than there are
    before = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    np.testing.assert_array_equal(model.transform(data).to_numpy(), before.transform(data).to_numpy())
    assert model.encode(data).coordinates["garment"].shape == (len(data), 2 + QUICK.noise)
    assert model.verdict == before.verdict == STYLE_UNKNOWN


@pytest.mark.usefixtures("few_rows_are_enough")
def test_readings_that_are_not_clear_are_tried_again(
    fitted: tuple[CRL, MultiViewData, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data, split = fitted
    clear: list[bool] = []

    def the_third(reading: PictureReading) -> bool:
        clear.append(len(clear) >= 2)  # the first modality of two attempts, then both
        return clear[-1]

    monkeypatch.setattr(PictureReading, "is_clear", property(the_third))
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert clear[:4] == [False, False, True, True]
    assert all(clear[4:])
    assert ATTEMPTS == 3
    assert model.verdict == IDENTIFIED


@pytest.mark.usefixtures("few_rows_are_enough")
def test_scalar_codes_that_tell_less_than_shortly_trained_ones_are_trained_again(
    fitted: tuple[CRL, MultiViewData, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, data, split = fitted
    rivals = iter([-np.inf, np.inf])  # the first attempt tells less than its rival, the second more
    monkeypatch.setattr(picture_readings, "missing_in_rival", lambda *_: next(rivals))
    model = CRL(QUICK, seed=1, device="cpu").fit(data, split)
    assert model.verdict == IDENTIFIED
    assert next(rivals, None) is None
    monkeypatch.setattr(picture_readings, "missing_in_rival", lambda *_: -np.inf)
    assert CRL(QUICK, seed=1, device="cpu").fit(data, split).verdict == STYLE_UNKNOWN


@pytest.mark.parametrize(
    ("nuisance", "measurements", "verdict"),
    [
        ("independent", (2, 2), IDENTIFIED),
        ("independent", (2, 1), STYLE_UNKNOWN),
        ("shared", (2, 2), STYLE_UNKNOWN),
    ],
)
def test_the_verdict_says_where_style_cannot_be_told_from_latents(
    nuisance: Nuisance, measurements: tuple[int, int], verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three latents of a modality are not read one after another, whatever the style."""
    monkeypatch.setattr(rules, "STYLED_ROWS", 100)
    data = scenes(nuisance, measurements, n=300)
    split = split_rows(300, np.random.default_rng(0))
    config = replace(QUICK, latents={"digit": 3, "garment": 2})
    model = CRL(config, device="cpu").fit(data, split)
    assert model.verdict == verdict
    together = CRL(config, device="cpu")
    CRL.fit_together([together], [(data, split)])
    assert together.verdict == verdict


@pytest.mark.usefixtures("few_rows_are_enough")
def test_a_later_fit_to_fresh_style_does_not_depend_on_it() -> None:
    old, new = scenes("shared", (2, 1)), scenes("independent", (2, 2))
    split = split_rows(len(old), np.random.default_rng(0))
    again = CRL(QUICK, seed=1, device="cpu").fit(old, split).fit(new, split).transform(new)
    np.testing.assert_array_equal(again, CRL(QUICK, seed=1, device="cpu").fit(new, split).transform(new))
