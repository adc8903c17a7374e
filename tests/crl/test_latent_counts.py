"""Numbers of latents found from the data."""

from dataclasses import replace

import pytest
import torch
from bent_people import bent_people

from personax.crl.latent_counts import count_latents
from personax.crl.model_config import Phase2Config

SEARCH = Phase2Config(starts=1, finalists=1)


@pytest.mark.parametrize("seed", [0, 1])
def test_shared_and_own_latents_are_counted(seed: int) -> None:
    assert count_latents(bent_people(seed=seed).people, SEARCH, seed=0) == (1, {"a": 3, "b": 2})


def test_style_of_a_modality_that_is_seen_once_does_not_count() -> None:
    people = bent_people().people
    style = 2 * torch.randn(len(people), 1, generator=torch.Generator().manual_seed(0))
    wider = replace(people, x={**people.x, "b": [torch.cat([people.x["b"][0], style], 1)]})
    assert count_latents(wider, SEARCH, seed=0).own == {"a": 3, "b": 2}
