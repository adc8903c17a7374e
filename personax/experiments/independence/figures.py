"""The figures of Level I. The only module here that knows matplotlib."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import AsinhNorm, Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from personax.experiments.independence.report import NEGATIVE_CONTROLS, votes
from personax.runs.files import atomic_path

STYLE: dict[Any, Any] = {
    "font.size": 8.5,
    "axes.titlesize": 9.5,
    "axes.linewidth": 0.6,
    "hatch.linewidth": 0.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "personax",
    "figure.dpi": 100,
}
DPI = 220
CELL_WIDTH, CELL_HEIGHT = 0.56, 0.235  # inches
NAMES = {
    "aggregated": "Aggregated",
    "chatgpt": "ChatGPT-4o",
    "gemini": "Gemini-2.5-Pro",
    "llama": "Llama-4-Maverick",
}
# Below this, -log10 p is about linear in the colour, above about logarithmic.
LINEAR_UNTIL = 3.0
LARGEST_SHOWN = 100.0


@dataclass(frozen=True)
class Caption:
    """What every figure says of its data."""

    dataset: str
    source: str
    n: int
    simulated: bool
    note: str = ""


def _new_figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _finish(figure: Figure, caption: Caption, title: str, path: Path) -> None:
    """Title, source line and mark of simulated data; PNG and SVG beside each other."""
    figure.suptitle(f"{title} – {caption.dataset}, n = {caption.n:,}", fontsize=11, fontweight="bold")
    line = f"Source: {caption.source}." + (f" {caption.note}" if caption.note else "")
    if caption.simulated:
        line = "SIMULATED DATA – these people do not exist. " + line
    figure.supxlabel(
        line, fontsize=7, color="#b00020" if caption.simulated else "0.35", ha="left", x=0.01, wrap=True
    )
    for suffix in (".png", ".svg"):
        with atomic_path(path.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, dpi=DPI, metadata={"Date": None} if suffix == ".svg" else None)
        figure.set_layout_engine("none")  # laid out once


def _ink(colour: tuple[float, ...]) -> str:
    """Black on light cells, white on dark ones."""
    red, green, blue = colour[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "white"


def _short(trait: str) -> str:
    return trait if len(trait) <= 5 else trait[:4] + "."


def _cells(  # noqa: PLR0913
    axis: Axes,
    values: np.ndarray,
    texts: Sequence[Sequence[str]],
    bold: np.ndarray,
    blank: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    norm: Normalize,
    colours: Colormap,
    label_rows: bool,
) -> None:
    """A heatmap (rows x columns) with a text in each cell; `blank` 1: not applicable, 2: undefined."""
    axis.imshow(np.where(blank > 0, np.nan, values), norm=norm, cmap=colours, aspect="auto")
    for i in range(len(rows)):
        for j in range(len(columns)):
            if blank[i, j]:
                hatch, face = ("/////", "white") if blank[i, j] == 1 else (None, "0.85")
                cell = Rectangle(
                    (j - 0.5, i - 0.5), 1, 1, facecolor=face, edgecolor="0.65", hatch=hatch, linewidth=0
                )
                axis.add_patch(cell).set_in_layout(False)
                continue
            text = axis.text(
                j,
                i,
                texts[i][j],
                ha="center",
                va="center",
                fontsize=7,
                color=_ink(colours(norm(values[i, j]))),
                fontweight="bold" if bold[i, j] else "normal",
            )
            text.set_in_layout(False)  # it lies within the axes; measuring hundreds takes seconds
    axis.set_xticks(range(len(columns)), [_short(column) for column in columns])
    axis.set_yticks(range(len(rows)), list(rows) if label_rows else [])
    if label_rows:
        for tick, name in zip(axis.get_yticklabels(), rows, strict=True):
            if name in NEGATIVE_CONTROLS:
                tick.set_fontstyle("italic")
    axis.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    axis.set_xticks(np.arange(len(columns) + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(len(rows) + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=0.8)
    axis.tick_params(which="minor", length=0, top=False)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _square(cells: pd.DataFrame, value: str) -> pd.DataFrame:
    """features x traits, both in order of appearance."""
    wide = cells.pivot(index="feature", columns="trait", values=value)
    return wide.loc[list(dict.fromkeys(cells["feature"])), list(dict.fromkeys(cells["trait"]))]


def _panels(count: int, features: int, traits: int, extra: float = 0.9) -> tuple[Figure, list[Axes]]:
    width = 1.9 + count * (traits * CELL_WIDTH + 0.15) + extra
    figure = _new_figure(width, 1.35 + features * CELL_HEIGHT)
    return figure, list(figure.subplots(1, count, squeeze=False)[0])


def _blank(cells: pd.DataFrame) -> np.ndarray:
    applicable = _square(cells, "applicable").to_numpy(dtype=bool)
    undefined = np.isnan(_square(cells, "pvalue").to_numpy(dtype=float))
    return np.where(~applicable, 1, np.where(undefined, 2, 0))


def _explained(caption: Caption, blank: np.ndarray) -> Caption:
    """The caption with a word on hatched and grey cells, if there are any."""
    words = []
    if (blank == 1).any():
        words.append("Hatched: the test does not apply.")
    if (blank == 2).any():
        words.append("Grey: undefined (constant column, or fewer than 5 complete rows).")
    return replace(caption, note=" ".join([*words, caption.note]))


def draw_votes(decided: pd.DataFrame, caption: Caption, alpha: float, correction: str, path: Path) -> None:
    """The paper's Fig. 3: x/y tests reject; lighter = stronger evidence. One panel a source of scores."""
    counted = votes(decided)
    sources = list(dict.fromkeys(counted["scores"]))
    colours, norm = colormaps["viridis"], Normalize(0, 1)
    with matplotlib.rc_context(STYLE):
        first = _square(counted[counted["scores"] == sources[0]], "tests")
        figure, axes = _panels(len(sources), *first.shape)
        blanks = []
        for axis, scores in zip(axes, sources, strict=True):
            cells = counted[counted["scores"] == scores]
            x, y = _square(cells, "rejections"), _square(cells, "tests")
            texts = [
                [f"{a}/{b}" for a, b in zip(r, s, strict=True)]
                for r, s in zip(x.values, y.values, strict=True)
            ]
            share = x.to_numpy() / np.maximum(y.to_numpy(), 1)
            blank = np.where(y.to_numpy() == 0, 2, 0)
            blanks.append(blank)
            never = np.zeros_like(blank, dtype=bool)
            _cells(
                axis,
                share,
                texts,
                never,
                blank,
                list(x.index),
                list(x.columns),
                norm,
                colours,
                axis is axes[0],
            )
            axis.set_title(NAMES.get(scores, scores))
        bar = figure.colorbar(matplotlib.cm.ScalarMappable(norm, colours), ax=axes, fraction=0.05, pad=0.02)
        bar.set_label("share of tests that reject")
        bar.outline.set_visible(False)
        caption = _explained(caption, np.concatenate(blanks))
        rule = f"q ≤ {alpha:g} ({correction})" if correction != "none" else f"p ≤ {alpha:g}"
        _finish(figure, caption, f"Tests that reject independence, {rule}", path)


