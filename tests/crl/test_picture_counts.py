"""Numbers of latents that are found from measurements that are no compressed embeddings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from personax.crl import CRL, CRLConfig, picture_counts
from personax.crl.code_functions import CodeFeatures, CodeFunction
from personax.crl.model_config import Phase1Config
from personax.crl.picture_codes import PictureCodes
from personax.crl.picture_counts import (
    FAINT,
    NEIGHBOURS,
    WIDTH,
    count_in_measurements,
    varying_directions,
)
from personax.crl.picture_readings import ATTEMPTS, LEAST_PURSUED, PictureReading
from personax.crl.regression import FourierBasis
from personax.crl.styled_pictures import STYLED_ROWS
from personax.learning.batches import Batch
from personax.learning.encoders import make_encoder
from personax.runs.errors import InputError
from personax.variant_mnist.image_sources import stand_in_images
from personax.variant_mnist.scenes import make_variant_mnist
from personax.variant_mnist.scm import variant_mnist_scm
from personax.views import MultiViewData, split_rows

QUICK = CRLConfig(noise=1, hidden=8, phase1=Phase1Config(epochs=1, batch_size=64))


def bent_codes(latents: int, measurements: int, *, n: int = 3000, seed: int = 0) -> list[np.ndarray]:
    """Eight smooth functions of a few latents, with a little noise in each measurement."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, latents))
    straight, bent = rng.normal(size=(2, latents, WIDTH))
    clean = z @ straight + 0.3 * np.sin(z @ bent)
    return [clean + 0.02 * rng.normal(size=clean.shape) for _ in range(measurements)]


@pytest.mark.parametrize("measurements", [2, 3])
@pytest.mark.parametrize("latents", [1, 2, 3, 4])
def test_directions_are_those_of_the_latents_however_many_codes_there_are(
    latents: int, measurements: int
) -> None:
    codes = bent_codes(latents, measurements)
    assert varying_directions(codes, np.random.default_rng(0)) == latents


def test_what_only_one_measurement_shows_is_no_direction() -> None:
    rng = np.random.default_rng(1)
    codes = [np.c_[view[:, :7], 3 * rng.normal(size=len(view))] for view in bent_codes(2, 3)]
    assert varying_directions(codes, np.random.default_rng(0)) == 2


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_the_scale_of_the_codes_does_not_matter(scale: float) -> None:
    codes = bent_codes(2, 2)
    scaled = [view * np.r_[scale, np.ones(7)] for view in codes]
    assert varying_directions(scaled, np.random.default_rng(0)) == 2


def test_few_people_are_refused_before_training() -> None:
    views = [torch.rand(300, 1, 8, 8, generator=torch.Generator().manual_seed(0)) for _ in range(2)]
    seen = torch.ones(300, 2, dtype=torch.bool)
    seen[NEIGHBOURS - 1 :, 1] = False
    people = Batch({"face": views}, {"face": seen}, complete=False)
    with pytest.raises(InputError, match=f"face: counting needs {NEIGHBOURS} training rows .* not 199;"):
        count_once(people)


def single_pictures(n: int = STYLED_ROWS) -> Batch:
    draws = torch.Generator().manual_seed(0)
    x = {m: [torch.rand(n, 1, 8, 8, generator=draws)] for m in ("digit", "garment")}
    return Batch(x, {m: torch.ones(n, 1, dtype=torch.bool) for m in x}, complete=True)


def reading(*eigenvalues: float) -> PictureReading:
    """Any reading with these eigenvalues."""
    nothing = torch.zeros(0)
    basis = FourierBasis(torch.zeros(0, 0), nothing)
    companion = CodeFunction(CodeFeatures(nothing, torch.zeros(0, 0), basis, nothing), nothing)
    codes = PictureCodes((1, 8, 8), 8, 0.1)
    return PictureReading(make_encoder([1, 8, 8], 1, 8), 0.0, 1.0, codes, companion, list(eigenvalues), True)


CLEAR, WEAK, TWO_FIT = reading(0.5, 0.1), reading(FAINT / 2, FAINT / 2), reading(0.5, 0.4)


def readings_of(
    *attempts: dict[str, PictureReading] | None,
) -> Callable[..., dict[str, PictureReading] | None]:
    """In the place of `find_readings`: what each attempt finds."""
    left = iter(attempts)
    return lambda *_, **__: next(left)


def count_once(people: Batch) -> dict[str, int]:
    return count_in_measurements(people, people, QUICK, seed=0)


