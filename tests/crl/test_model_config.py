"""What a configuration says about the sizes of a block."""

import dataclasses
from typing import Any

import pytest

from personax.crl import CRLConfig
from personax.crl.model_config import Phase1Config
from personax.learning.optimisation import STEPS_PER_LATENT
from personax.runs.errors import InputError


def test_a_modality_seen_once_keeps_its_style_in_the_block() -> None:
    config = CRLConfig(latents={"a": 2, "b": 1}, noise=3)
    once = config.for_measurements({"a": [[6], [6]], "b": [[6]]})
    assert (once.width("a"), once.eta("a"), once.width("b"), once.eta("b")) == (2, 3, 4, 0)
    told = dataclasses.replace(config, nuisance={"b": 0}).for_measurements({"a": [[6], [6]], "b": [[6]]})
    assert (told.width("b"), told.eta("b")) == (1, 3)


@pytest.mark.parametrize(("width", "spare"), [(2, 0), (4, 1), (9, 3)])
def test_a_compressed_modality_seen_once_keeps_what_is_beyond_its_latents(width: int, spare: int) -> None:
    config = CRLConfig(latents={"a": 2}, shared=1, noise=5, compress=True)
    assert config.for_measurements({"a": [[width]]}).nuisance == {"a": spare}


def test_phase_1_has_enough_steps_for_its_latents() -> None:
    home = CRLConfig(latents={"a": 2, "b": 2})
    usual = home.for_people(16_000).phase1
    assert (usual.epochs, usual.patience) == (30, 8)
    for config, people, times in ((home, 4_000, 4), (CRLConfig(latents={"a": 7}, shared=1), 16_000, 2)):
        more = config.for_people(people).phase1
        assert more.passes * more.batches(people) >= STEPS_PER_LATENT * 4 * (2 if config.shared else 1)
        assert more.passes == pytest.approx(30 * times, rel=0.05)
        assert more.patience == pytest.approx(8 * times, rel=0.07)
    assert home.for_people(100).phase1.passes == STEPS_PER_LATENT * 4
    chosen = CRLConfig(latents={"a": 2}, phase1=Phase1Config(epochs=3))
    assert chosen.for_people(100) == chosen


def test_presets_take_latents() -> None:
    assert CRLConfig.images({"a": 2}, shared=1) == CRLConfig(latents={"a": 2}, shared=1)
    assert CRLConfig.embeddings({"a": 2}).latents == {"a": 2}
    assert CRLConfig.quick({"a": 2}, shared=1).for_measurements({"a": [[6]]}).width("a") == 6
    assert CRLConfig.embeddings().compress


@pytest.mark.parametrize("preset", [CRLConfig.images, CRLConfig.embeddings, CRLConfig.quick])
@pytest.mark.parametrize(
    ("latents", "shared"),
    [(5, 0), (["face"], 0), ({"face": "two"}, 0), ({"face": True}, 0), ({"face": 2}, "1")],
)
def test_presets_refuse_other_types(preset: Any, latents: Any, shared: Any) -> None:
    with pytest.raises(InputError, match="latents map each modality to a whole number"):
        preset(latents, shared=shared)
