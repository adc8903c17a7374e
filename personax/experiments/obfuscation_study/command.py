"""Check the options of the command, run it and print what it found; config.py has the options."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from personax.crl import CRLConfig
from personax.experiments.obfuscated_releases import Release, releases
from personax.experiments.obfuscation_study.config import ObfuscationStudyConfig
from personax.experiments.obfuscation_study.figures import draw_attacks, draw_latents
from personax.experiments.obfuscation_study.report import study_page
from personax.experiments.obfuscation_study.run import (
    Attacked,
    StudyTables,
    attack_all,
    read_attacked,
    study_latents,
)
from personax.graphs.graph_files import published
from personax.runs.command_line import parse_seeds
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_text
from personax.runs.memory import require_memory
from personax.runs.run_folder import FIGURES, RunFolder, open_run, path_or_default
from personax.runs.workers import check_workers


class StudyRequest(NamedTuple):
    """The options of the command that are lists, parsed.

    Attributes:
        compared: the ways of obfuscation.
        known: numbers of known people.
        seeds: seeds of Level II.
    """

    compared: list[Release]
    known: list[int]
    seeds: list[int]


def run_study(config: ObfuscationStudyConfig) -> Path:
    """Do the study, write tables, page and figures; return the folder. Raises InputError."""
    request = check_study(config)
    home = path_or_default(config.output, f"results/obfuscation_study/{config.name}")
    attacked = read_attacked(config)
    known = [k for k in request.known if k <= len(attacked.vectors) - 2]
    facts = {
        "data_source": attacked.source,
        "data_sha256": attacked.checksum,
        "simulated": attacked.simulated,
    }
    with open_run(home, config, resume=config.resume, overwrite=config.overwrite, **facts) as folder:
        attacks, links = attack_all(config, folder, attacked, request.compared, known)
        page = write_study(folder, attacked, StudyTables(attacks, links, pd.DataFrame()))
        if config.latents:  # may take hours; what the attacks found is written before
            latents = study_latents(config, folder.path, request.compared, request.seeds)
            page = write_study(folder, attacked, StudyTables(attacks, links, latents))
    print(page)
    print(f"\n{home / 'study.md'}")
    return home


def check_study(config: ObfuscationStudyConfig) -> StudyRequest:
    """Check and parse the options. Raises InputError for what is unknown or does not fit together."""
    compared = releases(config.conditions, config.noises)
    known = sorted(parse_seeds(config.known))
    if known[0] < 1:
        raise InputError(f"known {config.known!r}: at least 1; attacks without known people are always made")
    if config.embeddings is None and known[-1] > config.people - 2:
        raise InputError(
            f"known {known[-1]}: at most people - 2 = {config.people - 2}; someone must be left to find"
        )
    if config.column is not None and config.embeddings is None:
        raise InputError(f"column {config.column!r}: only with --embeddings")
    if config.latents:
        _check_sizes_of_latents(config.model)
    check_workers(config)
    resolve_device(config.device)
    # Three matrices of distances at a time.
    require_memory(3 * 8.0 * config.people**2, f"people {config.people}")
    return StudyRequest(compared, known, parse_seeds(config.seeds))


def _check_sizes_of_latents(model: CRLConfig) -> None:
    """Raises InputError if simulated athletes have other numbers of latents: nothing could be scored."""
    true = {block: len(names) for block, names in published("athlete").graph.blocks.items()}
    shared = true.pop("s")
    if model.shared != shared or model.latents != true:
        raise InputError(
            f"model: shared {model.shared} and latents {model.latents}; "
            f"simulated athletes, with whose truth runs are compared, have {shared} and {true}"
        )


def write_study(folder: RunFolder, attacked: Attacked, tables: StudyTables) -> str:
    """Write tables, page and figures; return the page."""
    for name, table in zip(StudyTables._fields, tables, strict=True):
        if len(table):
            with atomic_path(folder / f"{name}.csv") as temporary:
                table.to_csv(temporary, index=False)
    page = study_page(tables, attacked.source, len(attacked.vectors), attacked.simulated)
    write_text(folder / "study.md", page)
    mark = "SIMULATED DATA. " if attacked.simulated else ""
    title = f"{mark}{attacked.source}, {len(attacked.vectors):,} people"
    draw_attacks(tables.attacks, tables.links, folder / FIGURES / "attacks", title=title)
    if len(tables.latents):
        draw_latents(tables.latents, folder / FIGURES / "latents", title="SIMULATED DATA. Level II, athletes")
    return page
