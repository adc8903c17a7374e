"""From cells to values: identifiers, features and scores. Messages name the row and value of a wrong cell."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Float64, Shaped

from personax.runs.errors import InputError
from personax.tables.column_map import ColumnPlan
from personax.tables.reading import RawTable, is_missing, shown
from personax.tables.schema import LLMS, TRAITS, ColumnDeclaration
from personax.tables.trait_scores import (
    HIGHEST,
    INSUFFICIENT,
    LOWEST,
    RATERS,
    is_packed,
    rater_of,
    split_cell,
    trait_of,
)


def read_ids(raw: RawTable, plan: ColumnPlan, warnings: list[str]) -> Shaped[np.ndarray, " n"]:
    """(n,) identifiers: integers if all are whole numbers, else texts; without a column 1, 2, ...

    Raises InputError for an empty cell and for an identifier that occurs twice.
    """
    if plan.id is None:
        warnings.append("no column of identifiers; people are numbered by row")
        return np.arange(1, raw.n + 1)
    cells = raw.cells(plan.id)
    empty = np.array([is_missing(cell) for cell in cells])
    if empty.any():
        raise InputError(f"{raw.label}, column {plan.id!r}, row {int(np.argmax(empty)) + 1}: no identifier")
    texts = cells.astype(str).str.strip()
    repeated = texts.duplicated().to_numpy()
    if repeated.any():
        row = int(np.argmax(repeated))
        first = int(np.argmax((texts == texts.iloc[row]).to_numpy()))
        raise InputError(
            f"{raw.label}, column {plan.id!r}, row {row + 1}: ID {texts.iloc[row]!r} is already in row "
            f"{first + 1}"
        )
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=float)
    # "007" stays a text, because the number 7 would be written differently.
    if (
        np.isfinite(numbers).all()
        and (numbers.astype(np.int64).astype(str) == texts.to_numpy(dtype="U")).all()
    ):
        return numbers.astype(np.int64)
    return texts.to_numpy(dtype=object)


def read_feature(raw: RawTable, name: str, column: ColumnDeclaration) -> pd.Series:
    """(n,) float64, or texts if a nominal column holds texts; NaN where missing. Raises InputError."""
    cells = raw.cells(name)
    where = f"{raw.label}, column {name!r}"
    if column.kind == "nominal" and column.low is None:
        return _labels(cells, column)
    return pd.Series(read_numbers(cells, column, where))


def _labels(cells: pd.Series, column: ColumnDeclaration) -> pd.Series:
    """(n,) labels: numbers if all labels are numbers (indices of categories), else texts."""
    if pd.api.types.is_numeric_dtype(cells):
        numbers = cells.astype(float)
        return numbers.mask(_own_marker(numbers.to_numpy(), column))
    markers = {marker.lower() for marker in column.missing}
    texts = [
        None if is_missing(cell) or str(cell).strip().lower() in markers else str(cell).strip()
        for cell in cells
    ]
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").astype(float)
    if not any(text is not None and np.isnan(number) for text, number in zip(texts, numbers, strict=True)):
        return numbers
    return pd.Series([np.nan if text is None else text for text in texts])


def _own_marker(numbers: Float[np.ndarray, " n"], column: ColumnDeclaration) -> Bool[np.ndarray, " n"]:
    """(n,) bool, True where a number means "no value" in this column."""
    markers = pd.to_numeric(pd.Series(column.missing, dtype=object), errors="coerce").dropna()
    return np.isin(numbers, markers.to_numpy(dtype=float))


def read_numbers(cells: pd.Series, column: ColumnDeclaration, where: str) -> Float64[np.ndarray, " n"]:
    """(n,) float64 in the range of the column, NaN where missing. Raises InputError with row and value."""
    for row, cell in enumerate(cells if cells.dtype in (object, bool) else ()):
        if isinstance(cell, bool | np.bool_ | bytes):
            raise InputError(f"{where}, row {row + 1}: {shown(cell)} is not a number; is the column nominal?")
    if pd.api.types.is_numeric_dtype(cells):
        numbers = cells.to_numpy(dtype=float, na_value=np.nan)
    else:
        numbers = pd.to_numeric(cells.astype(object), errors="coerce").to_numpy(dtype=float)
        markers = {marker.lower() for marker in column.missing}
        for row in map(int, np.flatnonzero(np.isnan(numbers))):
            cell = cells.iloc[row]
            if not (is_missing(cell) or str(cell).strip().lower() in markers):
                raise InputError(f"{where}, row {row + 1}: {shown(cell)} is not a number")
    numbers = np.where(_own_marker(numbers, column), np.nan, numbers)
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    wrong = np.isinf(numbers) | (numbers < low) | (numbers > high)
    if wrong.any():
        row = int(np.argmax(wrong))
        if np.isinf(low) and np.isinf(high):
            expected = "a finite number"
        else:
            expected = f"{column.unit or column.name} from {low:g} to {high:g}"
        raise InputError(f"{where}, row {row + 1}: {numbers[row]:g}; expected {expected}")
    return numbers


def _read_score(value: Any) -> float:
    """A score from 1 to 3 (aggregated scores may be fractions), or NaN if missing or 0. Raises ValueError."""
    if is_missing(value):
        return float("nan")
    try:
        if isinstance(value, bool | np.bool_ | bytes):
            raise TypeError
        score = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{shown(value)} is not a score") from error
    if score == INSUFFICIENT or np.isnan(score):
        return float("nan")
    if not LOWEST <= score <= HIGHEST:
        raise ValueError(
            f"{shown(value)} is out of range; scores are {LOWEST:g} to {HIGHEST:g}, "
            f"or {INSUFFICIENT:g} for missing"
        )
    return score


def read_scores(raw: RawTable, plan: ColumnPlan) -> dict[str, pd.DataFrame]:
    """Rater -> (n, 5) scores, in the order of RATERS, without raters that have no column.

    Raises InputError for a cell that is not a score, and if two columns hold the same score.
    """
    values: dict[str, dict[str, np.ndarray]] = {rater: {} for rater in RATERS}

    def keep(rater: str, trait: str, name: str, scores: Float[np.ndarray, " n"]) -> None:
        if trait in values[rater]:
            raise InputError(f"{raw.label}, column {name!r}: {rater} {trait} is also in another column")
        values[rater][trait] = scores

    for rater, name in plan.packed.items():
        unpacked = _unpack_column(raw, name, TRAITS, trait_of)
        for trait in TRAITS:
            keep(rater, trait, name, unpacked[trait])
    for (one_rater, trait), name in plan.single.items():
        cells = raw.cells(name)
        first = next((cell for cell in cells if not is_missing(cell)), None)
        if one_rater is None and first is not None and is_packed(first):
            for rater, scores in _unpack_column(raw, name, LLMS, rater_of).items():
                keep(rater, trait, name, scores)
        else:
            keep(one_rater or "aggregated", trait, name, _read_each(raw, name, cells, _read_score))
    return {
        rater: pd.DataFrame({trait: by_trait.get(trait, np.full(raw.n, np.nan)) for trait in TRAITS})
        for rater, by_trait in values.items()
        if by_trait
    }


def _read_each(
    raw: RawTable, name: str, cells: pd.Series, read: Callable[[Any], float]
) -> Float[np.ndarray, " n"]:
    """(n,) float64 of `read(cell)`. A ValueError becomes an InputError that names the row."""
    out = np.full(raw.n, np.nan)
    for row, cell in enumerate(cells):
        try:
            out[row] = read(cell)
        except ValueError as error:
            raise InputError(f"{raw.label}, column {name!r}, row {row + 1}: {error}") from None
    return out


def _unpack_column(
    raw: RawTable, name: str, keys: tuple[str, ...], key_of: Callable[[str], str | None]
) -> dict[str, Float[np.ndarray, " n"]]:
    """Key -> (n,) scores, for a column whose cells hold one score per key."""
    out: dict[str, np.ndarray] = {key: np.full(raw.n, np.nan) for key in keys}
    for row, cell in enumerate(raw.cells(name)):
        if is_missing(cell):
            continue
        try:
            for key, value in split_cell(cell, keys, key_of).items():
                if key not in out:
                    out[key] = np.full(raw.n, np.nan)
                out[key][row] = _read_score(value)
        except ValueError as error:
            raise InputError(f"{raw.label}, column {name!r}, row {row + 1}: {error}") from None
    return out
