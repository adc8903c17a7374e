"""What a person says of one column in a `--columns` file: features, targets, the scale of scores.

column_map.py explains the file. Every message begins with `where`: the file, the section and the name.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from personax.independence.columns import KINDS, Kind
from personax.runs.errors import InputError
from personax.tables.schema import ANY_TABLE, DATE_PARTS, DAYS_PER_YEAR, MISSING, ColumnDeclaration, DatePart
from personax.tables.units import factor_between, unit_named, units_like

UNSAID_UNIT = "?"  # what `--columns auto` writes where a person has to write a unit
DATE = "date"  # a kind in the file only: what is read from a date has one of the four kinds
_KEYS = ("column", "kind", "unit", "range", "missing", "period", "order", "part", "format")
_DATE_KEYS = ("column", "kind", "missing", "part", "format")
# What is read from a date, unless a part is named. A day of the month is rarely of interest.
_USUAL_PARTS: tuple[DatePart, ...] = ("year", "month", "day_of_year")
_DATE_PART: dict[DatePart, tuple[Kind, float | None]] = {
    "year": ("ordinal", None),
    "month": ("circular", 12.0),
    "day": ("ordinal", None),  # not circular, because months differ in length
    "day_of_year": ("circular", DAYS_PER_YEAR),
}


@dataclass(frozen=True)
class ScoreScale:
    """The scale on which a rater scores.

    Attributes:
        low, high: lowest and highest score, both included; None if any number is a score.
        missing: cells that mean "no score". Empty cells always do.
        kind: ordinal, or continuous for sums and z-scores.
    """

    low: float | None
    high: float | None
    missing: tuple[str, ...] = MISSING
    kind: Kind = "ordinal"


# A language model answers 1, 2 or 3, or 0 for "insufficient information" (paper, section 3).
LLM_SCALE = ScoreScale(1.0, 3.0, (*MISSING, "0", "0.0"))


def read_declarations(where: str, name: str, entry: Any) -> tuple[str, list[ColumnDeclaration]]:
    """The column of the file that an entry of `features:` or `targets:` names, and what is said of it.

    A date of which no part is named has several declarations, one for each of the usual parts.

    Raises:
        InputError: an unknown key, kind, part or unit, or a value that is none.
    """
    known = next((column for column in ANY_TABLE if column.name == name), None)
    if not isinstance(entry, Mapping):
        if known is None:
            kinds = "|".join((*KINDS, DATE))
            raise InputError(f"{where}: not in the schema; write {{column: ..., kind: {kinds}}}")
        return str(entry), [known]
    column, kind = str(entry.get("column", name)), entry.get("kind", known.kind if known else None)
    if kind == DATE:
        _refuse_unknown(where, entry, _DATE_KEYS)
        return column, _date_declarations(where, name, entry)
    _refuse_unknown(where, entry, _KEYS)
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"{where}: kind {kind!r}; known are {', '.join((*KINDS, DATE))}")
    for key in ("part", "format"):
        if key in entry:
            raise InputError(f"{where}: {key} belongs to a date; write kind: {DATE}")
    return column, [_declaration(where, known or ColumnDeclaration(name, kind), kind, entry)]


def _declaration(
    where: str, known: ColumnDeclaration, kind: Kind, entry: Mapping[str, Any]
) -> ColumnDeclaration:
    """What the schema knows of a feature, changed by what the entry says."""
    known = _in_unit(where, known, entry)
    low, high = read_range(where, entry["range"]) if "range" in entry else (known.low, known.high)
    order = texts_of(where, "order", entry.get("order", []))
    if order and kind != "ordinal":
        raise InputError(f"{where}: order belongs to kind: ordinal, not to {kind}")
    if len(set(order)) != len(order):
        raise InputError(f"{where}: order names a label twice")
    return replace(
        known,
        kind=kind,
        low=low,
        high=high,
        missing=texts_of(where, "missing", entry["missing"]) if "missing" in entry else known.missing,
        period=_period(where, entry.get("period", known.period)) if kind == "circular" else None,
        order=order,
    )


def _in_unit(where: str, known: ColumnDeclaration, entry: Mapping[str, Any]) -> ColumnDeclaration:
    """The declaration for a file in the unit that the entry states; ranges are those of the file."""
    stated, units = str(entry.get("unit", known.unit)), units_like(known.unit)
    if stated == known.unit or not units:
        return replace(known, unit=stated)
    if stated == UNSAID_UNIT:
        return known
    unit = unit_named(stated, known.unit)
    if unit is None:
        raise InputError(f"{where}: unit {stated!r}; known are {', '.join(units)}")
    factor = factor_between(unit, known.unit)
    if factor == 1.0:
        return known
    low, high = (None if bound is None else bound / factor for bound in (known.low, known.high))
    return replace(known, unit=unit, low=low, high=high, factor=factor)


def _period(where: str, period: Any) -> float:
    if not (_is_finite(period) and period > 0):
        raise InputError(f"{where}: a circular column needs a positive period")
    return float(period)


def _date_declarations(where: str, name: str, entry: Mapping[str, Any]) -> list[ColumnDeclaration]:
    if "part" in entry and entry["part"] not in DATE_PARTS:
        raise InputError(f"{where}: part {entry['part']!r}; known are {', '.join(DATE_PARTS)}")
    parts = {name: entry["part"]} if "part" in entry else {f"{name}_{part}": part for part in _USUAL_PARTS}
    missing = texts_of(where, "missing", entry.get("missing", list(MISSING)))
    form = str(entry.get("format", ""))
    if form and not re.search("%[a-zA-Z]", form):
        raise InputError(f"{where}: format {form!r}; write it as in %d.%m.%Y")
    return [
        ColumnDeclaration(
            title,
            _DATE_PART[part][0],
            unit=part.replace("_", " "),
            missing=missing,
            period=_DATE_PART[part][1],
            part=part,
            date_format=form,
        )
        for title, part in parts.items()
    ]


def read_scale(where: str, entry: Mapping[str, Any], default: ScoreScale) -> ScoreScale:
    """The scale of a rater: `range`, `missing` and `kind` of an entry of `scores:`.

    `default` is the scale of a rater that the schema knows. A range makes it an own scale, on which 0 is a
    number. Without a range any number is a score, and scores are continuous.
    """
    _refuse_unknown(where, entry, ("columns", "range", "missing", "kind"))
    scale = default
    if "range" in entry:
        low, high = read_range(where, entry["range"])
        scale = ScoreScale(low, high, MISSING, "ordinal")
    if "missing" in entry:
        scale = replace(scale, missing=texts_of(where, "missing", entry["missing"]))
    if entry.get("kind", scale.kind) not in ("ordinal", "continuous"):
        raise InputError(f"{where}: kind {entry['kind']!r}; scores are ordinal or continuous")
    return replace(scale, kind=entry.get("kind", scale.kind))


def read_range(where: str, entry: Any) -> tuple[float, float]:
    """Lowest and highest number of `[lowest, highest]`. Raises InputError."""
    if isinstance(entry, list) and len(entry) == 2 and all(map(_is_finite, entry)):
        low, high = float(entry[0]), float(entry[1])
        if low <= high:
            return low, high
    raise InputError(f"{where}: range {entry!r}; write [lowest, highest]")


def _is_finite(value: Any) -> bool:
    """Whether a value is a number; True, NaN and infinity are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def texts_of(where: str, key: str, entries: Any) -> tuple[str, ...]:
    """A list of words and numbers as texts. Raises InputError for what YAML reads as something else."""
    if not isinstance(entries, list):
        raise InputError(f"{where}, {key}: expected a list, as [a, b]")
    for entry in entries:
        if entry is None or isinstance(entry, bool | list | dict):
            raise InputError(
                f"{where}, {key}: YAML reads an entry as {entry!r}; write words such as 'no' in quotes"
            )
    return tuple(str(entry) for entry in entries)


def _refuse_unknown(where: str, entry: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in entry:
        if key not in known:
            raise InputError(f"{where}: unknown key {key!r}; known are {', '.join(known)}")
