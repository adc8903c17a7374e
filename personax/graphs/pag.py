"""Endpoint marks of a PAG: from a skeleton and separating sets, with background knowledge.

A PAG (partial ancestral graph) describes all graphs with hidden common causes that fit the independences
found. An arrowhead at j on the edge i *-> j says that j is not a cause of i; a tail at i says that i is a
cause of j, directly or through other nodes; a circle says that both occur among these graphs. (`*` stands for
any mark.) Background knowledge adds only arrowheads: if i is known not to cause j, there is an arrowhead at
i, but never a tail at j, since a hidden common cause of both may explain the edge.

The rules are those of Zhang (2008, "On the completeness of orientation rules for causal discovery in the
presence of latent confounders and selection bias") without selection bias: R0-R4 and R8-R10. With knowledge
in tiers the same rules stay complete (Andrews, Spirtes & Cooper 2020).
"""

from collections.abc import Iterator, Mapping

import networkx as nx
import numpy as np
from jaxtyping import Bool, Int

from personax.graphs.graph import ARROW, CIRCLE, NONE, TAIL

# (i, j) -> nodes given which i and j are independent; a pair is there as (i, j) or as (j, i).
SeparatingSets = Mapping[tuple[int, int], set[int]]


def pag_marks(
    adjacent: Bool[np.ndarray, "d d"], separating: SeparatingSets, forbidden: Bool[np.ndarray, "d d"]
) -> Int[np.ndarray, "d d"]:
    """Endpoint marks (see Graph.marks) that follow from independences and knowledge.

    Args:
        adjacent: symmetric; True for the pairs that no set of nodes separates.
        separating: a separating set of every other pair: a set of nodes given which the two are independent.
        forbidden: True where an arrow i -> j is known to be impossible. The edge i - j gets an arrowhead at i
            if also no chain of permitted arrows leads from i to j: only then i cannot cause j in any way.

    The graph a -> c <- b, where nothing is known about hidden causes:

    >>> adjacent = np.array([[0, 0, 1], [0, 0, 1], [1, 1, 0]], dtype=bool)
    >>> pag_marks(adjacent, {(0, 1): set()}, np.zeros((3, 3), dtype=bool))
    array([[0, 0, 2],
           [0, 0, 2],
           [1, 1, 0]])
    """
    marks = np.where(adjacent, CIRCLE, NONE)
    marks[(adjacent & ~possible_causes(forbidden)).T] = ARROW
    for a, c, b in _unshielded(adjacent):
        if c not in _separating_set(separating, a, b):  # R0
            marks[a, c] = marks[b, c] = ARROW
    while _apply_rules(marks, separating):
        pass
    return marks


def possible_causes(forbidden: Bool[np.ndarray, "d d"]) -> Bool[np.ndarray, "d d"]:
    """True where i may cause j, directly or through others: a chain of permitted arrows leads there."""
    permitted = nx.from_numpy_array(~forbidden, create_using=nx.DiGraph)
    return np.asarray(nx.to_numpy_array(nx.transitive_closure(permitted)) > 0)


def _separating_set(separating: SeparatingSets, a: int, b: int) -> set[int]:
    return separating[a, b] if (a, b) in separating else separating.get((b, a), set())


def _unshielded(adjacent: Bool[np.ndarray, "d d"]) -> Iterator[tuple[int, int, int]]:
    """Triples (a, c, b), a < b, where c is adjacent to both and a is not adjacent to b."""
    for c in range(len(adjacent)):
        neighbours = np.flatnonzero(adjacent[c])
        for position, a in enumerate(neighbours):
            for b in neighbours[position + 1 :]:
                if not adjacent[a, b]:
                    yield int(a), c, int(b)


def _apply_rules(marks: Int[np.ndarray, "d d"], separating: SeparatingSets) -> bool:
    """Apply each rule once, everywhere; True if a mark changed."""
    before = marks.copy()
    _heads_and_tails_of_triples(marks)
    _discriminating_paths(marks, separating)
    _tails_of_directed_edges(marks)
    return not np.array_equal(before, marks)


def _heads_and_tails_of_triples(marks: Int[np.ndarray, "d d"]) -> None:
    """Rules R1-R3. The comment at each loop says which mark is a circle."""
    adjacent = marks != NONE
    for b, c in np.argwhere(marks.T == CIRCLE):  # circle at b on the edge b - c
        known = (marks[:, b] == ARROW) & ~adjacent[:, c]
        known[c] = False
        if known.any() and marks[c, b] == CIRCLE:  # R1: a *-> b o-* c becomes b -> c
            marks[c, b], marks[b, c] = TAIL, ARROW
    for a, c in np.argwhere(marks == CIRCLE):  # circle at c on the edge a - c
        first = (marks[a] == ARROW) & (marks[:, a] == TAIL) & (marks[:, c] == ARROW)  # a -> b *-> c
        second = (marks[a] == ARROW) & (marks[:, c] == ARROW) & (marks[c] == TAIL)  # a *-> b -> c
        if (first | second).any():  # R2
            marks[a, c] = ARROW
    for d, b in np.argwhere(marks == CIRCLE):  # circle at b on the edge d - b
        into_both = np.flatnonzero((marks[:, b] == ARROW) & (marks[:, d] == CIRCLE))
        if (~adjacent[np.ix_(into_both, into_both)] & ~np.eye(len(into_both), dtype=bool)).any():  # R3
            marks[d, b] = ARROW


