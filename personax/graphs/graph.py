"""Graph: names, edges and what is known about them. All code passes and stores graphs as this type.

Terms: a DAG is a directed graph without cycles. A CPDAG has directions only where all DAGs with the same
independences agree. A PAG also allows for hidden common causes. A mark is what an edge has at one of its two
ends: an arrowhead, a tail (plain end), or a circle (unknown).
"""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Num, Shaped

from personax.runs.described import Described, listed
from personax.runs.errors import InputError
from personax.runs.files import read_json, write_json
from personax.views import SHARED

# Endpoint marks, in the coding of the R package pcalg: marks[i, j] is the mark at j of the edge between i
# and j.
NONE, CIRCLE, ARROW, TAIL = 0, 1, 2, 3
_MARK_TEXT = {
    (TAIL, ARROW): "->",
    (TAIL, TAIL): "---",
    (ARROW, ARROW): "<->",
    (CIRCLE, ARROW): "o->",
    (CIRCLE, CIRCLE): "o-o",
    (CIRCLE, TAIL): "o--",
}


class Edge(NamedTuple):
    """One edge: the indices of its two nodes and its mark. A single arrowhead is always at `target`."""

    source: int
    target: int
    mark: str


# causal-learn: G[j, i] is the mark at j of the edge between i and j.
_FROM_CAUSAL_LEARN = {0: NONE, -1: TAIL, 1: ARROW, 2: CIRCLE}


