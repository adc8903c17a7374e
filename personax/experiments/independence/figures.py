"""The figures of Level I."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import AsinhNorm, Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from personax.experiments.independence.report import NEGATIVE_CONTROLS, heading_of, square, votes
from personax.runs.figure_style import new_figure, save_figure
from personax.tables import TRAITS

STYLE: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
}
CELL_WIDTH, CELL_HEIGHT = 0.56, 0.235  # inches
LETTER_HEIGHT = 0.075  # inches that a letter of an upright name takes
LONGEST_LABEL = 28
FEWEST_WIDTHS = 3  # a panel is at least as wide as three cells, so that its title fits
FULL_NAMES = {
    "aggregated": "Aggregated",
    "chatgpt": "ChatGPT-4o",
    "gemini": "Gemini-2.5-Pro",
    "llama": "Llama-4-Maverick",
}
# Below this value of -log10 p, the colour scale is about linear, above about logarithmic.
LINEAR_UNTIL = 3.0
LARGEST_SHOWN = 100.0
HATCH = "/////"
# Values of HeatPanel.blank.
FILLED, NOT_APPLICABLE_CELL, UNDEFINED_CELL, BOUND_CELL = 0, 1, 2, 3
# How a cell without a colour looks: hatch and face.
BLANKS = {
    NOT_APPLICABLE_CELL: (HATCH, "white"),
    UNDEFINED_CELL: (None, "0.85"),
    BOUND_CELL: ("....", "white"),
}

RGBA = tuple[float, float, float, float]


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

    Lighter cells have stronger evidence.
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
    scale = ColourScale("share of tests that reject", colormaps["viridis"], Normalize(0, 1))
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
        colormaps["viridis"],
        AsinhNorm(linear_width=LINEAR_UNTIL, vmin=0, vmax=top, clip=True),
        [tick for tick in (0, 1, 2, 3, 5, 10, 20, 50, 100) if tick <= top],
        "max" if largest > top else "neither",
    )
    draw_heatmaps(panels, scale, caption, f"{title}: −log₁₀ p (bold: rejected)", stem)


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
    scale = ColourScale("|effect|", colormaps["magma"], Normalize(0, top))
    scores = str(cells["scores"].iloc[0])
    title = f"Effect sizes, {heading_of(FULL_NAMES.get(scores, scores))} (bold: rejected)"
    draw_heatmaps(panels, scale, caption, title, stem)


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


def draw_heatmaps(
    panels: Sequence[HeatPanel], scale: ColourScale, caption: Caption, title: str, stem: Path
) -> None:
    """Heatmaps side by side with one colour bar."""
    features = len(panels[0].values)
    widths = [max(panel.values.shape[1], FEWEST_WIDTHS) for panel in panels]
    upright = max(_height_of_names(panel) for panel in panels)
    with matplotlib.rc_context(STYLE):
        figure = new_figure(
            2.8 + sum(widths) * CELL_WIDTH + 0.15 * len(panels), 1.35 + upright + features * CELL_HEIGHT
        )
        axes = list(figure.subplots(1, len(panels), squeeze=False, width_ratios=widths)[0])
        for axis, panel in zip(axes, panels, strict=True):
            _draw_cells(axis, panel, scale)
            _label_cells(axis, panel, label_rows=axis is axes[0])
            axis.set_title(panel.title)
        _colour_bar(figure, axes, scale)
        _finish(figure, _with_legend_of_blanks(caption, panels), title, stem)


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
        text = axis.text(j + 0.5, i + 0.5, str(panel.texts[i, j]), ha="center", va="center", fontsize=7)
        text.set_color("black" if blank else _ink(scale.colours(float(scale.norm(values[i, j])))))
        text.set_fontweight("bold" if panel.bold[i, j] else "normal")
        text.set_in_layout(False)  # it is within the axes, and measuring hundreds of texts takes seconds


def _label_cells(axis: Axes, panel: HeatPanel, *, label_rows: bool) -> None:
    """Traits or targets above the columns, features beside the rows, negative controls in italics."""
    features, tested = list(panel.values.index), list(map(str, panel.values.columns))
    axis.invert_yaxis()
    if _has_short_names(panel):
        axis.set_xticks(np.arange(len(tested)) + 0.5, [_abbreviated(name) for name in tested])
    else:
        names = [_shortened(name) for name in tested]
        axis.set_xticks(np.arange(len(tested)) + 0.5, names, rotation=90)
    rows = [_shortened(str(name)) if label_rows else "" for name in features]
    axis.set_yticks(np.arange(len(features)) + 0.5, rows)
    if label_rows:
        for tick, name in zip(axis.get_yticklabels(), features, strict=True):
            tick.set_fontstyle("italic" if name in NEGATIVE_CONTROLS else "normal")
    axis.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axis.spines[:].set_visible(False)


def _has_short_names(panel: HeatPanel) -> bool:
    """Whether the columns are traits, whose names can be abbreviated; targets might be abbreviated alike."""
    return set(panel.values.columns) <= set(TRAITS)


def _height_of_names(panel: HeatPanel) -> float:
    """Inches above the cells for names that stand upright."""
    if _has_short_names(panel):
        return 0.0
    return LETTER_HEIGHT * max(len(_shortened(str(name))) for name in panel.values.columns)


def _abbreviated(trait: str) -> str:
    return trait if len(trait) <= 5 else trait[:4] + "."


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else name[: LONGEST_LABEL - 1] + "…"


def _ink(colour: RGBA) -> str:
    """Black on light cells, white on dark ones."""
    red, green, blue = colour[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


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
        sentences.append("Grey: undefined (constant column, or fewer than 5 complete rows).")
    if BOUND_CELL in found:
        sentences.append("Dotted, ≥: at least this; no random table was as extreme as the data.")
    return replace(caption, note=" ".join([*sentences, caption.note]))


def _finish(figure: Figure, caption: Caption, title: str, stem: Path) -> None:
    """Write title, source and the mark of simulated data into the figure, and save it as PNG and SVG."""
    figure.suptitle(f"{title} – {caption.dataset}, n = {caption.n:,}", fontsize=11, fontweight="bold")
    line = f"Source: {caption.source}." + (f" {caption.note}" if caption.note else "")
    if caption.simulated:
        line = "SIMULATED DATA – these people do not exist. " + line
    colour = "#b00020" if caption.simulated else "0.35"
    figure.supxlabel(line, fontsize=7, color=colour, ha="left", x=0.01, wrap=True)
    layout = figure.get_layout_engine()
    if layout is not None:
        layout.execute(figure)
        figure.set_layout_engine("none")  # the layout is computed once, not for each file
    save_figure(figure, stem)


def draw_trait_scores(scores: Mapping[str, pd.DataFrame], caption: Caption, stem: Path) -> None:
    """Draw the share of each trait score for every source of scores; missing scores are hatched."""
    traits = list(next(iter(scores.values())).columns)
    levels = sorted({float(v) for frame in scores.values() for v in np.unique(frame.to_numpy()) if v == v})
    step = 0.9 / max(len(levels) - 1, 1)
    colours = {level: colormaps["cividis"](0.05 + step * place) for place, level in enumerate(levels)}
    with matplotlib.rc_context(STYLE):
        figure = new_figure(2.1 * len(traits) + 0.8, 1.5 + 0.36 * len(scores))
        axes = list(figure.subplots(1, len(traits), squeeze=False)[0])
        for axis, trait in zip(axes, traits, strict=True):
            for row, frame in enumerate(scores.values()):
                _draw_shares(axis, row, frame[trait].to_numpy(dtype=float), colours)
            axis.set_title(trait)
            names = [FULL_NAMES.get(source, source) for source in scores] if axis is axes[0] else []
            axis.set_yticks(range(len(scores)), names)
            axis.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
            axis.set_xlim(0, 1)
            axis.invert_yaxis()
            axis.tick_params(length=2)
            axis.spines[["top", "right", "left"]].set_visible(False)
        handles = [Patch(facecolor=colour, label=f"{level:g}") for level, colour in colours.items()]
        handles.append(Patch(facecolor="white", edgecolor="0.6", hatch=HATCH, label="missing"))
        figure.legend(
            handles=handles,
            loc="outside upper right",
            ncols=len(handles),
            frameon=False,
            title="score",
            fontsize=7,
        )
        _finish(figure, caption, "Trait scores", stem)


def _draw_shares(
    axis: Axes, row: int, scores: Float[np.ndarray, " n"], colours: Mapping[float, RGBA]
) -> None:
    """Draw one stacked bar: the share of each score, then the share of missing scores (NaN)."""
    left = 0.0
    for level, colour in colours.items():
        share = float((scores == level).mean())
        axis.barh(row, share, left=left, color=colour, edgecolor="white", linewidth=0.5, height=0.75)
        if share > 0.12:
            text = axis.text(left + share / 2, row, f"{share:.0%}", ha="center", va="center", fontsize=6.5)
            text.set_color(_ink(colour))
        left += share
    missing = float(np.isnan(scores).mean())
    axis.barh(
        row, missing, left=left, color="white", edgecolor="0.6", hatch=HATCH, linewidth=0.3, height=0.75
    )
