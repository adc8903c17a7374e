"""The figures of the consistency of answers: radar charts, box plots and distances (the paper's Fig. 2)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from personax.experiments.answer_source import AnswerSet
from personax.experiments.heat_blocks import HeatBlock, HeatScale, draw_blocks, title_and_source
from personax.experiments.prompt_consistency.consistency_tables import Consistency
from personax.experiments.prompt_consistency.report import (
    distance_layout,
    pairs_text,
    published_distance_layout,
    published_median,
)
from personax.runs.figure_style import (
    GREY,
    MODALITY_COLOURS,
    PAGE_WIDTH,
    SHARE_COLOURS,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import cut_to
from personax.tables.schema import TRAITS
from personax.traits.formats import FORMATS
from personax.traits.published import FORMAT_TITLES, PUBLISHED_DISTANCES, PUBLISHED_MEDIANS, format_title

RADARS_BESIDE, RADARS_DOWN, RADAR_HEIGHT = 3, 3, 2.5  # of a page; inches
BOXES_BESIDE, BOXES_DOWN, BOXES_HEIGHT = 2, 3, 2.3
DASHES = {"inc": "-", "dec": "--"}
LEGEND_COLUMNS = 3
PUBLISHED_INK: dict[str, Any] = {"color": "black", "mfc": "white", "ms": 5}
PUBLISHED_MARKS = dict(zip(PUBLISHED_MEDIANS, ("D", "s"), strict=True))


def draw_consistency(found: Consistency, source: AnswerSet, folder: Path) -> None:
    """Draw the three parts of Fig. 2; a part without anything to show is left out."""
    measures = found.measures
    of_traits = measures[(measures["measure"] == "std") & measures["trait"].isin(TRAITS)]
    if len(of_traits):
        draw_radars(of_traits, source, folder / "radar")
        draw_boxes(found.spreads, source, folder / "boxes")
    if len(found.distances):
        draw_distances(found.distances, source, folder / "distances")


def draw_distances(distances: pd.DataFrame, source: AnswerSet, stem: Path) -> None:
    """The Manhattan distances in the paper's layout, and the published ones below."""
    blocks = [HeatBlock("These answers", distance_layout(distances))]
    blocks += [
        HeatBlock("Distance that repeats alone make", distance_layout(distances, "by_repeats")),
        *(HeatBlock(f"Published, {name}", published_distance_layout(name)) for name in PUBLISHED_DISTANCES),
    ]
    highest = max(float(np.nanmax(block.values.to_numpy(), initial=0.1)) for block in blocks)
    scale = HeatScale(SHARE_COLOURS, 0.0, highest)
    heading = "Manhattan distance between two prompts"
    note = f"{pairs_text()} Source: {source.source}."
    draw_blocks(blocks, scale, heading, note, stem, simulated=source.simulated)


def line_of(name: str) -> dict[str, Any]:
    """Colour and dashes of a format: a colour for output and levels, dashes for levels from high to low."""
    known = [*FORMAT_TITLES]
    colour = MODALITY_COLOURS[known.index(name) if name in known else _colour_number(name)]
    order = FORMATS[name].order if name in FORMATS else "inc"
    return {"color": colour, "linestyle": DASHES[order]}


def _colour_number(name: str) -> int:
    """A place among the colours for a format that is not the paper's; always the same for a name."""
    return sum(map(ord, name)) % len(MODALITY_COLOURS)


def parts_of(items: Sequence[str], size: int) -> Iterator[tuple[str, Sequence[str]]]:
    """The items of each page, with what is appended to the page's name."""
    for number, first in enumerate(range(0, len(items), size), start=1):
        yield ("" if number == 1 else f"_{number}"), items[first : first + size]


@paper_style()
def draw_radars(of_traits: pd.DataFrame, source: AnswerSet, stem: Path) -> None:
    """One radar chart for each model, a line for each format: the standard deviation of each trait."""
    models, names = list(dict.fromkeys(of_traits["model"])), list(dict.fromkeys(of_traits["format"]))
    top = np.ceil(10 * max(0.1, float(np.nanmax(of_traits["value"], initial=0.0)))) / 10
    entries = [(format_title(name), Line2D([], [], **line_of(name))) for name in names]
    meaning = ", ".join(f"{trait[0]}: {trait}" for trait in TRAITS)
    heading = "Standard deviation over the repeats, mean over people"
    for suffix, shown in parts_of(models, RADARS_BESIDE * RADARS_DOWN):
        beside = min(RADARS_BESIDE, len(shown))
        figure, places = _figure_with_legend(len(shown), beside, RADAR_HEIGHT, entries)
        for place, model in zip(places, shown, strict=True):
            axis = figure.add_subplot(place, projection="polar")
            _draw_radar(axis, of_traits[of_traits["model"] == model], top)
            axis.set_title(cut_to(model, PAGE_WIDTH / beside - 0.3))
        title_and_source(figure, heading, f"{meaning}. Source: {source.source}.", simulated=source.simulated)
        save_figure(figure, stem.with_name(stem.name + suffix))