def _discriminating_paths(marks: Int[np.ndarray, "d d"], separating: SeparatingSets) -> None:
    """R4: a path d, ..., a, b, c whose nodes between d and b are colliders and parents of c decides b."""
    for b, c in np.argwhere(marks.T == CIRCLE).tolist():  # circle at b on the edge b - c
        for a in np.flatnonzero((marks[b] == ARROW) & _parents(marks, c)).tolist():
            start = _start_of_discriminating_path(marks, a, b, c)
            if start is None:
                continue
            if b in _separating_set(separating, start, c):
                marks[c, b], marks[b, c] = TAIL, ARROW
            else:
                marks[a, b] = marks[b, a] = marks[b, c] = marks[c, b] = ARROW
            break


def _start_of_discriminating_path(marks: Int[np.ndarray, "d d"], a: int, b: int, c: int) -> int | None:
    """The node d of a shortest path d, ..., a, b, c as in R4, or None."""
    parents, seen, ahead = _parents(marks, c), {a, b, c}, [a]
    while ahead:
        current = ahead.pop(0)
        for previous in np.flatnonzero(marks[:, current] == ARROW).tolist():
            if previous in seen:
                continue
            seen.add(previous)
            if marks[previous, c] == NONE:
                return int(previous)
            if parents[previous] and marks[current, previous] == ARROW:
                ahead.append(previous)
    return None


def _parents(marks: Int[np.ndarray, "d d"], c: int) -> Bool[np.ndarray, " d"]:
    """(d,) True for i -> c."""
    return np.asarray((marks[:, c] == ARROW) & (marks[c] == TAIL))


def _tails_of_directed_edges(marks: Int[np.ndarray, "d d"]) -> None:
    """Rules R8-R10: a o-> c becomes a -> c."""
    for a, c in np.argwhere((marks == ARROW) & (marks.T == CIRCLE)).tolist():
        between = (marks[a] == ARROW) & (marks[:, a] == TAIL) & _parents(marks, c)  # R8: a -> b -> c
        if between.any() or _uncovered_path_leads_on(marks, a, c) or _paths_to_two_parents(marks, a, c):
            marks[c, a] = TAIL


def _uncovered_path_leads_on(marks: Int[np.ndarray, "d d"], a: int, c: int) -> bool:
    """R9: an uncovered possibly directed path a, b, ..., c, where b and c are not adjacent."""
    return any(
        marks[b, c] == NONE and c in _reached(marks, a, b, without=-1)
        for b in np.flatnonzero(_possibly_directed(marks)[a]).tolist()
        if b != c
    )


def _paths_to_two_parents(marks: Int[np.ndarray, "d d"], a: int, c: int) -> bool:
    """R10: uncovered possibly directed paths lead from a to two parents of c, first steps not adjacent."""
    parents = set(np.flatnonzero(_parents(marks, c)).tolist()) - {a}
    if len(parents) < 2:
        return False
    steps = [int(b) for b in np.flatnonzero(_possibly_directed(marks)[a]) if b != c]
    reached = {step: _reached(marks, a, step, without=c) & parents for step in steps}
    return any(
        marks[first, second] == NONE and len(reached[first] | reached[second]) > 1
        for first in steps
        for second in steps
        if first < second and reached[first] and reached[second]
    )


def _possibly_directed(marks: Int[np.ndarray, "d d"]) -> Bool[np.ndarray, "d d"]:
    """(d, d) True where the edge i - j may be i -> j: no head at i and no tail at j."""
    return np.asarray((marks != NONE) & (marks != TAIL) & (marks.T != ARROW))


def _reached(marks: Int[np.ndarray, "d d"], a: int, b: int, *, without: int) -> set[int]:
    """All ends of uncovered possibly directed paths that begin with a, b and avoid the node `without`.

    In an uncovered path no node is adjacent to the node two steps later.
    """
    forward, found = _possibly_directed(marks), {b}
    paths: list[tuple[int, ...]] = [(a, b)]
    seen = {(a, b)}
    while paths:
        path = paths.pop()
        before, last = path[-2:]
        for following in np.flatnonzero(forward[last] & (marks[before] == NONE)).tolist():
            step = (last, following)
            if following in path or following == without or step in seen:
                continue
            seen.add(step)
            found.add(following)
            paths.append((*path, following))
    return found
