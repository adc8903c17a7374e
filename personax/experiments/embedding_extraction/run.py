"""Encode the cells of a table in a run folder, and write one file of vectors."""

import json
import logging
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from personax.embeddings.encoder_checks import check_picture_encoder, check_text_encoder, known_pictures
from personax.embeddings.extraction import (
    Encode,
    encode_in_parts,
    encode_pictures,
    encode_texts,
    read_part,
)
from personax.embeddings.picture_encoders import load_picture_encoder
from personax.embeddings.text_encoders import PAPERS_TEXT_MODEL, TextEncoder, load_text_encoder
from personax.embeddings.vector_columns import column_of, write_batches
from personax.experiments.embedding_extraction.cells_to_encode import CellsToEncode, PeopleCells
from personax.experiments.embedding_extraction.config import ExtractionConfig
from personax.runs.device import resolve_device
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, read_json, remove_path, write_json, write_json_lines
from personax.runs.progress import progress
from personax.runs.run_folder import HISTORY, METRICS, RunFolder, open_run, typed_path
from personax.tables.reading import METADATA_KEY

log = logging.getLogger(__name__)

EMBEDDINGS = "embeddings.parquet"
FAILED_CELLS = "failed.csv"
ENCODERS = "encoders.json"
PARTS_FOLDER = "parts"
BATCHES_PER_PART = 8  # so at most this much is encoded twice after a kill


class LoadedEncoder(NamedTuple):
    """An encoder that has passed its checks.

    Attributes:
        encode: from cells to embeddings.
        width: numbers in an embedding.
        facts: what the manifest says about it.
    """

    encode: Encode
    width: int
    facts: dict[str, Any]


def load_encoders(config: ExtractionConfig, people: PeopleCells) -> dict[str, LoadedEncoder]:
    """The encoders of the modalities that the columns have, checked. Raises InputError."""
    device = str(resolve_device(config.device))
    modalities = {column.modality for column in people.columns}
    encoders: dict[str, LoadedEncoder] = {}
    if "text" in modalities:
        text = load_text_encoder(
            config.text_model or PAPERS_TEXT_MODEL,
            revision=config.text_revision,
            trust_code=config.trust_code,
            device=device,
            batch_size=config.batch_size,
        )
        checks, width = check_text_encoder(text), text.encode(["a"]).shape[1]
        long = long_texts(config, text, people)
        facts = text.facts | {"dimension": width, "checks": checks, "longer_than_read": long}
        encoders["text"] = LoadedEncoder(partial(encode_texts, text, width), width, facts)
    if "image" in modalities:
        encoders["image"] = _checked_picture_encoder(config, device)
    return encoders


def _checked_picture_encoder(config: ExtractionConfig, device: str) -> LoadedEncoder:
    """The encoder of pictures."""
    picture = load_picture_encoder(
        config.image_model, revision=config.image_revision, trust_code=config.trust_code, device=device
    )
    checks = check_picture_encoder(picture)
    width = picture.encode(known_pictures()[:1]).shape[1]
    folder = (
        typed_path(config.table).parent if config.image_folder is None else typed_path(config.image_folder)
    )
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of pictures")
    encode = partial(encode_pictures, picture, width, folder, config.batch_size)
    return LoadedEncoder(encode, width, picture.facts | {"dimension": width, "checks": checks})


def long_texts(config: ExtractionConfig, encoder: TextEncoder, people: PeopleCells) -> dict[str, list[Any]]:
    """Column -> identifiers of the people whose text is longer than the encoder reads.

    Raises InputError if there are any and they are to be refused.
    """
    found: dict[str, list[Any]] = {}
    if encoder.context is None:
        return found
    for column in people.columns:
        if column.modality == "text":
            counts = encoder.token_counts(column.cells)
            rows = np.flatnonzero(counts > encoder.context)
            if len(rows) and config.long_texts == "refuse":
                raise InputError(
                    f"column {column.source!r}: {len(rows)} texts are longer than the {encoder.context} "
                    f"tokens that {encoder.name} reads, first that of ID {people.ids[rows[0]]} "
                    f"({counts[rows[0]]}); shorten them, take another --text_model, or give --long_texts "
                    "truncate"
                )
            if len(rows):
                found[column.target] = [people.ids[row] for row in rows]
    return found


