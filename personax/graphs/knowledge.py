"""Background knowledge about a graph: which arrows cannot be, checked against contradictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from personax.graphs.graph import ARROW, NONE, SHARED, TAIL
from personax.runs.errors import InputError
from personax.runs.files import read_yaml


@dataclass(frozen=True)
class Statements:
    """What a person says about a graph, in names; `forbidden_arrows` turns it into a matrix."""

    nothing_into_s: bool = True
    """No arrow from a modality's latent into a shared one (only where there is a block "s")."""
    tiers: tuple[tuple[str, ...], ...] = ()
    """Groups of nodes or blocks, causes first: no arrow from a later tier into an earlier one."""
    cross_modal: tuple[tuple[str, str], ...] | None = None
    """Pairs (from, to) of modalities between which arrows may run; None allows all, () none."""
    forbid: tuple[tuple[str, str], ...] = ()
    """Pairs (from, to) of nodes; forbidding both directions forbids the edge."""


def parse_arrows(text: str, what: str) -> tuple[tuple[str, str], ...]:
    """`a->b, c->d` as pairs. Raises InputError."""
    pairs: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = [end.strip() for end in part.split("->")]
        if len(ends) != 2 or not all(ends):
            raise InputError(
                f"{what}: {part!r} is no arrow; write image->text or z11->z12, with commas between"
            )
        pairs.append((ends[0], ends[1]))
    return tuple(pairs)


def parse_tiers(text: str) -> tuple[tuple[str, ...], ...]:
    """`s; z11, z12; text` as tiers, causes first."""
    split = [tuple(name.strip() for name in tier.split(",") if name.strip()) for tier in text.split(";")]
    return tuple(tier for tier in split if tier)


def read_statements(path: Path | str) -> Statements:
    """Statements from YAML with any of the keys of `Statements`.

    tiers is a list of lists of names, cross_modal and forbid are lists of texts "a->b". Raises InputError,
    naming the file and the key.
    """
    value = read_yaml(path) or {}
    known = [field.name for field in fields(Statements)]
    if not isinstance(value, Mapping):
        raise InputError(f"{path}: must be a mapping with any of the keys {', '.join(known)}")
    for key in value:
        if key not in known:
            raise InputError(f"{path}: unknown key {key!r}; known are {', '.join(known)}")
    parsed: dict[str, Any] = {}
    if "nothing_into_s" in value:
        if not isinstance(value["nothing_into_s"], bool):
            raise InputError(f"{path}: nothing_into_s must be true or false")
        parsed["nothing_into_s"] = value["nothing_into_s"]
    if "tiers" in value:
        tiers = value["tiers"]
        if not isinstance(tiers, list) or not all(isinstance(tier, list) for tier in tiers):
            raise InputError(f"{path}: tiers must be a list of lists of names")
        parsed["tiers"] = tuple(tuple(str(name) for name in tier) for tier in tiers)
    for key in ("cross_modal", "forbid"):
        if key in value:
            if not isinstance(value[key], list):
                raise InputError(f"{path}: {key} must be a list of arrows such as image->text")
            parsed[key] = parse_arrows(",".join(map(str, value[key])), f"{path}: {key}")
    return Statements(**parsed)


def forbidden_arrows(names: Sequence[str], blocks: Mapping[str, str], said: Statements) -> np.ndarray:
    """(d, d) bool, True where i -> j is forbidden.

    `blocks` maps every name to its block. Raises InputError for an unknown name, a node in two tiers, and
    statements that together leave no direction for what one of them speaks of.
    """
    index = {name: i for i, name in enumerate(names)}
    block_of = np.array([blocks.get(name, "") for name in names], dtype=object)
    shared = block_of == SHARED
    into_shared = np.outer(~shared, shared) & said.nothing_into_s
    tier_rules = _tier_rules(index, block_of, said.tiers)
    dead = np.argwhere(into_shared & tier_rules.T)
    if len(dead):
        later, first = (names[i] for i in dead[0])
        raise InputError(
            f"knowledge contradicts itself: nothing may point into {first}, yet the tiers put {later} "
            "before it; reorder the tiers or give --nothing_into_s false"
        )
    forbidden = into_shared | tier_rules | _cross_modal_rules(block_of, said.cross_modal)
    for source, target in said.cross_modal or ():
        if forbidden[np.ix_(block_of == source, block_of == target)].all():
            raise InputError(
                f"knowledge contradicts itself: {source}->{target} is allowed across modalities, "
                "but the tiers forbid every such arrow"
            )
    for source, target in said.forbid:
        for name in (source, target):
            if name not in index:
                raise InputError(f"knowledge: {name!r} is no node; nodes are {', '.join(names)}")
        if source == target:
            raise InputError(f"knowledge: {source}->{target} is no arrow between two nodes")
        forbidden[index[source], index[target]] = True
    return forbidden


def _tier_rules(index: Mapping[str, int], block_of: np.ndarray, tiers: Sequence[Sequence[str]]) -> np.ndarray:
    """(d, d) bool, True from every node in a tier to every node in an earlier tier."""
    tier_of: dict[int, int] = {}
    for number, tier in enumerate(tiers):
        for name in tier:
            members = [index[name]] if name in index else np.flatnonzero(block_of == name).tolist()
            if not members:
                known = ", ".join([*dict.fromkeys(filter(None, block_of)), *index])
                raise InputError(f"knowledge: {name!r} in the tiers is no node or block; known are {known}")
            for member in members:
                if tier_of.setdefault(member, number) != number:
                    node = list(index)[member]
                    raise InputError(
                        f"knowledge contradicts itself: {node} is in tier {tier_of[member] + 1} and in tier "
                        f"{number + 1}; put each node in one"
                    )
    rules = np.zeros((len(index), len(index)), dtype=bool)
    for i, later in tier_of.items():
        for j, earlier in tier_of.items():
            rules[i, j] = later > earlier
    return rules


def _cross_modal_rules(block_of: np.ndarray, allowed: Sequence[tuple[str, str]] | None) -> np.ndarray:
    """(d, d) bool, True between different modalities unless that is allowed; shared latents are exempt."""
    if allowed is None:
        return np.zeros((len(block_of), len(block_of)), dtype=bool)
    modalities = [block for block in dict.fromkeys(block_of) if block != SHARED]
    for pair in allowed:
        for block in pair:
            if block not in modalities:
                known = ", ".join(filter(None, modalities)) or "none here"
                raise InputError(f"knowledge: {block!r} is no modality; modalities are {known}")
        if pair[0] == pair[1]:
            raise InputError(f"knowledge: {pair[0]}->{pair[1]} does not cross modalities")
    permitted = set(allowed)
    rules = np.array([[a != b and (a, b) not in permitted for b in block_of] for a in block_of])
    shared = block_of == SHARED
    return rules & ~shared[:, None] & ~shared[None]


def orient_by_knowledge(marks: np.ndarray, forbidden: np.ndarray) -> np.ndarray:
    """Endpoint marks (d, d) with undirected edges turned the allowed way and doubly forbidden ones removed.

    Arrows against the knowledge stay (see `against`), and nothing is propagated further.
    """
    oriented = marks.copy()
    oriented[forbidden & forbidden.T] = NONE
    turn = (oriented == TAIL) & (oriented.T == TAIL) & forbidden & ~forbidden.T  # i - j where i -> j is out
    oriented[turn.T] = ARROW  # at i, seen from j
    return oriented


def against(marks: np.ndarray, forbidden: np.ndarray) -> int:
    """Number of arrows i -> j in endpoint marks (d, d) that are forbidden."""
    return int(((marks == ARROW) & (marks.T == TAIL) & forbidden).sum())
