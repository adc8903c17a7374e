"""Fit our model inside a run folder, so that a killed run continues and a finished one is read back."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from personax.crl import CRL, CRLConfig
from personax.graphs.graph_files import OBSERVED
from personax.learning.training import remove_checkpoint
from personax.runs.errors import InputError, advising
from personax.runs.files import atomic_path, read_json, write_json, write_json_lines
from personax.runs.run_folder import CHECKPOINT, HISTORY, TOGETHER, WEIGHTS, RunFolder, path_or_default
from personax.runs.run_records import MAKE_ANEW, read_rows
from personax.views import SHARED, MultiViewData, Split

log = logging.getLogger(__name__)


class FolderOfData(NamedTuple):
    """A run folder, and the data that a model is fitted to in it."""

    folder: RunFolder
    data: MultiViewData
    split: Split


def seed_folder(output: str | None, default: str, seed: int, *, alone: bool) -> Path:
    """The run folder of a seed: from the option `output`, or below results/.

    Args:
        output: folder of a single run, or the folder that holds the runs of several seeds.
        default: path below results/ of the folder that holds the runs, used if `output` is None.
        seed: the seed.
        alone: True if this seed is the only one.
    """
    home = path_or_default(output, Path("results") / default)
    return home if alone and output is not None else home / f"seed-{seed}"


def latent_counts(data: MultiViewData) -> dict[str, int]:
    """Modality -> the number of its true latents."""
    return {modality: len(data.known_truth.blocks[modality]) for modality in data.modalities}


def begins(folder: RunFolder) -> bool:
    """Whether nothing was learned in the folder before: only then is the duration of a run known."""
    return not ((folder / CHECKPOINT).exists() or (folder / WEIGHTS).exists())


def with_latents_found(
    folder: RunFolder, data: MultiViewData, split: Split, config: CRLConfig, *, seed: int, device: str
) -> CRLConfig:
    """The configuration with the numbers of latents that training rows show.

    As it is if the folder has a model, which knows its own. Raises InputError.
    """
    if (folder / WEIGHTS).exists():
        return config
    log.info("counting the latents")
    found = CRL.count_latents(data, split, config, seed=seed, device=device)
    log.info("latents found: %d shared, %s", found.shared, found.own)
    return replace(config, shared=found.shared, latents=found.own)


def fit_in_folder(
    folder: RunFolder, data: MultiViewData, split: Split, config: CRLConfig, *, seed: int, device: str
) -> CRL:
    """A fitted model: read from the folder if it is there, else fitted, from a checkpoint if there is one.

    Writes the history after every epoch and generation, and the model when it is fitted.
    """
    if (folder / WEIGHTS).exists():
        remove_checkpoint(folder / CHECKPOINT)  # of a process that was killed after the weights
        (folder / TOGETHER).unlink(missing_ok=True)
        return CRL.load(folder.path, device=device)
    model = CRL(config, seed=seed, device=device)
    model.fit(
        data,
        split,
        checkpoint=folder / CHECKPOINT,
        on_progress=lambda history: write_history(folder.path, history),
    )
    model.save(folder.path)
    remove_checkpoint(folder / CHECKPOINT)
    return model


def fit_together_in_folders(
    runs: Sequence[FolderOfData], config: CRLConfig, *, seeds: Sequence[int], device: str
) -> None:
    """Fit the models of several runs in one pass and save each in its folder, where `fit_in_folder` reads it.

    There are no checkpoints; one that an earlier attempt has left is not used, and removed. Until the models
    of all folders are saved, a file in each says which were trained with it.
    """
    for run in runs:
        write_json(run.folder / TOGETHER, [other.folder.path.name for other in runs])
    models = [CRL(config, seed=seed, device=device) for seed in seeds]
    CRL.fit_together(
        models,
        [(run.data, run.split) for run in runs],
        on_progress=lambda number, history: write_history(runs[number].folder.path, history),
    )
    for model, run in zip(models, runs, strict=True):
        model.save(run.folder.path)
        remove_checkpoint(run.folder / CHECKPOINT)
    for run in runs:
        (run.folder / TOGETHER).unlink()


def is_untrained(folder: RunFolder) -> bool:
    """True if the folder has no model, or one of several trained together of which not all were saved.

    What one model learns depends, in the last bits, on those that it is trained with; so a pass that was
    killed while its models were saved is made again with all of them. Raises InputError for a damaged file.
    """
    if not (folder / WEIGHTS).exists():
        return True
    if not (folder / TOGETHER).exists():
        return False
    with advising(MAKE_ANEW):
        others = read_json(folder / TOGETHER)
    if not isinstance(others, list) or not all(isinstance(name, str) for name in others):
        raise InputError(f"{folder / TOGETHER}: holds no names of folders; {MAKE_ANEW}")
    return not all((folder.path.parent / name / WEIGHTS).exists() for name in others)


def write_history(folder: Path, history: list[dict[str, Any]]) -> None:
    """Write the history of a training: one line of JSON per epoch or generation."""
    write_json_lines(folder / HISTORY, history)


def read_history(folder: Path) -> pd.DataFrame:
    """The history of a training as a table with one row per epoch or generation. Raises InputError."""
    if not (folder / HISTORY).exists():
        raise InputError(f"{folder / HISTORY}: missing; the run has not been trained")
    read_rows(folder)  # refuses a damaged file; pandas reads the numbers, whose last bits criteria depend on
    return pd.read_json(folder / HISTORY, lines=True)


def write_latents(path: Path, latents: pd.DataFrame, data: MultiViewData, split: Split) -> None:
    """Write id, split (train, validation or test) and one column per latent, for all people, as Parquet.

    If a person has no measurement of a modality, the latents of this modality are imputed (guessed by the
    model). For every modality with such people there is a column `observed_MODALITY` of True and False. The
    shared latents s are imputed if all modalities have such a column and all are False. If there are no such
    people, there are no such columns.
    """
    table = latents.copy()
    table.insert(0, "split", split.labels(len(table)))
    table.insert(0, "id", data.ids)
    for modality in data.modalities:
        seen = data.seen(modality)
        if not seen.all():
            table[f"{OBSERVED}{modality}"] = seen
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)


def without_imputed(
    latents: pd.DataFrame, blocks: Mapping[str, Sequence[str]], data: MultiViewData
) -> pd.DataFrame:
    """The latents (n, d), NaN where they are imputed because no measurement of their block was observed.

    `blocks` is block -> names of its latents. A block is a modality, or "s" for the shared latents, for which
    one measurement of any modality is enough.
    """
    seen = {modality: data.seen(modality) for modality in data.modalities}
    seen[SHARED] = np.any(list(seen.values()), axis=0)
    known = latents.copy()
    for block, names in blocks.items():
        known.loc[~seen[block], list(names)] = np.nan
    return known