def extract(config: ExtractionConfig, path: Path, people: PeopleCells) -> dict[str, Any]:
    """Encode all columns in a run folder; returns what metrics.json holds. Raises InputError."""
    encoders = load_encoders(config, people)
    with open_run(
        path,
        config,
        resume=config.resume,
        overwrite=config.overwrite,
        data_sha256=people.checksum,
        simulated=people.simulated,
        people=len(people.ids),
        encoders={modality: encoder.facts for modality, encoder in encoders.items()},
        device=str(resolve_device(config.device)),
    ) as folder:
        _refuse_other_encoders(folder, encoders)
        started = monotonic()
        failed = encode_columns(config, folder, people, encoders)
        _refuse_nothing(people, failed)
        write_embeddings(config, folder, people, encoders)
        with atomic_path(folder / FAILED_CELLS) as temporary:
            failed.to_csv(temporary, index=False)
        metrics = {
            "people": len(people.ids),
            "simulated": people.simulated,
            "columns": {column.target: encoders[column.modality].width for column in people.columns},
            "failed": {
                column.target: int((failed["column"] == column.target).sum()) for column in people.columns
            },
            "seconds": monotonic() - started,
        }
        write_json(folder / METRICS, metrics)  # last: its presence means that the run is complete
        remove_path(folder / PARTS_FOLDER)
    return metrics


def _refuse_other_encoders(folder: RunFolder, encoders: Mapping[str, LoadedEncoder]) -> None:
    """Raise InputError if a run is continued with an encoder of another revision, length or preprocessing."""
    now = json.loads(
        json.dumps({modality: encoder.facts for modality, encoder in encoders.items()}, default=str)
    )
    for facts in now.values():
        facts.pop("checks")  # their last bits depend on the machine
    if (folder / ENCODERS).exists():
        before = read_json(folder / ENCODERS)
        for modality, facts in now.items():
            for key, value in facts.items():
                old = before.get(modality, {}).get(key) if isinstance(before, dict) else None
                if old != value:
                    raise InputError(
                        f"{folder.path}: the {modality} encoder had {key} {str(old)[:60]!r}, now "
                        f"{str(value)[:60]!r}; take the same encoder, or start again with --overwrite"
                    )
    write_json(folder / ENCODERS, now)


def encode_columns(
    config: ExtractionConfig, folder: RunFolder, people: PeopleCells, encoders: Mapping[str, LoadedEncoder]
) -> pd.DataFrame:
    """Encode every column; returns ID, column and reason of each missing embedding, no names of files."""
    size = config.batch_size * BATCHES_PER_PART
    history: list[dict[str, Any]] = []
    missing: list[dict[str, Any]] = []
    made = 0
    with progress(len(people.ids) * len(people.columns), "embeddings", "cell") as bar:
        for column in people.columns:
            encoder, row = encoders[column.modality], 0
            home = folder / PARTS_FOLDER / column.target
            for part in encode_in_parts(home, column.cells, encoder.encode, size, encoder.width):
                here = [(row + i, reason) for i, reason in enumerate(part.reasons) if reason]
                missing += [{"ID": people.ids[i], "column": column.target, "reason": why} for i, why in here]
                row += len(part.reasons)
                history.append(
                    {"phase": "extraction", "column": column.target, "rows": row, "failed": len(here)}
                )
                made += len(part.reasons) - len(here)
                if made:  # without any embedding there is nothing that a refusal must keep
                    write_json_lines(folder / HISTORY, history)
                bar.update(len(part.reasons))
    return pd.DataFrame(missing, columns=["ID", "column", "reason"])


def _refuse_nothing(people: PeopleCells, failed: pd.DataFrame) -> None:
    """Raise InputError if a column has no embedding at all."""
    for column in people.columns:
        reasons = failed.loc[failed["column"] == column.target, "reason"]
        if len(reasons) == len(people.ids):
            raise InputError(
                f"column {column.source!r}: none of its {len(reasons)} cells can be embedded (most often: "
                f"{reasons.mode()[0]}); check the column, and --image_folder"
            )


def write_embeddings(
    config: ExtractionConfig, folder: RunFolder, people: PeopleCells, encoders: Mapping[str, LoadedEncoder]
) -> None:
    """Put the parts of all columns together in one file, part by part."""
    size, n = config.batch_size * BATCHES_PER_PART, len(people.ids)
    known = pa.Table.from_pandas(people.kept, preserve_index=False)
    ids = pa.array(people.ids)

    def vectors(column: CellsToEncode, start: int) -> pa.Array:
        part = folder / PARTS_FOLDER / column.target / f"{start:09d}.npz"
        width = encoders[column.modality].width
        return column_of(read_part(part, min(size, n - start), width).vectors)

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, n, size):
            columns = {"ID": ids[start : start + size]}
            for name in known.column_names:
                columns[name] = known[name].slice(start, size).combine_chunks()
            columns |= {column.target: vectors(column, start) for column in people.columns}
            yield pa.RecordBatch.from_pydict(columns)

    facts = {"simulated": people.simulated, "source": folder.path.name}
    write_batches(folder / EMBEDDINGS, batches(), {METADATA_KEY: json.dumps(facts).encode()})
