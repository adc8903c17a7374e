"""The table of the answers in one format, in the schema of CelebPersona and AthlePersona, as a parquet file.

    ID, League, Birthyear, ...         what the list of people says, without names and texts
    Chatgpt_score                      five numbers, 0 for insufficient information: a list for each person
    Chatgpt_description                what the model says, as one text
    Aggregated_BigFive_score           median over the models, without the 0s (paper, section 2)
    Simulated                          whether the list says that a person is invented

A model that the schema does not know has columns of the same form with its own label, and a file for the
option `--columns` beside the table says so, and also which scores are on five levels. Such a
model's descriptions are named under `ignore:`, so that no reader asks what they are. (Columns of the schema
are not: vectors of theirs have the same names.)
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from personax.runs.files import atomic_path, write_yaml
from personax.tables.embeddings import slot_of
from personax.tables.reading import METADATA_KEY
from personax.tables.schema import SIMULATED_NAME, TRAITS
from personax.tables.trait_scores import aggregate_scores, rater_of
from personax.tables.writing import SCORE_COLUMNS
from personax.traits.answers import Answer
from personax.traits.formats import FORMATS
from personax.traits.people_list import PeopleList

AGGREGATED = "aggregated"


def rater_name(label: str) -> str:
    """The rater of the published schema that a model's label stands for, or the label itself.

    >>> rater_name("Llama-4-Maverick"), rater_name("SmolLM2")
    ('llama', 'SmolLM2')
    """
    known = rater_of(label)
    return label if known in (None, AGGREGATED) else known


def rater_of_model(answer: Answer) -> str:
    """The rater of an answer, if the repeats of a model are put together."""
    return rater_name(answer.model)


def rater_of_repeat(answer: Answer) -> str:
    """The rater of an answer, if every repeat counts as a rater of its own."""
    return f"{rater_name(answer.model)}-{answer.repeat}"


def scores_by_rater(
    answers: Sequence[Answer], ids: Sequence[str], rater: Callable[[Answer], str]
) -> dict[str, pd.DataFrame]:
    """Rater -> (n, 5) scores: the median of the rater's answers about a person, without the 0s.

    A score is 0 where all answers say so, and NaN where a person has no answer.
    """
    rows = [{"rater": rater(answer), "id": answer.id, **answer.scores} for answer in answers]
    frame = pd.DataFrame(rows, columns=["rater", "id", *TRAITS]).astype(dict.fromkeys(TRAITS, float))
    scores = {}
    for name, own in frame.groupby("rater", sort=False):
        judged = own.set_index("id")[list(TRAITS)]
        medians = judged.where(judged > 0).groupby(level="id", sort=False).median()
        scores[str(name)] = medians.fillna(0.0).reindex(list(ids))
    return scores


def descriptions_by_rater(
    answers: Sequence[Answer], ids: Sequence[str], rater: Callable[[Answer], str]
) -> dict[str, list[str | None]]:
    """Rater -> what it says of each person in its first repeat, trait by trait; None without an answer."""
    texts: dict[str, dict[str, str]] = {}
    for answer in sorted(answers, key=lambda answer: answer.repeat):
        said = " ".join(f"{trait}: {text}" for trait, text in answer.descriptions.items() if text)
        texts.setdefault(rater(answer), {}).setdefault(answer.id, said)
    return {name: [own.get(id_) for id_ in ids] for name, own in texts.items()}


def write_trait_table(
    path: Path,
    listed: PeopleList,
    answers: Sequence[Answer],
    format_name: str,
    rater: Callable[[Answer], str] = rater_of_model,
) -> Path:
    """Write the answers in one format as a table that `load_table` reads; return its `--columns` file.

    Args:
        path: ends in .parquet; the other file has the same name and ends in .yaml.
        listed: the people; everybody has a row, with or without an answer.
        answers: those in this format, of any models and repeats.
        format_name: a key of `FORMATS`; it gives the scale.
        rater: `rater_of_model` or `rater_of_repeat`.
    """
    ids = [person.id for person in listed.people]
    scores = scores_by_rater(answers, ids, rater)
    columns: dict[str, pa.Array] = {"ID": pa.array(ids)}
    columns |= {str(name): pa.array(cells, from_pandas=True) for name, cells in listed.features.items()}
    columns |= {score_column(name): _lists(frame) for name, frame in scores.items()}
    if scores:
        without_zeros = {name: frame.where(frame > 0) for name, frame in scores.items()}
        columns[SCORE_COLUMNS[AGGREGATED]] = _lists(_aggregate(without_zeros))
    said = descriptions_by_rater(answers, ids, rater)
    columns |= {description_column(name): pa.array(texts, pa.string()) for name, texts in said.items()}
    if any(listed.invented):
        columns[SIMULATED_NAME] = pa.array(list(listed.invented))
    facts = {"simulated": any(listed.invented), "source": f"language models, {format_name}", "truth": None}
    table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(facts).encode()})
    with atomic_path(path) as temporary:
        pa.parquet.write_table(table, temporary)
    columns_file = path.with_suffix(".yaml")
    texts = [name for name in map(description_column, said) if slot_of(name) is None]
    document = {"scores": scales_of(list(scores), FORMATS[format_name].levels)}
    write_yaml(columns_file, document | ({"ignore": texts} if texts else {}))
    return columns_file


def score_column(rater: str) -> str:
    """The column of a rater's scores."""
    return SCORE_COLUMNS.get(rater, f"{rater}_score")


def description_column(rater: str) -> str:
    """The column of what a rater says."""
    return f"{rater.capitalize() if rater in SCORE_COLUMNS else rater}_description"


def scales_of(raters: Sequence[str], levels: int) -> Mapping[str, Any]:
    """The section `scores:` of a `--columns` file: every rater's column, range, and what is no score."""
    named = [*raters, *([AGGREGATED] if raters else [])]
    return {
        name: {"columns": score_column(name), "range": [1, levels], "missing": ["0", "0.0"]} for name in named
    }


def _aggregate(scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """(n, 5) median over the raters; 0 where nobody gave a score, NaN where nobody answered."""
    return aggregate_scores(scores).fillna(0.0)


def _lists(scores: pd.DataFrame) -> pa.Array:
    """(n, 5) scores as a list for each person, and null for people without any answer."""
    cells = [None if np.isnan(row).all() else np.nan_to_num(row).tolist() for row in scores.to_numpy()]
    # not of a fixed size: before version 25 pyarrow cannot read such lists from parquet if one is null
    return pa.array(cells, pa.list_(pa.float32()))
