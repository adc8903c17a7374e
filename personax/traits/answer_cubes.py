"""The answers of one model in one format as an array: people x repeats x traits.

The measures of consistency.py and selection_criteria.py are functions of these arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from personax.runs.errors import InputError
from personax.runs.files import sha256_arrays, sha256_text
from personax.tables.schema import TRAITS
from personax.traits.answers import REQUEST_COLUMNS
from personax.traits.published import FORMAT_TITLES


@dataclass(frozen=True, eq=False)
class AnswerCube:
    """All answers of one model in one format.

    Attributes:
        model: label of the model.
        format: name of the prompt's format.
        ids: (n,) identifiers of the people, all different, in the order in which they first occur.
        parsed: (n, repeats, 5) scores of the traits in the order of `TRAITS`: 0 is the answer "insufficient
            information", NaN is no answer.
        raw: (n, repeats) the answers as they came; None where there is none.
    """

    model: str
    format: str
    ids: Shaped[np.ndarray, " n"]
    parsed: Float[np.ndarray, "n repeats traits"]
    raw: Shaped[np.ndarray, "n repeats"]

    @property
    def scores(self) -> Float[np.ndarray, "n repeats traits"]:
        """(n, repeats, 5) scores from 1 on; NaN where there is no score, also where the answer is 0."""
        scores: np.ndarray = np.where(self.parsed == 0, np.nan, self.parsed)
        return scores

    @property
    def repeats(self) -> int:
        """How often each person was asked."""
        return int(self.parsed.shape[1])


def answer_cubes(answers: pd.DataFrame) -> list[AnswerCube]:
    """One array for each model and format: models as they occur, formats in the paper's order.

    Args:
        answers: as `read_answers` returns it: the columns id, model, format, repeat, the five traits and raw.

    Raises:
        InputError: there is no answer, or a request has two answers.
    """
    if answers.empty:
        raise InputError("no answers; infer_traits.py asks for them")
    keys = list(REQUEST_COLUMNS)
    twice = answers[answers.duplicated(keys)]
    if len(twice):
        which = ", ".join(f"{key} {twice.iloc[0][key]}" for key in keys)
        raise InputError(f"two answers for {which}; keep one")
    groups = {
        (str(model), str(name)): group
        for (model, name), group in answers.groupby(["model", "format"], sort=False)
    }
    models = {model: place for place, model in enumerate(dict.fromkeys(answers["model"]))}
    names = list(dict.fromkeys([*FORMAT_TITLES, *answers["format"]]))
    order = sorted(groups, key=lambda key: (models[key[0]], names.index(key[1])))
    return [_cube_of(*key, groups[key]) for key in order]


def _cube_of(model: str, prompt_format: str, answers: pd.DataFrame) -> AnswerCube:
    people, ids = pd.factorize(answers["id"])
    runs, numbers = pd.factorize(answers["repeat"], sort=True)
    parsed = np.full((len(ids), len(numbers), len(TRAITS)), np.nan)
    parsed[people, runs] = answers[list(TRAITS)].to_numpy(float)
    raw: np.ndarray = np.full(parsed.shape[:2], None, dtype=object)
    raw[people, runs] = [None if pd.isna(text) else text for text in answers["raw"]]
    return AnswerCube(model, prompt_format, np.asarray(ids), parsed, raw)


def checksum_of_cubes(cubes: Sequence[AnswerCube]) -> str:
    """SHA-256 of who answered what in which format."""
    of_each = [
        f"{cube.model} {cube.format} {cube.ids.tolist()} {sha256_arrays(cube.parsed)}" for cube in cubes
    ]
    return sha256_text("\n".join(of_each))


def on_common_people(first: AnswerCube, second: AnswerCube) -> tuple[AnswerCube, AnswerCube]:
    """Both arrays with only the people whom both have, in the order of the first."""
    common = [person for person in first.ids if person in set(second.ids)]
    return _people_of(first, common), _people_of(second, common)


def _people_of(cube: AnswerCube, ids: list[Any]) -> AnswerCube:
    place = {person: row for row, person in enumerate(cube.ids)}
    rows = [place[person] for person in ids]
    return AnswerCube(cube.model, cube.format, cube.ids[rows], cube.parsed[rows], cube.raw[rows])
