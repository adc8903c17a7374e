"""Read the YAML file of the option `--columns`, in which the user says what the columns of a table are.

    file: {delimiter: ";", encoding: latin-1}   # only if the table is no usual CSV (file_form.py)
    id: person                     # column with the identifiers
    features:
      Height: stature              # a feature of the schema: its kind and range are known
      Weight: {column: pounds, unit: lb}
      Team: {column: club, kind: nominal, missing: []}
      Shoe_size: {column: shoe, kind: ordinal, unit: EU, range: [20, 60], missing: ["-1"]}
      School: {column: school, kind: ordinal, order: [primary, secondary, university]}
      Wind: {column: wind_from, kind: circular, period: 360}
      Born: {column: born, kind: date}             # gives Born_year, Born_month and Born_day_of_year
      Birthmonth: {column: born, kind: date, part: month, format: "%d.%m.%Y"}
    scores:
      chatgpt: answers             # one column with all five traits, or
      gemini: [g_o, g_c, g_e, g_a, g_n]   # one column each, in the order O, C, E, A, N
      aggregated: {Openness: final_open, Neuroticism: final_neuro}
      self: {columns: [q_o, q_c, q_e, q_a, q_n], range: [1, 5], missing: [9]}
    targets:                       # these are tested against the features, in place of traits
      Grip: {column: grip_kg, kind: continuous, unit: kg}
    embeddings:
      image: [photo_1, photo_2]    # list columns, one per measurement, or
      text: [{prefix: gpt_}]       # separate columns gpt_0, gpt_1, ...
    ignore: [notes]

All other columns are recognised by their names, as they are without such a file. `--columns auto` writes such
a file (proposal.py).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from personax.runs.errors import InputError
from personax.runs.files import read_yaml
from personax.tables.declarations import LLM_SCALE, ScoreScale, read_declarations, read_scale
from personax.tables.embeddings import Slot
from personax.tables.schema import TRAITS, ColumnDeclaration
from personax.tables.trait_scores import RATERS, trait_of

SECTIONS = ("file", "id", "features", "scores", "targets", "embeddings", "ignore")
UNKNOWN, UNUSED = "unknown", "not used"  # why a column is ignored: a guess about it helps, or does not
TARGETS = "targets"  # the source of scores that are no scores of traits


@dataclass
class ColumnPlan:
    """Which column of a file holds what.

    Attributes:
        id: column of the identifiers, or None.
        features: feature -> (column, declaration). Two features may be read from one column.
        targets: target -> (column, declaration), in the same way.
        packed: rater -> column that holds all five traits in each cell.
        single: (rater, trait) -> column that holds one trait. Without a rater (None), it holds the aggregated
            score or the scores of all raters.
        scales: rater -> scale of the scores; `LLM_SCALE` for raters that are not named.
        embeddings: measurement -> one column of lists, or the columns of the single coordinates.
        ignored: column that is not used -> the reason.
        where: the `--columns` file, for messages; "" without one.
    """

    id: str | None = None
    features: dict[str, tuple[str, ColumnDeclaration]] = field(default_factory=dict)
    targets: dict[str, tuple[str, ColumnDeclaration]] = field(default_factory=dict)
    packed: dict[str, str] = field(default_factory=dict)
    single: dict[tuple[str | None, str], str] = field(default_factory=dict)
    scales: dict[str, ScoreScale] = field(default_factory=dict)
    embeddings: dict[Slot, list[str]] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    where: str = ""

    def used(self) -> Iterator[str]:
        """Every column that the plan mentions; one that holds two features twice."""
        yield from (column for column, _ in self.features.values())
        yield from (column for column, _ in self.targets.values())
        yield from self.used_once()

    def used_once(self) -> Iterator[str]:
        """The columns that hold one thing only."""
        if self.id is not None:
            yield self.id
        yield from self.packed.values()
        yield from self.single.values()
        for columns in self.embeddings.values():
            yield from columns
        yield from self.ignored

    def scale(self, rater: str | None) -> ScoreScale:
        """The scale of a rater; None is for columns that hold the scores of all raters."""
        return self.scales.get(rater or "aggregated", LLM_SCALE)


def read_columns(path: Path, names: tuple[str, ...]) -> ColumnPlan:
    """The plan in a `--columns` file, for a table with the columns `names`.

    Raises:
        InputError: the file is not YAML, names a key twice or one column as two things, or has an unknown
            key, column, trait or kind.
    """
    document = read_document(path)
    plan = ColumnPlan(where=str(path))
    if document.get("id") is not None:
        plan.id = _known_column(path, document["id"], names, "id")
    for section, place in (("features", plan.features), ("targets", plan.targets)):
        for name, entry in _section(path, document, section):
            column, declared = read_declarations(f"{path}: {section}, {name!r}", name, entry)
            _known_column(path, column, names, f"{section}, {name!r}")
            for declaration in declared:
                if declaration.name in plan.features or declaration.name in plan.targets:
                    _refuse(path, f"{section}: {declaration.name!r} is named twice")
                place[declaration.name] = column, declaration
    for rater, entry in _section(path, document, "scores"):
        _read_score_entry(path, plan, rater, entry, names)
    for modality, entries in _section(path, document, "embeddings"):
        _read_embedding_entries(path, plan, modality, entries, names)
    for name in _list_entry(path, document.get("ignore") or [], "ignore"):
        if name in plan.ignored:
            _refuse(path, f"column {name!r} is named twice")
        plan.ignored[_known_column(path, name, names, "ignore")] = "by --columns"
    _refuse_two_meanings(path, plan)
    return plan


def read_document(path: Path) -> Mapping[str, Any]:
    """The sections of a `--columns` file. Raises InputError if it is no such file."""
    document = read_yaml(path)
    if not isinstance(document, Mapping):
        raise InputError(f"{path}: expected sections {', '.join(SECTIONS)}")
    for section in document:
        if section not in SECTIONS:
            _refuse(path, f"unknown section {section!r}; known are {', '.join(SECTIONS)}")
    return document


def _refuse_two_meanings(path: Path, plan: ColumnPlan) -> None:
    """InputError for a column that holds two things. Only features and targets may share theirs."""
    counts = Counter(plan.used_once())
    counts.update({column for column, _ in plan.features.values()})
    counts.update({column for column, _ in plan.targets.values()})
    twice = [column for column, count in counts.items() if count > 1]
    if twice:
        _refuse(path, f"column {twice[0]!r} is named twice")


def _refuse(path: Path, problem: str) -> NoReturn:
    raise InputError(f"{path}: {problem}")


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


def _read_score_entry(path: Path, plan: ColumnPlan, rater: str, entry: Any, names: tuple[str, ...]) -> None:
    where = f"scores, {rater!r}"
    if rater == TARGETS:
        _refuse(path, f"{where}: targets have a section of their own")
    default = LLM_SCALE if rater in RATERS else ScoreScale(None, None, kind="continuous")
    is_scale = isinstance(entry, Mapping) and "columns" in entry
    plan.scales[rater] = read_scale(f"{path}: {where}", entry if is_scale else {}, default)
    columns = entry["columns"] if is_scale else entry
    if isinstance(columns, list):
        if len(columns) != len(TRAITS):
            _refuse(
                path, f"{where}: {len(columns)} columns; five are expected, in the order {', '.join(TRAITS)}"
            )
        columns = dict(zip(TRAITS, columns, strict=True))
    if not isinstance(columns, Mapping):
        plan.packed[rater] = _known_column(path, columns, names, where)
        return
    if not columns:
        _refuse(path, f"{where}: no column; write one, five, or traits with theirs, as {{Openness: q_o}}")
    for word, column in columns.items():
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
