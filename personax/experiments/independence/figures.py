"""The figures of Level I."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import AsinhNorm, Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from personax.experiments.independence.report import NEGATIVE_CONTROLS, heading_of, square, votes
from personax.runs.figure_style import (
    CELL_TEXT_SIZE,
    EFFECT_COLOURS,
    EVIDENCE_COLOURS,
    PAGE_HEIGHT,
    PAGE_WIDTH,
    RGBA,
    SCORE_COLOURS,
    SHARE_COLOURS,
    TEXT_SIZE,
    ink_on,
    new_figure,
    paper_style,
    save_figure,
)
from personax.runs.text_sizes import cut_to, text_size, wrap_to
from personax.tables import TRAITS

TEXT_AS_TEXT: dict[Any, Any] = {"svg.fonttype": "none"}  # so that an SVG can be searched and edited
# All in inches.
LEAST_CELL_WIDTH, CELL_HEIGHT = 0.4, 0.19  # a cell has room for a bold number of four digits
LONGEST_FEATURE, LONGEST_TARGET, COLOUR_BAR_WIDTH = 1.45, 1.6, 0.75
LINE_HEIGHT, PANEL_MARGIN = 0.16, 0.1
MOST_WIDTH = PAGE_WIDTH - LONGEST_FEATURE - COLOUR_BAR_WIDTH  # of the panels beside each other
HEADINGS = 1.0  # title of the figure and the lines below it, about
MOST_CAPTION_LINES = 8
FEWEST_CELLS = 3  # a panel is at least as wide as three cells, so that its title fits
FULL_NAMES = {
    "aggregated": "Aggregated",
    "chatgpt": "ChatGPT-4o",
    "gemini": "Gemini-2.5-Pro",
    "llama": "Llama-4-Maverick",
}
# Below this value of -log10 p, the colour scale is about linear, above about logarithmic.
LINEAR_UNTIL = 3.0
LARGEST_SHOWN = 100.0
MOST_SOURCES_BESIDE, MOST_SCORES_IN_LEGEND = 4, 6
LEAST_SHARE_WRITTEN = 0.28  # of a bar; in a narrower part, the number would not fit
HATCH = "/////"
# Values of HeatPanel.blank.
FILLED, NOT_APPLICABLE_CELL, UNDEFINED_CELL, BOUND_CELL = 0, 1, 2, 3
# How a cell without a colour looks: hatch and face.
BLANKS = {
    NOT_APPLICABLE_CELL: (HATCH, "white"),
    UNDEFINED_CELL: (None, "0.85"),
    BOUND_CELL: ("....", "white"),
}


@dataclass(frozen=True)
class Caption:
    """What every figure says about its data.

    Attributes:
        dataset: name of the data, for the title.
        source: where the data came from.
        n: number of people.
        simulated: True if the people are simulated; the figure then says so in red.
        note: further sentences below the figure.
    """

    dataset: str
    source: str
    n: int
    simulated: bool
    note: str = ""

    def with_note(self, note: str) -> "Caption":
        """The same caption with another note before its own."""
        return replace(self, note=f"{note}{self.note}")


@dataclass(frozen=True, eq=False)
class HeatPanel:
    """One heatmap, features x traits.

    Attributes:
        title: title above the heatmap.
        values: what the colours show; its index and columns are the labels.
        texts: texts of the cells; this and the following arrays have the shape of `values`.
        bold: which texts are bold.
        blank: 0 for a cell with a value, 1 where the test does not apply, 2 where it is undefined, 3 where
            only a bound is known, which no colour can show.
    """

    title: str
    values: pd.DataFrame
    texts: Shaped[np.ndarray, "features traits"]
    bold: Bool[np.ndarray, "features traits"]
    blank: Int[np.ndarray, "features traits"]

    def part(self, rows: slice, columns: slice) -> "HeatPanel":
        """Some of its rows and columns."""
        return HeatPanel(
            self.title,
            self.values.iloc[rows, columns],
            self.texts[rows, columns],
            self.bold[rows, columns],
            self.blank[rows, columns],
        )


@dataclass(frozen=True)
class ColourScale:
    """The meaning of the colours, which is the same in all panels of a figure.

    Attributes:
        label: text beside the colour bar.
        colours: matplotlib's colour map.
        norm: maps values to [0, 1].
        ticks: values that are written at the colour bar; None for matplotlib's choice.
        extend: "max" if some values are larger than the scale, else "neither".
    """

    label: str
    colours: Colormap
    norm: Normalize
    ticks: Sequence[float] | None = None
    extend: str = "neither"


def draw_votes(decided: pd.DataFrame, rule: str, caption: Caption, stem: Path) -> None:
    """Draw the paper's Fig. 3, one panel per source of scores: x/y means that x of y tests reject.

    Darker cells have stronger evidence.
    """
    panels = []
    for scores, cells in votes(decided).groupby("scores", sort=False):
        tests = square(cells, "tests")
        shares = square(cells, "rejections") / tests.clip(lower=1)
        panels.append(
            HeatPanel(
                FULL_NAMES.get(str(scores), str(scores)),
                shares,
                square(cells, "text").to_numpy(),
                np.zeros(tests.shape, dtype=bool),
                np.where(tests == 0, UNDEFINED_CELL, FILLED),
            )
        )
    scale = ColourScale("share of tests that reject", SHARE_COLOURS, Normalize(0, 1))
    draw_heatmaps(panels, scale, caption, f"Tests that reject independence, {rule}", stem)


def draw_evidence(cells: pd.DataFrame, title: str, caption: Caption, stem: Path) -> None:
    """Draw -log10 p of one test, one panel per source of scores; bold numbers are rejections.

    "≥" and dots mark a p-value that is only a bound: a colour would say how strong the evidence is.
    """
    evidence = -cells["log10_pvalue"] + 0.0  # no negative zero
    texts = evidence.map(lambda value: f"{value:.1f}" if value < 99.95 else f"{value:.0f}")
    shown = cells.assign(shown=evidence, text=cells["bound"].map({True: "≥", False: ""}) + texts)
    panels = [
        _test_panel(panel, FULL_NAMES.get(str(scores), str(scores)), is_evidence=True)
        for scores, panel in shown.groupby("scores", sort=False)
    ]
    largest = float(evidence.max()) if evidence.notna().any() else 0.0
    top = float(np.clip(largest, LINEAR_UNTIL, LARGEST_SHOWN))
    scale = ColourScale(
        "−log₁₀ p",
        EVIDENCE_COLOURS,
        AsinhNorm(linear_width=LINEAR_UNTIL, vmin=0, vmax=top, clip=True),
        [tick for tick in (0, 1, 2, 3, 5, 10, 20, 50, 100) if tick <= top],
        "max" if largest > top else "neither",
    )
    draw_heatmaps(panels, scale, caption, f"{title}: −log₁₀ p (bold: rejected)", stem)


def draw_marginal_beside(
    marginal: pd.DataFrame, given: pd.DataFrame, title: str, caption: Caption, stem: Path
) -> None:
    """Draw -log10 p of one test without the condition beside the same test given it, for each source."""
    parts = []
    for scores in dict.fromkeys(given["scores"]):
        name = FULL_NAMES.get(str(scores), str(scores))
        for cells, words in ((marginal, "all people"), (given, "given the condition")):
            parts.append(cells[cells["scores"] == scores].assign(scores=f"{name}, {words}"))
    draw_evidence(pd.concat(parts), title, caption, stem)


def draw_effects(cells: pd.DataFrame, titles: Mapping[str, str], caption: Caption, stem: Path) -> None:
    """Draw effect sizes of every test for one source of scores, one panel per test, on one scale.

    Nothing is drawn if no test has an effect size, for example if every column is constant.
    """
    known = cells[cells["effect"].notna()]
    if known.empty:
        return
    texts = cells["effect"].map(lambda value: f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−"))
    shown = cells.assign(shown=cells["effect"].abs(), text=texts)
    panels = [
        _test_panel(shown[shown["test"] == test], titles[test]) for test in dict.fromkeys(known["test"])
    ]
    top = float(np.ceil(max(known["effect"].abs().max(), 0.1) * 10) / 10)
    scale = ColourScale("|effect|", EFFECT_COLOURS, Normalize(0, top))
    scores = str(cells["scores"].iloc[0])
    caption = caption.with_note(_of_intervals(known))
    title = f"Effect sizes, {heading_of(FULL_NAMES.get(scores, scores))} (bold: rejected)"
    draw_heatmaps(panels, scale, caption, title, stem)


def _of_intervals(cells: pd.DataFrame) -> str:
    """A sentence on the 95 % intervals of the effects; empty if there are none."""
    reach = pd.concat(
        [cells["effect_high"] - cells["effect"], cells["effect"] - cells["effect_low"]]
    ).dropna()
    if reach.empty:
        return ""
    return (
        f"95 % intervals (delta method, table.md) reach {reach.median():.2f} from the number in the median, "
        f"{reach.max():.2f} at most. "
    )


def _test_panel(cells: pd.DataFrame, title: str, *, is_evidence: bool = False) -> HeatPanel:
    """The panel of one test and one source of scores; the columns `shown` and `text` fill its cells.

    is_evidence: whether p-values are shown, so that bounds on them are marked.
    """
    blank = np.select(
        [~cells["applicable"], cells["pvalue"].isna(), cells["shown"].notna() & cells["bound"] & is_evidence],
        [NOT_APPLICABLE_CELL, UNDEFINED_CELL, BOUND_CELL],
        FILLED,
    )
    return HeatPanel(
        title,
        square(cells, "shown"),
        square(cells, "text").to_numpy(),
        square(cells, "rejected").to_numpy(dtype=bool),
        square(cells.assign(blank=blank), "blank").to_numpy(),
    )


@paper_style()
def draw_heatmaps(
    panels: Sequence[HeatPanel], scale: ColourScale, caption: Caption, title: str, stem: Path
) -> None:
    """Heatmaps over the same features, beside and below each other, with one colour bar.

    What does not fit on a page continues on further ones: `stem`, `stem`_2, ...
    """
    pages = pages_of(panels)
    for number, page in enumerate(pages, 1):
        name = stem if number == 1 else stem.with_name(f"{stem.name}_{number}")
        of_all = f" ({number} of {len(pages)})" if len(pages) > 1 else ""
        with matplotlib.rc_context(TEXT_AS_TEXT):
            _draw_page(page, scale, caption, title + of_all, name)


def pages_of(panels: Sequence[HeatPanel]) -> list[list[HeatPanel]]:
    """The panels of every page. Panels with too many features or targets for a page are divided."""
    height = PAGE_HEIGHT - HEADINGS - _height_of_headings(panels)
    features = slices(len(panels[0].values), int(height / CELL_HEIGHT))
    pages = []
    for rows in features:
        parts = [
            panel.part(rows, columns)
            for panel in panels
            for columns in slices(panel.values.shape[1], int(MOST_WIDTH / LEAST_CELL_WIDTH))
        ]
        down = max(1, int((PAGE_HEIGHT - HEADINGS) / _panel_height(parts)))
        most = down * _panels_beside(parts)
        pages += [parts[first : first + most] for first in range(0, len(parts), most)]
    return pages


def slices(count: int, most: int) -> list[slice]:
    """Slices of 0 ... count - 1 that are about equally long, none longer than `most`."""
    size = -(-count // max(1, -(-count // most)))
    return [slice(first, first + size) for first in range(0, count, max(1, size))]


def _panels_beside(panels: Sequence[HeatPanel]) -> int:
    """How many panels fit beside each other on a page."""
    most = max(FEWEST_CELLS, *(panel.values.shape[1] for panel in panels))
    return max(1, min(len(panels), int(MOST_WIDTH / (most * LEAST_CELL_WIDTH + PANEL_MARGIN))))


def _panel_height(panels: Sequence[HeatPanel]) -> float:
    return _height_of_headings(panels) + CELL_HEIGHT * len(panels[0].values)


def _height_of_headings(panels: Sequence[HeatPanel]) -> float:
    """Inches above the cells: the title, and the names of the columns, which may stand upright."""
    upright = [cut_to(str(n), LONGEST_TARGET) for p in panels if not _has_short_names(p) for n in p.values]
    return 2.5 * LINE_HEIGHT + max(
        (text_size(name, TEXT_SIZE).width for name in upright), default=LINE_HEIGHT
    )


def _draw_page(
    panels: Sequence[HeatPanel], scale: ColourScale, caption: Caption, title: str, stem: Path
) -> None:
    beside = _panels_beside(panels)
    down = -(-len(panels) // beside)
    figure = new_figure(PAGE_WIDTH, HEADINGS + down * _panel_height(panels))
    axes = list(figure.subplots(down, beside, squeeze=False).ravel())
    for number, (axis, panel) in enumerate(zip(axes, panels, strict=False)):
        _draw_cells(axis, panel, scale)
        _label_cells(axis, panel, label_rows=number % beside == 0)
        axis.set_xlim(0, max(each.values.shape[1] for each in panels))
        axis.set_title(wrap_to(panel.title, MOST_WIDTH / beside))
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    _colour_bar(figure, axes, scale)
    finish_figure(figure, _with_legend_of_blanks(caption, panels), title, stem)


def _draw_cells(axis: Axes, panel: HeatPanel, scale: ColourScale) -> None:
    """Coloured cells with white lines between them; cell (i, j) spans from (j, i) to (j + 1, i + 1)."""
    values = np.ma.masked_where(panel.blank != FILLED, panel.values.to_numpy(dtype=float))
    axis.pcolormesh(values, norm=scale.norm, cmap=scale.colours, edgecolors="white", linewidth=0.8)
    for (i, j), blank in np.ndenumerate(panel.blank):
        if blank:
            hatch, face = BLANKS[int(blank)]
            cell = Rectangle((j, i), 1, 1, facecolor=face, edgecolor="0.65", hatch=hatch, linewidth=0)
            axis.add_patch(cell).set_in_layout(False)
            if blank != BOUND_CELL:
                continue
        text = axis.text(j + 0.5, i + 0.5, str(panel.texts[i, j]), ha="center", va="center")
        text.set_fontsize(CELL_TEXT_SIZE)
        text.set_color("black" if blank else ink_on(scale.colours(float(scale.norm(values[i, j])))))
        text.set_fontweight("bold" if panel.bold[i, j] else "normal")
        text.set_in_layout(False)  # it is within the axes, and measuring hundreds of texts takes seconds


def _label_cells(axis: Axes, panel: HeatPanel, *, label_rows: bool) -> None:
    """Traits or targets above the columns, features beside the rows, negative controls in italics."""
    features, tested = list(panel.values.index), list(map(str, panel.values.columns))
    axis.invert_yaxis()
    if _has_short_names(panel):
        axis.set_xticks(np.arange(len(tested)) + 0.5, [abbreviated(name) for name in tested])
    else:
        names = [cut_to(name, LONGEST_TARGET) for name in tested]
        axis.set_xticks(np.arange(len(tested)) + 0.5, names, rotation=90)
    rows = [cut_to(str(name), LONGEST_FEATURE - 0.1) if label_rows else "" for name in features]
    axis.set_yticks(np.arange(len(features)) + 0.5, rows)
    if label_rows:
        for tick, name in zip(axis.get_yticklabels(), features, strict=True):
            tick.set_fontstyle("italic" if name in NEGATIVE_CONTROLS else "normal")
    axis.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)


def _has_short_names(panel: HeatPanel) -> bool:
    """Whether the columns are traits, whose names can be abbreviated; targets might be abbreviated alike."""
    return set(panel.values.columns) <= set(TRAITS)


def abbreviated(trait: str) -> str:
    """The first four letters of a long name."""
    return trait if len(trait) <= 5 else trait[:4] + "."


def _colour_bar(figure: Figure, axes: list[Axes], scale: ColourScale) -> None:
    bar = figure.colorbar(
        ScalarMappable(scale.norm, scale.colours),
        ax=axes,
        fraction=0.04,
        pad=0.015,
        ticks=scale.ticks,
        extend=scale.extend,
    )
    if scale.ticks is not None:
        bar.ax.set_yticklabels([f"{tick:g}" for tick in scale.ticks])
        bar.minorticks_off()
    bar.set_label(scale.label)
    bar.outline.set_visible(False)


def _with_legend_of_blanks(caption: Caption, panels: Iterable[HeatPanel]) -> Caption:
    """The caption with a sentence on hatched, grey and dotted cells, if there are any."""
    found = {int(kind) for panel in panels for kind in np.unique(panel.blank)}
    sentences = []
    if NOT_APPLICABLE_CELL in found:
        sentences.append("Hatched: the test does not apply.")
    if UNDEFINED_CELL in found:
        sentences.append("Grey: undefined (pvalues.csv: why).")
    if BOUND_CELL in found:
        sentences.append("Dotted, ≥: at least this; the data support no closer number.")
    return replace(caption, note=" ".join([*sentences, caption.note]))


def finish_figure(figure: Figure, caption: Caption, title: str, stem: Path) -> None:
    """Write title, source and the mark of simulated data into the figure, and save it as PNG and SVG."""
    heading = f"{title} – {caption.dataset}, n = {caption.n:,}"
    figure.suptitle(wrap_to(heading, 0.85 * PAGE_WIDTH), fontweight="bold")
    line = f"Source: {caption.source}." + (f" {caption.note}" if caption.note else "")
    if caption.simulated:
        line = "SIMULATED DATA – these people do not exist. " + line
    colour = "#b00020" if caption.simulated else "0.35"
    lines = wrap_to(line, 0.94 * PAGE_WIDTH, lines=MOST_CAPTION_LINES)
    figure.supxlabel(lines, color=colour, ha="left", x=0.01)
    save_figure(figure, stem)


@paper_style()
def draw_trait_scores(scores: Mapping[str, pd.DataFrame], caption: Caption, stem: Path) -> None:
    """Draw the shares of the scores of every trait, a panel per source; dark: high, hatched: none."""
    traits = list(next(iter(scores.values())).columns)
    levels = sorted({float(v) for frame in scores.values() for v in np.unique(frame.to_numpy()) if v == v})
    step = 0.9 / max(len(levels) - 1, 1)
    colours = {level: SCORE_COLOURS(0.05 + step * place) for place, level in enumerate(levels)}
    beside = min(MOST_SOURCES_BESIDE, len(scores))
    down = -(-len(scores) // beside)
    with matplotlib.rc_context(TEXT_AS_TEXT):
        figure = new_figure(PAGE_WIDTH, HEADINGS + 0.3 + down * (0.5 + 0.25 * len(traits)))
        grid = figure.add_gridspec(down + 1, beside, height_ratios=[0.15] + [1] * down)
        _draw_legend_of_scores(figure.add_subplot(grid[0, :]), colours)
        for number, (source, frame) in enumerate(scores.items()):
            axis = figure.add_subplot(grid[1 + number // beside, number % beside])
            for row, trait in enumerate(traits):
                _draw_shares(axis, row, frame[trait].to_numpy(dtype=float), colours)
            axis.set_title(cut_to(FULL_NAMES.get(source, source), MOST_WIDTH / beside))
            axis.set_yticks(range(len(traits)), traits if number % beside == 0 else [""] * len(traits))
            axis.set_xticks([0, 0.5, 1], ["0", "50", "100 %"])
            axis.set(xlim=(0, 1), ylim=(len(traits) - 0.5, -0.5))
            axis.tick_params(axis="y", length=0)
            axis.tick_params(axis="x", length=2)
            axis.spines[["top", "right", "left"]].set_visible(False)
        finish_figure(figure, caption, "Trait scores", stem)


def _draw_legend_of_scores(axis: Axes, colours: Mapping[float, RGBA]) -> None:
    """What the colours mean, in a row of its own."""
    shown = list(colours.items())
    if len(shown) > MOST_SCORES_IN_LEGEND:  # of many scores, some that are evenly spaced
        places = np.linspace(0, len(shown) - 1, MOST_SCORES_IN_LEGEND).round().astype(int)
        shown = [shown[place] for place in places]
    handles = [Patch(facecolor=colour, label=f"{level:g}") for level, colour in shown]
    handles.append(Patch(facecolor="white", edgecolor="0.6", hatch=HATCH, label="missing"))
    axis.set_axis_off()
    axis.legend(handles=handles, loc="center", ncols=len(handles), borderpad=0, columnspacing=1.2)


def _draw_shares(
    axis: Axes, row: int, scores: Float[np.ndarray, " n"], colours: Mapping[float, RGBA]
) -> None:
    """Draw one stacked bar: the share of each score, then the share of missing scores (NaN)."""
    left = 0.0
    for level, colour in colours.items():
        share = float((scores == level).mean())
        axis.barh(row, share, left=left, color=colour, edgecolor="white", linewidth=0.5, height=0.75)
        if share > LEAST_SHARE_WRITTEN:
            text = axis.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center")
            text.set_fontsize(CELL_TEXT_SIZE)
            text.set_color(ink_on(colour))
        left += share
    missing = float(np.isnan(scores).mean())
    axis.barh(
        row, missing, left=left, color="white", edgecolor="0.6", hatch=HATCH, linewidth=0.3, height=0.75
    )
