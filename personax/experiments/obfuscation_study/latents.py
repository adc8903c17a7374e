"""Level II on simulated athletes whose vectors are obfuscated, beside the same with plain vectors."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from personax.experiments.obfuscated_releases import PLAIN, Release, obfuscated_table
from personax.experiments.obfuscation_study.config import ObfuscationStudyConfig
from personax.experiments.people.config import PeopleConfig
from personax.experiments.people.preparation import prepare_table, read_people
from personax.experiments.people.run import run_people_seed
from personax.experiments.summary import pick
from personax.graphs.graph import Graph
from personax.learning.metrics import mean_correlation
from personax.runs.run_folder import CONFIG, GRAPH, LATENTS, METRICS
from personax.runs.run_records import read_finished

LATENT_NEEDED = {"truth.r2": "names with numbers", "truth.mcc.all": "a number", "graph.shd": "a number"}


@dataclass(frozen=True)
class LatentRun:
    """One run of Level II.

    Attributes:
        people: options of the run.
        release: how its vectors are obfuscated.
        key_seed: seed of keys and noise.
    """

    people: PeopleConfig
    release: Release
    key_seed: int


def latent_runs(
    config: ObfuscationStudyConfig, compared: list[Release], seeds: list[int], home: Path
) -> dict[Path, LatentRun]:
    """Run folder -> run, seed by seed, plain vectors first."""
    people = PeopleConfig(
        dataset="athlete",
        name=home.name,
        data_seed=config.data_seed,
        source="simulated",
        n=config.n,
        image_dim=config.image_dim,
        text_dim=config.text_dim,
        figures=False,
        device=config.device,
        resume=True,
        model=config.model,
    )
    every = [Release(PLAIN, PLAIN), *compared]
    return {
        home / release.folder / f"seed-{seed}": LatentRun(replace(people, seed=seed), release, config.seed)
        for seed in seeds
        for release in every
    }


def run_latents(run: LatentRun, path: Path) -> dict[str, Any]:
    """Make one run in its folder, or read it if it is finished; returns its metrics."""
    if not (path / METRICS).exists():
        options = replace(run.people, resume=(path / CONFIG).exists())
        table = obfuscated_table(read_people(options), run.release, run.key_seed)
        run_people_seed(options, path, prepare_table(options, table))
    return read_finished(path, run.people, LATENT_NEEDED)


def paired_with_plain(plain: Path, other: Path) -> float:
    """Mean |correlation| of the latents of two runs on test people, paired within each block."""
    first, second = (pd.read_parquet(path / LATENTS) for path in (plain, other))
    test = (first["split"] == "test").to_numpy()
    blocks = Graph.from_json(plain / GRAPH).blocks
    found = [
        mean_correlation(second.loc[test, list(names)].to_numpy(), first.loc[test, list(names)].to_numpy())
        for names in blocks.values()
    ]
    sizes = [len(names) for names in blocks.values()]
    return float(np.average(found, weights=sizes))


def latent_table(metrics: Mapping[Path, Mapping[str, Any]], runs: Mapping[Path, LatentRun]) -> pd.DataFrame:
    """One row per run: release, seed, R2 (mean over blocks), MCC, SHD, and the pairing with plain vectors."""
    rows = []
    for path, found in metrics.items():
        run = runs[path]
        plain = path.parents[1] / PLAIN / path.name
        scores = pick(found, ["truth.mcc.all", "graph.shd"])
        rows.append(
            {
                "release": run.release.name,
                "seed": run.people.seed,
                "R2": float(np.mean(list(found["truth"]["r2"].values()))),
                "MCC": scores["truth.mcc.all"],
                "SHD": scores["graph.shd"],
                "same latents": paired_with_plain(plain, path),
            }
        )
    return pd.DataFrame(rows)
