"""Background knowledge about a graph: which arrows are impossible. Contradictions are refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from personax.graphs.graph import ARROW, NONE, TAIL, block_of_names
from personax.runs.errors import InputError
from personax.runs.files import read_yaml
from personax.views import SHARED


@dataclass(frozen=True)
class Statements:
    """What the user knows about a graph, in names of nodes; `forbidden_arrows` turns it into a matrix.

    A block holds the latents of one modality, or the shared latents (block "s").
    """

    nothing_into_s: bool = True
    """No arrow from a latent of a modality into a shared latent (only where there is a block "s")."""
    tiers: tuple[tuple[str, ...], ...] = ()
    """Groups of nodes or blocks, causes first: no arrow from a later group into an earlier one."""
    cross_modal: tuple[tuple[str, str], ...] | None = None
    """Pairs (from, to) of modalities between which arrows are allowed; None allows all, () allows none."""
    forbid: tuple[tuple[str, str], ...] = ()
    """Pairs (from, to) of nodes without an arrow from the first to the second. If both directions are given,
    PC and GES have no edge at all between the two, and FCI only allows <-> (a hidden common cause)."""


def parse_arrows(text: str, what: str) -> tuple[tuple[str, str], ...]:
    """Read arrows that are separated by commas. Raises InputError; its message begins with `what`.

    >>> parse_arrows("image->text, z11->z12", "--forbid")
    (('image', 'text'), ('z11', 'z12'))
    """
    pairs: list[tuple[str, str]] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        ends = [end.strip() for end in part.split("->")]
        if len(ends) != 2 or not all(ends):
            raise InputError(
                f"{what}: {part!r} is not an arrow; write arrows as image->text or z11->z12, with commas"
            )
        pairs.append((ends[0], ends[1]))
    return tuple(pairs)


def parse_tiers(text: str) -> tuple[tuple[str, ...], ...]:
    """Read tiers (groups of names), causes first, with semicolons between tiers and commas within them.

    >>> parse_tiers("s; z11, z12; text")
    (('s',), ('z11', 'z12'), ('text',))
    """
    split = [tuple(name.strip() for name in tier.split(",") if name.strip()) for tier in text.split(";")]
    return tuple(tier for tier in split if tier)


def read_statements(path: Path | str) -> Statements:
    """Read statements from a YAML file with any of the keys of `Statements`.

    `tiers` is a list of lists of names; `cross_modal` and `forbid` are lists of texts such as "a->b". Raises
    InputError, which names the file and the key.
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


def forbidden_arrows(
    names: Sequence[str], blocks: Mapping[str, Sequence[str]], statements: Statements
) -> Bool[np.ndarray, "d d"]:
    """Return a matrix over the d `names` that is True where i -> j is forbidden.

    `blocks` is block -> names; names that are left out belong to the block "". Raises InputError for an
    unknown name, for a node in two tiers, and for contradictions: a statement allows arrows that the others
    forbid, or the tiers put a latent of a modality before a shared latent.

    >>> blocks = {"s": ["s1"], "image": ["z11"]}
    >>> forbidden_arrows(["s1", "z11"], blocks, Statements())  # z11 -> s1 only
    array([[False, False],
           [ True, False]])
    """
    index = {name: i for i, name in enumerate(names)}
    block_of = _block_of_each(names, blocks)
    shared = block_of == SHARED
    into_shared = np.outer(~shared, shared) & statements.nothing_into_s
    tier_rules = _tier_rules(index, block_of, statements.tiers)
    dead = np.argwhere(into_shared & tier_rules.T)
    if len(dead):
        later, first = (names[i] for i in dead[0])
        raise InputError(
            f"knowledge contradicts itself: nothing may point into {first}, but the tiers put {later} "
            "before it; reorder the tiers or give --nothing_into_s false"
        )
    forbidden: np.ndarray = into_shared | tier_rules | _cross_modal_rules(block_of, statements.cross_modal)
    for source, target in statements.cross_modal or ():
        if forbidden[np.ix_(block_of == source, block_of == target)].all():
            raise InputError(
                f"knowledge contradicts itself: {source}->{target} is allowed across modalities, "
                "but the tiers forbid every such arrow"
            )
    for source, target in statements.forbid:
        for name in (source, target):
            if name not in index:
                raise InputError(f"knowledge: {name!r} is not a node; nodes are {', '.join(names)}")
        if source == target:
            raise InputError(f"knowledge: {source}->{target} is not an arrow between two nodes")
        forbidden[index[source], index[target]] = True
    return forbidden


def _block_of_each(names: Sequence[str], blocks: Mapping[str, Sequence[str]]) -> Shaped[np.ndarray, " d"]:
    """(d,) the block of every name."""
    block_of = block_of_names(names, blocks)
    return np.array([block_of[name] for name in names], dtype=object)


def _tier_rules(
    index: Mapping[str, int], block_of: Shaped[np.ndarray, " d"], tiers: Sequence[Sequence[str]]
) -> Bool[np.ndarray, "d d"]:
    """(d, d) bool, True from every node in a tier to every node in an earlier tier."""
    tier_of: dict[int, int] = {}
    for number, tier in enumerate(tiers):
        for name in tier:
            members = [index[name]] if name in index else np.flatnonzero(block_of == name).tolist()
            if not members:
                known = ", ".join([*dict.fromkeys(filter(None, block_of)), *index])
                raise InputError(f"knowledge: {name!r} in the tiers is not a node or block; use {known}")
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


def _cross_modal_rules(
    block_of: Shaped[np.ndarray, " d"], allowed: Sequence[tuple[str, str]] | None
) -> Bool[np.ndarray, "d d"]:
    """(d, d) bool, True for arrows between two modalities that are not in `allowed`.

    All arrows from and to shared latents are False.
    """
    if allowed is None:
        return np.zeros((len(block_of), len(block_of)), dtype=bool)
    modalities = [block for block in dict.fromkeys(block_of) if block != SHARED]
    for pair in allowed:
        for block in pair:
            if block not in modalities:
                known = ", ".join(filter(None, modalities)) or "none here"
                raise InputError(f"knowledge: {block!r} is not a modality; modalities are {known}")
        if pair[0] == pair[1]:
            raise InputError(f"knowledge: {pair[0]}->{pair[1]} does not cross modalities")
    permitted = set(allowed)
    rules = np.array([[a != b and (a, b) not in permitted for b in block_of] for a in block_of])
    shared = block_of == SHARED
    between_modalities: np.ndarray = rules & ~shared[:, None] & ~shared[None]
    return between_modalities


def orient_by_knowledge(
    marks: Int[np.ndarray, "d d"], forbidden: Bool[np.ndarray, "d d"]
) -> Int[np.ndarray, "d d"]:
    """Apply the knowledge to the endpoint marks of a graph that has been found.

    Undirected edges get the allowed direction, and edges that are forbidden in both directions are removed.
    Arrows that contradict the knowledge stay (see `forbidden_arrows_found`). The new directions are not used
    to find directions of other edges.
    """
    oriented = marks.copy()
    oriented[forbidden & forbidden.T] = NONE
    # An undirected edge i - j where only i -> j is forbidden becomes j -> i: an arrowhead at i.
    turn = (oriented == TAIL) & (oriented.T == TAIL) & forbidden & ~forbidden.T
    oriented[turn.T] = ARROW
    return oriented


def forbidden_arrows_found(marks: Int[np.ndarray, "d d"], forbidden: Bool[np.ndarray, "d d"]) -> int:
    """Count the arrows i -> j in endpoint marks that are forbidden."""
    return int(((marks == ARROW) & (marks.T == TAIL) & forbidden).sum())