def _figure_with_legend(
    panels: int, beside: int, height: float, entries: Sequence[tuple[str, Line2D]]
) -> tuple[Figure, list[SubplotSpec]]:
    """A figure with a legend in a row of its own, and the places of the panels below it."""
    down = -(-panels // beside)
    lines = -(-len(entries) // LEGEND_COLUMNS)
    figure = new_figure(PAGE_WIDTH, 1.0 + 0.25 * lines + height * down)
    grid = figure.add_gridspec(down + 1, beside, height_ratios=[0.25 * lines / height + 0.01, *[1.0] * down])
    if entries:
        labels, handles = zip(*entries, strict=True)
        axis = figure.add_subplot(grid[0, :])
        axis.set(xticks=[], yticks=[])
        axis.set_axis_off()
        axis.legend(list(handles), list(labels), loc="center", ncols=LEGEND_COLUMNS, borderpad=0)
    return figure, [grid[1 + number // beside, number % beside] for number in range(panels)]


def _draw_radar(axis: Any, of_model: pd.DataFrame, top: float) -> None:
    """The lines of one model's formats."""
    angles = np.linspace(0, 2 * np.pi, len(TRAITS), endpoint=False)
    for name, rows in of_model.groupby("format", sort=False):
        values = rows.set_index("trait")["value"].reindex(list(TRAITS)).to_numpy(float)
        axis.plot(np.append(angles, 0), np.append(values, values[0]), lw=1.3, **line_of(str(name)))
    axis.set_axisbelow(False)  # the numbers stand in front of the lines
    axis.set_theta_offset(np.pi / 2)
    axis.set_theta_direction(-1)
    axis.set_xticks(angles, [trait[0] for trait in TRAITS])
    axis.set_ylim(0, top)
    axis.set_yticks([top / 2, top], [f"{top / 2:g}", f"{top:g}"])
    axis.set_rlabel_position(36)
    axis.grid(color=GREY, lw=0.4, alpha=0.6)
    for label in axis.get_yticklabels():
        label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


@paper_style()
def draw_boxes(spreads: pd.DataFrame, source: AnswerSet, stem: Path) -> None:
    """One panel for each model, a box for each format: the mean standard deviation of every person."""
    models = list(dict.fromkeys(spreads["model"]))
    top = max(0.1, float(np.nanmax(spreads["spread"], initial=0.0)) * 1.05)
    note = f"Box: quartiles and median; whiskers: 1.5 quartile ranges. Source: {source.source}."
    heading = "Mean over the traits of each person's standard deviation over the repeats"
    for suffix, shown in parts_of(models, BOXES_BESIDE * BOXES_DOWN):
        marks = [
            (f"published median, {table}", Line2D([], [], lw=0, marker=mark, **PUBLISHED_INK))
            for table, mark in PUBLISHED_MARKS.items()
            if any(published_median(table, model, name) is not None for model in shown for name in FORMATS)
        ]
        beside = min(BOXES_BESIDE, len(shown))
        figure, places = _figure_with_legend(len(shown), beside, BOXES_HEIGHT, marks)
        for number, (place, model) in enumerate(zip(places, shown, strict=True)):
            axis = figure.add_subplot(place)
            _draw_model(axis, model, spreads[spreads["model"] == model])
            axis.set_ylim(-0.03 * top, top)
            axis.tick_params(labelleft=number % beside == 0)
            tidy_axes([axis])
        figure.supylabel("mean of a person's standard deviations")
        title_and_source(figure, heading, note, simulated=source.simulated)
        save_figure(figure, stem.with_name(stem.name + suffix))


def _draw_model(axis: Axes, model: str, spreads: pd.DataFrame) -> None:
    """The boxes of one model, and the published medians if the paper has the model."""
    names = list(dict.fromkeys(spreads["format"]))
    values = [spreads.loc[spreads["format"] == name, "spread"].dropna().to_numpy() for name in names]
    boxes = axis.boxplot(values, widths=0.6, patch_artist=True)
    for box, name in zip(boxes["boxes"], names, strict=True):
        box.set(facecolor=line_of(name)["color"], alpha=0.65, linestyle=line_of(name)["linestyle"])
    for part in ("medians", "whiskers", "caps"):
        for line in boxes[part]:
            line.set(color="black", lw=1.0)
    for flier in boxes["fliers"]:
        flier.set(marker=".", markersize=3, markeredgecolor=GREY)
    places = np.arange(1, len(names) + 1)
    room = PAGE_WIDTH / BOXES_BESIDE - 0.5
    labels = [format_title(name).replace("Number-", "Num-").replace("-", "\n", 1) for name in names]
    axis.set_xticks(places, [cut_to(label, room / max(6, len(names))) for label in labels])
    axis.set_title(cut_to(model, room))
    for table, mark in PUBLISHED_MARKS.items():
        for place, name in zip(places, names, strict=True):
            median = published_median(table, model, name)
            if median is not None:
                axis.plot(place, median, marker=mark, zorder=3, **PUBLISHED_INK)
