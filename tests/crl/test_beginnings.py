"""Beginnings of phase 1: errors by an independent formula, the best of each modality, models begun often."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from personax.crl.beginnings import BEGINNING_EPOCHS, best_beginning, reconstruction_errors
from personax.crl.estimator import CRL
from personax.crl.model_config import CRLConfig, Phase1Config, Phase2Config
from personax.crl.multiview_vae import MultiViewVAE
from personax.crl.representation import train_representation
from personax.learning.batches import Batch
from personax.learning.training import History
from personax.runs.errors import TrainingDiverged
from personax.views import MultiViewData, Split, split_rows

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


def people() -> tuple[MultiViewData, Split]:
    rng = np.random.default_rng(0)
    z = rng.laplace(size=(300, 3))
    views = {m: [(z @ rng.standard_normal((3, 4))).astype(np.float32)] for m in LATENTS}
    return MultiViewData(views), split_rows(300, rng)


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


@pytest.mark.parametrize("diverges", [0, 2])
def test_phase_1_goes_on_from_the_networks_that_are_chosen(
    diverges: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three beginnings one diverges, and the first of the two others is chosen."""
    data, split = people()
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
    monkeypatch.setattr("personax.crl.estimator.train_representation", recorded)
    monkeypatch.setattr("personax.crl.estimator.best_beginning", first)
    CRL(SMALL, seed=0, device="cpu").fit(data, split)
    assert epochs == [BEGINNING_EPOCHS] * 3 + [3]
    assert all(torch.equal(value, chosen[0][name]) for name, value in starts[3].items())
    weights = next(name for name in starts[0] if name.endswith("weight"))
    assert not torch.equal(starts[0][weights], starts[1][weights])  # each begins elsewhere


def test_if_all_beginnings_diverge_the_fit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(*_: Any, **options: Any) -> History:
        raise TrainingDiverged("the loss is not finite")

    monkeypatch.setattr("personax.crl.estimator.train_representation", diverge)
    with pytest.raises(TrainingDiverged, match="not finite"):
        CRL(SMALL, seed=0, device="cpu").fit(*people())


def test_the_same_seed_gives_the_same_bits() -> None:
    data, split = people()
    first, again = (CRL(SMALL, seed=0, device="cpu").fit(data, split).transform(data) for _ in range(2))
    assert first.equals(again)


def test_models_that_are_begun_often_are_fitted_together_as_alone() -> None:
    data, split = people()
    alone = CRL(SMALL, seed=1, device="cpu").fit(data, split)
    together = [CRL(SMALL, seed=seed, device="cpu") for seed in (0, 1)]
    CRL.fit_together(together, [(data, split)] * 2)
    assert together[1].transform(data).equals(alone.transform(data))


def test_a_killed_fit_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    data, split = people()
    checkpoint = tmp_path / "checkpoint.pt"

    def kill(history: History) -> None:
        if len(history) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CRL(SMALL, seed=0, device="cpu").fit(data, split, checkpoint=checkpoint, on_progress=kill)
    resumed = CRL(SMALL, seed=0, device="cpu").fit(data, split, checkpoint=checkpoint)
    assert resumed.transform(data).equals(CRL(SMALL, seed=0, device="cpu").fit(data, split).transform(data))
