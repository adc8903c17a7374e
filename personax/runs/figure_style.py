"""What all figures share: colours, an empty figure, tidy axes, and how a figure is saved."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from personax.runs.files import atomic_path

BLUE, ORANGE, GREY = "#2b6ca3", "#d9822b", "#8a8f98"
MODALITY_COLOURS = (BLUE, "#3d8f5f", "#8e5ea2", "#b5793a", "#147a7a", "#7a4a22")

# No date of creation is written, so that equal figures are equal files.
UNDATED: dict[str, dict[str, Any]] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of the given size in inches, drawn without a screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def tidy_axes(panels: Iterable[Axes]) -> None:
    """Small tick labels, and no lines at the top and at the right."""
    for panel in panels:
        panel.tick_params(labelsize=7)
        panel.spines[["top", "right"]].set_visible(False)


def save_figure(figure: Figure, stem: Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write the figure atomically to `stem`.png and `stem`.svg, or in other formats; returns the paths."""
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in formats]
    for path in paths:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=180, bbox_inches="tight", metadata=UNDATED.get(path.suffix))
    return paths
