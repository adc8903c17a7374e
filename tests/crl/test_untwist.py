"""Codes with a twist are mirrored so that they have none, and phase 1 can begin from them."""

import dataclasses

import numpy as np
import pytest
import torch
from small_embeddings import QUICK, embeddings
from torch import Tensor

from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.untwist import Mirror, find_mirror, start_without_twist
from personax.learning.batches import Batch


def latents(seed: int, d: int = 2) -> tuple[Tensor, Tensor]:
    """Latents of 3,000 people, and what a measurement shows of them: bent functions, and noise."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(3000, d, generator=generator, dtype=torch.float64)
    waves = 0.4 * torch.randn(d, 8, generator=generator, dtype=torch.float64)
    shown = torch.sin(z @ waves) + z @ torch.randn(d, 8, generator=generator, dtype=torch.float64)
    return z, shown + 0.3 * torch.randn(shown.shape, generator=generator, dtype=torch.float64)


def twisted(z: Tensor, place: float) -> Tensor:
    """Codes in which the last latent has no width where the first is at `place`, and then another sign."""
    codes = z.clone()
    codes[:, -1] = torch.tanh(2 * (place - z[:, 0])) * z[:, -1]
    return codes


def orientations(codes: Tensor, z: Tensor) -> list[float]:
    """Signs of the map from latents to codes: among people with low values of the first latent, and high."""
    signs = []
    for chosen in (z[:, 0] < z[:, 0].quantile(0.2), z[:, 0] > z[:, 0].quantile(0.8)):
        known = torch.cat([torch.ones(int(chosen.sum()), 1, dtype=z.dtype), z[chosen]], 1)
        slopes = torch.linalg.lstsq(known, codes[chosen]).solution[1:]
        signs.append(float(torch.linalg.det(slopes).sign()))
    return signs


@pytest.mark.parametrize(("seed", "d", "place"), [(0, 2, 0.0), (1, 2, 0.4), (2, 2, -0.3), (3, 3, 0.0)])
def test_a_twist_is_found_and_taken_back(seed: int, d: int, place: float) -> None:
    z, shown = latents(seed, d)
    codes = twisted(z, place)
    assert orientations(codes, z) == [1, -1]
    mirror = find_mirror(codes, [shown])
    assert mirror is not None
    first, last = orientations(mirror(codes), z)
    assert first == last
    assert abs(float(mirror.axis @ mirror.normal)) < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_codes_without_a_twist_have_no_mirror(seed: int) -> None:
    z, shown = latents(seed)
    bent = torch.stack([z[:, 0] + 0.2 * z[:, 1].square(), z[:, 1] - 0.4 * z[:, 0].tanh()], 1)
    assert find_mirror(z, [shown]) is None
    assert find_mirror(bent, [shown]) is None


def test_a_mirror_moves_one_side_only_and_twice_is_nothing() -> None:
    codes = torch.randn(500, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    units = torch.linalg.inv(torch.linalg.cholesky(codes.T.cov())).T
    axis, normal = torch.eye(3, dtype=torch.float64)[[0, 2]]
    mirror = Mirror(codes.mean(0), units, axis, normal, 0.2, 0.1)
    v, mirrored = mirror.standardised(codes), mirror.standardised(mirror(codes))
    beyond = v[:, 0] > 0.2
    assert torch.allclose(mirrored[~beyond], v[~beyond])
    assert torch.allclose(mirrored[beyond], v[beyond] * torch.tensor([1, 1, -1]) + torch.tensor([0, 0, 0.2]))
    assert torch.allclose(mirror(mirror(codes)), codes)


def test_codes_of_one_number_or_of_nothing_have_no_mirror() -> None:
    _, shown = latents(0)
    one = shown[:, :1]
    assert find_mirror(one, [shown]) is None
    assert find_mirror(torch.zeros(3000, 2, dtype=torch.float64), [shown]) is None


class Twisted(torch.nn.Module):
    """An encoder whose means (2) may have a twist, which training can undo."""

    def __init__(self, encoder: torch.nn.Module, *, twist: bool) -> None:
        super().__init__()
        self.encoder, self.twist = encoder, twist
        self.odd = torch.nn.Parameter(torch.ones(()))
        self.even = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(n, 6) -> (n, 2 (2 + noise))."""
        width = torch.tanh(-2 * x[:, :1]) if self.twist else torch.ones_like(x[:, :1])
        second = (self.odd * width + self.even * width.abs()) * x[:, 1:2]
        return torch.cat([x[:, :1], second, self.encoder(x)[:, 2:]], 1)


def test_encoders_learn_mirrored_codes_and_the_same_bits_each_time() -> None:
    data, split = embeddings(6000)
    rng, z = np.random.default_rng(0), data.true_latents[["z21", "z22"]].to_numpy()
    plain = [(np.tile(z, 3) + 0.1 * rng.standard_normal((6000, 6))).astype(np.float32) for _ in range(2)]
    data = dataclasses.replace(data, measurements={"a": data.measurements["a"], "b": plain})
    train, validation = Batch.of(data.rows(split.train)), Batch.of(data.rows(split.validation))
    shapes = {m: [list(array.shape[1:]) for array in views] for m, views in data.measurements.items()}

    def networks() -> MultiViewVAE:
        """Networks in which codes are the first two numbers of the measurements, with a twist in b."""
        torch.manual_seed(0)
        vae = MultiViewVAE(shapes, QUICK.for_measurements(shapes))
        for modality, twist in (("a", False), ("b", True)):
            for net in vae.of(modality):
                net.encoder = Twisted(net.encoder, twist=twist)
        return vae

    before, first, second = networks(), networks(), networks()
    for vae in (first, second):
        assert start_without_twist(vae, train, validation, ["b"], seed=3)
    codes = [vae.pooled_means(train) for vae in (before, first, second)]
    assert torch.equal(codes[1]["b"], codes[2]["b"])
    assert torch.equal(codes[1]["a"], codes[0]["a"])
    learned = dict(first.measurements["b"].named_parameters())
    odd, even = ([learned[f"{k}.encoder.{name}"].item() for k in range(2)] for name in ("odd", "even"))
    assert max(odd) < 0.8
    assert min(even) > 0.15 or max(even) < -0.15
    assert not start_without_twist(networks(), train, validation, ["a"], seed=3)
    assert not start_without_twist(networks(), train, validation, [], seed=3)
