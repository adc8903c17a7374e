"""A table with several rows for each person, one for each repeat, as a table of answers.

Columns, by their names (upper and lower case, blanks and underscores do not matter):

    id                                  the person; required
    Openness ... Neuroticism            the scores, or gpt_openness, gemini_o, ... for several models
    chatgpt_score, ...                  or all five scores of a model in one cell
    model, format, repeat               optional; without `repeat`, the rows of a person are numbered
    raw, seconds, structured, ...       optional, as in `read_answers`

A score of 0 means "insufficient information".
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float

from personax.runs.errors import InputError
from personax.tables.parsing import read_numbers
from personax.tables.reading import RawTable, is_missing, read_files
from personax.tables.recognition import ID_SPELLINGS
from personax.tables.schema import SIMULATED_NAME, TRAITS, ColumnDeclaration, plain
from personax.tables.trait_scores import SCORE_NAMES, split_cell, trait_of
from personax.traits.answers import ANSWER_COLUMNS

KEY_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "model": ("model", "llm", "rater", "annotator"),
    "format": ("format", "prompt", "promptformat"),
    "repeat": ("repeat", "run", "repetition", "trial"),
}
ANSWER_TEXTS = ("raw", "structured", "finish_reason")
ANSWER_NUMBERS = ("seconds", "prompt_tokens", "completion_tokens")
LARGEST_SCORE = 100.0
ONLY_MODEL, ONLY_FORMAT = "table", "unnamed"  # where no column says so


def read_repeated_table(path: Path) -> pd.DataFrame:
    """The rows of the table as answers, with the columns of `read_answers`.

    Raises:
        InputError: there is no column of identifiers or of scores, or a score or a repeat is no number.
    """
    raw = read_files([path])
    by_meaning = {plain(name): name for name in raw.names}
    identifier = next((by_meaning[word] for word in ID_SPELLINGS if word in by_meaning), None)
    if identifier is None:
        raise InputError(f"{path}: no column of identifiers; name it id")
    if any(is_missing(cell) for cell in raw.cells(identifier)):
        raise InputError(f"{path}, column {identifier!r}: a person without identifier; give every row one")
    scores = _scores_of_models(raw)
    if not scores:
        raise InputError(f"{path}: no column of scores; name them {', '.join(TRAITS)}")
    shared = _shared_columns(raw, by_meaning, identifier)
    frames = [
        shared.assign(**({"model": model} if model else {}), **traits) for model, traits in scores.items()
    ]
    answers = pd.concat(frames, ignore_index=True)
    if "repeat" not in answers:
        answers["repeat"] = answers.groupby(["id", "model", "format"], sort=False).cumcount() + 1
    return answers.reindex(columns=list(ANSWER_COLUMNS)).astype({"raw": object})


def table_is_simulated(path: Path) -> bool:
    """Whether the table says of itself that its people are made up."""
    raw = read_files([path])
    marked = SIMULATED_NAME in raw.names and any(
        str(cell).strip().lower() in ("true", "1") for cell in raw.cells(SIMULATED_NAME)
    )
    return bool(raw.metadata.get("simulated", False)) or marked


def _shared_columns(raw: RawTable, by_meaning: Mapping[str, str], identifier: str) -> pd.DataFrame:
    """Everything but the scores: identifier, model, format, and the optional columns that are there."""
    shared = pd.DataFrame({"id": raw.cells(identifier).astype(str)})
    for key, usual in (("model", ONLY_MODEL), ("format", ONLY_FORMAT)):
        name = next((by_meaning[word] for word in KEY_SPELLINGS[key] if word in by_meaning), None)
        shared[key] = usual if name is None else raw.cells(name).astype(str)
    repeat = next((by_meaning[word] for word in KEY_SPELLINGS["repeat"] if word in by_meaning), None)
    if repeat is not None:
        numbers = _column_of_numbers(raw, repeat)
        if np.isnan(numbers).any():
            raise InputError(f"{raw.label}, column {repeat!r}: a row without the number of its repeat")
        shared["repeat"] = numbers.astype(int)
    for column in (*ANSWER_TEXTS, *ANSWER_NUMBERS):
        if plain(column) in by_meaning:
            name = by_meaning[plain(column)]
            shared[column] = raw.cells(name) if column in ANSWER_TEXTS else _column_of_numbers(raw, name)
    return shared


def _scores_of_models(raw: RawTable) -> dict[str, dict[str, Float[np.ndarray, " n"]]]:
    """Model -> trait -> (n,) scores; the model is "" where the column names none."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name in raw.names:
        meaning = SCORE_NAMES.get(plain(name))
        if meaning is None:
            continue
        traits = found.setdefault(meaning.rater or "", {})
        columns = (
            _unpacked(raw, name) if meaning.trait is None else {meaning.trait: _column_of_numbers(raw, name)}
        )
        for trait, numbers in columns.items():
            if trait in traits:
                raise InputError(f"{raw.label}, column {name!r}: {trait} is also in another column")
            traits[trait] = numbers
    for model, traits in found.items():
        lacking = next((trait for trait in TRAITS if trait not in traits), None)
        if lacking:
            raise InputError(f"{raw.label}: no column of {lacking}{f' of {model}' if model else ''}")
    return found


def _unpacked(raw: RawTable, name: str) -> dict[str, Float[np.ndarray, " n"]]:
    """Trait -> (n,) scores of a column that has all five in each cell."""
    rows = []
    for row, cell in enumerate(raw.cells(name), start=1):
        try:
            rows.append({} if is_missing(cell) else split_cell(cell, TRAITS, trait_of))
        except ValueError as error:
            raise InputError(f"{raw.label}, column {name!r}, row {row}: {error}") from error
    frame = pd.DataFrame(rows, columns=list(TRAITS), dtype=object)
    where = f"{raw.label}, column {name!r}"
    return {trait: read_numbers(frame[trait], _declared_number(trait), where) for trait in TRAITS}


def _column_of_numbers(raw: RawTable, name: str) -> Float[np.ndarray, " n"]:
    return read_numbers(raw.cells(name), _declared_number(name), f"{raw.label}, column {name!r}")


def _declared_number(name: str) -> ColumnDeclaration:
    """A column of numbers from 0 on; scores have a largest one, counts and seconds have none."""
    is_score = plain(name) in SCORE_NAMES or name in TRAITS
    return ColumnDeclaration(name, "continuous", low=0.0, high=LARGEST_SCORE if is_score else None)
