"""Guess what columns are that no name tells, and write the guess as a `--columns` file to correct.

A guess looks at the cells: dates, numbers with few or many values, words. What cannot be seen is asked for: a
unit is written as "?", and comments say where a person should look.
"""

import json
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from personax.independence.columns import Kind
from personax.tables.column_map import UNUSED, ColumnPlan
from personax.tables.declarations import DATE, LLM_SCALE, UNSAID_UNIT, ScoreScale
from personax.tables.file_form import USUAL_FORM, FileForm, form_lines
from personax.tables.marks import EMPTY, count_marks, is_value, marks_of, marks_text
from personax.tables.reading import RawTable
from personax.tables.schema import ANY_TABLE, MISSING, TRAITS, ColumnDeclaration, plain
from personax.tables.units import ALL_UNITS, unit_in_name, unit_of_median

Entries: TypeAlias = dict[str, Any]

# Numbers with at most so many values are taken as ordered steps; words with more than so many as free text.
MOST_STEPS = 12
MOST_LABELS = 20
DATE_FORMATS = ("", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d")
BIRTH = ("birth", "born", "dob")
# Features of the schema that are parts of a date of birth.
_BIRTH_PARTS = {"Birthyear": "year", "Birthmonth": "month", "Day_of_year": "day_of_year"}

# Numbers that stand for "no value" where all others are at least 0.
NO_VALUE = (-1, -9, -99, -999, -9999)
# Parts of names of columns with identifiers.
ID_WORDS = ("id", "code", "subject", "participant", "person", "respondent")

HEAD = """\
# What the columns of {table} are: guessed from their names and cells. Please correct it:
# - kind: continuous, ordinal (words need order: [lowest, ..., highest]), nominal, circular (needs period) or
#   date. Where it says unit: "?", write the unit.
# - Cells such as {marks}
#   mean "no value", unless a column has a list of its own: missing: [-9]. Write missing: [] where these are
#   labels. Empty cells are always missing.
# - What the features are tested against goes under targets: (written as features are), or under scores:.
"""


def propose_lines(raw: RawTable, names: Iterable[str], taken: Iterable[str]) -> dict[str, list[str]]:
    """Column -> the lines under `features:` that would take it in; none if it seems to be of no use.

    taken: names of features and targets that are in use already.
    """
    used, lines = set(taken), {}
    for name in names:
        guessed = _guess(raw, name, used)
        used |= set(guessed)
        lines[name] = [
            _line(feature, entries) + _doubt(raw, name, entries) for feature, entries in guessed.items()
        ]
    return lines


def _doubt(raw: RawTable, name: str, entries: Entries) -> str:
    """A comment on words of a column of labels that are taken as "no value"; "" if there are none."""
    counts = count_marks(marks_of(raw.cells(name).astype(object), MISSING))
    words = {mark: number for mark, number in counts.items() if mark != EMPTY}
    if entries.get("kind") != "nominal" or not words:
        return ""
    return f"   # {marks_text(words)} taken as missing; with missing: [] they are labels"


def _guess(raw: RawTable, name: str, used: Container[str]) -> dict[str, Entries]:
    """Feature -> its entries, as the cells of a column suggest."""
    cells = raw.cells(name)
    values = cells[is_value(marks_of(cells.astype(object), MISSING))]
    if not len(values) or raw.holds_vectors(name):
        return {}
    form = date_format(values)
    if form is not None:
        return _guess_date(name, form, used)
    known = next((c for c in ANY_TABLE if unit_in_name(name, c) and c.name not in used), None)
    if known is not None:
        return {known.name: {"column": name, "unit": unit_in_name(name, known)}}
    entries = _guess_numbers(name, values) if is_numeric(values) else _guess_words(raw, name, values)
    return {_free_name(name, used): {"column": name, **entries}} if entries else {}


def _free_name(name: str, used: Container[str]) -> str:
    numbered = chain([name], (f"{name}_{k}" for k in count(2)))
    return next(free for free in numbered if free not in used)


def is_numeric(values: pd.Series) -> bool:
    """Whether all cells are numbers, written as such or as text."""
    return bool(pd.to_numeric(values.astype(object), errors="coerce").notna().all())


def guess_kind(numbers: pd.Series) -> Kind:
    """The kind of a column of numbers: two values are labels, a few whole ones are steps."""
    distinct = numbers.nunique()
    if distinct <= 2:
        return "nominal"
    whole = bool((numbers == np.round(numbers)).all())
    return "ordinal" if whole and distinct <= MOST_STEPS else "continuous"


def date_format(values: pd.Series) -> str | None:
    """How the cells of a column write dates ("" as 2001-12-31), or None if they are no dates."""
    if pd.api.types.is_datetime64_any_dtype(values) or all(hasattr(cell, "timetuple") for cell in values):
        return ""
    if not all(isinstance(cell, str) for cell in values):
        return None
    for form in DATE_FORMATS:
        texts = values.str.strip()
        parsed = pd.to_datetime(texts if form else texts.str[:10], format=form or "%Y-%m-%d", errors="coerce")
        if parsed.notna().all():
            return form
    return None


def _guess_date(name: str, form: str, used: Container[str]) -> dict[str, Entries]:
    written = {"format": form} if form else {}
    if any(word in plain(name) for word in BIRTH) and not any(feature in used for feature in _BIRTH_PARTS):
        return {
            feature: {"column": name, "kind": DATE, "part": part, **written}
            for feature, part in _BIRTH_PARTS.items()
        }
    return {_free_name(name, used): {"column": name, "kind": DATE, **written}}


def _guess_numbers(name: str, values: pd.Series) -> Entries:
    numbers = pd.to_numeric(values.astype(object))
    gone = stand_ins(numbers)
    entries: Entries = {"kind": guess_kind(numbers[~numbers.isin(gone)])}
    if entries["kind"] == "continuous":
        entries["unit"] = next((unit for unit in ALL_UNITS if name.endswith(f"_{unit}")), UNSAID_UNIT)
    return entries | ({"missing": gone} if gone else {})


def stand_ins(numbers: pd.Series) -> list[int]:
    """The number that seems to stand for "no value": -9 or so, the only negative one; [] if there is none."""
    negative = numbers[numbers < 0].unique()
    return [int(negative[0])] if len(negative) == 1 and negative[0] in NO_VALUE else []


def _guess_words(raw: RawTable, name: str, values: pd.Series) -> Entries:
    order = raw.order(name)
    if order:
        return {"kind": "ordinal", "order": list(order)}
    labels = values.astype(str).str.strip().nunique()
    return {"kind": "nominal"} if labels <= min(MOST_LABELS, len(values) - 1) else {}


def _line(feature: str, entries: Entries) -> str:
    """One entry in YAML; text is quoted where YAML might read it as something else."""
    inner = ", ".join(f"{key}: {_scalar(value)}" for key, value in entries.items())
    return f"{_scalar(feature)}: {{{inner}}}"


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if not isinstance(value, str):
        return f"{value:g}"
    safe = value.replace("_", "").isascii() and value.replace("_", "").isalpha()
    words = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
    return value if safe and value.lower() not in words else json.dumps(value, ensure_ascii=False)


def propose_columns(raw: RawTable, plan: ColumnPlan, form: FileForm = USUAL_FORM) -> str:
    """A `--columns` file for a table: what `plan` recognised by names, and guesses for all other columns.

    form: how the text of the table is written; the file says it where it is unusual.
    """
    odd = [name for name, why in plan.ignored.items() if why != UNUSED]
    identity = plan.id or next((name for name in odd if _names_people(raw, name)), None)
    guesses = propose_lines(raw, [name for name in odd if name != identity], plan.features)
    known = [_known_line(raw, name, column) for name, column in plan.features.values()]
    useless = [name for name in plan.ignored if not guesses.get(name) and name != identity]
    lines = [
        HEAD.format(table=Path(raw.label).name, marks=", ".join(f'"{mark}"' for mark in MISSING if mark)),
        *form_lines(form),
        f"id: {_scalar(identity)}"
        if identity
        else "# id: ...   # the column with the identifiers, if there is one",
        *_block("features", [*known, *chain.from_iterable(guesses.values())]),
        *_block("scores", list(_score_lines(raw, plan))),
        "targets: {}",
        *([f"ignore: {_scalar(useless)}   # free text, constants and the like"] if useless else []),
    ]
    if plan.embeddings:
        lines.append("# Embeddings are recognised by the names of their columns.")
    return "\n".join(lines) + "\n"


def _names_people(raw: RawTable, name: str) -> bool:
    """Whether a column seems to hold identifiers: by its name, and by as many different cells as rows."""
    words = re.split(r"[^a-z]+", name.lower())
    if not any(word in ID_WORDS or word.endswith("id") for word in words) or raw.holds_vectors(name):
        return False
    return bool(raw.cells(name).astype(str).nunique() == raw.n)


def _block(section: str, lines: list[str]) -> list[str]:
    return [f"{section}:", *(f"  {line}" for line in lines)] if lines else []


def _known_line(raw: RawTable, name: str, column: ColumnDeclaration) -> str:
    """A feature that the schema knows, in the unit that its median suggests."""
    cells = raw.cells(name)
    form = date_format(cells[is_value(marks_of(cells.astype(object), column.missing))])
    if form is not None and column.kind != "nominal":
        part = _BIRTH_PARTS.get(column.name, "day")
        written = {"format": form} if form else {}
        return _line(column.name, {"column": name, "kind": DATE, "part": part, **written})
    entries: Entries = {"column": name, "kind": column.kind}
    if column.typical:
        numbers = pd.to_numeric(cells.astype(object), errors="coerce")
        entries["unit"] = unit_of_median(float(numbers.median()), column) or column.unit
    if column.period:
        entries["period"] = column.period
    return _line(column.name, entries)


def _score_lines(raw: RawTable, plan: ColumnPlan) -> Iterator[str]:
    """The scores that names told, with the range that the cells suggest."""
    for rater, name in plan.packed.items():
        yield f"{rater}: {_scalar(name)}"
    for scorer in dict.fromkeys(scorer for scorer, _ in plan.single):
        columns = {trait: plan.single[scorer, trait] for trait in TRAITS if (scorer, trait) in plan.single}
        scale = guess_scale(raw, list(columns.values()))
        if scale is None:  # the scores of several raters in one cell, which only names can tell
            continue
        usual = scale == LLM_SCALE
        own = "self" if scorer is None and not usual else scorer or "aggregated"
        inner = ", ".join(f"{trait}: {_scalar(column)}" for trait, column in columns.items())
        entry = _scalar(list(columns.values())) if len(columns) == len(TRAITS) else f"{{{inner}}}"
        bounds = "" if usual else f", range: [{scale.low:g}, {scale.high:g}], kind: {scale.kind}"
        gone = f", missing: [{', '.join(scale.missing)}]" if not usual and scale.missing != MISSING else ""
        yield f"{own}: {{columns: {entry}{bounds}{gone}}}"


def guess_scale(raw: RawTable, names: Sequence[str]) -> ScoreScale | None:
    """The scale of columns of scores: 1 to 3, 5, 7 or what the cells span; None if they are no numbers."""
    columns = []
    for name in names:
        cells = raw.cells(name)
        values = cells[is_value(marks_of(cells.astype(object), MISSING))]
        if not is_numeric(values):
            return None
        columns.append(pd.to_numeric(values.astype(object)))
    answers = pd.concat(columns)
    gone = stand_ins(answers)
    numbers = answers[~answers.isin(gone)]
    missing = tuple(map(str, gone)) or MISSING
    if not gone and numbers.isin([0, *np.arange(1, 3.1, 0.5)]).all():
        return LLM_SCALE
    if (numbers < 0).any() or guess_kind(numbers) != "ordinal":
        low, high = float(np.floor(numbers.min())), float(np.ceil(numbers.max()))
        return ScoreScale(low, high, missing, kind="continuous")
    low, high = min(1.0, float(numbers.min())), float(numbers.max())
    return ScoreScale(low, next(top for top in (5.0, 7.0, high) if top >= high), missing)
