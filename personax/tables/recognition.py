"""Which column of a file is what, by name and, for embeddings, by what its cells hold."""

from personax.runs.errors import InputError
from personax.tables.columns import Plan
from personax.tables.embeddings import Slot, numbered_columns, slot_of
from personax.tables.reading import FEWEST_DIMENSIONS, RawTable
from personax.tables.schema import (
    ID_NAMES,
    SIMULATED_NAME,
    TRUTH_PREFIX,
    UNUSED_NAMES,
    Column,
    plain,
)
from personax.tables.scores import SCORE_NAMES


def complete_plan(raw: RawTable, schema: tuple[Column, ...], by_hand: Plan) -> Plan:
    """`by_hand` with a place for every other column of the file; the unknown ones are ignored.

    What the user mapped by hand is never overridden. Raises InputError where two columns of the file mean
    the same.
    """
    plan = Plan(
        by_hand.id,
        dict(by_hand.features),
        dict(by_hand.packed),
        dict(by_hand.single),
        dict(by_hand.embeddings),
        dict(by_hand.ignored),
    )
    named = set(by_hand.used())
    rest = _embeddings(raw, plan, by_hand, [name for name in raw.names if name not in named])
    known = {plain(word): column for column in schema for word in (column.name, *column.aliases)}
    ids, unused = {plain(word) for word in ID_NAMES}, {plain(word) for word in UNUSED_NAMES}
    taken: dict[object, str] = {}
    for name in rest:
        spelled = plain(name)
        place: object
        if name == SIMULATED_NAME or name.startswith(TRUTH_PREFIX):
            continue
        if spelled in ids:
            place, occupied = "the identifier", by_hand.id is not None
        elif spelled in known:
            place, occupied = known[spelled].name, known[spelled].name in by_hand.features
        elif spelled in SCORE_NAMES:
            rater, trait = place = SCORE_NAMES[spelled]
            occupied = rater in by_hand.packed or any(key[0] == rater for key in by_hand.single)
        else:
            reason = "unknown"
            if spelled in unused or spelled.startswith("unnamed") or not spelled:
                reason = "not used"
            elif slot_of(name):
                reason = "not vectors"
            plan.ignored[name] = reason
            continue
        if occupied:
            plan.ignored[name] = "another column was named by hand"
            continue
        if place in taken:
            raise InputError(
                f"{raw.label}: columns {taken[place]!r} and {name!r} mean the same ({_described(place)}); "
                "remove one, or say which in a --columns file"
            )
        taken[place] = name
        if spelled in ids:
            plan.id = name
        elif spelled in known:
            plan.features[known[spelled].name] = (name, known[spelled])
        else:
            rater, trait = SCORE_NAMES[spelled]
            if trait is None and rater is not None:
                plan.packed[rater] = name
            elif trait is not None:
                plan.single[rater, trait] = name
    return plan


def _described(place: object) -> str:
    return " ".join(str(part) for part in place if part) if isinstance(place, tuple) else str(place)


def _embeddings(raw: RawTable, plan: Plan, by_hand: Plan, names: list[str]) -> list[str]:
    """Find the columns of embeddings among `names`; return the others."""
    by_hand_modalities = {slot.modality for slot in by_hand.embeddings}
    found: dict[Slot, list[str]] = {}
    for stem, columns in numbered_columns(names).items():
        slot = slot_of(stem)
        if slot and len(columns) >= FEWEST_DIMENSIONS and not raw.holds_vectors(columns[0]):
            _place(raw, found, slot, columns)
    for name in names:
        slot = slot_of(name)
        if slot and plain(name) not in SCORE_NAMES and raw.holds_vectors(name):
            _place(raw, found, slot, [name])
    for slot, columns in found.items():
        if slot.modality in by_hand_modalities:
            plan.ignored |= dict.fromkeys(columns, "other columns were named by hand")
        else:
            plan.embeddings[slot] = columns
    placed = {name for columns in found.values() for name in columns}
    return [name for name in names if name not in placed]


def _place(raw: RawTable, found: dict[Slot, list[str]], slot: Slot, columns: list[str]) -> None:
    if slot in found:
        raise InputError(
            f"{raw.label}: columns {found[slot][0]!r} and {columns[0]!r} both hold {slot.modality} "
            f"embeddings {slot.number}; remove one, or say which in a --columns file"
        )
    found[slot] = columns