def _evidence_text(value: float, at_floor: bool) -> str:
    return ("≥" if at_floor else "") + (f"{value:.1f}" if value < 99.95 else f"{value:.0f}")


def draw_evidence(
    decided: pd.DataFrame, test: str, title: str, caption: Caption, resamples: int, path: Path
) -> None:
    """-log10 p of one test, one panel a source of scores; bold: rejected. "≥": no resample exceeded."""
    cells = decided[decided["test"] == test]
    sources = list(dict.fromkeys(cells["scores"]))
    colours = colormaps["viridis"]
    finite = -cells["log10_pvalue"].to_numpy(dtype=float)
    top = float(np.clip(np.nanmax(finite, initial=LINEAR_UNTIL), LINEAR_UNTIL, LARGEST_SHOWN))
    norm = AsinhNorm(linear_width=LINEAR_UNTIL, vmin=0, vmax=top, clip=True)
    with matplotlib.rc_context(STYLE):
        figure, axes = _panels(len(sources), *_square(cells[cells["scores"] == sources[0]], "n").shape)
        blanks = []
        for axis, scores in zip(axes, sources, strict=True):
            panel = cells[cells["scores"] == scores]
            evidence = -_square(panel, "log10_pvalue")
            values = evidence.to_numpy(dtype=float) + 0.0
            floor = (_square(panel, "null") == "permutation").to_numpy() & (
                values > np.log10(1 + resamples) - 1e-9
            )
            texts = [
                [_evidence_text(v, f) for v, f in zip(r, s, strict=True)]
                for r, s in zip(values, floor, strict=True)
            ]
            blank = _blank(panel)
            blanks.append(blank)
            bold = _square(panel, "rejected").to_numpy(dtype=bool)
            _cells(
                axis,
                values,
                texts,
                bold,
                blank,
                list(evidence.index),
                list(evidence.columns),
                norm,
                colours,
                axis is axes[0],
            )
            axis.set_title(NAMES.get(scores, scores))
        ticks = [tick for tick in (0, 1, 2, 3, 5, 10, 20, 50, 100) if tick <= top]
        bar = figure.colorbar(
            matplotlib.cm.ScalarMappable(norm, colours),
            ax=axes,
            fraction=0.05,
            pad=0.02,
            ticks=ticks,
            extend="max" if np.nanmax(finite, initial=0) > top else "neither",
        )
        bar.ax.set_yticklabels([str(tick) for tick in ticks])
        bar.minorticks_off()
        bar.set_label("−log₁₀ p")
        bar.outline.set_visible(False)
        caption = _explained(caption, np.concatenate(blanks))
        _finish(figure, caption, f"{title}: −log₁₀ p (bold: rejected)", path)


