"""Graph: names, edges and what is known about them; the type that graphs travel as, also on disk."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from personax.graphs.scores import check_adjacency
from personax.runs.errors import InputError
from personax.runs.files import write_json

SHARED = "s"  # the name of the block of shared latents

# Endpoint marks, in the coding of the R package pcalg: marks[i, j] is what stands at j on the edge i - j.
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
    """One edge: indices of its ends and its mark; arrowheads, if only one, are at `target`."""

    source: int
    target: int
    mark: str


def marks_from_adjacency(adjacency: np.ndarray) -> np.ndarray:
    """(d, d) endpoint marks of a DAG or CPDAG given as A[i, j] = 1 for i -> j, both for i — j."""
    a = check_adjacency(adjacency)
    marks = np.full(a.shape, NONE)
    marks[a & ~a.T] = ARROW
    marks[~a & a.T] = TAIL
    marks[a & a.T] = TAIL
    return marks


def adjacency_from_marks(marks: np.ndarray) -> np.ndarray:
    """(d, d) 0/1 adjacency: a single arrowhead gives one direction (o-> counts as ->), else both."""
    edge, head = marks != NONE, marks == ARROW
    return (edge & (head | ~head.T)).astype(int)


@dataclass(frozen=True)
class Graph:
    """A graph over d named nodes.

    Attributes:
        names: d distinct node names.
        adjacency: (d, d) of 0 and 1, A[i, j] = 1 meaning i -> j; both entries 1 mean i — j undirected.
        weights: (d, d) weight of i -> j, or None.
        frequency: (d, d) symmetric share of resamples in which i and j are adjacent, or None.
        blocks: node name -> name of its block: "s" for shared latents, else the modality. Nodes left out
            belong to the block "".
        marks: (d, d) endpoint marks where adjacency does not say it all (bidirected and circle marks of
            FCI); made from the adjacency when None.
        orientation: (d, d) share of resamples with i -> j among those where i and j are adjacent, or None.
        simulated: True if the people behind it are simulated; the picture then says so.
    Raises ValueError for shapes that do not agree.
    """

    names: Sequence[str]
    adjacency: np.ndarray
    weights: np.ndarray | None = None
    frequency: np.ndarray | None = None
    blocks: Mapping[str, str] = field(default_factory=dict)
    marks: np.ndarray | None = None
    orientation: np.ndarray | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        names = [str(name) for name in self.names]
        if len(set(names)) != len(names):
            raise ValueError("names: some name occurs twice")
        unknown = sorted(set(self.blocks) - set(names))
        if unknown:
            raise ValueError(f"blocks: {unknown[0]!r} is no node")
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "adjacency", check_adjacency(self.adjacency).astype(int))
        for key in ("adjacency", "weights", "frequency", "marks", "orientation"):
            value = getattr(self, key)
            if value is not None:
                array = np.asarray(value)
                if array.shape != (len(names), len(names)):
                    raise ValueError(f"{key}: shape {array.shape}, but there are {len(names)} names")
                object.__setattr__(self, key, array)
        object.__setattr__(self, "blocks", {name: self.blocks.get(name, "") for name in names})

    @property
    def endpoint_marks(self) -> np.ndarray:
        """(d, d) endpoint marks, whether given or implied by the adjacency."""
        return marks_from_adjacency(self.adjacency) if self.marks is None else self.marks

    @property
    def block_names(self) -> list[str]:
        """Blocks in the order of their first node, shared latents first."""
        found = list(dict.fromkeys(self.blocks[name] for name in self.names))
        return sorted(found, key=lambda block: block != SHARED)

    def members(self, block: str) -> list[int]:
        """Indices of the nodes of a block."""
        return [i for i, name in enumerate(self.names) if self.blocks[name] == block]

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

    def permuted(self, order: Sequence[int]) -> "Graph":
        """The same graph with its nodes in another order; `order` holds their present indices."""

        def moved(matrix: np.ndarray | None) -> np.ndarray | None:
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
        """One row an edge: from, to, mark, frequency, orientation_frequency, weight; NaN where unknown."""

        def entry(matrix: np.ndarray | None, edge: Edge) -> float:
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
        """The graph in Graphviz's language; `labels` maps nodes to a second line."""
        ends = {NONE: "none", TAIL: "none", ARROW: "normal", CIRCLE: "odot"}
        marks, lines = self.endpoint_marks, ["digraph {", "  node [shape=box, style=rounded];"]
        for name in self.names:
            text = json.dumps(f"{name}\n{labels[name]}" if labels.get(name) else name, ensure_ascii=False)
            lines.append(f"  {json.dumps(name, ensure_ascii=False)} [label={text}];")
        for edge in self.edges():
            source, target = (json.dumps(self.names[i], ensure_ascii=False) for i in edge[:2])
            head, tail = ends[marks[edge.source, edge.target]], ends[marks[edge.target, edge.source]]
            lines.append(f"  {source} -> {target} [dir=both, arrowhead={head}, arrowtail={tail}];")
        return "\n".join([*lines, "}"]) + "\n"

    def to_json(self, path: Path | str) -> None:
        """Write the graph to a JSON file, atomically; the format is that of a run folder's graph.json."""
        blocks: dict[str, list[str]] = {}
        for name in self.names:
            blocks.setdefault(self.blocks[name], []).append(name)
        value: dict[str, Any] = {"names": self.names, "blocks": blocks, "adjacency": self.adjacency}
        for key in ("weights", "frequency", "marks", "orientation"):
            if getattr(self, key) is not None:
                value[key] = getattr(self, key)
        write_json(path, value | {"simulated": self.simulated})

    @classmethod
    def from_json(cls, path: Path | str) -> "Graph":
        """Read what `to_json` wrote. Raises InputError, naming the file, for anything else."""
        try:
            value = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise InputError(f"{path}: not valid JSON ({error})") from error
        missing = {"names", "adjacency"} - set(value if isinstance(value, dict) else ())
        if missing:
            raise InputError(f"{path}: no key {sorted(missing)[0]!r}; a graph has names and adjacency")
        try:
            return cls(
                names=value["names"],
                adjacency=_matrix(value["adjacency"]),
                weights=_optional(value.get("weights")),
                frequency=_optional(value.get("frequency")),
                blocks={name: block for block, names in value.get("blocks", {}).items() for name in names},
                marks=_optional(value.get("marks")),
                orientation=_optional(value.get("orientation")),
                simulated=bool(value.get("simulated", False)),
            )
        except (ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: {error}") from error


def _matrix(rows: Any) -> np.ndarray:
    """Nested lists as a float array, null as NaN; ValueError naming the fault if they are ragged."""
    widths = {len(row) for row in rows}
    if widths - {len(rows)}:
        raise ValueError(f"matrix has {len(rows)} rows and {sorted(widths)} columns; it must be square")
    return np.array([[np.nan if x is None else x for x in row] for row in rows], dtype=float)


def _optional(rows: Any) -> np.ndarray | None:
    return None if rows is None else _matrix(rows)
