"""Our model with the command's settings finds the settings of the tunnel, each by itself."""

from dataclasses import replace

import pytest

from personax.crl import CRL
from personax.experiments.light_tunnel.config import TunnelConfig
from personax.experiments.light_tunnel.run import run_of, scenes_of
from personax.experiments.recovery import model_for
from personax.experiments.run_options import OURS
from personax.experiments.variations import with_phase1, with_phase2
from personax.learning.metrics import match


@pytest.mark.slow
def test_every_setting_has_a_latent_of_its_own() -> None:
    run = run_of(replace(TunnelConfig(), n=2000, size=8), OURS, 1000)
    scenes, split = scenes_of(run)
    model = with_phase1(epochs=1)(
        model_for(run.model, scenes)
    )  # latents are not trained, but found in closed form
    model = with_phase2(
        starts=2, population=1, generations=1, generation_steps=1, final_steps=1, finalists=3
    )(model)
    latents = CRL(model, seed=run.seed, device="cpu").fit(scenes, split).transform(scenes)
    found, true = (table.to_numpy()[split.test] for table in (latents, scenes.true_latents))
    correlations = abs(match(found, true)[1])
    assert correlations.mean() > 0.9
    assert correlations.min() > 0.75
