"""Beginnings of phase 1: errors by an independent formula, the best of each modality, models begun often."""

from dataclasses import replace

import pytest
import torch

from personax.crl.beginnings import best_beginning, reconstruction_errors
from personax.crl.model_config import CRLConfig, Phase1Config, Phase2Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.learning.batches import Batch

LATENTS = {"a": 1, "b": 2}
WIDTHS = {"a": [[4], [5]], "b": [[3]]}
SMALL = CRLConfig(
    latents=LATENTS,
    hidden=8,
    phase1=Phase1Config(epochs=3, beginnings=3, cross=0.0),
    phase2=Phase2Config(starts=2, generations=1, generation_steps=2, finalists=1, final_steps=2),
)


def networks(shared: int, seed: int, cross: float = 0.0) -> MultiViewVAE:
    torch.manual_seed(seed)
    phase1 = replace(SMALL.phase1, cross=cross)
    return MultiViewVAE(WIDTHS, replace(SMALL, shared=shared, phase1=phase1))


def rows(seen: float) -> Batch:
    generator = torch.Generator().manual_seed(0)
    x = {m: [torch.randn(50, *shape, generator=generator) for shape in of_m] for m, of_m in WIDTHS.items()}
    observed = {m: torch.rand(50, len(of_m), generator=generator) < seen for m, of_m in WIDTHS.items()}
    return Batch(x, observed, complete=seen == 1.0)


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("seen", [0.7, 1.0])
@torch.no_grad()
def test_errors_are_squares_in_units_of_the_decoder(shared: int, seen: float) -> None:
    """Eq. (2) written out for one person after another."""
    vae, batch = networks(shared, 0), rows(seen)
    codes = vae.encode(batch)
    posteriors = {b: p.mean for b, p in vae.posteriors(codes, batch).items()}
    expected = dict.fromkeys(WIDTHS, 0.0)
    for m, of_m in WIDTHS.items():
        for number in range(len(of_m)):
            for person in range(50):
                own = posteriors[m][person : person + 1]
                common = posteriors["s"][person : person + 1] if shared else own[:, :0]
                eta = codes[m][number].noise.mean[person : person + 1]
                decoded = vae.of(m)[number].decode(common, own, eta)[0]
                if batch.observed[m][person, number]:
                    far = (decoded - batch.x[m][number][person]).square().sum()
                    expected[m] += float(far) / (2 * vae.config.observation_sd**2) / 50
    assert reconstruction_errors(vae, batch) == pytest.approx(expected, rel=1e-5)


def test_the_best_networks_of_each_modality_are_taken() -> None:
    batch = rows(1.0)
    errors = [reconstruction_errors(networks(0, seed), batch) for seed in range(6)]
    chosen = reconstruction_errors(best_beginning([networks(0, seed) for seed in range(6)], batch), batch)
    assert chosen == pytest.approx({m: min(each[m] for each in errors) for m in WIDTHS})
    assert len({min(range(6), key=lambda seed: errors[seed][m]) for m in WIDTHS}) == 2  # of two models


@pytest.mark.parametrize(("shared", "cross"), [(1, 0.0), (0, 1.0)])
def test_if_modalities_have_to_agree_all_networks_are_of_one_model(shared: int, cross: float) -> None:
    batch = rows(1.0)
    errors = [reconstruction_errors(networks(shared, seed, cross), batch) for seed in range(6)]
    best = best_beginning([networks(shared, seed, cross) for seed in range(6)], batch)
    chosen = reconstruction_errors(best, batch)
    assert chosen == pytest.approx(min(errors, key=lambda each: sum(each.values())))


def test_a_model_takes_all_weights_of_a_modality_and_no_others() -> None:
    first, before, other = networks(0, 0), networks(0, 0).state_dict(), networks(0, 1)
    with torch.no_grad():
        other.log_scale["a"].fill_(2.0)
    first.take("a", other)
    for name, weights in first.state_dict().items():
        source = other.state_dict() if name.split(".")[1] == "a" else before
        assert torch.equal(weights, source[name])
    with torch.no_grad():
        first.log_scale["a"].fill_(3.0)
    assert float(other.log_scale["a"].detach()) == 2.0  # a copy
