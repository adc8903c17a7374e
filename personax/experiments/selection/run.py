"""The runs of the candidates, the criteria of each, and the choice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from personax.crl import CRL
from personax.experiments.mnist.config import MnistConfig, run_on
from personax.experiments.past_runs import RunConfig, read_run, remake
from personax.experiments.selection.config import SelectionConfig, find_candidate, with_latents
from personax.learning.criteria import hidden_measurement_r2
from personax.learning.metrics import mean_correlation
from personax.runs.run_folder import typed_path
from personax.variant_mnist.scene_config import scene_seed

CRITERIA = ("prediction", "stability", "ELBO", "alignment")


def selection_cells(
    config: SelectionConfig, names: Sequence[str], seeds: Sequence[int], home: Path
) -> dict[Path, RunConfig]:
    """Run folder -> configuration of every run, seed by seed."""
    base = scenes_run(config) if config.run is None else run_to_vary(config, typed_path(config.run))
    changed = {name: find_candidate(name)(base.model) for name in names}
    return {
        home / "runs" / name / f"seed-{seed}": replace(base, model=changed[name], seed=seed)
        for seed in seeds
        for name in names
    }


def scenes_run(config: SelectionConfig) -> RunConfig:
    """The run on scenes that the candidates vary."""
    model = config.model if config.model.latents else with_latents(2)(config.model)
    return run_on(
        config,
        name="selection",
        device=config.device,
        ceiling_epochs=0,
        figures=False,
        resume=True,
        model=model,
    )


def run_to_vary(config: SelectionConfig, folder: Path) -> RunConfig:
    """The finished run that the candidates vary, with its data as they were; its model knows its latents.

    Only the folder of the pictures may have moved since then: that of `config` counts, if it has one.
    """
    finished = read_run(folder).config
    model = CRL.load(folder, device="cpu").config
    if not isinstance(finished, MnistConfig):
        return replace(
            finished,
            model=model,
            latents="given",
            device=config.device,
            seeds=None,
            figures=False,
            resume=True,
            overwrite=False,
        )
    seed = scene_seed(finished, finished.seed)
    return replace(
        finished,
        model=model,
        latents="given",
        data_seed=seed,
        data_dir=finished.data_dir if config.data_dir is None else config.data_dir,
        ceiling_epochs=0,
        device=config.device,
        seeds=None,
        figures=False,
        resume=True,
        overwrite=False,
    )


def criteria_table(cells: Mapping[Path, RunConfig], metrics: Mapping[Path, dict[str, Any]]) -> pd.DataFrame:
    """One row per candidate: number of latents and criteria.

    For the report only, MCC and R2 follow where the truth is known.
    """
    paths_of: dict[str, list[Path]] = {}
    for path in cells:
        paths_of.setdefault(path.parent.name, []).append(path)
    return pd.DataFrame(
        {
            name: criteria_of(cells[paths[0]], paths)
            | validation_losses([metrics[path] for path in paths])
            | scores_by_truth([metrics[path] for path in paths])
            for name, paths in paths_of.items()
        }
    ).T


def criteria_of(config: RunConfig, paths: Sequence[Path]) -> dict[str, float]:
    """Number of latents, prediction and stability of a candidate; nothing here looks at the truth.

    Args:
        config: configuration of any of its runs; all have the same scenes and the same model.
        paths: its run folders.
    """
    data, split, _, _ = remake(config)
    models = [CRL.load(path, device=config.device) for path in paths]
    predictions = [hidden_measurement_r2(model, data, split) for model in models]
    latents = [model.transform(data.rows(split.validation)).to_numpy() for model in models]
    agreements = [mean_correlation(first, second) for first, second in combinations(latents, 2)]
    return {
        "latents": float(sum(config.model.latents.values())),
        "prediction": float(np.mean(predictions)),
        "stability": float(np.mean(agreements)),
    }


def validation_losses(metrics: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Terms of the loss on validation rows times -1, so that larger is better; means over runs."""
    criteria = [found["criteria"] for found in metrics]
    return {
        "ELBO": -float(np.mean([found["negative_elbo"] for found in criteria])),
        "alignment": -float(np.mean([found["alignment"] for found in criteria])),
    }


def scores_by_truth(metrics: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """What only the truth tells, means over runs; it is for the report, not for the choice.

    Empty where the truth is unknown.
    """
    if "heldout" in metrics[0]:
        return {
            "MCC": float(np.mean([found["heldout"]["mcc_pearson"] for found in metrics])),
            "R2": float(np.mean([found["heldout"]["r2"] for found in metrics])),
        }
    if all("truth" in found for found in metrics):
        return {"MCC": float(np.mean([found["truth"]["mcc"]["all"] for found in metrics]))}
    return {}


def choose(table: pd.DataFrame, tolerance: float) -> str:
    """The name of the chosen candidate; only the columns latents, prediction and stability are used.

    >>> table = pd.DataFrame({"latents": [4, 2], "prediction": [0.30, 0.295], "stability": [0.9, 0.8]})
    >>> choose(table, tolerance=0.01), choose(table, tolerance=0.0)
    ('1', '0')
    """
    good = table[table["prediction"] >= table["prediction"].max() - tolerance]
    small = good[good["latents"] == good["latents"].min()]
    return str(small["stability"].idxmax())


def rank_correlations(table: pd.DataFrame) -> dict[str, float]:
    """Criterion -> its rank correlation with MCC over the candidates.

    NaN if there are fewer than three, or if MCC is not known of every one.
    """
    enough = len(table) > 2 and mcc_is_known(table)
    return {c: float(spearmanr(table[c], table["MCC"])[0]) if enough else np.nan for c in CRITERIA}


def mcc_is_known(table: pd.DataFrame) -> bool:
    """Whether every candidate has an MCC.

    Blocks of other sizes than the true ones have none, so the candidates of a run may differ in this.
    """
    return "MCC" in table and bool(table["MCC"].notna().all())


def with_as_many_latents(table: pd.DataFrame, choice: str) -> pd.DataFrame:
    """The candidates that have as many latents as the chosen one."""
    return table[table["latents"] == table.loc[choice, "latents"]]
