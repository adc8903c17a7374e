"""Read the YAML file of the option `--columns`, in which the user says what the columns of a table are.

    id: person                     # column with the identifiers
    features:
      Height: stature              # a feature of the schema: its kind and range are known
      Team: {column: club, kind: nominal}
      Shoe_size: {column: shoe, kind: ordinal, unit: EU, range: [20, 60], missing: ["-1"]}
      Wind: {column: wind_from, kind: circular, period: 360}
    scores:
      chatgpt: answers             # one column with all five traits, or
      gemini: [g_o, g_c, g_e, g_a, g_n]   # one column each, in the order O, C, E, A, N
      aggregated: {Openness: final_open, Neuroticism: final_neuro}
    embeddings:
      image: [photo_1, photo_2]    # list columns, one per measurement, or
      text: [{prefix: gpt_}]       # separate columns gpt_0, gpt_1, ...
    ignore: [notes]

All other columns are recognised by their names, as without such a file. A rater is a language model that has
scored the traits, or "aggregated".
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from personax.independence.columns import KINDS
from personax.runs.errors import InputError
from personax.runs.files import read_text, read_yaml
from personax.tables.embeddings import Slot
from personax.tables.schema import ANY_TABLE, TRAITS, ColumnDeclaration
from personax.tables.trait_scores import RATERS, trait_of


@dataclass
class ColumnPlan:
    """Which column of a file holds what.

    Attributes:
        id: column of the identifiers, or None.
        features: feature -> (column, declaration).
        packed: rater -> column that holds all five traits in each cell.
        single: (rater, trait) -> column that holds one trait. If the rater is None, the column holds the
            aggregated score or the scores of all raters.
        embeddings: measurement -> one column of lists, or the columns of the single coordinates.
        ignored: column that is not used -> the reason.
    """

    id: str | None = None
    features: dict[str, tuple[str, ColumnDeclaration]] = field(default_factory=dict)
    packed: dict[str, str] = field(default_factory=dict)
    single: dict[tuple[str | None, str], str] = field(default_factory=dict)
    embeddings: dict[Slot, list[str]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)

    def used(self) -> Iterator[str]:
        """Every column that the plan mentions."""
        if self.id is not None:
            yield self.id
        yield from (column for column, _ in self.features.values())
        yield from self.packed.values()
        yield from self.single.values()
        for columns in self.embeddings.values():
            yield from columns
        yield from self.ignored


def read_columns(path: Path, names: tuple[str, ...]) -> ColumnPlan:
    """The plan in a `--columns` file, for a table with the columns `names`.

    Raises:
        InputError: the file is not YAML, names a key or column twice, or has an unknown key, column, rater,
            trait or kind.
    """
    document = read_yaml(path)
    _refuse_repeated_keys(path)
    sections = ("id", "features", "scores", "embeddings", "ignore")
    if not isinstance(document, Mapping):
        raise InputError(f"{path}: expected sections {', '.join(sections)}")
    for section in document:
        if section not in sections:
            _refuse(path, f"unknown section {section!r}; known are {', '.join(sections)}")
    plan = ColumnPlan()
    if document.get("id") is not None:
        plan.id = _known_column(path, document["id"], names, "id")
    for name, entry in _section(path, document, "features"):
        plan.features[name] = _read_feature_entry(path, name, entry, names)
    for rater, entry in _section(path, document, "scores"):
        _read_score_entry(path, plan, rater, entry, names)
    for modality, entries in _section(path, document, "embeddings"):
        _read_embedding_entries(path, plan, modality, entries, names)
    for name in _list_entry(path, document.get("ignore") or [], "ignore"):
        if name in plan.ignored:
            _refuse(path, f"column {name!r} is named twice")
        plan.ignored[_known_column(path, name, names, "ignore")] = "by --columns"
    seen: set[str] = set()
    for column in plan.used():
        if column in seen:
            _refuse(path, f"column {column!r} is named twice")
        seen.add(column)
    return plan


def _refuse(path: Path, problem: str) -> NoReturn:
    raise InputError(f"{path}: {problem}")


def _refuse_repeated_keys(path: Path) -> None:
    """Raise InputError for two equal keys. A YAML parser would keep the last one without a warning."""
    pending = [yaml.compose(read_text(path))]
    while pending:
        node = pending.pop()
        if isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if str(key.value) in keys:
                    _refuse(path, f"line {key.start_mark.line + 1}: {key.value!r} is named twice")
                keys.add(str(key.value))
                pending.append(value)
        elif isinstance(node, yaml.SequenceNode):
            pending.extend(node.value)


def _section(path: Path, document: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    entries = document.get(section) or {}
    if not isinstance(entries, Mapping):
        _refuse(path, f"{section}: expected `name: column` lines")
    for key, entry in entries.items():
        yield str(key), entry


def _list_entry(path: Path, entries: Any, where: str) -> list[Any]:
    if not isinstance(entries, list):
        _refuse(path, f"{where}: expected a list, as [a, b]")
    return entries


def _known_column(path: Path, column: Any, names: tuple[str, ...], where: str) -> str:
    """Return `column` if the table has it, else raise InputError; `where` is the section, for the message."""
    if str(column) not in names:
        _refuse(path, f"{where}: the table has no column {str(column)!r}")
    return str(column)


def _read_feature_entry(
    path: Path, name: str, entry: Any, names: tuple[str, ...]
) -> tuple[str, ColumnDeclaration]:
    where = f"features, {name!r}"
    declared = next((column for column in ANY_TABLE if column.name == name), None)
    if not isinstance(entry, Mapping):
        if declared is None:
            _refuse(path, f"{where}: not in the schema; write {{column: ..., kind: {'|'.join(KINDS)}}}")
        return _known_column(path, entry, names, where), declared
    allowed = ("column", "kind", "unit", "range", "missing", "period")
    for key in entry:
        if key not in allowed:
            _refuse(path, f"{where}: unknown key {key!r}; known are {', '.join(allowed)}")
    column = _known_column(path, entry.get("column", name), names, where)
    kind = entry.get("kind", declared.kind if declared else None)
    if not isinstance(kind, str) or kind not in KINDS:
        _refuse(path, f"{where}: kind {kind!r}; known are {', '.join(KINDS)}")
    known = declared or ColumnDeclaration(name, kind)
    period = entry.get("period", known.period)
    if kind == "circular" and not (_is_finite(period) and period > 0):
        _refuse(path, f"{where}: a circular column needs a positive period")
    low, high = _read_range(path, where, entry["range"]) if "range" in entry else (known.low, known.high)
    markers = _list_entry(path, entry.get("missing", list(known.missing)), f"{where}, missing")
    return column, ColumnDeclaration(
        name,
        kind,
        unit=str(entry.get("unit", known.unit)),
        low=low,
        high=high,
        missing=tuple(str(marker) for marker in markers),
        period=float(period) if kind == "circular" else None,
    )


def _read_range(path: Path, where: str, entry: Any) -> tuple[float, float]:
    if isinstance(entry, list) and len(entry) == 2 and all(map(_is_finite, entry)):
        low, high = float(entry[0]), float(entry[1])
        if low <= high:
            return low, high
    return _refuse(path, f"{where}: range {entry!r}; write [lowest, highest]")


def _is_finite(value: Any) -> bool:
    """Whether a value is a number; True, NaN and infinity are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _read_score_entry(path: Path, plan: ColumnPlan, rater: str, entry: Any, names: tuple[str, ...]) -> None:
    where = f"scores, {rater!r}"
    if rater not in RATERS:
        _refuse(path, f"{where}: unknown rater; known are {', '.join(RATERS)}")
    if isinstance(entry, list):
        if len(entry) != len(TRAITS):
            _refuse(
                path, f"{where}: {len(entry)} columns; five are expected, in the order {', '.join(TRAITS)}"
            )
        entry = dict(zip(TRAITS, entry, strict=True))
    if not isinstance(entry, Mapping):
        plan.packed[rater] = _known_column(path, entry, names, where)
        return
    for word, column in entry.items():
        trait = trait_of(str(word))
        if trait is None:
            _refuse(path, f"{where}: unknown trait {str(word)!r}; known are {', '.join(TRAITS)}")
        if (rater, trait) in plan.single:
            _refuse(path, f"{where}: {trait} is named twice")
        plan.single[rater, trait] = _known_column(path, column, names, where)


def _read_embedding_entries(
    path: Path, plan: ColumnPlan, modality: str, entries: Any, names: tuple[str, ...]
) -> None:
    where = f"embeddings, {modality!r}"
    if modality not in ("image", "text"):
        _refuse(path, f"{where}: unknown modality; known are image, text")
    entries = entries if isinstance(entries, list) else [entries]
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, Mapping):
            if set(entry) != {"prefix"}:
                _refuse(path, f"{where}: write a column's name or {{prefix: ...}}")
            prefix = str(entry["prefix"])
            numbered = [
                name
                for name in names
                if name.startswith(prefix) and re.fullmatch("[0-9]{1,9}", name[len(prefix) :])
            ]
            if not numbered:
                _refuse(path, f"{where}: the table has no columns {prefix}0, {prefix}1, ...")
            columns = sorted(numbered, key=lambda name: int(name[len(prefix) :]))
        else:
            columns = [_known_column(path, entry, names, where)]
        plan.embeddings[Slot(modality, number)] = columns
