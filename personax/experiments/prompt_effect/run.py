"""Level I on the scores of each model, format and repeat by itself, and what changes between the grids."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from personax.experiments.answer_source import AnswerSet
from personax.experiments.prompt_effect.config import EffectConfig
from personax.experiments.prompt_effect.figures import draw_effect
from personax.experiments.prompt_effect.report import effect_report
from personax.independence import Variables, decide, run_grid
from personax.independence.procedure import MIN_ROWS
from personax.runs.errors import InputError
from personax.runs.files import atomic_path, write_json, write_text
from personax.runs.progress import progress
from personax.runs.run_folder import FIGURES, METRICS, open_run
from personax.runs.seeds import numpy_rng
from personax.tables import PeopleTable
from personax.tables.schema import TRAITS
from personax.traits.answer_cubes import AnswerCube, answer_cubes
from personax.traits.verdicts import cell_changes, changes_by, verdict_matrix

VERDICT_COLUMNS = (
    "model",
    "format",
    "repeat",
    "trait",
    "feature",
    "test",
    "n",
    "log10_pvalue",
    "pvalue",
    "effect",
    "rejected",
)


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


@dataclass(frozen=True, eq=False)
class PromptEffect:
    """What was found: the grids with their decisions, `changes_by` and `cell_changes` of their verdicts."""

    decided: pd.DataFrame
    changes: pd.DataFrame
    cells: pd.DataFrame


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


def examine_effect(
    config: EffectConfig, matched: MatchedPeople, tests: Sequence[str], path: Path
) -> PromptEffect:
    """Test all grids, compare their verdicts, and write everything to the run folder `path`."""
    source, table = matched.source, matched.table
    with open_run(
        path,
        config,
        overwrite=config.overwrite,
        data_source=source.source,
        data_sha256=source.sha256,
        table_source=table.source,
        table_sha256=table.sha256,
        simulated=source.simulated or table.simulated,
        people=len(matched.people),
    ) as folder:
        decided = all_grids(config, matched, tests)
        matrix = verdict_matrix(decided)
        found = PromptEffect(decided, changes_by(matrix), cell_changes(matrix))
        tables = {
            "verdicts": decided.reindex(columns=list(VERDICT_COLUMNS)),
            "changes": found.changes,
            "cells": found.cells,
        }
        for name, each in tables.items():
            with atomic_path(folder / f"{name}.csv") as temporary:
                each.to_csv(temporary, index=False)
        write_text(folder / "report.md", effect_report(config, matched, found))
        draw_effect(config, matched, found, folder / FIGURES)
        metrics = {"simulated": source.simulated, "changes": found.changes.to_dict("records")}
        write_json(folder / METRICS, metrics)
    return found


def all_grids(config: EffectConfig, matched: MatchedPeople, tests: Sequence[str]) -> pd.DataFrame:
    """The decisions of every model, format and repeat, with these three as columns.

    All grids draw the same random numbers, so equal scores have equal p-values.
    """
    cubes = answer_cubes(matched.source.answers)
    grids = []
    with progress(sum(cube.repeats for cube in cubes), "prompt effect", "grid") as bar:
        for cube in cubes:
            for repeat in range(cube.repeats):
                scores = scores_of_people(cube, repeat, matched.people)
                decided = one_grid(config, matched, scores, tests)
                grids.append(decided.assign(model=cube.model, format=cube.format, repeat=repeat + 1))
                bar.update()
    return pd.concat(grids, ignore_index=True)


def scores_of_people(cube: AnswerCube, repeat: int, people: Sequence[str]) -> pd.DataFrame:
    """(people, 5) the scores of one repeat; NaN where there is none."""
    frame = pd.DataFrame(cube.scores[:, repeat], index=cube.ids.astype(str), columns=list(TRAITS))
    return frame.reindex(list(people)).reset_index(drop=True)


def one_grid(
    config: EffectConfig, matched: MatchedPeople, scores: pd.DataFrame, tests: Sequence[str]
) -> pd.DataFrame:
    """Every trait against every feature, with decisions."""
    table = matched.table
    features = table.features.iloc[np.array(matched.rows)].reset_index(drop=True)
    grid = run_grid(
        Variables(scores, dict.fromkeys(TRAITS, "ordinal")),
        Variables(features, table.kinds, table.periods),
        tests=tests,
        rng=numpy_rng(config.seed, "prompt_effect"),
        resamples=config.resamples,
        jobs=config.jobs,
    )
    return decide(grid.assign(scores="one grid"), config.alpha, config.correction)
