"""Codes that lose what measurements have in common are seen, and phase 1 is made again for them."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from small_embeddings import QUICK, embeddings
from torch import Tensor

from personax.crl.lost_share import MOST_LOST, lost_share, lost_shares
from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch

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
