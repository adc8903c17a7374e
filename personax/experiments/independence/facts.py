"""What report and figures say about the data: the same for a table in memory and for one that was counted."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from personax.experiments.independence.config import IndependenceConfig
from personax.streaming.coded_columns import FEATURE_SIDE, CodedVariable
from personax.streaming.streamed_table import StreamedTable
from personax.tables import PeopleTable
from personax.tables.column_map import TARGETS
from personax.tables.marks import marks_text


@dataclass(frozen=True)
class DataFacts:
    """What is said about the data.

    Attributes:
        name: of the data, with the columns of the condition if there are any.
        source: where they came from.
        n: number of people.
        simulated: whether these people are made up.
        agreement: of the raters (`agreement_table`); None without scores.
        columns: a row for every column: its name, kind, how many people have it, how many different values,
            and the cells without a value.
        scores: rater -> (scores x traits) how many people have each score, of raters with steps.
        dependent: the true dependences (traits x features, bool) where they are known, else None.
    """

    name: str
    source: str
    n: int
    simulated: bool
    agreement: pd.DataFrame | None
    columns: pd.DataFrame
    scores: Mapping[str, pd.DataFrame]
    dependent: pd.DataFrame | None


def facts_in_memory(config: IndependenceConfig, table: PeopleTable) -> DataFacts:
    """The facts about a table in memory."""
    return DataFacts(
        _with_condition(table.name, config),
        table.source,
        len(table),
        table.simulated,
        table.agreement() if table.scores else None,
        pd.DataFrame([*_rows_of_features(table), *_rows_of_scores(table)]),
        {
            rater: counts_of_scores({trait: column.to_numpy(float) for trait, column in frame.items()})
            for rater, frame in table.scores.items()
            if table.scale(rater).kind == "ordinal"
        },
        _known_dependences(config, table),
    )


def facts_of_counts(config: IndependenceConfig, streamed: StreamedTable, name: str) -> DataFacts:
    """The facts about a table that was counted."""
    raters = [source for source in streamed.sources() if source != TARGETS]
    sides = (TARGETS, FEATURE_SIDE, *raters)
    return DataFacts(
        _with_condition(name, config),
        f"{'simulated people in ' if streamed.simulated else ''}{streamed.table.label}",
        streamed.table.n,
        streamed.simulated,
        streamed.agreement() if raters else None,
        pd.DataFrame([_row_of_counts(streamed, each) for side in sides for each in streamed.side(side)]),
        {
            rater: pd.DataFrame(
                {
                    each.where.name: pd.Series(streamed.counts(each.where), index=each.values)
                    for each in streamed.side(rater)
                }
            )
            .fillna(0)
            .astype(int)
            for rater in raters
            if streamed.plan.scale(rater).kind == "ordinal"
        },
        None,
    )


def counts_of_scores(scores: Mapping[Any, Float[np.ndarray, " n"]]) -> pd.DataFrame:
    """(scores x traits) how many people have each score, from (n,) scores with NaN where there is none.

    >>> counts_of_scores({"Openness": np.array([1.0, 3.0, 3.0, np.nan])})
         Openness
    1.0         1
    3.0         2
    """
    counts = {trait: pd.Series(column).value_counts() for trait, column in scores.items()}
    return pd.DataFrame(counts).sort_index().fillna(0).astype(int)


def _with_condition(name: str, config: IndependenceConfig) -> str:
    return f"{name}, given {config.given}" if config.given else name


def _known_dependences(config: IndependenceConfig, table: PeopleTable) -> pd.DataFrame | None:
    """The true dependences (traits x features, bool) of a simulated table; None if they are not known.

    Those given columns are not known, nor are those of columns that a `--columns` file declares.
    """
    dependent = table.dependent
    if dependent is None or config.given or len(table.targets.columns):
        return None
    return dependent if set(table.features.columns) <= set(dependent.columns) else None


def _row_of_column(name: str, kind: str, people: int, different: object, gaps: str) -> dict[str, Any]:
    return {
        "column": name,
        "kind": kind,
        "people": people,
        "different values": different,
        "cells without a value": gaps,
    }


def _rows_of_features(table: PeopleTable) -> Iterator[dict[str, Any]]:
    for frame in (table.targets, table.features):
        for name in map(str, frame.columns):
            values, gaps = frame[name], marks_text(table.report.marks.get(name, {}))
            yield _row_of_column(
                name, table.kinds[name], int(values.notna().sum()), int(values.nunique()), gaps
            )


def _rows_of_scores(table: PeopleTable) -> Iterator[dict[str, Any]]:
    for rater, frame in table.scores.items():
        for trait, scores in frame.items():
            present = int(scores.notna().sum())
            gaps = _gaps_of_scores(len(scores) - present)
            yield _row_of_column(
                f"{rater} {trait}", table.scale(rater).kind, present, int(scores.nunique()), gaps
            )


def _gaps_of_scores(count: int) -> str:
    return f"{count} in all" if count else ""


def _row_of_counts(streamed: StreamedTable, variable: CodedVariable) -> dict[str, Any]:
    where, counts = variable.where, streamed.counts(variable.where)
    people = int(counts.sum())
    different = int(np.count_nonzero(counts)) if variable.grid is None else f"in {variable.size} cells"
    if where.side in (FEATURE_SIDE, TARGETS):
        return _row_of_column(
            where.name, variable.kind, people, different, marks_text(streamed.missing_cells(where))
        )
    gaps = _gaps_of_scores(streamed.table.n - people)
    return _row_of_column(f"{where.side} {where.name}", variable.kind, people, different, gaps)