def marks_from_causal_learn(graph: Shaped[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"]:
    """Translate causal-learn's matrix, where G[i, j] = -1 and G[j, i] = 1 mean i -> j, into endpoint marks.

    >>> marks_from_causal_learn(np.array([[0, -1], [1, 0]]))  # an arrowhead (2) at 1 and a tail (3) at 0
    array([[0, 2],
           [3, 0]])
    """
    translate = np.vectorize(_FROM_CAUSAL_LEARN.__getitem__, otypes=[int])
    marks: np.ndarray = translate(np.asarray(graph).T.astype(int))
    return marks


def check_adjacency(adjacency: Shaped[np.ndarray, "..."], name: str = "adjacency") -> Bool[np.ndarray, "d d"]:
    """Return `adjacency` (d, d) as an array of bool.

    Raises ValueError unless it is square, holds only 0 and 1, and has an empty diagonal. The message begins
    with `name`.
    """
    array = np.asarray(adjacency)
    if array.dtype.kind not in "biufO":
        raise ValueError(f"{name}: holds {array.dtype}; must be 0 and 1")
    if array.ndim != 2 or array.shape[0] != array.shape[1]:
        raise ValueError(f"{name}: shape {array.shape} is not square")
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name}: holds values other than 0 and 1")
    if np.diag(array).any():
        raise ValueError(f"{name}: has an edge from a node to itself")
    return array.astype(bool)


def marks_from_adjacency(adjacency: Int[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"]:
    """Endpoint marks of a DAG or CPDAG, where A[i, j] = 1 means i -> j and both entries 1 mean i — j."""
    a = check_adjacency(adjacency)
    marks = np.full(a.shape, NONE)
    marks[a & ~a.T] = ARROW
    marks[~a & a.T] = TAIL
    marks[a & a.T] = TAIL
    return marks


def adjacency_from_marks(marks: Int[np.ndarray, "d d"]) -> Int[np.ndarray, "d d"]:
    """Adjacency of endpoint marks: with one arrowhead one entry is 1 (o-> counts as ->), else both are."""
    edge, head = marks != NONE, marks == ARROW
    adjacency: np.ndarray = (edge & (head | ~head.T)).astype(int)
    return adjacency


def block_of_names(names: Sequence[str], blocks: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return name -> its block, in the order of `names`; a name in no block gets the block "".

    Raises ValueError if `blocks` (block -> names) holds another name, or a name twice.

    >>> block_of_names(["s1", "z11", "x"], {"image": ["z11"], "s": ["s1"]})
    {'s1': 's', 'z11': 'image', 'x': ''}
    """
    found: dict[str, str] = {}
    for block, members in blocks.items():
        for name in members:
            if name not in names:
                raise ValueError(f"blocks: {name!r} is not a node")
            if name in found:
                raise ValueError(f"blocks: {name!r} occurs twice")
            found[name] = block
    return {name: found.get(name, "") for name in names}


def group_by_block(block_of: Mapping[str, str]) -> dict[str, list[str]]:
    """Turn name -> block into block -> names; blocks and names keep their order.

    >>> group_by_block({"s1": "s", "z11": "image", "z12": "image"})
    {'s': ['s1'], 'image': ['z11', 'z12']}
    """
    blocks: dict[str, list[str]] = {}
    for name, block in block_of.items():
        blocks.setdefault(block, []).append(name)
    return blocks


@dataclass(frozen=True, repr=False)
class Graph(Described):
    """A graph over d named nodes.

    Attributes:
        names: d distinct node names.
        adjacency: (d, d) of 0 and 1; A[i, j] = 1 means i -> j, and both entries 1 mean an undirected edge
            i — j.
        weights: (d, d) weight of i -> j, or None.
        frequency: (d, d) symmetric; the share of resamples in which i and j are adjacent; or None.
        blocks: block -> names of its nodes. A block holds the latents of one modality, or the shared
            latents (block "s"). Nodes that are left out belong to the block "".
        marks: (d, d) endpoint marks, where the adjacency cannot express them (bidirected edges and circle
            marks of FCI). None: they follow from the adjacency.
        orientation: (d, d) share of resamples with i -> j among those in which i and j are adjacent, or
            None.
        simulated: True if the latents come from simulated people; the picture then has a note "simulated
            people".
        calibrated: True if frequency and orientation are no shares of resamples, but probabilities that hold
            on simulated models (sureness.py).

    Raises ValueError for shapes or names that do not agree.

    >>> adjacency = np.array([[0, 1, 0], [0, 0, 1], [0, 1, 0]])
    >>> graph = Graph(["s1", "z11", "z12"], adjacency, blocks={"s": ["s1"], "image": ["z11", "z12"]})
    >>> graph.edge_texts()
    ['s1 -> z11', 'z11 --- z12']
    >>> graph
    Graph(nodes: 3, edges: s1 -> z11, z11 --- z12, s: s1, image: z11, z12)
    >>> graph.block_of["z12"]
    'image'
    """

    names: Sequence[str]
    adjacency: Shaped[np.ndarray, "d d"]
    weights: Num[np.ndarray, "d d"] | None = None
    frequency: Num[np.ndarray, "d d"] | None = None
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    marks: Num[np.ndarray, "d d"] | None = None
    orientation: Num[np.ndarray, "d d"] | None = None
    simulated: bool = False
    calibrated: bool = False

    def __post_init__(self) -> None:
        names = [str(name) for name in self.names]
        if len(set(names)) != len(names):
            raise ValueError("names: some name occurs twice")
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "blocks", group_by_block(block_of_names(names, self.blocks)))
        object.__setattr__(self, "adjacency", check_adjacency(self.adjacency).astype(int))
        for key in ("adjacency", "weights", "frequency", "marks", "orientation"):
            value = getattr(self, key)
            if value is not None:
                array = np.asarray(value)
                if array.shape != (len(names), len(names)):
                    raise ValueError(f"{key}: shape {array.shape}, but there are {len(names)} names")
                object.__setattr__(self, key, array)
        if self.marks is not None:
            if not np.isin(self.marks, (NONE, CIRCLE, ARROW, TAIL)).all():
                raise ValueError("marks: holds values other than 0, 1, 2 and 3")
            unmarked = self.marks == NONE
            if (unmarked != unmarked.T).any() or not unmarked.diagonal().all():
                raise ValueError("marks: an edge has a mark at both of its ends, and connects two nodes")
            object.__setattr__(self, "marks", self.marks.astype(int))

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {"nodes": len(self.names), "edges": listed(self.edge_texts())}
        facts |= {block or "other": listed(self.blocks[block]) for block in self.block_names}
        return facts | ({"people": "simulated"} if self.simulated else {})

    @property
    def endpoint_marks(self) -> Int[np.ndarray, "d d"]:
        """(d, d) endpoint marks: those given, or those that follow from the adjacency."""
        return marks_from_adjacency(self.adjacency) if self.marks is None else self.marks

    @property
    def block_names(self) -> list[str]:
        """The blocks in the order of their first node, shared latents first."""
        return sorted(self.blocks, key=lambda block: block != SHARED)

    @property
    def block_of(self) -> dict[str, str]:
        """Node name -> its block."""
        return block_of_names(self.names, self.blocks)

    def members(self, block: str) -> list[int]:
        """Indices of the nodes of a block."""
        return [self.names.index(name) for name in self.blocks[block]]

    def edges(self) -> list[Edge]:
        """Every edge once, ordered by source and target."""
        marks, found = self.endpoint_marks, []
        for i, j in zip(*np.nonzero(np.triu(marks != NONE, 1)), strict=True):
            source, target = int(i), int(j)
            if (marks[j, i], marks[i, j]) not in _MARK_TEXT:
                source, target = target, source
            ends = (int(marks[target, source]), int(marks[source, target]))
            found.append(Edge(source, target, _MARK_TEXT[ends]))
        return sorted(found)

    def edge_texts(self) -> list[str]:
        """The edges as texts such as "s1 -> z11", in the order of `edges`."""
        return [f"{self.names[edge.source]} {edge.mark} {self.names[edge.target]}" for edge in self.edges()]

    def permuted(self, order: Sequence[int]) -> "Graph":
        """The same graph with its nodes in another order; `order` holds their current indices."""

        def moved(matrix: Num[np.ndarray, "d d"] | None) -> Num[np.ndarray, "d d"] | None:
            return None if matrix is None else matrix[np.ix_(order, order)]

        return replace(
            self,
            names=[self.names[i] for i in order],
            adjacency=self.adjacency[np.ix_(order, order)],
            weights=moved(self.weights),
            frequency=moved(self.frequency),
            marks=moved(self.marks),
            orientation=moved(self.orientation),
        )

    def table(self) -> pd.DataFrame:
        """One row per edge: from, to, mark, frequency, orientation_frequency, weight; NaN where unknown."""

        def entry(matrix: Num[np.ndarray, "d d"] | None, edge: Edge) -> float:
            return float("nan") if matrix is None else float(matrix[edge.source, edge.target])

        rows = [
            {
                "from": self.names[edge.source],
                "to": self.names[edge.target],
                "mark": edge.mark,
                "frequency": entry(self.frequency, edge),
                "orientation_frequency": entry(self.orientation, edge),
                "weight": entry(self.weights, edge),
            }
            for edge in self.edges()
        ]
        columns = ["from", "to", "mark", "frequency", "orientation_frequency", "weight"]
        return pd.DataFrame(rows, columns=columns)

    def to_dot(self, labels: Mapping[str, str]) -> str:
        """The graph in Graphviz's language; `labels` maps node names to a second line of text."""
        ends = {NONE: "none", TAIL: "none", ARROW: "normal", CIRCLE: "odot"}
        marks, lines = self.endpoint_marks, ["digraph {", "  node [shape=box, style=rounded];"]
        for name in self.names:
            text = f"{name}\n{labels[name]}" if labels.get(name) else name
            lines.append(f"  {dot_text(name)} [label={dot_text(text)}];")
        for edge in self.edges():
            source, target = (dot_text(self.names[i]) for i in edge[:2])
            head, tail = ends[marks[edge.source, edge.target]], ends[marks[edge.target, edge.source]]
            lines.append(f"  {source} -> {target} [dir=both, arrowhead={head}, arrowtail={tail}];")
        return "\n".join([*lines, "}"]) + "\n"

    def to_json(self, path: Path | str) -> None:
        """Write the graph to a JSON file; this is the format of graph.json in a run folder."""
        value: dict[str, Any] = {"names": self.names, "blocks": self.blocks, "adjacency": self.adjacency}
        for key in ("weights", "frequency", "marks", "orientation"):
            if getattr(self, key) is not None:
                value[key] = getattr(self, key)
        write_json(path, value | {"simulated": self.simulated, "calibrated": self.calibrated})

    @classmethod
    def from_json(cls, path: Path | str) -> "Graph":
        """Read a file that `to_json` wrote. Raises InputError, which names the file, for any other file."""
        value = read_json(path)
        missing = {"names", "adjacency"} - set(value if isinstance(value, dict) else ())
        if missing:
            raise InputError(
                f"{path}: the key {sorted(missing)[0]!r} is missing; a graph has names and adjacency"
            )
        blocks = value.get("blocks", {})
        members = list(blocks.values()) if isinstance(blocks, dict) else [None]
        if not all(map(_are_texts, [value["names"], *members])):
            raise InputError(f"{path}: names must be texts, and blocks must map texts to lists of names")
        try:
            return cls(
                names=value["names"],
                adjacency=_matrix(value["adjacency"]),
                weights=_optional(value.get("weights")),
                frequency=_optional(value.get("frequency")),
                blocks=blocks,
                marks=_optional(value.get("marks")),
                orientation=_optional(value.get("orientation")),
                simulated=bool(value.get("simulated", False)),
                calibrated=bool(value.get("calibrated", False)),
            )
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise InputError(f"{path}: {error}") from error


def dot_text(text: str) -> str:
    r"""A text in quotes for Graphviz, such that it shows what a person has written.

    Graphviz reads a backslash as the start of a command (`\N` is the name of the node), `&lt;` as a character
    of HTML, and knows no control characters but the end of a line. A lone half of a character becomes "?".

    >>> print(dot_text('say "hi"'), dot_text("a\\N"), dot_text("two\nlines"), dot_text("&lt;"))
    "say \"hi\"" "a\\N" "two\nlines" "&amp;lt;"
    """
    encodable = text.encode(errors="replace").decode()
    lines = encodable.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").splitlines()
    printable = ("".join(" " if unicodedata.category(c) == "Cc" else c for c in line) for line in lines)
    return '"' + r"\n".join(printable) + '"'


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _matrix(rows: Any) -> Float[np.ndarray, "d d"]:
    """Turn nested lists into an array of float, null into NaN. Raises ValueError if it is not square."""
    widths = {len(row) for row in rows}
    if widths - {len(rows)}:
        raise ValueError(f"matrix has {len(rows)} rows and {sorted(widths)} columns; it must be square")
    return np.array([[np.nan if x is None else x for x in row] for row in rows], dtype=float)


def _optional(rows: Any) -> Float[np.ndarray, "d d"] | None:
    return None if rows is None else _matrix(rows)
