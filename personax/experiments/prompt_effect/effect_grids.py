"""The grids of Level I: every trait against every feature, on the scores of one model, format and repeat.

Each grid is written as soon as it is computed, so a run that was interrupted goes on with the next one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.prompt_effect.config import EffectConfig
from personax.independence import Variables, decide, run_grid
from personax.independence.procedure import MIN_ROWS
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json_lines
from personax.runs.progress import progress
from personax.runs.run_folder import HISTORY, RunFolder
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable
from personax.tables.schema import TRAITS
from personax.traits.answer_cubes import AnswerCube, answer_cubes

GRIDS = "grids"  # folder of the finished grids
KEPT_COLUMNS = ("trait", "feature", "test", "n", "statistic", "log10_pvalue", "pvalue", "effect")


@dataclass(frozen=True, eq=False)
class MatchedPeople:
    """Answers and features of the same people.

    Attributes:
        source: the answers.
        table: the table with the features.
        people: identifiers, as texts, of the people who are in both.
        rows: their rows in the table.
        asked: how many people have answers.
    """

    source: AnswerSet
    table: PeopleTable
    people: list[str]
    rows: list[int]
    asked: int


class ScoresOfGrid(NamedTuple):
    """Whose scores a grid tests.

    Attributes:
        cube: all answers of a model in a format.
        repeat: which of its repeats, from 0 on.
    """

    cube: AnswerCube
    repeat: int


def match_people(source: AnswerSet, table: PeopleTable) -> MatchedPeople:
    """The people who have answers and features. Raises InputError if they are too few for a test."""
    place = {str(person): row for row, person in enumerate(table.ids)}
    asked = list(dict.fromkeys(source.answers["id"].astype(str)))
    people = [person for person in asked if person in place]
    if len(people) < MIN_ROWS:
        raise InputError(
            f"{table.source}: {len(people)} of {len(asked)} people of the answers are in it; a test needs "
            f"{MIN_ROWS}; its column of identifiers must have those of the answers"
        )
    if not len(table.features.columns):
        raise InputError(f"{table.source}: no features to test the traits against")
    return MatchedPeople(source, table, people, [place[person] for person in people], len(asked))


def all_grids(
    config: EffectConfig, matched: MatchedPeople, tests: Sequence[str], folder: RunFolder
) -> pd.DataFrame:
    """The decisions of every model, format and repeat, with these three as columns.

    All grids draw the same random numbers, so equal scores have equal p-values. Grids that are in the folder
    are read.
    """
    wanted = list(grids_of(answer_cubes(matched.source.answers)))
    decided = []
    with progress(len(wanted), "prompt effect", "grid") as bar:
        for number, (cube, repeat) in enumerate(wanted, start=1):
            path = folder.path / GRIDS / f"{number:05d}.parquet"
            if not path.exists():
                write_grid(path, one_grid(config, matched, ScoresOfGrid(cube, repeat), tests))
                # From now on there is something that a refusal must keep.
                write_json_lines(folder / HISTORY, [{"phase": "grids", "done": number, "of": len(wanted)}])
            verdicts = decide(read_grid(path).assign(scores="one grid"), config.alpha, config.correction)
            decided.append(verdicts.assign(model=cube.model, format=cube.format, repeat=repeat + 1))
            bar.update()
    return pd.concat(decided, ignore_index=True)


def grids_of(cubes: Sequence[AnswerCube]) -> Iterator[ScoresOfGrid]:
    """Every repeat of every model and format, always in the same order."""
    for cube in cubes:
        for repeat in range(cube.repeats):
            yield ScoresOfGrid(cube, repeat)


def write_grid(path: Path, results: pd.DataFrame) -> None:
    """Write the results of one grid; numbers keep all their bits."""
    with atomic_path(path) as temporary:
        results[list(KEPT_COLUMNS)].to_parquet(temporary, index=False)


def read_grid(path: Path) -> pd.DataFrame:
    """A grid that was computed before. Raises InputError if its file is damaged."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: damaged; delete it, and it is made again with --resume") from error


def scores_of_people(cube: AnswerCube, repeat: int, people: Sequence[str]) -> pd.DataFrame:
    """(people, 5) the scores of one repeat; NaN where there is none."""
    frame = pd.DataFrame(cube.scores[:, repeat], index=cube.ids.astype(str), columns=list(TRAITS))
    return frame.reindex(list(people)).reset_index(drop=True)


def one_grid(
    config: EffectConfig, matched: MatchedPeople, asked: ScoresOfGrid, tests: Sequence[str]
) -> pd.DataFrame:
    """Every trait against every feature."""
    table = matched.table
    features = table.features.iloc[np.array(matched.rows)].reset_index(drop=True)
    scores = scores_of_people(asked.cube, asked.repeat, matched.people)
    return run_grid(
        Variables(scores, dict.fromkeys(TRAITS, "ordinal")),
        Variables(features, table.kinds, table.periods),
        tests=tests,
        rng=numpy_rng(config.seed, "prompt_effect"),
        resamples=config.resamples,
        jobs=config.jobs,
    )
