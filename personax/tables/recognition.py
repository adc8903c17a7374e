"""Recognise what the columns of a file hold: by their names and, for embeddings, also by their cells."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Literal

from personax.runs.errors import InputError
from personax.tables.column_map import ColumnPlan
from personax.tables.embeddings import Slot, numbered_columns, slot_of
from personax.tables.reading import FEWEST_DIMENSIONS, RawTable
from personax.tables.schema import (
    ID_NAMES,
    SIMULATED_NAME,
    TRUTH_PREFIX,
    UNUSED_NAMES,
    ColumnDeclaration,
    plain,
)
from personax.tables.trait_scores import SCORE_NAMES, ScoreMeaning

Meaning = Literal["the identifier"] | ColumnDeclaration | ScoreMeaning
ID_SPELLINGS = {plain(word) for word in ID_NAMES}
UNUSED_SPELLINGS = {plain(word) for word in UNUSED_NAMES}


def complete_plan(raw: RawTable, schema: tuple[ColumnDeclaration, ...], by_hand: ColumnPlan) -> ColumnPlan:
    """Add to the plan `by_hand`, which the user has written, all other columns of the file.

    Unknown columns are ignored. The choices of the user are never changed.

    Raises:
        InputError: two columns of the file have the same meaning.
    """
    plan = deepcopy(by_hand)
    named = set(by_hand.used())
    rest = _place_embeddings(raw, plan, by_hand, [name for name in raw.names if name not in named])
    known = {plain(word): column for column in schema for word in (column.name, *column.aliases)}
    taken: dict[Meaning, str] = {}
    for name in rest:
        if name == SIMULATED_NAME or name.startswith(TRUTH_PREFIX):
            continue
        meaning = _meaning_of(name, known)
        if meaning is None:
            plan.ignored[name] = _why_ignored(name)
        elif _named_by_hand(meaning, by_hand):
            plan.ignored[name] = "another column was named by hand"
        elif meaning in taken:
            raise InputError(
                f"{raw.label}: columns {taken[meaning]!r} and {name!r} have the same meaning "
                f"({_described(meaning)}); remove one, or say which in a --columns file"
            )
        else:
            taken[meaning] = name
            _assign(plan, name, meaning)
    return plan


def _meaning_of(name: str, known: Mapping[str, ColumnDeclaration]) -> Meaning | None:
    """What a column holds, by its name; None if the name is unknown."""
    spelled = plain(name)
    if spelled in ID_SPELLINGS:
        return "the identifier"
    return known.get(spelled) or SCORE_NAMES.get(spelled)


def _why_ignored(name: str) -> str:
    spelled = plain(name)
    if spelled in UNUSED_SPELLINGS or spelled.startswith("unnamed") or not spelled:
        return "not used"
    return "not vectors" if slot_of(name) else "unknown"


def _named_by_hand(meaning: Meaning, by_hand: ColumnPlan) -> bool:
    """Whether the user's plan already has a column with this meaning."""
    if isinstance(meaning, ColumnDeclaration):
        return meaning.name in by_hand.features
    if isinstance(meaning, ScoreMeaning):
        return meaning.rater in by_hand.packed or any(rater == meaning.rater for rater, _ in by_hand.single)
    return by_hand.id is not None


def _assign(plan: ColumnPlan, name: str, meaning: Meaning) -> None:
    """Enter a column into the plan."""
    if isinstance(meaning, ColumnDeclaration):
        plan.features[meaning.name] = (name, meaning)
    elif not isinstance(meaning, ScoreMeaning):
        plan.id = name
    elif meaning.trait is not None:
        plan.single[meaning.rater, meaning.trait] = name
    elif meaning.rater is not None:
        plan.packed[meaning.rater] = name


def _described(meaning: Meaning) -> str:
    if isinstance(meaning, ColumnDeclaration):
        return meaning.name
    return " ".join(part for part in meaning if part) if isinstance(meaning, ScoreMeaning) else meaning


def _place_embeddings(raw: RawTable, plan: ColumnPlan, by_hand: ColumnPlan, names: list[str]) -> list[str]:
    """Find the columns of embeddings among `names`; return the others."""
    by_hand_modalities = {slot.modality for slot in by_hand.embeddings}
    found: dict[Slot, list[str]] = {}
    for stem, columns in numbered_columns(names).items():
        slot = slot_of(stem)
        if slot and len(columns) >= FEWEST_DIMENSIONS and not raw.holds_vectors(columns[0]):
            _place_slot(raw, found, slot, columns)
    for name in names:
        slot = slot_of(name)
        if slot and plain(name) not in SCORE_NAMES and raw.holds_vectors(name):
            _place_slot(raw, found, slot, [name])
    for slot, columns in found.items():
        if slot.modality in by_hand_modalities:
            plan.ignored |= dict.fromkeys(columns, "other columns were named by hand")
        else:
            plan.embeddings[slot] = columns
    placed = {name for columns in found.values() for name in columns}
    return [name for name in names if name not in placed]


def _place_slot(raw: RawTable, found: dict[Slot, list[str]], slot: Slot, columns: list[str]) -> None:
    if slot in found:
        raise InputError(
            f"{raw.label}: columns {found[slot][0]!r} and {columns[0]!r} both hold {slot.modality} "
            f"embeddings {slot.number}; remove one, or say which in a --columns file"
        )
    found[slot] = columns
