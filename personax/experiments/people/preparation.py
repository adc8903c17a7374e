"""Prepare the data for the model from a table of people: load, check, split, compress."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from personax.crl import CRLConfig
from personax.experiments.people.config import PeopleConfig
from personax.learning.compression import Compression
from personax.runs.errors import InputError
from personax.runs.run_folder import typed_path
from personax.runs.seeds import numpy_rng
from personax.tables import HubSource, PeopleTable, SimulatedSource, load_table
from personax.views import MultiViewData, Split, split_rows

log = logging.getLogger(__name__)

PEOPLE_PER_LATENT = 15  # least number of people in the table, per latent
SEEN_PER_LATENT = 10  # least number of people who have each measurement, per latent


class Prepared(NamedTuple):
    """A table without its embeddings, the compressed embeddings, their split and the compression."""

    table: PeopleTable
    data: MultiViewData
    split: Split
    compression: Compression


def prepare(config: PeopleConfig) -> Prepared:
    """Load the table, split its people, and compress their embeddings. Raises InputError."""
    table = read_people(config)
    log.info("%s", table.report)
    return prepare_table(config, table)


def prepare_table(config: PeopleConfig, table: PeopleTable) -> Prepared:
    """Split the people of a table, and compress their embeddings. Raises InputError."""
    data = table.views()
    check_people_data(config.model, data)
    split = split_rows(len(data), numpy_rng(config.drawn_by, "split"))
    model = config.model
    least = {m: model.latents[m] + model.shared if config.latents == "given" else 1 for m in data.modalities}
    compression = Compression.fit(
        data, split.train, least=least, times=config.coordinates or 1.0, seed=config.drawn_by
    )
    for modality, facts in compression.report.items():
        number = len(data.measurements[modality])
        log.info("%d %s measurements: %d %s", number, modality, facts["components"], facts["method"])
    return Prepared(replace(table, embeddings={}, observed={}), compression(data), split, compression)


def read_people(config: PeopleConfig) -> PeopleTable:
    """The table of the configuration, with embeddings. Raises InputError."""
    simulated = SimulatedSource(config.drawn_by, config.image_dim, config.text_dim)
    source = simulated if config.source == "simulated" else HubSource()
    table = load_table(
        config.dataset,
        source=source,
        table=None if config.table is None else typed_path(config.table),
        columns=None if config.columns is None else typed_path(config.columns),
        embeddings=config.embeddings is None,
        n=config.n,
    )
    return table if config.embeddings is None else table.with_embeddings(typed_path(config.embeddings))


def check_people_data(model: CRLConfig, data: MultiViewData) -> None:
    """Raise InputError if a modality of the model is missing, or if there are too few people."""
    for modality in model.latents:
        if modality not in data.modalities:
            raise InputError(
                f"{data.source}: no {modality} embeddings, but the model has latents for them "
                f"(found: {', '.join(data.modalities)})"
            )
    latents = sum(model.latents.values()) + model.shared
    least = PEOPLE_PER_LATENT * latents
    if len(data) < least:
        raise InputError(
            f"{data.source}: {len(data)} people are too few for {latents} latents; at least {least}"
        )
    for modality, mask in data.observed.items():
        check_seen(data.source, modality, mask.sum(0), SEEN_PER_LATENT * latents)


def check_seen(
    source: str, modality: str, counts: Sequence[int] | Int[np.ndarray, " measurements"], least: int
) -> None:
    """Raise InputError for a measurement of a modality that fewer than `least` people have."""
    for number, count in enumerate(counts, start=1):
        if count < least:
            raise InputError(
                f"{source}: only {count} people have {modality} measurement {number}; at least {least}"
            )
