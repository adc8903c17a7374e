"""From cells to values: identifiers, features and scores. Messages name the row and value of a wrong cell."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Float64, Shaped

from personax.runs.errors import InputError
from personax.tables.column_map import ColumnPlan
from personax.tables.declarations import LLM_SCALE, ScoreScale
from personax.tables.marks import EMPTY, count_marks, is_value, marks_of, marks_text, with_number_marks
from personax.tables.reading import RawTable, is_missing, shown
from personax.tables.schema import LLMS, MISSING, TRAITS, ColumnDeclaration, DatePart
from personax.tables.trait_scores import RATERS, is_packed, rater_of, split_cell, trait_of
from personax.tables.units import unit_of_median

ISO_DATE = "%Y-%m-%d"
ISO_LENGTH = 10  # a time of the day behind a date is left out


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


class ColumnRead(NamedTuple):
    """A column as it was read.

    Attributes:
        values: (n,) float64, or texts if a nominal column holds texts; NaN where missing.
        marks: the cells that meant "no value" -> how many there are (marks.py).
    """

    values: pd.Series
    marks: dict[str, int]


def read_declared(raw: RawTable, name: str, column: ColumnDeclaration) -> ColumnRead:
    """Read a column as it is declared. Raises InputError that names row and value of a wrong cell."""
    cells = raw.cells(name)
    where = f"{raw.label}, column {name!r}"
    if column.part is not None:
        return _read_dates(cells, column, where)
    order = column.order or (raw.order(name) if column.kind == "ordinal" else ())
    if order:
        return _read_ranks(cells, replace(column, order=order), where)
    if column.kind == "nominal" and column.low is None:
        return _read_labels(cells, column)
    marks, numbers = _marks_and_numbers(cells, column, where, advised=True)
    return ColumnRead(
        pd.Series(numbers if column.factor == 1.0 else numbers * column.factor), count_marks(marks)
    )


def _read_labels(cells: pd.Series, column: ColumnDeclaration) -> ColumnRead:
    """(n,) labels: numbers if all of them are and no two are written alike ("1", "01"), else texts."""
    marks = marks_of(cells, column.missing)
    if pd.api.types.is_numeric_dtype(cells):
        return ColumnRead(cells.astype(float).mask(~is_value(marks)), count_marks(marks))
    texts = [str(cell).strip() if mark is None else None for cell, mark in zip(cells, marks, strict=True)]
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").astype(float)
    all_numbers = not any(
        text is not None and np.isnan(number) for text, number in zip(texts, numbers, strict=True)
    )
    if all_numbers and numbers.nunique() == len({text for text in texts if text is not None}):
        return ColumnRead(numbers, count_marks(marks))
    return ColumnRead(pd.Series([np.nan if text is None else text for text in texts]), count_marks(marks))


def _read_ranks(cells: pd.Series, column: ColumnDeclaration, where: str) -> ColumnRead:
    """(n,) the place of each label in the order: 0, 1, ... A label of the order never means "no value"."""
    rank = {label: float(place) for place, label in enumerate(column.order)}
    markers = [marker for marker in column.missing if marker not in {label.lower() for label in rank}]
    marks = marks_of(cells.astype(object), markers)
    ranks = np.full(len(cells), np.nan)
    for row, (cell, mark) in enumerate(zip(cells, marks, strict=True)):
        if mark is None:
            label = f"{cell:g}" if isinstance(cell, float) else str(cell).strip()
            if label not in rank:
                raise InputError(
                    f"{where}, row {row + 1}: {shown(cell)} is not in the order {', '.join(column.order)}"
                )
            ranks[row] = rank[label]
    return ColumnRead(pd.Series(ranks), count_marks(marks))


def _read_dates(cells: pd.Series, column: ColumnDeclaration, where: str) -> ColumnRead:
    """(n,) the year, month, day or day of the year of dates: texts, or the dates of parquet and pandas."""
    marks = marks_of(cells.astype(object), column.missing)
    form = column.date_format if any(isinstance(cell, str) for cell in cells) else ""
    texts = [
        None if mark is not None else str(cell).strip() if form else str(cell).strip()[:ISO_LENGTH]
        for cell, mark in zip(cells, marks, strict=True)
    ]
    dates = pd.to_datetime(pd.Series(texts, dtype=object), format=form or ISO_DATE, errors="coerce")
    wrong = np.logical_and(dates.isna().to_numpy(), is_value(marks))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(
            f"{where}, row {row + 1}: {shown(cells.iloc[row])} is not a date as "
            f"{column.date_format or '2001-12-31'}; say how dates are written with format: in --columns"
        )
    return ColumnRead(date_part(dates, column.part or "year"), count_marks(marks))


def date_part(dates: pd.Series, part: DatePart) -> pd.Series:
    """(n,) float64 year, month, day or day of the year of dates, NaN where there is none."""
    numbers: pd.Series = getattr(dates.dt, part)
    return numbers.astype(float)


def read_numbers(cells: pd.Series, column: ColumnDeclaration, where: str) -> Float64[np.ndarray, " n"]:
    """(n,) float64 in the range of the column, NaN where missing. Raises InputError with row and value."""
    return _marks_and_numbers(cells, column, where, advised=False)[1]


def _marks_and_numbers(
    cells: pd.Series, column: ColumnDeclaration, where: str, *, advised: bool
) -> tuple[Shaped[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    for row, cell in enumerate(cells if cells.dtype in (object, bool) else ()):
        if isinstance(cell, bool | np.bool_ | bytes):
            raise InputError(f"{where}, row {row + 1}: {shown(cell)} is not a number; is the column nominal?")
    marks = marks_of(cells, column.missing)
    if pd.api.types.is_numeric_dtype(cells):
        numbers = cells.to_numpy(dtype=float, na_value=np.nan)
    else:
        numbers = pd.to_numeric(cells.astype(object), errors="coerce").to_numpy(dtype=float)
        wrong = np.logical_and(np.isnan(numbers), is_value(marks))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"{where}, row {row + 1}: {shown(cells.iloc[row])} is not a number"
                f"{_advice_on_cell(cells.iloc[row]) if advised else ''}"
            )
        marks = with_number_marks(marks, numbers, column.missing)
    numbers = np.where(is_value(marks), numbers, np.nan)
    _refuse_out_of_range(numbers, column, where)
    return marks, numbers


def _advice_on_cell(cell: Any) -> str:
    """What a `--columns` file can say about a cell that is no number; "" for a text that is simply wrong."""
    if re.fullmatch(r"[+-]?\d+,\d+", str(cell).strip()):
        return '; for a decimal comma write file: {decimal: ","} in a --columns file'
    if re.match(r"\d{4}-\d\d-\d\d", str(cell)):
        return "; for dates write kind: date in a --columns file"
    return ""


def _refuse_out_of_range(numbers: Float64[np.ndarray, " n"], column: ColumnDeclaration, where: str) -> None:
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    wrong = np.isinf(numbers) | (numbers < low) | (numbers > high)
    if not wrong.any():
        return
    row = int(np.argmax(wrong))
    if np.isinf(low) and np.isinf(high):
        expected = "a finite number"
    else:
        expected = f"{column.unit or column.name} from {low:g} to {high:g}"
    other = other_unit(numbers, column)
    advice = (
        f"; if the unit is {other}, write {column.name}: {{column: ..., unit: {other}}} in a --columns file"
    )
    raise InputError(
        f"{where}, row {row + 1}: {numbers[row]:g}; expected {expected}{advice if other else ''}"
    )


def other_unit(numbers: Float64[np.ndarray, " n"], column: ColumnDeclaration) -> str | None:
    """Another unit than the declared one in which the median of (n,) numbers would be typical, or None."""
    finite = numbers[np.isfinite(numbers)]
    if not len(finite) or column.factor != 1.0:
        return None
    unit = unit_of_median(float(np.median(finite)), column)
    return unit if unit != column.unit else None


def doubts(name: str, column: ColumnDeclaration, read: ColumnRead) -> list[str]:
    """Sentences on what may have been read otherwise than it was meant: words taken as "no value", units."""
    sentences = []
    words = {mark: count for mark, count in read.marks.items() if mark != EMPTY}
    if column.kind == "nominal" and words and column.missing == MISSING:
        sentences.append(
            f"{column.name}: {marks_text(words)} taken as missing; if these are labels, write "
            f"{column.name}: {{column: {name}, kind: nominal, missing: []}} under features: of --columns"
        )
    if column.typical:
        unit = other_unit(read.values.to_numpy(dtype=float), column)
        if unit is not None:
            median = float(np.nanmedian(read.values.to_numpy(dtype=float)))
            sentences.append(
                f"{column.name}: the median is {median:g}, which is unusual in {column.unit}; if the unit is "
                f"{unit}, write {column.name}: {{column: {name}, unit: {unit}}} under features: of --columns"
            )
    return sentences


def _read_score(value: Any, scale: ScoreScale) -> float:
    """A score on the scale (aggregated ones may be fractions), or NaN if missing. Raises ValueError."""
    if is_missing(value, scale.missing):
        return float("nan")
    try:
        if isinstance(value, bool | np.bool_ | bytes):
            raise TypeError
        score = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{shown(value)} is not a score") from error
    if np.isnan(score) or score in _numbers_among(scale.missing):
        return float("nan")
    low = -np.inf if scale.low is None else scale.low
    high = np.inf if scale.high is None else scale.high
    if np.isinf(score) or not low <= score <= high:
        raise ValueError(f"{shown(value)} is out of range; {_scale_text(scale)}")
    return score


@cache
def _numbers_among(markers: tuple[str, ...]) -> frozenset[float]:
    """The markers that are numbers."""
    numbers = pd.to_numeric(pd.Series(list(markers), dtype=object), errors="coerce").dropna()
    return frozenset(numbers.astype(float))


def _scale_text(scale: ScoreScale) -> str:
    if scale.low is None:
        return "a score is a finite number"
    text = f"scores are {scale.low:g} to {scale.high:g}"
    if scale == LLM_SCALE:
        return (
            f"{text}, or 0 for missing; another range is said under scores: in a --columns file "
            "(run_independence_tests.py --columns auto writes one)"
        )
    return text


def read_scores(raw: RawTable, plan: ColumnPlan) -> dict[str, pd.DataFrame]:
    """Rater -> (n, 5) scores: first the raters of RATERS in their order, then others; without empty ones."""
    values: dict[str, dict[str, np.ndarray]] = {rater: {} for rater in (*RATERS, *plan.scales)}

    def keep(rater: str, trait: str, name: str, scores: Float[np.ndarray, " n"]) -> None:
        if trait in values[rater]:
            raise InputError(f"{raw.label}, column {name!r}: {rater} {trait} is also in another column")
        values[rater][trait] = scores

    for rater, name in plan.packed.items():
        unpacked = _unpack_column(raw, name, TRAITS, trait_of, plan.scale(rater))
        for trait in TRAITS:
            keep(rater, trait, name, unpacked[trait])
    for (one_rater, trait), name in plan.single.items():
        cells, scale = raw.cells(name), plan.scale(one_rater)
        first = next((cell for cell in cells if not is_missing(cell)), None)
        if one_rater is None and first is not None and is_packed(first):
            for rater, scores in _unpack_column(raw, name, LLMS, rater_of, scale).items():
                keep(rater, trait, name, scores)
        else:
            keep(one_rater or "aggregated", trait, name, _read_each(raw, name, cells, scale))
    return {
        rater: pd.DataFrame({trait: by_trait.get(trait, np.full(raw.n, np.nan)) for trait in TRAITS})
        for rater, by_trait in values.items()
        if by_trait
    }


def _read_each(raw: RawTable, name: str, cells: pd.Series, scale: ScoreScale) -> Float[np.ndarray, " n"]:
    """(n,) float64 scores. A ValueError becomes an InputError that names the row."""
    out = np.full(raw.n, np.nan)
    for row, cell in enumerate(cells):
        try:
            out[row] = _read_score(cell, scale)
        except ValueError as error:
            raise InputError(f"{raw.label}, column {name!r}, row {row + 1}: {error}") from None
    return out


def _unpack_column(
    raw: RawTable,
    name: str,
    keys: tuple[str, ...],
    key_of: Callable[[str], str | None],
    scale: ScoreScale,
) -> dict[str, Float[np.ndarray, " n"]]:
    """Key -> (n,) scores, for a column whose cells hold one score per key."""
    out: dict[str, np.ndarray] = {key: np.full(raw.n, np.nan) for key in keys}
    for row, cell in enumerate(raw.cells(name)):
        if is_missing(cell, scale.missing):
            continue
        try:
            for key, value in split_cell(cell, keys, key_of).items():
                if key not in out:
                    out[key] = np.full(raw.n, np.nan)
                out[key][row] = _read_score(value, scale)
        except ValueError as error:
            raise InputError(f"{raw.label}, column {name!r}, row {row + 1}: {error}") from None
    return out
