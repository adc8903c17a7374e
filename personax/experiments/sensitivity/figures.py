"""The figure of a sensitivity analysis: edges against variants, and Level I with its verdicts."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from personax.experiments.sensitivity.claims import CELL_LEVEL, EDGE
from personax.experiments.sensitivity.verdicts import (
    ABSENT,
    CLAIM_HOLDS,
    DEPENDS,
    LOST,
    NOT_CHECKED,
    NOT_ROBUST,
    OTHER_SIGN,
    REVERSED,
    ROBUST,
    UNCHECKED,
    UNDIRECTED,
    kind_of_verdict,
)
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import (
    BLUE,
    CELL_TEXT_SIZE,
    GREY,
    ORANGE,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
)
from personax.runs.text_sizes import cut_to

LINE = 0.19  # inches of a row
MARGINS = 1.75  # inches of the names of columns, the title and the legend of a panel
LONGEST_VARIANT, LONGEST_VERDICT, LONGEST_FEATURE, LONGEST_TRAIT = 1.15, 1.6, 1.15, 1.6  # inches
PALE, RED, WHITE = "#a9c6e3", "#b5483a", "#ffffff"
STATE_COLOURS: Mapping[str, tuple[str, str]] = {
    CLAIM_HOLDS: (BLUE, ""),
    OTHER_SIGN: (ORANGE, "±"),
    UNDIRECTED: (ORANGE, "–"),
    REVERSED: (ORANGE, "r"),
    ABSENT: (WHITE, "×"),
    LOST: (WHITE, "?"),
    NOT_CHECKED: ("#eceef0", ""),
}  # state -> colour and letter
CELL_COLOURS: Mapping[tuple[bool, str], tuple[str, str]] = {
    (True, ROBUST): (BLUE, "dependent, robust"),
    (True, DEPENDS): (PALE, "dependent, depends on X"),
    (True, NOT_ROBUST): (ORANGE, "dependent, not robust"),
    (True, UNCHECKED): (GREY, "dependent, not checked"),
    (False, ROBUST): (WHITE, "nothing shown, robust"),
    (False, DEPENDS): ("#e3e6ea", "nothing shown, but in some variant"),
    (False, NOT_ROBUST): ("#e3e6ea", "nothing shown, but in some variant"),
    (False, UNCHECKED): ("#f4f1e6", "nothing shown, not checked"),
}  # (positive, kind of verdict) -> colour and words


@paper_style()
def draw_sensitivity(claims: pd.DataFrame, variants: Sequence[str], stem: Path, *, title: str) -> list[Path]:
    """Draw in which variants every edge of the base run holds, and below the verdicts of Level I.

    Only as many edges are drawn as the page has room for; the table has all.
    """
    positive = claims["positive"].astype(bool)
    edges = claims[(claims["level"] == EDGE) & positive]
    cells = claims[claims["level"] == CELL_LEVEL]
    grid = _grid_of(cells)
    room = int((PAGE_HEIGHT - 2 * MARGINS - LINE * len(grid)) / LINE)
    drawn = edges.head(max(room, 5))
    heights = [LINE * len(rows) + MARGINS for rows in (drawn, grid) if len(rows)]
    if not heights:
        return []
    figure = new_figure(PAGE_WIDTH, sum(heights) + 0.4)
    panels = list(np.atleast_1d(figure.subplots(len(heights), 1, height_ratios=heights)))
    if len(drawn):
        left_out = f" ({len(drawn)} of {len(edges)})" if len(drawn) < len(edges) else ""
        draw_edge_states(panels.pop(0), drawn, variants, f"Edges of the base run{left_out}")
    if len(grid):
        draw_verdicts(panels.pop(0), grid)
    figure.suptitle(title)
    return save_figure(figure, stem, ("png", "svg", "pdf"))


def draw_edge_states(panel: Axes, edges: pd.DataFrame, variants: Sequence[str], title: str) -> None:
    """A row per edge, a column per variant that is asked about an edge, the verdict at the right."""
    asked = [name for name in variants if (edges[name] != NOT_CHECKED).any()]
    states = [[str(state) for state in edges[name]] for name in asked]
    for j, i in np.ndindex(len(asked), len(edges)):
        colour, letter = STATE_COLOURS[states[j][i]]
        _draw_square(panel, i, j, colour, letter)
    rows = edges.to_dict("records")
    panel.set_yticks(range(len(rows)), [_edge_label(row) for row in rows])
    panel.set_xticks(range(len(asked)), [cut_to(name, LONGEST_VARIANT) for name in asked], rotation=90)
    right = panel.secondary_yaxis("right")
    right.set_yticks(range(len(rows)), [verdict_label(str(row["verdict"])) for row in rows])
    right.tick_params(length=0)
    right.spines[:].set_visible(False)
    _as_matrix(panel, len(rows), len(asked), title)
    used = [state for state in STATE_COLOURS if any(state in of_variant for of_variant in states)]
    handles = [Patch(fc=STATE_COLOURS[s][0], ec=GREY, label=_state_label(s)) for s in used]
    panel.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), ncols=4, fontsize=CELL_TEXT_SIZE)


def verdict_label(verdict: str) -> str:
    """The verdict as it stands beside a row: without the variants.

    >>> verdict_label("depends on people: half 1, half 2")
    'depends on people'
    """
    return cut_to(verdict.partition(":")[0], LONGEST_VERDICT)


def _state_label(state: str) -> str:
    letter = STATE_COLOURS[state][1]
    return f"{letter} {state}" if letter else state


def _edge_label(row: Mapping[Hashable, object]) -> str:
    mark = str(row["base"]).replace("->", "→").replace("---", "—").replace("(-)", "(−)")
    arrow, _, sign = mark.partition(" ")
    return f"{pretty_name(str(row['first']))} {arrow} {pretty_name(str(row['second']))} {sign}"


def draw_verdicts(panel: Axes, grid: pd.DataFrame) -> None:
    """Traits (rows) against features, coloured by the verdict; + and − where a dependence has a sign."""
    used: dict[str, str] = {}
    for i, j in np.ndindex(*grid.shape):
        cell = grid.iat[i, j]
        if isinstance(cell, tuple):
            positive, verdict, base = cell
            colour, words = CELL_COLOURS[positive, kind_of_verdict(verdict)]
            used[words] = colour
            _draw_square(panel, i, j, colour, "+" if "(+)" in base else "−" if "(-)" in base else "")
    panel.set_yticks(range(len(grid)), [cut_to(str(name), LONGEST_TRAIT) for name in grid.index])
    names = [cut_to(str(name).replace("_", " "), LONGEST_FEATURE) for name in grid.columns]
    panel.set_xticks(range(grid.shape[1]), names, rotation=90)
    _as_matrix(panel, *grid.shape, "Level I: traits against features")
    order = [words for words in dict.fromkeys(each[1] for each in CELL_COLOURS.values()) if words in used]
    handles = [Patch(fc=used[words], ec=GREY, label=words) for words in order]
    panel.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, 0), ncols=2, fontsize=CELL_TEXT_SIZE)


def _grid_of(cells: pd.DataFrame) -> pd.DataFrame:
    """Traits x features of (positive, verdict, base); with several tests the traits of each."""
    if cells.empty:
        return pd.DataFrame()
    several = cells["test"].nunique() > 1
    names = [f"{row.first} ({row.test})" if several else str(row.first) for row in cells.itertuples()]
    values = list(zip(cells["positive"].astype(bool), cells["verdict"], cells["base"], strict=True))
    long = pd.DataFrame({"trait": names, "feature": list(cells["second"]), "cell": values})
    wide = long.pivot(index="trait", columns="feature", values="cell")
    return wide.loc[sorted(wide.index), sorted(wide.columns)]


def _draw_square(panel: Axes, i: int, j: int, colour: str, letter: str) -> None:
    panel.add_patch(Rectangle((j - 0.45, i - 0.42), 0.9, 0.84, facecolor=colour, edgecolor=GREY, lw=0.4))
    if letter:
        ink = "white" if colour in (BLUE, GREY) else "black"
        panel.text(j, i, letter, ha="center", va="center_baseline", fontsize=CELL_TEXT_SIZE, color=ink)


def _as_matrix(panel: Axes, rows: int, columns: int, title: str) -> None:
    panel.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    panel.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    panel.spines[:].set_visible(False)
    panel.set_title(title, loc="left")
