"""The diagnostics as one figure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from personax.experiments.diagnostics.findings import (
    CLEAR,
    DOUBTFUL,
    HOLDS,
    NEGLIGIBLE,
    UNKNOWN,
    VIOLATED,
    Finding,
)
from personax.graphs.panels import pretty_name
from personax.runs.figure_style import (
    BLUE,
    CELL_TEXT_SIZE,
    GREY,
    MODALITY_COLOURS,
    ORANGE,
    PAGE_WIDTH,
    new_figure,
    paper_style,
    save_figure,
    tidy_axes,
)
from personax.runs.text_sizes import wrap_to

RED = "#b03a2e"
FEW_BARS = 5  # so many have room for their numbers
LONGEST_ASSUMPTION = 1.6  # inches of the name of an assumption
LINES = ("-", "--", ":")
VERDICT_COLOURS = {HOLDS: BLUE, DOUBTFUL: ORANGE, VIOLATED: RED, UNKNOWN: GREY}


@paper_style()
def draw_findings_page(findings: Sequence[Finding], stem: Path, *, title: str) -> list[Path]:
    """Draw four panels: effects and those by chance, alignment, rotations, reach; return the paths."""
    by_key = {finding.key: finding for finding in findings}
    figure = new_figure(PAGE_WIDTH, 6.4)
    axes = figure.subplots(2, 2)
    _draw_effects(axes[0, 0], [f for f in findings if "effect" in f.curves])
    _draw_alignment(axes[0, 1], by_key["alignment"])
    _draw_rotations(axes[1, 0], by_key["orthogonality"])
    _draw_reach(axes[1, 1], by_key["reach"])
    tidy_axes(axes.ravel())
    figure.suptitle(title)
    return save_figure(figure, stem, formats=("png", "pdf"))


def _say_why_empty(panel: Axes, text: str) -> None:
    """Write why there is nothing to draw."""
    panel.text(0.5, 0.5, text, ha="center", va="center", color=GREY, transform=panel.transAxes)
    panel.set(xticks=[], yticks=[])


def _draw_effects(panel: Axes, findings: Sequence[Finding]) -> None:
    """The largest effect of every assumption of independence."""
    panel.set_title("largest dependence, and by chance")
    if not findings:
        _say_why_empty(panel, "nothing to test")
        return
    for place, finding in enumerate(reversed(findings)):
        panel.barh(place, finding.curves["chance"], height=0.55, color="#e3e5e8", linewidth=0)
        panel.plot(finding.curves["effect"], place, "o", ms=6, color=VERDICT_COLOURS[finding.verdict])
    for threshold in (NEGLIGIBLE, CLEAR):
        panel.axvline(threshold, color=GREY, lw=0.8, ls=":")
    panel.set_yticks(
        range(len(findings)), [wrap_to(f.assumption, LONGEST_ASSUMPTION, 3) for f in reversed(findings)]
    )
    panel.set_xlim(0, 1)
    panel.set_xlabel("HSIC effect\nbar: chance; dotted: small, clear")


def _draw_alignment(panel: Axes, finding: Finding) -> None:
    """Distances between encodings of one person and of two, for every pair of measurements."""
    panel.set_title("encodings by two measurements")
    if not finding.curves:
        _say_why_empty(panel, finding.measured)
        return
    names = list(finding.curves)
    for place, name in enumerate(reversed(names)):
        typical = np.median(finding.curves[name]["other"])
        for part, colour, shift in (("same", BLUE, 0.13), ("other", GREY, -0.13)):
            low, middle, high = np.quantile(finding.curves[name][part] / typical, [0.1, 0.5, 0.9])
            y = place + shift
            panel.plot([low, high], [y, y], color=colour, lw=2, solid_capstyle="round")
            panel.plot(middle, y, "o", ms=4, color=colour, label=None if place else f"{part} person")
    panel.set_yticks(range(len(names)), list(reversed(names)))
    panel.set(xlim=(0, None), ylim=(-0.5, len(names) + 0.1))
    panel.set_xlabel("distance / median of two people\n10, 50 and 90 % of the pairs")
    panel.legend(
        fontsize=CELL_TEXT_SIZE, frameon=False, ncols=2, loc="upper right", handlelength=1, columnspacing=1
    )


def _draw_rotations(panel: Axes, finding: Finding) -> None:
    """The squared cosines of the recovered coordinates and of rotations of them, block by block."""
    panel.set_title("angles between latents")
    if not finding.curves:
        _say_why_empty(panel, finding.measured)
        return
    for number, (block, found) in enumerate(finding.curves.items()):
        colour = MODALITY_COLOURS[number % len(MODALITY_COLOURS)]
        panel.hist(found["rotations"], bins=30, color=colour, alpha=0.35, label=f"{block}, rotated")
        line = LINES[number % len(LINES)]  # one that lies on another lets it be seen
        panel.axvline(found["value"], color=colour, lw=2, ls=line, label=f"{block}, recovered")
    panel.set_xlim(left=0)
    panel.set_xlabel("mean squared cosine; 0: orthogonal")
    panel.set_ylabel("rotations")
    panel.legend(fontsize=CELL_TEXT_SIZE, frameon=False, loc="upper center")


def _draw_reach(panel: Axes, finding: Finding) -> None:
    """The effect of every latent on the other blocks."""
    panel.set_title("dependence on other blocks")
    if not finding.curves:
        _say_why_empty(panel, finding.measured)
        return
    effects = finding.curves["effects"]
    colours = [GREY if name in finding.curves["silent"] else BLUE for name in effects]
    bars = panel.bar(range(len(effects)), list(effects.values()), color=colours, width=0.6, linewidth=0)
    few = len(effects) <= FEW_BARS
    if few:
        panel.bar_label(bars, fmt="%.2f")
    panel.axhline(finding.curves["chance"], color=ORANGE, lw=1.2, label="by chance (95 %)")
    panel.set_ylim(0, 1.25 * max(finding.curves["chance"], *effects.values()))
    panel.set_xticks(range(len(effects)), list(map(pretty_name, effects)), rotation=0 if few else 90)
    panel.set_ylabel("HSIC effect given its block")
    panel.legend(fontsize=CELL_TEXT_SIZE, frameon=False, loc="upper right")
