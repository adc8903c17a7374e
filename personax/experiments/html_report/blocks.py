"""What a page is made of: parts, sections, and blocks such as tables, heatmaps and graphs.

Blocks hold texts and numbers only. Every text is escaped when it becomes HTML (report.py). The attribute
`kind` of a block is the name of its template in templates/blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

Tone = Literal["", "strong", "good", "unsure", "bad", "quiet"]
"""How a text is coloured; the text itself says the same in words."""


@dataclass(frozen=True)
class Note:
    """A paragraph; a warning is marked as such."""

    kind: ClassVar[str] = "note"
    text: str
    warning: bool = False


@dataclass(frozen=True)
class Facts:
    """Names with values, such as the seed of a run; the caption may be empty."""

    kind: ClassVar[str] = "facts"
    caption: str
    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class TextBlock:
    """A text that is shown as it is, such as a command or a YAML file."""

    kind: ClassVar[str] = "listing"
    caption: str
    text: str
    folded: bool = False


@dataclass(frozen=True)
class Document:
    """A page in Markdown that a command has written."""

    kind: ClassVar[str] = "document"
    caption: str
    text: str
    folded: bool = False


class Column(NamedTuple):
    """A column of a table: its heading, whether it holds numbers, and whether its values can be chosen."""

    name: str
    numeric: bool = False
    choice: bool = False


class TableCell(NamedTuple):
    """A cell of a table: its text, and the number by which it is sorted where the text does not say it."""

    text: str
    order: float | None = None
    tone: Tone = ""


@dataclass(frozen=True)
class DataTable:
    """A table that sorts and, if it is `filtered`, filters.

    Attributes:
        caption: above the table.
        columns: its columns.
        rows: one sequence of cells a row.
        filtered: whether there are fields to search and to choose.
        left_out: number of rows that were cut off.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[TableCell]]
    filtered: bool = False
    left_out: int = 0

    def choices(self, column: int) -> list[str]:
        """The different texts of a column, in order of appearance."""
        return list(dict.fromkeys(row[column].text for row in self.rows))


class HeatCell(NamedTuple):
    """A coloured cell: its text, the depth of its colour in [0, 1] (None: blank), and its tip."""

    text: str
    share: float | None
    tip: str
    bold: bool = False


@dataclass(frozen=True)
class HeatMap:
    """A table of coloured cells; `scale` says what light and dark mean."""

    kind: ClassVar[str] = "heatmap"
    caption: str
    scale: tuple[str, str]
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[HeatCell]]]


class BarShare(NamedTuple):
    """A part of a bar: its name, its share of the whole, and its colour in [0, 1] (None: missing values)."""

    name: str
    share: float
    colour: float | None
    tip: str


@dataclass(frozen=True)
class ShareBars:
    """Bars that are divided into shares, in groups; `legend` holds the names and colours of the parts."""

    kind: ClassVar[str] = "bars"
    caption: str
    legend: Sequence[tuple[str, float | None]]
    groups: Sequence[tuple[str, Sequence[tuple[str, Sequence[BarShare]]]]]


class NodeView(NamedTuple):
    """A node of a graph: lines of text, centre and size in pixels, number of its block, and a tip."""

    lines: Sequence[str]
    centre: tuple[float, float]
    size: tuple[float, float]
    block: int
    tip: str


class EdgeView(NamedTuple):
    """An edge: the numbers of its nodes, the marks at its ends, its curve, and how sure it is.

    Attributes:
        source, target: numbers of the nodes.
        tail, head: what is drawn at the source and at the target: none, arrow or circle.
        path: the curve in SVG's language.
        bend, lean: the control point: start + lean span + bend (span turned by a right angle).
        sure: how sure or strong the edge is, 0 or more; None if it is unknown.
        label: text beside the edge, and its place.
        tip: what the pointer shows.
    """

    source: int
    target: int
    tail: str
    head: str
    path: str
    bend: float
    lean: float
    sure: float | None
    label: tuple[str, float, float]
    tip: str


@dataclass(frozen=True)
class GraphView:
    """A graph as it is drawn: title, size in pixels, nodes, edges, names of the blocks."""

    title: str
    width: float
    height: float
    nodes: Sequence[NodeView]
    edges: Sequence[EdgeView]
    blocks: Sequence[str]

    @property
    def summary(self) -> str:
        """The graph in words, for those who do not see it."""
        return f"{self.title}: {len(self.nodes)} nodes, {len(self.edges)} edges; the table below lists them"


@dataclass(frozen=True)
class GraphRow:
    """Graphs beside each other.

    Attributes:
        caption: below them.
        views: the graphs.
        measure: what says how sure an edge is, such as frequency; "" if nothing does.
        most: the end of the slider.
    """

    kind: ClassVar[str] = "graphs"
    caption: str
    views: Sequence[GraphView]
    measure: str
    most: float = 1.0


class Picture(NamedTuple):
    """A picture: its name, its bytes (PNG), and what it shows in words for those who do not see it."""

    name: str
    png: bytes
    shows: str


@dataclass(frozen=True)
class Pictures:
    """Pictures that a command has drawn; `left_out` are the names of those without room on the page."""

    kind: ClassVar[str] = "pictures"
    pictures: Sequence[Picture]
    left_out: Sequence[str] = ()


Block = Note | Facts | TextBlock | Document | DataTable | HeatMap | ShareBars | GraphRow | Pictures


@dataclass(frozen=True)
class Section:
    """A heading and what is below it."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class PagePart:
    """All sections about one run, or those that compare runs; simulated if its people do not exist."""

    title: str
    sections: Sequence[Section]
    simulated: bool


@dataclass(frozen=True)
class Page:
    """The whole page."""

    title: str
    parts: Sequence[PagePart]

    @property
    def simulated(self) -> bool:
        """Whether any part shows simulated people."""
        return any(part.simulated for part in self.parts)
