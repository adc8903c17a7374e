"""What prompt, repeat and language model change in the verdicts of Level I.

A grid is all tests of traits against features on the scores of one model, one format and one repeat. A cell
is one trait, feature and test; its verdict is whether independence is rejected. Two grids that differ in one
thing alone (the repeat, the format or the model) are a pair.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

CELL_KEYS = ("trait", "feature", "test")
GRID_KEYS = ("model", "format", "repeat")


class GridName(NamedTuple):
    """The model, the format and the repeat whose scores a grid tests."""

    model: str
    format: str
    repeat: int


def verdict_matrix(decided: pd.DataFrame) -> pd.DataFrame:
    """Verdicts as cells x grids: 1 rejected, 0 not rejected, NaN where the test has no p-value.

    Args:
        decided: results of all grids, with the columns model, format, repeat, trait, feature, test, pvalue
            and rejected.

    Returns:
        Its index is (trait, feature, test) and its columns are (model, format, repeat), as they first occur.
    """
    verdicts = decided["rejected"].astype(float).where(decided["pvalue"].notna())
    wide = decided.assign(verdict=verdicts).pivot(
        index=list(CELL_KEYS), columns=list(GRID_KEYS), values="verdict"
    )
    cells = list(dict.fromkeys(decided[list(CELL_KEYS)].itertuples(index=False, name=None)))
    grids = list(dict.fromkeys(decided[list(GRID_KEYS)].itertuples(index=False, name=None)))
    return wide.reindex(index=pd.MultiIndex.from_tuples(cells, names=CELL_KEYS), columns=grids)


def grid_names(matrix: pd.DataFrame) -> list[GridName]:
    """The grids of the matrix, in its order."""
    return [GridName(str(key[0]), str(key[1]), int(key[2])) for key in matrix.columns.to_list()]


def pairs_that_vary(names: Sequence[GridName], varied: str) -> list[tuple[int, int]]:
    """Numbers of the grids of every pair that differs only in `varied`, a field of `GridName`."""
    rest = [name._replace(**{varied: names[0]._asdict()[varied]}) for name in names]
    return [(a, b) for a, b in combinations(range(len(names)), 2) if rest[a] == rest[b]]


def changed_cells(
    verdicts: Float[np.ndarray, "cells grids"], pairs: Sequence[tuple[int, int]]
) -> Float[np.ndarray, " cells"]:
    """For each cell the share of the pairs whose verdicts differ; NaN where no pair has two verdicts."""
    if not pairs:
        return np.full(len(verdicts), np.nan)
    first, second = (verdicts[:, list(side)] for side in zip(*pairs, strict=True))
    known = np.isfinite(first) & np.isfinite(second)
    differ = known & (first != second)
    counts = known.sum(axis=1)
    shares: np.ndarray = np.divide(
        differ.sum(axis=1), counts, out=np.full(len(verdicts), np.nan), where=counts > 0
    )
    return shares


def changes_by(matrix: pd.DataFrame) -> pd.DataFrame:
    """How many verdicts change with the repeat, the format and the model.

    Returns:
        First a row for each model and format whose repeat varies, then a row for each model whose format
        varies, then one row for the model, then one in which the repeat varies with all models and formats
        together. Columns:

        varied, model, format   what varies, and what is held fixed ("" for all)
        pairs, cells            how many pairs of grids, and how many cells have a verdict in some pair
        changed                 mean over these cells of the share of the pairs whose verdicts differ
        ever                    share of these cells whose verdict differs in some pair
    """
    names = grid_names(matrix)
    verdicts = matrix.to_numpy(float)
    repeats, formats = pairs_that_vary(names, "repeat"), pairs_that_vary(names, "format")
    settings = [("repeat", model, name) for model, name in dict.fromkeys((n.model, n.format) for n in names)]
    settings += [("format", model, "") for model in dict.fromkeys(n.model for n in names)]
    settings += [(varied, "", "") for varied in ("repeat", "format", "model")]
    every = {"repeat": repeats, "format": formats, "model": pairs_that_vary(names, "model")}
    rows = []
    for varied, model, name in settings:
        pairs = [
            (a, b)
            for a, b in every[varied]
            if model in ("", names[a].model) and name in ("", names[a].format)
        ]
        shares = changed_cells(verdicts, pairs)
        known = shares[np.isfinite(shares)]
        if len(known):
            changed = (float(known.mean()), float((known > 0).mean()))
            rows.append((varied, model, name, len(pairs), len(known), *changed))
    columns = ["varied", "model", "format", "pairs", "cells", "changed", "ever"]
    return pd.DataFrame(rows, columns=columns)


def cell_changes(matrix: pd.DataFrame) -> pd.DataFrame:
    """Each cell with the share of grids that reject, and the share of pairs that differ, by what varies.

    Returns:
        A row for each cell: trait, feature, test, grids (with a verdict), rejecting (share of them), repeat,
        format, model (share of the pairs that differ; NaN without pairs). Cells that change most come first.
    """
    names, verdicts = grid_names(matrix), matrix.to_numpy(float)
    counts = np.isfinite(verdicts).sum(axis=1)
    rejecting = np.divide(
        np.nansum(verdicts, axis=1), counts, out=np.full(len(verdicts), np.nan), where=counts > 0
    )
    table = matrix.index.to_frame(index=False).assign(grids=counts, rejecting=rejecting)
    for varied in reversed(GRID_KEYS):
        table[varied] = changed_cells(verdicts, pairs_that_vary(names, varied))
    most = table[list(GRID_KEYS)].fillna(0).mean(axis=1)
    return table.assign(most=most).sort_values("most", ascending=False, kind="stable").drop(columns="most")