def test_a_single_picture_shows_a_second_latent_if_the_first_explains_enough_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture_counts, "find_readings", readings_of({"digit": WEAK, "garment": CLEAR}))
    assert count_once(single_pictures()) == {"digit": 1, "garment": 2}


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"pursued": 1.1 * LEAST_PURSUED}, 2),
        ({"pursued": 0.9 * LEAST_PURSUED}, 1),
        ({"pursued": 0.9 * LEAST_PURSUED, "companion_is_coordinate": False}, 1),  # it is of no latent
        ({"pursued": 1.1 * LEAST_PURSUED, "companion_is_coordinate": False}, None),
        ({"pursued": 1.1 * LEAST_PURSUED, "is_coordinate": False}, None),
        ({"is_coordinate": False}, None),
    ],
)
def test_a_latent_that_is_pursued_counts_if_it_explains_enough(
    change: dict[str, Any], number: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = replace(WEAK, **change)
    readings = readings_of(*[{"digit": found, "garment": CLEAR}] * ATTEMPTS)
    monkeypatch.setattr(picture_counts, "find_readings", readings)
    if number is None:
        with pytest.raises(InputError, match="several numbers"):
            count_once(single_pictures())
    else:
        assert count_once(single_pictures()) == {"digit": number, "garment": 2}


def test_unclear_readings_are_tried_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    unclear, clear = {"digit": TWO_FIT, "garment": CLEAR}, {"digit": CLEAR, "garment": CLEAR}
    monkeypatch.setattr(picture_counts, "find_readings", readings_of(None, unclear, clear))
    assert count_once(single_pictures()) == {"digit": 2, "garment": 2}


def test_unclear_readings_are_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    unclear = {"digit": CLEAR, "garment": TWO_FIT}
    monkeypatch.setattr(picture_counts, "find_readings", readings_of(*[unclear] * ATTEMPTS))
    with pytest.raises(InputError, match="digit: its style is seen in one version only, and several numbers"):
        count_once(single_pictures())


def test_attempts_are_from_other_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(picture_counts, "find_readings", lambda *_, seed: seeds.append(seed))
    with pytest.raises(InputError, match="several numbers"):
        count_once(single_pictures())
    near = {seed + step for seed in seeds for step in range(3)}  # no seed is near to another one
    assert len(near) == 3 * ATTEMPTS


def test_few_pictures_of_one_style_have_no_number() -> None:
    with pytest.raises(InputError, match=f"counting needs {STYLED_ROWS} training rows .* not 40"):
        count_once(single_pictures(40))


def test_a_single_array_that_is_no_picture_has_no_number() -> None:
    people = single_pictures()
    flat = replace(people, x={m: [x.flatten(1) for x in views] for m, views in people.x.items()})
    with pytest.raises(InputError, match="counted only in pictures; say how many"):
        count_once(flat)


def short_vectors(n: int = 300) -> MultiViewData:
    """Two modalities of one latent each, three times measured."""
    rng = np.random.default_rng(0)
    measurements: dict[str, list[Any]] = {}
    for modality in ("a", "b"):
        z = rng.normal(size=(n, 1))
        measurements[modality] = [
            (z * np.linspace(1, 2, 5) + 0.1 * rng.normal(size=(n, 5))).astype(np.float32) for _ in range(3)
        ]
    return MultiViewData(measurements, np.arange(n))


def test_counting_needs_no_numbers_of_latents_and_keeps_shared_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    data = short_vectors()
    split = split_rows(len(data), np.random.default_rng(0))
    monkeypatch.setattr(picture_counts, "varying_directions", lambda *_: 3)
    for shared in (0, 1, 4):
        counts = CRL.count_latents(data, split, replace(QUICK, shared=shared), device="cpu")
        assert counts == (shared, dict.fromkeys("ab", max(1, 3 - shared)))


def test_more_directions_than_are_looked_for_are_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    data = short_vectors()
    split = split_rows(len(data), np.random.default_rng(0))
    monkeypatch.setattr(picture_counts, "varying_directions", lambda *_: WIDTH)
    with pytest.raises(InputError, match="a: shows 8 latents or more"):
        CRL.count_latents(data, split, QUICK, device="cpu")


def test_latents_of_pictures_are_counted_and_the_same_seed_counts_the_same() -> None:
    data = make_variant_mnist(stand_in_images(), variant_mnist_scm(), n=400, measurements=(2, 2), size=8)
    split = split_rows(len(data), np.random.default_rng(0))
    counts = [CRL.count_latents(data, split, QUICK, seed=1, device="cpu") for _ in range(2)]
    assert counts[0] == counts[1]
    assert counts[0].own.keys() == {"digit", "garment"}
    assert all(1 <= number < WIDTH for number in counts[0].own.values())
