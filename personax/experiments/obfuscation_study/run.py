"""The study in a folder: attacks on every way of obfuscation, and Level II with each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float32

from personax.embeddings.vector_columns import open_vectors, read_batches, vectors_of
from personax.experiments.cells import run_cells
from personax.experiments.obfuscated_releases import Release
from personax.experiments.obfuscation_study.attacks import attack_release, link_releases
from personax.experiments.obfuscation_study.config import LEAST_ATTACKED, ObfuscationStudyConfig
from personax.experiments.obfuscation_study.latents import latent_runs, latent_table, run_latents
from personax.runs.errors import InputError
from personax.runs.files import read_json, sha256_arrays, write_json, write_json_lines
from personax.runs.progress import progress
from personax.runs.run_folder import HISTORY, RunFolder, typed_path
from personax.tables import simulate_table

ATTACKS = "attacks"
RUNS = "runs"


class Attacked(NamedTuple):
    """The vectors that are attacked.

    Attributes:
        vectors: (n, d) of people in the release.
        strangers: (m, d) of people who are not in it.
        source: where they are from.
        simulated: these people do not exist.
    """

    vectors: Float32[np.ndarray, "n d"]
    strangers: Float32[np.ndarray, "m d"]
    source: str
    simulated: bool

    @property
    def checksum(self) -> str:
        """SHA-256 of all vectors."""
        return sha256_arrays(self.vectors, self.strangers)


class StudyTables(NamedTuple):
    """What the study has found.

    Attributes:
        attacks: release, attack, k, top1 (mean over repeats), sd, chance.
        links: release, auc, one column for each attack, chance.
        latents: one row per run of Level II; empty without them.
    """

    attacks: pd.DataFrame
    links: pd.DataFrame
    latents: pd.DataFrame


def read_attacked(config: ObfuscationStudyConfig) -> Attacked:
    """The vectors to attack: of a file, or of simulated people. Raises InputError."""
    if config.embeddings is None:
        many = config.people + -(-config.people // 2)
        table = simulate_table(
            "athlete", data_seed=config.data_seed, n=many, image_dim=config.image_dim, text_dim=20
        )
        vectors = table.embeddings["image"][0]
        told = f"simulated athletes, data seed {config.data_seed}"
        return Attacked(vectors[: config.people], vectors[config.people :], told, True)
    path = typed_path(config.embeddings)
    source = open_vectors(path)
    column = config.column or next(iter(source.widths))
    if column not in source.widths:
        raise InputError(
            f"column {column[:60]!r}: {path} has the columns of vectors {', '.join(source.widths)}"
        )
    batches = [vectors_of(batch[column], source.widths[column]) for batch in read_batches(path, [column])]
    vectors = np.concatenate(batches)
    vectors = vectors[np.isfinite(vectors).all(axis=1) & vectors.any(axis=1)]
    if len(vectors) < LEAST_ATTACKED:
        raise InputError(
            f"{path}, column {column!r}: {len(vectors)} vectors; the attacks need {LEAST_ATTACKED}"
        )
    n = min(config.people, len(vectors))
    return Attacked(vectors[:n], vectors[n:], f"{path.name}, column {column}", False)


def attack_all(
    config: ObfuscationStudyConfig,
    folder: RunFolder,
    attacked: Attacked,
    compared: Sequence[Release],
    known: Sequence[int],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Attack every way of obfuscation; results that are there already are read. Returns attacks and links."""
    attacks: list[dict[str, Any]] = []
    links: list[dict[str, Any]] = []
    with progress(len(compared), "attacks", "release") as bar:
        for release in compared:
            path = folder.path / ATTACKS / f"{release.folder}.json"
            if not path.exists():
                rows = attack_release(
                    release, attacked.vectors, attacked.strangers, known, config.repeats, config.seed
                )
                write_json(
                    path, {"rows": rows, "links": link_releases(release, attacked.vectors, config.seed)}
                )
            found = read_json(path)
            for row in found["rows"]:
                values = row.pop("top1")
                spread = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
                attacks.append({"release": release.name, **row, "top1": float(np.mean(values)), "sd": spread})
            linked = found["links"]
            links.append(
                {"release": release.name, "AUC": linked["auc"], **linked["top1"], "chance": linked["chance"]}
            )
            # From now on there is something that a refusal must keep.
            write_json_lines(folder / HISTORY, [{"phase": "attacks", **row} for row in links])
            bar.update()
    return pd.DataFrame(attacks), pd.DataFrame(links)


def study_latents(
    config: ObfuscationStudyConfig, home: Path, compared: Sequence[Release], seeds: Sequence[int]
) -> pd.DataFrame:
    """Run Level II with every way of obfuscation and seed."""
    runs = latent_runs(config, list(compared), list(seeds), home / RUNS)
    return latent_table(run_cells(runs, config, run_latents), runs)
