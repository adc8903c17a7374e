"""Write a PeopleTable as one parquet file, with the column names of the paper's Fig. 1."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from jaxtyping import Bool, Float

from personax.runs.errors import InputError
from personax.runs.files import atomic_path
from personax.tables.people_table import PeopleTable
from personax.tables.reading import METADATA_KEY
from personax.tables.schema import LLMS, SIMULATED_NAME, TRAITS, TRUTH_PREFIX

SCORE_COLUMNS = {
    "aggregated": "Aggregated_BigFive_score",
    "chatgpt": "Chatgpt_score",
    "gemini": "Gemini_score",
    "llama": "Llama_score",
    "deepseek": "Deepseek_score",
}
DESCRIPTION_COLUMNS = {llm: f"{llm.capitalize()}_description" for llm in LLMS}


def write_table(table: PeopleTable, path: Path | str) -> None:
    """Write a table so that `load_table(..., table=path)` returns equal values.

    Scores are lists of five numbers, with 0 for "insufficient information". Embeddings are lists of float32
    with a fixed size, in the columns `Profile_picture` (or `Profile_picture_1`, ... if there are several) and
    `Chatgpt_description`, ... A simulated table is marked in the metadata of the file and in a column
    `Simulated`. Its truth is in the file, too: the latents in columns `truth_s1`, ..., graph and dependences
    in the metadata.

    Raises:
        InputError: `path` does not end in .parquet or cannot be written, or the table has raters, scales or
            targets of its own, which the published schema has no columns for.
    """
    path = Path(path)
    own = [
        *table.scales,
        *table.targets.columns,
        *(rater for rater in table.scores if rater not in SCORE_COLUMNS),
    ]
    if own:
        raise InputError(f"{path}: {own[0]!r} is not in the published schema; only its columns are written")
    if path.suffix != ".parquet":
        raise InputError(f"{path}: tables are written as .parquet")
    columns: dict[str, pa.Array] = {"ID": pa.array(table.ids)}
    columns |= {name: pa.array(table.features[name], from_pandas=True) for name in table.kinds}
    for rater, frame in table.scores.items():
        scores = np.nan_to_num(frame[list(TRAITS)].to_numpy(np.float32), nan=0.0)
        columns[SCORE_COLUMNS[rater]] = _vectors(scores, np.ones(len(table), dtype=bool))
    for modality, arrays in table.embeddings.items():
        names = _embedding_columns(modality, len(arrays))
        for number, (name, array) in enumerate(zip(names, arrays, strict=True)):
            columns[name] = _vectors(array, table.observed[modality][:, number])
    if table.simulated:
        columns[SIMULATED_NAME] = pa.array(np.ones(len(table), dtype=bool))
    if table.truth is not None:
        latents = table.truth.latents
        columns |= {f"{TRUTH_PREFIX}{latent}": pa.array(latents[latent]) for latent in latents}
    facts = {"simulated": table.simulated, "source": table.source, "truth": _truth_facts(table)}
    metadata = {METADATA_KEY: json.dumps(facts).encode()}
    arrow = pa.table(columns).replace_schema_metadata(metadata)
    with atomic_path(path) as temporary:
        # Embeddings hardly compress, and dictionaries of floats only cost time.
        pa.parquet.write_table(arrow, temporary, compression="none", use_dictionary=False)


def _embedding_columns(modality: str, measurements: int) -> list[str]:
    if modality == "text":
        if measurements == len(LLMS):
            return [DESCRIPTION_COLUMNS[llm] for llm in LLMS]
        return [f"Text_embedding_{number}" for number in range(1, measurements + 1)]
    if measurements == 1:
        return ["Profile_picture"]
    return [f"Profile_picture_{number}" for number in range(1, measurements + 1)]


def _vectors(array: Float[np.ndarray, "n d"], present: Bool[np.ndarray, " n"]) -> pa.Array:
    """(n, d) float32 as lists, with null where not `present`."""
    values = pa.array(np.ascontiguousarray(array[present], dtype=np.float32).reshape(-1))
    if present.all():
        return pa.FixedSizeListArray.from_arrays(values, array.shape[1])
    # not of a fixed size: before version 25 pyarrow cannot write such lists to parquet if one is null
    ends = np.concatenate([[0], np.cumsum(present * array.shape[1])]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), values, mask=pa.array(~present))


def _truth_facts(table: PeopleTable) -> dict[str, Any] | None:
    truth, dependent = table.truth, table.dependent
    if truth is None or truth.graph is None or dependent is None:
        return None
    return {
        "blocks": truth.blocks,
        "graph": truth.graph.tolist(),
        "dependent": {
            "features": list(dependent.columns),
            "values": dependent.loc[list(TRAITS)].to_numpy().tolist(),
        },
    }
