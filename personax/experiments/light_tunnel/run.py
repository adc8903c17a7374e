"""The runs: one method on the scenes of one seed, scored on test rows."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from personax.baselines.plug_in import folder_of_method
from personax.crl import CRLConfig
from personax.experiments.cells import Metrics
from personax.experiments.light_tunnel.config import TunnelConfig, TunnelRun
from personax.experiments.recovery import baseline_settings
from personax.experiments.run_options import OURS
from personax.experiments.scored_runs import SCORES_KNOWN, SCORES_NEEDED, Scenes, fit_and_evaluate
from personax.experiments.variations import with_phase1
from personax.light_tunnel.tunnel_config import TunnelScenes
from personax.light_tunnel.tunnel_scenes import make_light_tunnel, with_pictures_as_vectors
from personax.runs.device import resolve_device
from personax.runs.run_folder import METRICS, open_run
from personax.runs.run_records import read_finished
from personax.runs.seeds import numpy_rng
from personax.views import checksum_with_truth, split_rows


def tunnel_cells(
    config: TunnelConfig, baselines: Sequence[str], seeds: Sequence[int], home: Path
) -> dict[Path, TunnelRun]:
    """Run folder -> every run, seed by seed, so that even an interrupted command has runs of every method."""
    return {
        home / "runs" / folder_of_method(method) / f"seed-{seed}": run_of(config, method, seed)
        for seed in seeds
        for method in (OURS, *baselines)
    }


def run_of(config: TunnelConfig, method: str, seed: int) -> TunnelRun:
    """The run of a method with one seed. The ceiling, the same for all methods, is trained with ours."""
    scenes = {option.name: getattr(config, option.name) for option in fields(TunnelScenes)}
    ours = method == OURS
    return TunnelRun(
        **scenes,
        seed=seed,
        method=method,
        settings={} if ours else settings_of(method, config.baseline_epochs),
        ceiling_epochs=config.ceiling_epochs if ours else 0,
        figures=config.figures,
        device=config.device,
        model=config.model,
    )


def settings_of(method: str, epochs: int) -> dict[str, Any]:
    """Settings of a baseline: those of Variant-MNIST, except for the number of epochs."""
    model = with_phase1(epochs=epochs)(CRLConfig())
    return baseline_settings(method, model)


def scenes_of(run: TunnelRun) -> Scenes:
    """The scenes of a run, pictures as vectors, and their split."""
    data_seed = seed_of_scenes(run)
    data = with_pictures_as_vectors(make_light_tunnel(run, data_seed))
    return Scenes(data, split_rows(len(data), numpy_rng(data_seed, "split")))


def seed_of_scenes(run: TunnelRun) -> int:
    """The seed of causal model, scenes and split."""
    return run.seed if run.data_seed is None else run.data_seed


def run_tunnel_seed(run: TunnelRun, path: Path) -> Metrics:
    """Make one run in its folder, continue it, or read it if it is finished; return its metrics."""
    if (path / METRICS).exists():
        return read_finished(path, run, SCORES_NEEDED, SCORES_KNOWN)
    scenes = scenes_of(run)
    with open_run(
        path,
        run,
        resume=True,
        data_source=scenes.data.source,
        data_sha256=checksum_with_truth(scenes.data),
        simulated=True,
        device=str(resolve_device(run.device)),
    ) as folder:
        return fit_and_evaluate(run, folder, scenes)