def draw_effects(
    decided: pd.DataFrame, scores: str, titles: Mapping[str, str], caption: Caption, path: Path
) -> None:
    """Effect sizes of every test for one source of scores, one panel a test, on one scale."""
    cells = decided[(decided["scores"] == scores) & decided["effect"].notna()]
    tests = list(dict.fromkeys(cells["test"]))
    if not tests:  # nothing has an effect size, as when every column is constant
        return
    every = decided[decided["scores"] == scores]
    colours = colormaps["magma"]
    top = float(np.ceil(max(cells["effect"].abs().max(), 0.1) * 10) / 10)
    norm = Normalize(0, top)
    with matplotlib.rc_context(STYLE):
        figure, axes = _panels(len(tests), *_square(every[every["test"] == tests[0]], "n").shape)
        blanks = []
        for axis, test in zip(axes, tests, strict=True):
            panel = every[every["test"] == test]
            effect = _square(panel, "effect")
            values = effect.to_numpy(dtype=float)
            texts = [[f"{v:.2f}".replace("-0.00", "0.00").replace("-", "−") for v in row] for row in values]
            blank = _blank(panel)
            blanks.append(blank)
            bold = _square(panel, "rejected").to_numpy(dtype=bool)
            _cells(
                axis,
                np.abs(values),
                texts,
                bold,
                blank,
                list(effect.index),
                list(effect.columns),
                norm,
                colours,
                axis is axes[0],
            )
            axis.set_title(titles[test])
        bar = figure.colorbar(matplotlib.cm.ScalarMappable(norm, colours), ax=axes, fraction=0.03, pad=0.01)
        bar.set_label("|effect|")
        bar.outline.set_visible(False)
        caption = _explained(caption, np.concatenate(blanks))
        _finish(figure, caption, f"Effect sizes, {NAMES.get(scores, scores)} scores (bold: rejected)", path)


def draw_scores(scores: Mapping[str, pd.DataFrame], caption: Caption, path: Path) -> None:
    """Shares of each trait score per language model and aggregated, missing ones hatched."""
    sources = list(scores)
    traits = list(scores[sources[0]].columns)
    levels = sorted({float(v) for frame in scores.values() for v in np.unique(frame.to_numpy()) if v == v})
    colours = [colormaps["cividis"](place) for place in np.linspace(0.05, 0.95, max(len(levels), 2))]
    with matplotlib.rc_context(STYLE):
        figure = _new_figure(2.1 * len(traits) + 0.8, 1.5 + 0.36 * len(sources))
        axes = figure.subplots(1, len(traits), squeeze=False)[0]
        for axis, trait in zip(axes, traits, strict=True):
            for row, source in enumerate(sources):
                column = scores[source][trait]
                left = 0.0
                for level, colour in zip(levels, colours, strict=False):
                    share = float((column == level).mean())
                    axis.barh(
                        row, share, left=left, color=colour, edgecolor="white", linewidth=0.5, height=0.75
                    )
                    if share > 0.12:
                        axis.text(
                            left + share / 2,
                            row,
                            f"{share:.0%}",
                            ha="center",
                            va="center",
                            fontsize=6.5,
                            color=_ink(colour),
                        )
                    left += share
                missing = float(column.isna().mean())
                axis.barh(
                    row,
                    missing,
                    left=left,
                    color="white",
                    edgecolor="0.6",
                    hatch="/////",
                    linewidth=0.3,
                    height=0.75,
                )
            axis.set_title(trait)
            axis.set_xlim(0, 1)
            axis.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
            axis.set_yticks(
                range(len(sources)), [NAMES.get(s, s) for s in sources] if axis is axes[0] else []
            )
            axis.invert_yaxis()
            axis.tick_params(length=2)
            for side in ("top", "right", "left"):
                axis.spines[side].set_visible(False)
        handles = [Patch(facecolor=c, label=f"{level:g}") for level, c in zip(levels, colours, strict=False)]
        handles.append(Patch(facecolor="white", edgecolor="0.6", hatch="/////", label="missing"))
        figure.legend(
            handles=handles,
            loc="outside upper right",
            ncols=len(handles),
            frameon=False,
            title="score",
            fontsize=7,
        )
        _finish(figure, caption, "Trait scores", path)
